import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { createAnthropicProvider } from '../../../src/models/anthropic.ts';
import { ModelCallError } from '../../../src/models/classify.ts';
import { toWireRequest } from '../../../src/models/request.ts';
import type { CallSetup, Handler } from './server.ts';
import {
  block,
  call,
  finish,
  listen,
  openStream,
  REQUEST,
  replyStream,
  START,
  sse,
  textBlock,
  toolBlock,
} from './server.ts';

async function failureOf(handler: Handler, setup: CallSetup = {}): Promise<ModelCallError> {
  const outcome = await call(handler, setup).then(
    (answer) => answer,
    (error: unknown) => error,
  );
  if (!(outcome instanceof ModelCallError))
    throw new Error(`expected a ModelCallError, got ${inspect(outcome)}`);
  expect(inspect(outcome, { depth: 9, showHidden: true })).not.toMatch(/SECRET|test-key/);
  return outcome;
}

function reply(status: number, headers: Readonly<Record<string, string>>, body: string): Handler {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

const KNOWN_USAGE = {
  inputTokens: 10,
  outputTokens: 1,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 7,
};

describe('a whole answer', () => {
  test('comes back as received, with usage, model, stop reason and request id', async () => {
    const answer = await call(
      replyStream(
        sse([
          START,
          ...block(0, { type: 'thinking', thinking: '', signature: '' }, [
            { type: 'thinking_delta', thinking: 'hm' },
            { type: 'signature_delta', signature: 'c2ln' },
          ]),
          ...block(1, { type: 'redacted_thinking', data: 'xyz' }, []),
          ...block(2, { type: 'from_the_future', payload: { a: [1] } }, [{ type: 'new_delta', b: 1 }]),
          ...textBlock(3, 'Hel', 'lo'),
          ...toolBlock(4, 'toolu_1', '', '{"order"', ':"W1"}'),
          ...finish('tool_use', 42),
        ]),
      ),
    );
    expect(answer).toEqual({
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
        { type: 'redacted_thinking', data: 'xyz' },
        { type: 'from_the_future', payload: { a: [1] } },
        { type: 'text', text: 'Hello' },
        { type: 'tool_use', id: 'toolu_1', name: 'look_up', input: { order: 'W1' } },
      ],
      unparsable: [],
      stopReason: 'tool_use',
      usage: { ...KNOWN_USAGE, outputTokens: 42 },
      model: 'claude-sonnet-5-5',
      requestId: 'req_test1',
    });
  });

  test('is asked for once, in the bytes of the request, with the key given and not one of the environment', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', 'key-of-the-environment');
    vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-of-the-environment');
    vi.stubEnv('ANTHROPIC_BASE_URL', 'http://127.0.0.1:1');
    const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
    const request = { ...REQUEST, tools: [{ name: 't', description: 'd', inputSchema: { type: 'object' } }] };
    const failure = await failureOf(
      ({ headers }, response, body) => {
        seen.push({ headers, body });
        response.writeHead(529, { 'content-type': 'application/json', 'x-should-retry': 'true' });
        response.end('{"type":"error","error":{"type":"overloaded_error","message":"SECRET"}}');
      },
      { request },
    );
    vi.unstubAllEnvs();
    expect(failure.failure).toMatchObject({ kind: 'retryable', code: 'model_overloaded' });
    expect(seen.length).toBe(1);
    expect(seen[0]?.headers.authorization).toBe('Bearer test-key');
    expect(seen[0]?.body).toBe(JSON.stringify({ ...toWireRequest(request), stream: true }));
  });

  test('counts pings as life, although the SDK hides them', async () => {
    const answer = await call(
      (_request, response) => {
        openStream(response);
        response.write(sse([START]));
        let pings = 0;
        const timer = setInterval(() => {
          pings += 1;
          if (pings <= 10) response.write('event: ping\ndata: {"type":"ping"}\n\n');
          else {
            clearInterval(timer);
            response.end(sse([...textBlock(0, 'ok'), ...finish()]));
          }
        }, 100);
      },
      // The events are silent for longer than this, the bytes are not.
      { stallTimeoutMs: 700 },
    );
    expect(answer.content).toEqual([{ type: 'text', text: 'ok' }]);
  });

  const whole = sse([START, ...textBlock(0, 'paid for'), ...finish()]);

  test('stands although the server never ends the body', async () => {
    const answer = await call(
      (_request, response) => {
        openStream(response);
        response.write(whole);
      },
      { stallTimeoutMs: 60_000, callTimeoutMs: 60_000 },
    );
    expect(answer.content).toEqual([{ type: 'text', text: 'paid for' }]);
  });

  test('stands although the connection drops after its last event', async () => {
    const answer = await call((_request, response) => {
      openStream(response);
      response.write(whole, () => response.destroy());
    });
    expect(answer.content).toEqual([{ type: 'text', text: 'paid for' }]);
  });

  test('stands although the caller cancels after its last event', async () => {
    const controller = new AbortController();
    const answer = await call(
      (_request, response) => {
        openStream(response);
        response.write(whole, () => {
          setTimeout(() => controller.abort(), 50);
        });
      },
      { signal: controller.signal },
    );
    expect(answer.stopReason).toBe('end_turn');
  });
});

describe('an awkward end', () => {
  test('socket drop in the middle of the stream: unavailable, with the tokens known so far', async () => {
    const { failure, usage, requestId } = await failureOf((_request, response) => {
      openStream(response);
      response.write(sse([START, ...textBlock(0, 'SECRET')]), () => response.destroy());
    });
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_unavailable' });
    expect(usage).toEqual(KNOWN_USAGE);
    expect(requestId).toBe('req_test1');
  });

  test('socket drop before the headers: unavailable, nothing known', async () => {
    const { failure, usage } = await failureOf((request) => request.socket.destroy());
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_unavailable' });
    expect(usage).toBeNull();
  });

  test('connection refused: unavailable, and the network code is named', async () => {
    const provider = createAnthropicProvider({
      apiKey: 'k',
      baseURL: 'http://127.0.0.1:1',
      stallTimeoutMs: 2000,
      callTimeoutMs: 2000,
    });
    const outcome = provider.complete(REQUEST, { signal: new AbortController().signal });
    await expect(outcome).rejects.toMatchObject({
      failure: { kind: 'retryable', code: 'model_unavailable' },
    });
  });

  test('clean end without message_stop: garbled, never a short answer', async () => {
    const { failure, usage } = await failureOf(replyStream(sse([START, ...textBlock(0, 'SECRET half')])));
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_garbled' });
    expect(usage).toEqual(KNOWN_USAGE);
  });

  test('an empty stream: garbled', async () => {
    expect((await failureOf(replyStream(''))).failure).toMatchObject({ code: 'model_garbled' });
  });

  test.each([
    ['overloaded_error', 'retryable', 'model_overloaded'],
    ['api_error', 'retryable', 'model_unavailable'],
    ['rate_limit_error', 'retryable', 'model_rate_limited'],
    ['timeout_error', 'retryable', 'model_timeout'],
    ['invalid_request_error', 'terminal', 'model_bad_request'],
    ['something_new', 'retryable', 'model_unavailable'],
  ])('error event %s in the middle of the stream: %s %s', async (type, kind, code) => {
    const error = { type: 'error', error: { type, message: 'SECRET' } };
    const { failure, usage } = await failureOf(replyStream(sse([START, error])));
    expect(failure).toMatchObject({ kind, code });
    expect(usage).toEqual(KNOWN_USAGE);
  });

  test('an event that is not JSON: garbled', async () => {
    const body = `${sse([START])}event: content_block_start\ndata: {"type":"content_bl SECRET\n\n`;
    expect((await failureOf(replyStream(body))).failure).toMatchObject({
      kind: 'retryable',
      code: 'model_garbled',
    });
  });

  test('JSON or HTML with status 200 instead of a stream: garbled', async () => {
    const json = reply(200, { 'content-type': 'application/json' }, '{"id":"msg","SECRET":1}');
    const html = reply(200, { 'content-type': 'text/html' }, '<html>SECRET login</html>');
    const truncated: Handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"id":"msg_', () => response.destroy());
    };
    expect((await failureOf(json)).failure).toMatchObject({ kind: 'retryable', code: 'model_garbled' });
    expect((await failureOf(html)).failure).toMatchObject({ kind: 'retryable', code: 'model_garbled' });
    expect((await failureOf(truncated)).failure).toMatchObject({
      kind: 'retryable',
      code: 'model_unavailable',
    });
  });

  test('502 with HTML: unavailable, and the page is not quoted', async () => {
    const { failure } = await failureOf(
      reply(502, { 'content-type': 'text/html' }, '<h1>SECRET gateway</h1>'),
    );
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_unavailable' });
    expect(failure.message).toContain('status 502');
  });

  test('429 with retry-after and a request id', async () => {
    const { failure, requestId } = await failureOf(
      reply(
        429,
        { 'content-type': 'application/json', 'retry-after': '7', 'request-id': 'req_9' },
        '{"type":"error","error":{"type":"rate_limit_error","message":"SECRET"}}',
      ),
    );
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_rate_limited', retryAfterMs: 7000 });
    expect(failure.message).toContain('request req_9');
    expect(requestId).toBe('req_9');
  });
});

describe('an abort', () => {
  const silent: Handler = (_request, response) => {
    openStream(response);
    response.write(sse([START]));
  };

  test('silence after the headers is a stall', async () => {
    const { failure, usage } = await failureOf(silent, { stallTimeoutMs: 400 });
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_stalled' });
    expect(usage).toEqual(KNOWN_USAGE);
  });

  test('silence before the headers is a stall', async () => {
    const { failure } = await failureOf(() => {}, { stallTimeoutMs: 80 });
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_stalled' });
  });

  test('a silent error body is a stall', async () => {
    const { failure } = await failureOf(
      (_request, response) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.write('{');
      },
      { stallTimeoutMs: 80 },
    );
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_stalled' });
  });

  test('pings for ever end at the total timeout', async () => {
    let timer: NodeJS.Timeout | undefined;
    const { failure } = await failureOf(
      (_request, response) => {
        openStream(response);
        timer = setInterval(() => response.write('event: ping\ndata: {"type":"ping"}\n\n'), 20);
      },
      { callTimeoutMs: 150 },
    );
    clearInterval(timer);
    expect(failure).toMatchObject({ kind: 'retryable', code: 'model_timeout' });
  });

  test('the caller cancels in the middle: terminal, and the connection is closed', async () => {
    const controller = new AbortController();
    let close = () => {};
    const closed = new Promise<void>((resolve) => {
      close = resolve;
    });
    const server = createServer((_request, response) => {
      response.on('close', close);
      openStream(response);
      response.write(sse([START]), () => controller.abort());
    });
    const provider = createAnthropicProvider({
      apiKey: 'k',
      baseURL: await listen(server),
      stallTimeoutMs: 5000,
      callTimeoutMs: 5000,
    });
    const outcome = provider.complete(REQUEST, { signal: controller.signal });
    await expect(outcome).rejects.toMatchObject({ failure: { kind: 'terminal', code: 'model_cancelled' } });
    await closed;
    server.close();
  });

  test('a caller that has cancelled already makes no request', async () => {
    let requests = 0;
    const { failure } = await failureOf(() => (requests += 1), { signal: AbortSignal.abort() });
    expect(failure).toMatchObject({ kind: 'terminal', code: 'model_cancelled' });
    expect(requests).toBe(0);
  });
});

describe('settings that can never work are refused at once', () => {
  const good = { apiKey: 'k', stallTimeoutMs: 1, callTimeoutMs: 1 };
  test.each([
    ['an empty key', { ...good, apiKey: '' }],
    ['a key with a line end', { ...good, apiKey: 'SECRET\n' }],
    ['a URL that is none', { ...good, baseURL: 'localhost' }],
    ['a URL of a file', { ...good, baseURL: 'file:///x' }],
    ['no stall limit', { ...good, stallTimeoutMs: 0 }],
    ['an endless call', { ...good, callTimeoutMs: Number.POSITIVE_INFINITY }],
  ])('%s', (_name, options) => {
    expect(() => createAnthropicProvider(options)).toThrow(TypeError);
    expect(() => createAnthropicProvider(options)).not.toThrow(/SECRET/);
  });
});
