import type { JsonObject } from '../../core/json.ts';
import type { Usage } from '../../core/messages.ts';
import type { Fault } from './faults.ts';

export { loadScenario } from './scenario.ts';

/** What the scripted model answers in one conversation: hand-written scenarios and recordings have this one shape. */
export interface Conversation {
  readonly id: string;
  /** The first user text of a request, exactly (but for white space around it). It finds the conversation. */
  readonly opening: string;
  readonly steps: readonly Step[];
  /** The answer to a request with `tool_choice: none`; without it a sentence is built from the steps so far. */
  readonly landing?: string;
}

/** One answer. The step of a request is the number of scripted answers its history holds. */
export interface Step {
  /** What the user messages since the last answer must hold, or the request is refused. */
  readonly sees?: Sees;
  readonly says: Says;
  /** Reported as it stands, missing numbers as 0. Without it usage is computed from the bytes of the request. */
  readonly usage?: Partial<Usage>;
  readonly delayMs?: number;
  /** Played on the first attempts at this step, counted for the life of the server. */
  readonly faults?: readonly Fault[];
}

export interface Sees {
  /** One user text holds this. */
  readonly text?: string;
  /** Each is met by a result of its own, in this order. Other results may stand between them. */
  readonly results?: readonly SeenResult[];
}

export interface SeenResult {
  readonly tool: string;
  readonly isError?: boolean;
  readonly contains?: string;
}

export interface Says {
  readonly text?: string;
  /** Comes first, with a signature that binds it to everything before it. */
  readonly thinking?: string;
  readonly calls?: readonly SaidCall[];
  /** `tool_use` when there are calls, else `end_turn`. */
  readonly stopReason?: string;
}

export interface SaidCall {
  /** Without one, an id that is always the same for this conversation, step and position. */
  readonly id?: string;
  readonly name: string;
  /** A string is streamed as it stands and may be broken JSON. */
  readonly input: JsonObject | string;
}

/** A line of a `recordings.*.jsonl` file: turns in the form of the Messages API. Members not named here are ignored. */
export interface Recording {
  readonly id: string;
  readonly turns: readonly RecordedTurn[];
}

export type RecordedTurn =
  | { readonly role: 'user'; readonly content: readonly RecordedInput[] }
  | {
      readonly role: 'assistant';
      readonly content: readonly RecordedOutput[];
      readonly stop_reason: string;
      readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
    };

export type RecordedInput =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool_result';
      readonly tool_use_id: string;
      readonly content: string;
      readonly is_error?: boolean;
    };

export type RecordedOutput =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool_use';
      readonly id: string;
      readonly name: string;
      readonly input: JsonObject;
    };

/**
 * Turns a recording into a script. A step demands the recorded user text, and a result of each recorded call; what
 * the results say is not demanded, since whoever replays it may word them differently.
 *
 * Throws a TypeError when the recording does not begin with a user text or its roles do not alternate.
 */
export function conversationFromRecording(recording: Recording): Conversation {
  const opening = recording.turns[0]?.content[0];
  if (recording.turns[0]?.role !== 'user' || opening?.type !== 'text')
    throw new TypeError(`recording ${recording.id}: must begin with a user text; check the file`);
  const steps: Step[] = [];
  let names = new Map<string, string>();
  for (let index = 0; index + 1 < recording.turns.length; index += 2) {
    const asked = recording.turns[index];
    const answered = recording.turns[index + 1];
    if (asked?.role !== 'user' || answered?.role !== 'assistant')
      throw new TypeError(`recording ${recording.id}: turn ${index}: roles must alternate from user on`);
    steps.push({ sees: seesOf(asked.content, names), ...saysOf(answered) });
    names = new Map(
      answered.content.flatMap((block) => (block.type === 'tool_use' ? [[block.id, block.name]] : [])),
    );
  }
  return { id: recording.id, opening: opening.text, steps };
}

function seesOf(content: readonly RecordedInput[], names: ReadonlyMap<string, string>): Sees {
  const text = content.flatMap((block) => (block.type === 'text' ? [block.text] : []))[0];
  const results = content.flatMap((block) =>
    block.type === 'tool_result' ? [{ tool: names.get(block.tool_use_id) ?? 'a tool never called' }] : [],
  );
  return { ...(text === undefined ? {} : { text }), ...(results.length === 0 ? {} : { results }) };
}

function saysOf(turn: Extract<RecordedTurn, { role: 'assistant' }>): Pick<Step, 'says' | 'usage'> {
  const texts = turn.content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const calls = turn.content.flatMap((block) =>
    block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [],
  );
  return {
    says: {
      ...(texts.length === 0 ? {} : { text: texts.join('\n\n') }),
      ...(calls.length === 0 ? {} : { calls }),
      stopReason: turn.stop_reason,
    },
    usage: { inputTokens: turn.usage.input_tokens, outputTokens: turn.usage.output_tokens },
  };
}
