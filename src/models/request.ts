import type { Json, JsonObject } from '../core/json.ts';
import { isObject } from '../core/json.ts';
import type { ContentBlock, Message } from '../core/messages.ts';
import { isText } from '../core/messages.ts';
import type { ModelRequest, ModelTool } from './provider.ts';

/** The body of `POST /v1/messages`. `messages` comes last, so that the bytes of a growing conversation only grow. */
export interface WireRequest {
  readonly model: string;
  readonly max_tokens: number;
  readonly tool_choice?: { readonly type: 'auto' | 'none' };
  readonly tools?: readonly WireTool[];
  readonly system?: readonly Cacheable<{ readonly type: 'text'; readonly text: string }>[];
  readonly messages: readonly WireMessage[];
}
export interface WireTool {
  readonly name: string;
  readonly description: string;
  readonly input_schema: JsonObject;
  readonly strict?: true;
  readonly cache_control?: CacheControl;
}
export interface WireMessage {
  readonly role: 'user' | 'assistant';
  readonly content: readonly Cacheable<ContentBlock>[];
}
type CacheControl = { readonly type: 'ephemeral' };
type Cacheable<Block> = Block & { readonly cache_control?: CacheControl };

/** What one request may hold of strict schemas (vendor documentation, 2026); above any of them the API answers 400. */
export const STRICT_LIMITS = { tools: 20, optionalParameters: 24, unionParameters: 16 } as const;

const CACHE: CacheControl = { type: 'ephemeral' };
/** Kinds that may carry a cache marker. Thinking may not, and an unknown kind is left alone. */
const MARKABLE: ReadonlySet<string> = new Set(['text', 'tool_use', 'tool_result', 'image', 'document']);

/**
 * Builds the request body; pure, and never changes what it was given.
 *
 * The bytes are stable: for the same system, tools and first messages they are the same but for the cache markers,
 * which the API does not count as content. At most three of the four allowed markers are set: last tool, system,
 * tail of the last message. `toolChoice: 'none'` keeps the tools as they are.
 */
export function toWireRequest(request: ModelRequest): WireRequest {
  const { model, maxOutputTokens, system, tools, toolChoice } = request;
  const messages = request.messages.flatMap(sendable);
  return {
    model,
    max_tokens: maxOutputTokens,
    // The API refuses a tool choice without tools.
    ...(tools.length === 0 ? {} : { tool_choice: { type: toolChoice }, tools: wireTools(tools) }),
    ...(isBlank(system) ? {} : { system: [{ type: 'text', text: system, cache_control: CACHE }] }),
    messages: messages.map((message, i) => (i === messages.length - 1 ? markTail(message) : message)),
  };
}

/** Thinking is signed for the model that thought it, and for everything that model had read before. */
const THINKING: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking']);

/**
 * A message as this model may read it: its own bytes, but without the thinking of another model, which the API refuses or
 * drops. By a rule that looks at one message only, so each model always sees one and the same growing conversation.
 */
export function legible(
  { message, model: author }: { readonly message: Message; readonly model: string | null },
  model: string,
): Message {
  if (author === null || author === model) return message;
  return { ...message, content: message.content.filter((block) => !THINKING.has(block.type)) };
}

/** True when these tools fit the API's limits on strict schemas, taken together. */
export function fitsStrict(tools: readonly ModelTool[]): boolean {
  const counts = { optional: 0, union: 0 };
  for (const tool of tools) countParameters(tool.inputSchema, counts);
  return (
    tools.length <= STRICT_LIMITS.tools &&
    counts.optional <= STRICT_LIMITS.optionalParameters &&
    counts.union <= STRICT_LIMITS.unionParameters
  );
}

function wireTools(tools: readonly ModelTool[]): readonly WireTool[] {
  const strict = fitsStrict(tools) ? { strict: true as const } : {};
  return tools.map(({ name, description, inputSchema }, i) => ({
    name,
    description,
    input_schema: inputSchema,
    ...strict,
    ...(i === tools.length - 1 ? { cache_control: CACHE } : {}),
  }));
}

/**
 * The API itself sometimes answers with blank text blocks or with nothing at all, and refuses both when they come
 * back. They are left out here, by a rule that looks at one message only, so that the prefix stays stable.
 */
function sendable({ role, content }: Message): readonly WireMessage[] {
  const kept = content.filter((block) => !(isText(block) && isBlank(block.text)));
  if (kept.length > 0) return [{ role, content: kept }];
  return role === 'assistant' ? [] : [{ role, content: [{ type: 'text', text: '(empty message)' }] }];
}

function markTail({ role, content }: WireMessage): WireMessage {
  const tail = content.findLastIndex((block) => MARKABLE.has(block.type));
  return {
    role,
    content: content.map((block, i) => (i === tail ? { ...block, cache_control: CACHE } : block)),
  };
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function countParameters(schema: Json, counts: { optional: number; union: number }): void {
  if (Array.isArray(schema)) {
    for (const item of schema) countParameters(item, counts);
    return;
  }
  if (!isObject(schema)) return;
  const { properties, required } = schema;
  if (isObject(properties)) {
    const names: readonly unknown[] = Array.isArray(required) ? required : [];
    for (const [name, property] of Object.entries(properties)) {
      if (!names.includes(name)) counts.optional += 1;
      if (isObject(property) && (Array.isArray(property.type) || Array.isArray(property.anyOf)))
        counts.union += 1;
    }
  }
  for (const inner of Object.values(schema)) countParameters(inner as Json, counts);
}
