import type { Message, MessageDeltaUsage, Usage as WireUsage } from '@anthropic-ai/sdk/resources/messages';
import type { Json, JsonObject } from '../../core/json.ts';
import type { Usage } from '../../core/messages.ts';
import { type AnswerBlock, wireBlock } from './answer.ts';

/** An answer with everything the API says about it. */
export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly AnswerBlock[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly usage: Usage;
  readonly thinkingTokens: number;
}

export interface StreamEvent {
  readonly name: string;
  readonly data: JsonObject;
}

const MAX_PIECES = 16;
const SHORTEST_PIECE = 12;

type Head = Omit<Message, 'content' | 'stop_reason' | 'stop_sequence' | 'stop_details' | 'usage'>;

/** The answer as one JSON document, for a request without `stream`. */
export function messageOf(answer: Answer): JsonObject {
  return {
    ...headOf(answer),
    content: answer.blocks.map(wireBlock),
    ...stopOf(answer),
    usage: usageOf(answer, answer.usage.outputTokens),
  };
}

/** The answer as the API streams it: whole blocks one after the other, each in several pieces. */
export function eventsOf(answer: Answer): StreamEvent[] {
  const open = { stop_reason: null, stop_sequence: null, stop_details: null };
  const message = {
    ...headOf(answer),
    content: [],
    ...open,
    usage: usageOf(answer, Math.min(1, answer.usage.outputTokens)),
  };
  const events: StreamEvent[] = [event('message_start', { message })];
  answer.blocks.forEach((block, index) => {
    events.push(event('content_block_start', { index, content_block: emptied(block) }));
    if (index === 0) events.push(event('ping', {}));
    for (const delta of deltasOf(block)) events.push(event('content_block_delta', { index, delta }));
    events.push(event('content_block_stop', { index }));
  });
  if (answer.blocks.length === 0) events.push(event('ping', {}));
  events.push(
    event('message_delta', { delta: { ...stopOf(answer), container: null }, usage: deltaUsageOf(answer) }),
  );
  events.push(event('message_stop', {}));
  return events;
}

export function errorEvent(type: string, requestId: string): StreamEvent {
  return event('error', { error: { type, message: `scripted ${type}` }, request_id: requestId });
}

/** One server-sent event. */
export function frameOf(each: StreamEvent): string {
  return `event: ${each.name}\ndata: ${JSON.stringify(each.data)}\n\n`;
}

/** Cuts a text into pieces between code points, so that no piece holds half a character. */
export function splitText(value: string): string[] {
  const characters = Array.from(value);
  const length = Math.max(SHORTEST_PIECE, Math.ceil(characters.length / MAX_PIECES));
  const pieces: string[] = [];
  for (let start = 0; start < characters.length; start += length)
    pieces.push(characters.slice(start, start + length).join(''));
  return pieces;
}

function event(name: string, members: JsonObject): StreamEvent {
  return { name, data: { type: name, ...members } };
}

function headOf(answer: Answer) {
  return {
    model: answer.model,
    id: answer.id,
    type: 'message',
    role: 'assistant',
    container: null,
    diagnostics: null,
  } as const satisfies Head;
}

function stopOf(answer: Answer): JsonObject {
  const refusal = { type: 'refusal', category: null, explanation: 'The script refuses here.' };
  return {
    stop_reason: answer.stopReason,
    stop_sequence: answer.stopSequence,
    stop_details: answer.stopReason === 'refusal' ? refusal : null,
  };
}

function usageOf(answer: Answer, outputTokens: number) {
  const { usage } = answer;
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5mTokens,
      ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    },
    output_tokens: outputTokens,
    output_tokens_details: thinkingOf(answer),
    server_tool_use: null,
    service_tier: 'standard',
    inference_geo: 'not_available',
    speed: null,
  } as const satisfies WireUsage;
}

function deltaUsageOf(answer: Answer) {
  const { usage } = answer;
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    output_tokens: usage.outputTokens,
    output_tokens_details: thinkingOf(answer),
    server_tool_use: null,
  } as const satisfies MessageDeltaUsage;
}

function thinkingOf(answer: Answer) {
  return answer.thinkingTokens > 0 ? { thinking_tokens: answer.thinkingTokens } : null;
}

/** A block as `content_block_start` shows it, before its deltas. */
function emptied(block: AnswerBlock): JsonObject {
  switch (block.kind) {
    case 'text':
      return { ...wireBlock(block), text: '' };
    case 'thinking':
      return { ...wireBlock(block), thinking: '', signature: '' };
    case 'call':
      return { ...wireBlock(block), input: {} };
    default:
      return block satisfies never;
  }
}

function deltasOf(block: AnswerBlock): Record<string, Json>[] {
  switch (block.kind) {
    case 'text':
      return splitText(block.text).map((text) => ({ type: 'text_delta', text }));
    case 'thinking':
      return [
        ...splitText(block.thinking).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature },
      ];
    case 'call': {
      const pieces = block.inputText === '{}' ? [] : splitText(block.inputText);
      return ['', ...pieces].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    }
    default:
      return block satisfies never;
  }
}
