import type { Json } from '../core/json.ts';
import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { ContentBlock, Message, Usage } from '../core/messages.ts';
import { isToolUse } from '../core/messages.ts';
import type { ModelAnswer } from './provider.ts';
import { mergeUsage, toUsage } from './usage.ts';

/** The answer broke the protocol. The message is ours and quotes nothing of the answer. */
export class GarbledAnswerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GarbledAnswerError';
  }
}

/** Puts the events of one stream together. */
export interface AnswerBuilder {
  /** Throws GarbledAnswerError for an event that cannot be part of an answer; unknown events are ignored. */
  apply(event: unknown): void;
  /** True once `message_stop` came. */
  complete(): boolean;
  /** Tokens known so far; null before `message_start`. Of a stream that died, output tokens are a lower bound. */
  usage(): Usage | null;
  /** The answer. Throws GarbledAnswerError when it is incomplete or lacks what a loop needs. */
  finish(requestId: string | null): ModelAnswer;
}

type Fields = Readonly<Record<string, unknown>>;
interface OpenBlock {
  fields: Fields;
  argumentsJson: string;
}

/**
 * We put the stream together ourselves because the SDK's helper (1.11.0) parses tool arguments as they grow: a
 * truncated object becomes a plausible smaller one (`{"path":"x` gives `{}`) without a word, and malformed JSON
 * ends the whole answer with an error, though the model could simply be told.
 *
 * Blocks are kept as received, unknown kinds and fields included, with four repairs without which the API would
 * refuse the conversation for ever after:
 * 1. arguments that are not a JSON object become `{}`, and the call's id is listed in `unparsable`;
 * 2. a call id that the answer or the conversation has already used gets a suffix: the second `x` becomes `x_2`;
 * 3. lone surrogates in text and arguments become U+FFFD;
 * 4. delta kinds that we do not know are dropped, as the SDK does.
 */
export function createAnswerBuilder(usedCallIds: ReadonlySet<string>): AnswerBuilder {
  const blocks: OpenBlock[] = [];
  let message: Fields | null = null;
  let usage: Fields = {};
  let stopReason: unknown = null;
  let stopped = false;

  function apply(event: unknown): void {
    if (stopped || !isObject(event)) return;
    switch (event.type) {
      case 'message_start':
        start(event);
        return;
      case 'content_block_start':
        open(event);
        return;
      case 'content_block_delta':
        extend(event);
        return;
      case 'message_delta':
        if (isObject(event.delta)) stopReason = event.delta.stop_reason ?? stopReason;
        usage = mergeUsage(usage, event.usage);
        return;
      case 'message_stop':
        if (message === null) throw new GarbledAnswerError('the answer stopped before it started');
        stopped = true;
        return;
      default:
        return;
    }
  }

  function start(event: Fields): void {
    if (message !== null) throw new GarbledAnswerError('the answer started twice');
    if (!isObject(event.message)) throw new GarbledAnswerError('the answer started without a message');
    message = event.message;
    usage = mergeUsage({}, message.usage);
    stopReason = message.stop_reason;
    const content: readonly unknown[] = Array.isArray(message.content) ? message.content : [];
    for (const block of content) push(block);
  }

  function open(event: Fields): void {
    if (message === null || event.index !== blocks.length)
      throw new GarbledAnswerError('a content block started out of order');
    push(event.content_block);
  }

  function push(block: unknown): void {
    if (!isObject(block) || typeof block.type !== 'string')
      throw new GarbledAnswerError('a content block has no type');
    blocks.push({ fields: block, argumentsJson: '' });
  }

  function extend(event: Fields): void {
    const block = typeof event.index === 'number' ? blocks[event.index] : undefined;
    if (block === undefined || !isObject(event.delta))
      throw new GarbledAnswerError('a delta belongs to no content block');
    if (event.delta.type === 'input_json_delta') block.argumentsJson += text(event.delta.partial_json);
    else block.fields = { ...block.fields, ...extension(block.fields, event.delta) };
  }

  function finish(requestId: string | null): ModelAnswer {
    if (message === null || !stopped) throw new GarbledAnswerError('the stream ended before the answer did');
    if (typeof stopReason !== 'string') throw new GarbledAnswerError('the answer has no stop reason');
    if (typeof message.model !== 'string') throw new GarbledAnswerError('the answer names no model');
    if (!isObject(message.usage)) throw new GarbledAnswerError('the answer does not say what it used');
    const { content, unparsable } = close(blocks, usedCallIds);
    return { content, unparsable, stopReason, usage: toUsage(usage), model: message.model, requestId };
  }

  return {
    apply,
    complete: () => stopped,
    usage: () => (message === null ? null : toUsage(usage)),
    finish,
  };
}

/** Every call id that a conversation holds. */
export function callIdsOf(messages: readonly Message[]): ReadonlySet<string> {
  return new Set(messages.flatMap((message) => message.content.filter(isToolUse).map((block) => block.id)));
}

/** What a delta adds to a block; by the kind of the delta alone, so that new kinds of block keep their text. */
function extension(block: Fields, delta: Fields): Fields {
  switch (delta.type) {
    case 'text_delta':
      return { text: text(block.text) + text(delta.text) };
    case 'thinking_delta':
      return { thinking: text(block.thinking) + text(delta.thinking) };
    case 'signature_delta':
      return { signature: delta.signature };
    case 'citations_delta':
      return { citations: [...(Array.isArray(block.citations) ? block.citations : []), delta.citation] };
    default:
      return {};
  }
}

function close(
  blocks: readonly OpenBlock[],
  usedCallIds: ReadonlySet<string>,
): { readonly content: readonly ContentBlock[]; readonly unparsable: readonly string[] } {
  const taken = new Set(usedCallIds);
  const unparsable: string[] = [];
  const content = blocks.map(({ fields, argumentsJson }): ContentBlock => {
    if (fields.type === 'text') return { ...fields, type: 'text', text: wellFormed(text(fields.text)) };
    if (fields.type !== 'tool_use') {
      const input = argumentsJson === '' ? {} : { input: parseArguments(argumentsJson) ?? {} };
      return { ...fields, ...input, type: text(fields.type) };
    }
    if (typeof fields.id !== 'string' || typeof fields.name !== 'string' || fields.id === '')
      throw new GarbledAnswerError('a tool call has no id or no name');
    const id = freeId(fields.id, taken);
    taken.add(id);
    const input = argumentsJson === '' ? sanitise(fields.input) : parseArguments(argumentsJson);
    if (!isObject(input)) unparsable.push(id);
    return { ...fields, type: 'tool_use', id, name: fields.name, input: isObject(input) ? input : {} };
  });
  return { content, unparsable };
}

/** The id itself, else the first of `id_2`, `id_3`, … that is free; it ends because `taken` is finite. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  let ordinal = 2;
  while (taken.has(`${id}_${ordinal}`)) ordinal += 1;
  return `${id}_${ordinal}`;
}

function parseArguments(json: string): { readonly [key: string]: Json } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  const value = sanitise(parsed);
  return isObject(value) ? (value as { readonly [key: string]: Json }) : undefined;
}

/** The value as JSON that survives being sent again, or undefined where it would not: too deep, or a number like 1e999. */
function sanitise(value: unknown, depth = 0): Json | undefined {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (depth >= LIMITS.argumentDepth) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => sanitise(item, depth + 1));
    return items.some((item) => item === undefined) ? undefined : (items as readonly Json[]);
  }
  if (!isObject(value)) return undefined;
  const members = Object.entries(value).map(([k, v]) => [wellFormed(k), sanitise(v, depth + 1)] as const);
  // fromEntries defines own members, so a key such as `__proto__` stays data.
  return members.some(([, member]) => member === undefined)
    ? undefined
    : (Object.fromEntries(members) as { readonly [key: string]: Json });
}

/** `\p{Surrogate}` in a Unicode pattern matches lone halves only. */
function wellFormed(value: string): string {
  return value.replace(/\p{Surrogate}/gu, '\uFFFD');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
