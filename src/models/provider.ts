import type { JsonObject } from '../core/json.ts';
import type { ContentBlock, Message, Usage } from '../core/messages.ts';

/** A tool as the model sees it. `inputSchema` is JSON Schema in the API's strict subset. */
export interface ModelTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

export interface ModelRequest {
  /** The provider's model name, from configuration. */
  readonly model: string;
  readonly maxOutputTokens: number;
  readonly system: string;
  readonly tools: readonly ModelTool[];
  readonly messages: readonly Message[];
  /** `none` for the last call of a turn that hit a limit: the tools stay the same bytes, none may be used. */
  readonly toolChoice: 'auto' | 'none';
}

export interface ModelAnswer {
  /** As received, thinking and signatures included; models/answer.ts lists the few repairs without which the API would refuse it for ever. */
  readonly content: readonly ContentBlock[];
  /** Ids of the `tool_use` blocks in `content` whose arguments were not a JSON object. Their `input` is `{}`: refuse them by result, never run them. */
  readonly unparsable: readonly string[];
  /** `end_turn`, `tool_use`, `max_tokens`, `stop_sequence`, `pause_turn`, `refusal`, `model_context_window_exceeded`, or one we do not know yet. */
  readonly stopReason: string;
  readonly usage: Usage;
  /** The model that answered, as it names itself. */
  readonly model: string;
  readonly requestId: string | null;
}

export interface ModelCallOptions {
  /** Aborts the HTTP request. */
  readonly signal: AbortSignal;
}

/** One vendor's API. `complete` throws only `FailureError`s; a call that may have been billed throws `ModelCallError` (models/classify.ts). */
export interface ModelProvider {
  complete(request: ModelRequest, options: ModelCallOptions): Promise<ModelAnswer>;
}
