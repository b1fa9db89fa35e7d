import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAnthropicProvider } from '../../../src/models/anthropic.ts';
import type { ModelAnswer, ModelRequest } from '../../../src/models/provider.ts';

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export const REQUEST: ModelRequest = {
  model: 'claude-sonnet-5-5',
  maxOutputTokens: 100,
  system: 'Be brief.',
  tools: [],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'SECRET-PROMPT' }] }],
  toolChoice: 'auto',
};

export interface CallSetup {
  readonly stallTimeoutMs?: number;
  readonly callTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly request?: ModelRequest;
}

/** Makes one call of the real provider against a loopback server that answers with `handler`. */
export async function call(handler: Handler, setup: CallSetup = {}): Promise<ModelAnswer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handler(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  const baseURL = await listen(server);
  const provider = createAnthropicProvider({
    apiKey: 'test-key',
    baseURL,
    stallTimeoutMs: setup.stallTimeoutMs ?? 5000,
    callTimeoutMs: setup.callTimeoutMs ?? 10_000,
  });
  try {
    return await provider.complete(setup.request ?? REQUEST, {
      signal: setup.signal ?? new AbortController().signal,
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export interface SseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export function sse(events: readonly SseEvent[]): string {
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

export function openStream(response: ServerResponse, requestId = 'req_test1'): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': requestId });
}

export function replyStream(body: string): Handler {
  return (_request, response) => {
    openStream(response);
    response.end(body);
  };
}

export const START: SseEvent = {
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5-5',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: {
      input_tokens: 10,
      output_tokens: 1,
      cache_read_input_tokens: 7,
      cache_creation_input_tokens: null,
    },
  },
};

export function finish(stopReason = 'end_turn', outputTokens = 5): readonly SseEvent[] {
  return [
    {
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: outputTokens },
    },
    { type: 'message_stop' },
  ];
}

/** The events of one block: its start, one delta for each piece, its end. */
export function block(
  index: number,
  start: Readonly<Record<string, unknown>>,
  deltas: readonly Readonly<Record<string, unknown>>[],
): readonly SseEvent[] {
  return [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

export function textBlock(index: number, ...pieces: readonly string[]): readonly SseEvent[] {
  return block(
    index,
    { type: 'text', text: '' },
    pieces.map((text) => ({ type: 'text_delta', text })),
  );
}

export function toolBlock(index: number, id: string, ...pieces: readonly string[]): readonly SseEvent[] {
  return block(
    index,
    { type: 'tool_use', id, name: 'look_up', input: {} },
    pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  );
}
