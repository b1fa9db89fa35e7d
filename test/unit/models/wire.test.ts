import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createAnthropicProvider } from '../../../src/models/anthropic.ts';
import { call, finish, listen, REQUEST, replyStream, sse } from './server.ts';

/** HTTP of the real API, recorded by other projects; not part of this repository. */
const WIRE = fileURLToPath(new URL('../../../../shared/data/wire/', import.meta.url));

interface Recording {
  readonly id: string;
  readonly status: number;
  readonly kind: string;
  readonly body: string;
  readonly response_headers: Readonly<Record<string, string>>;
}
type Fields = Record<string, unknown>;

if (existsSync(WIRE)) {
  describe('recorded streams of the real API', () => {
    const recordings = readFileSync(`${WIRE}llm-anthropic.decoded.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Recording);

    test('there are 27 of them, with thinking, tool use and server tools', () => {
      const all = recordings.map(({ body }) => body).join('');
      expect(recordings.length).toBe(27);
      for (const kind of ['"thinking_delta"', '"tool_use"', '"web_search_tool_result"', '"citations_delta"'])
        expect(all).toContain(kind);
    });

    test.each(recordings.map((recording) => [recording.id, recording] as const))(
      '%s',
      async (_id, recording) => {
        expect([recording.status, recording.kind]).toEqual([200, 'sse']);
        const expected = accumulate(recording.body);
        const answer = await call(replyStream(recording.body));
        expect(JSON.stringify(answer.content)).toBe(JSON.stringify(expected.content));
        expect(answer.unparsable).toEqual([]);
        expect(answer.stopReason).toBe(expected.stopReason);
        expect(answer.model).toBe(expected.model);
        expect(answer.usage.outputTokens).toBe(expected.outputTokens);
        expect(
          answer.usage.inputTokens + answer.usage.cacheReadTokens + answer.usage.cacheWrite5mTokens,
        ).toBe(expected.promptTokens);
      },
    );

    test('cut after any byte they are never taken for an answer', async () => {
      const recording = recordings.find(({ body }) => body.includes('"tool_use"'));
      const body = recording?.body ?? '';
      const end = body.indexOf('event: message_stop');
      const cuts = Array.from({ length: 40 }, (_, i) => Math.floor((end * (i + 1)) / 40));
      let next = '';
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(next);
      });
      const baseURL = await listen(server);
      const provider = createAnthropicProvider({
        apiKey: 'k',
        baseURL,
        stallTimeoutMs: 5000,
        callTimeoutMs: 5000,
      });
      const options = { signal: new AbortController().signal };
      try {
        for (const cut of cuts) {
          next = body.slice(0, cut);
          await expect(provider.complete(REQUEST, options)).rejects.toMatchObject({
            failure: { kind: 'retryable' },
          });
        }
        next = body;
        await expect(provider.complete(REQUEST, options)).resolves.toMatchObject({ stopReason: 'tool_use' });
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  });

  describe('recorded answers of the real API, sent as streams in small pieces', () => {
    const exchanges = JSON.parse(readFileSync(`${WIRE}ToolRunner.json`, 'utf8')) as readonly {
      response: Fields;
    }[];

    test.each(exchanges.map(({ response }, i) => [i, response] as const))(
      'answer %i',
      async (_i, response) => {
        const content = response.content as readonly Fields[];
        const start = { type: 'message_start', message: { ...response, content: [], stop_reason: null } };
        const body = sse([start, ...content.flatMap(toEvents), ...finish(String(response.stop_reason), 7)]);
        const answer = await call(replyStream(body));
        expect(JSON.stringify(answer.content)).toBe(JSON.stringify(content));
        expect(answer.stopReason).toBe(response.stop_reason);
      },
    );
  });
} else {
  test('recorded HTTP of the real API', () => {
    console.warn(`LEFT OUT: the recorded HTTP is not at ${WIRE}; nothing was compared with the real API.`);
    expect(process.env.CI, 'CI=true needs ../shared/data next to this project').not.toBe('true');
  });
}

/** The plainest reading of a stream: split it, parse it, add the pieces up. Shares no code with the provider. */
function accumulate(body: string) {
  const events = body
    .split(/\r?\n\r?\n/)
    .flatMap((frame) => /^data: (.*)$/m.exec(frame)?.[1] ?? [])
    .map((data) => JSON.parse(data));
  const content: Fields[] = [];
  const json: Record<number, string> = {};
  let final: { stop_reason?: string } = {};
  let usage: Record<string, number> = {};
  let model = '';
  for (const event of events) {
    if (event.type === 'message_start') {
      model = event.message.model;
      usage = { ...event.message.usage };
    }
    if (event.type === 'message_delta') {
      final = event.delta;
      usage = { ...usage, ...event.usage };
    }
    if (event.type === 'content_block_start') content[event.index] = structuredClone(event.content_block);
    if (event.type !== 'content_block_delta') continue;
    const block = content[event.index] as Fields;
    const { delta } = event;
    if (delta.type === 'text_delta') block.text += delta.text;
    else if (delta.type === 'thinking_delta') block.thinking += delta.thinking;
    else if (delta.type === 'signature_delta') block.signature = delta.signature;
    else if (delta.type === 'citations_delta')
      block.citations = [...((block.citations as []) ?? []), delta.citation];
    else if (delta.type === 'input_json_delta')
      json[event.index] = (json[event.index] ?? '') + delta.partial_json;
    else throw new Error(`a kind of delta this test does not know: ${delta.type}`);
  }
  for (const [index, text] of Object.entries(json))
    if (text !== '') (content[Number(index)] as Fields).input = JSON.parse(text);
  return {
    content,
    stopReason: final.stop_reason,
    model,
    outputTokens: usage.output_tokens,
    promptTokens:
      (usage.input_tokens ?? 0) +
      (usage.cache_creation_input_tokens ?? 0) +
      (usage.cache_read_input_tokens ?? 0),
  };
}

/** A block as the API would stream it, three characters at a time. */
function toEvents(block: Fields, index: number) {
  const pieces = (text: string) => text.match(/[\s\S]{1,3}/g) ?? [];
  const [start, deltas] =
    block.type === 'tool_use'
      ? [
          { ...block, input: {} },
          pieces(JSON.stringify(block.input)).map((partial_json) => ({
            type: 'input_json_delta',
            partial_json,
          })),
        ]
      : [{ ...block, text: '' }, pieces(String(block.text)).map((text) => ({ type: 'text_delta', text }))];
  return [
    { type: 'content_block_start', index, content_block: start },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}
