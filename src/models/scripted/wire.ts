import type { Json, JsonObject } from '../../core/json.ts';

/** A request as the server works with it: content always as blocks, defaults filled in. */
export interface WireRequest {
  readonly model: string;
  readonly maxTokens: number;
  readonly system: readonly JsonObject[];
  readonly tools: readonly JsonObject[];
  readonly messages: readonly WireMessage[];
  readonly toolChoice: string;
  readonly stopSequences: readonly string[];
  readonly stream: boolean;
  /** Set by a top-level `cache_control`, which marks the last block of the request. */
  readonly lastBlockTtl: CacheTtl | null;
}

export interface WireMessage {
  readonly role: string;
  readonly content: readonly JsonObject[];
}

export type CacheTtl = '5m' | '1h';

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * Reads a request without judging it: what is missing or of the wrong kind is left out.
 * `checkRequest` judges; the two are apart so that each can be read on its own.
 */
export function readRequest(body: JsonObject): WireRequest {
  return {
    model: text(body.model),
    maxTokens: typeof body.max_tokens === 'number' ? body.max_tokens : 0,
    system: blocksOf(body.system),
    tools: objects(body.tools),
    messages: objects(body.messages).map((message) => ({
      role: text(message.role),
      content: blocksOf(message.content),
    })),
    toolChoice: isJsonObject(body.tool_choice) ? text(body.tool_choice.type) : 'auto',
    stopSequences: isJsonArray(body.stop_sequences)
      ? body.stop_sequences.filter((item) => typeof item === 'string')
      : [],
    stream: body.stream === true,
    lastBlockTtl: ttlOf(body),
  };
}

/** Content as blocks: the API takes a string for one text block. */
export function blocksOf(content: Json | undefined): readonly JsonObject[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return objects(content);
}

/** How long a cache marker on this object asks its prefix to be kept; null without a marker. */
export function ttlOf(marked: JsonObject): CacheTtl | null {
  const marker = marked.cache_control;
  if (!isJsonObject(marker)) return null;
  return marker.ttl === '1h' ? '1h' : '5m';
}

/**
 * A block without what a client may add or drop while the block stays the same: cache markers,
 * `citations: null` and the direct caller.
 */
export function bare(block: JsonObject): JsonObject {
  const members = Object.entries(block).flatMap(([key, value]): [string, Json][] => {
    if (key === 'cache_control') return [];
    if (key === 'citations' && value === null) return [];
    if (key === 'caller' && isJsonObject(value) && value.type === 'direct') return [];
    if (key === 'content' && isJsonArray(value))
      return [[key, value.map((item) => (isJsonObject(item) ? bare(item) : item))]];
    return [[key, value]];
  });
  return Object.fromEntries(members);
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The start of a text, for messages; never cuts a surrogate pair in two. */
export function excerpt(value: string, limitCharacters = 120): string {
  const characters = Array.from(value.slice(0, limitCharacters * 2));
  return characters.length <= limitCharacters && value.length <= limitCharacters * 2
    ? value
    : `${characters.slice(0, limitCharacters).join('')}…`;
}

function objects(value: Json | undefined): readonly JsonObject[] {
  return isJsonArray(value) ? value.filter(isJsonObject) : [];
}
