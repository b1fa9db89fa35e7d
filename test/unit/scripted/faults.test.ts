import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { type Fault, openFaultDesk } from '../../../src/models/scripted/faults.ts';
import { apiError, ask, open, rejection } from './helpers.ts';

const HELLO = { role: 'user' as const, content: 'hello' };
const ONE: Conversation = {
  id: 'one',
  opening: 'hello',
  steps: [{ says: { text: 'One two three four five six.' } }],
};

/** Bounded: the server notices within the loop's turns or the test fails. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error('what was waited for did not happen');
}

describe('an error reply', () => {
  test.each([
    [400, Anthropic.BadRequestError, 'invalid_request_error'],
    [401, Anthropic.AuthenticationError, 'authentication_error'],
    [402, Anthropic.PaymentRequiredError, 'billing_error'],
    [403, Anthropic.PermissionDeniedError, 'permission_error'],
    [404, Anthropic.NotFoundError, 'not_found_error'],
    [408, Anthropic.RequestTimeoutError, 'timeout_error'],
    [409, Anthropic.ConflictError, 'conflict_error'],
    [413, Anthropic.ContentTooLargeError, 'request_too_large'],
    [429, Anthropic.RateLimitError, 'rate_limit_error'],
    [500, Anthropic.InternalServerError, 'api_error'],
    [503, Anthropic.ServiceUnavailableError, 'api_error'],
    [504, Anthropic.GatewayTimeoutError, 'timeout_error'],
    [529, Anthropic.OverloadedError, 'overloaded_error'],
  ])('%i is the right class of error, once', async (status, kind, type) => {
    const { client, model } = await open([ONE]);
    model.inject({ kind: 'http', status });
    const error = await apiError(ask(client, [HELLO]));
    expect(error).toBeInstanceOf(kind);
    expect([error.status, error.type]).toEqual([status, type]);
    expect(error.requestID).toMatch(/^req_/);
    expect((await ask(client, [HELLO])).stop_reason).toBe('end_turn');
    expect([model.requests, model.problems]).toEqual([2, []]);
  });

  test('429 says when to come back and what is used up', async () => {
    const { client, model } = await open([ONE], { nowMs: () => Date.UTC(2026, 10, 20) });
    model.inject({ kind: 'http', status: 429, retryAfterSeconds: 7 });
    const { headers } = await apiError(ask(client, [HELLO]));
    expect(headers?.get('retry-after')).toBe('7');
    expect(headers?.get('anthropic-ratelimit-input-tokens-remaining')).toBe('0');
    expect(headers?.get('anthropic-ratelimit-requests-reset')).toBe('2026-11-20T00:00:07Z');
    expect(headers?.get('anthropic-organization-id')).toBeTruthy();
  });

  test('a spent cap has a code and no retry-after', async () => {
    const { client, model } = await open([ONE]);
    model.inject({ kind: 'http', status: 429, code: 'enforced_spend_limit_reached' });
    const error = await apiError(ask(client, [HELLO]));
    expect(error).toBeInstanceOf(Anthropic.EnforcedSpendLimitReachedError);
    expect(error.headers?.get('retry-after')).toBeNull();
  });
});

describe('a broken answer', () => {
  const cases: readonly (readonly [string, Fault, RegExp])[] = [
    ['cut before the headers', { kind: 'cut', afterEvents: 0 }, /APIConnectionError/],
    ['cut after three events', { kind: 'cut' }, /AnthropicError: terminated/],
    ['cut after one event', { kind: 'cut', afterEvents: 1 }, /AnthropicError: terminated/],
    ['no message_stop', { kind: 'truncate' }, /AnthropicError: .*stream ended/],
    ['no event at all', { kind: 'truncate', afterEvents: 0 }, /AnthropicError: .*(stream ended|without)/],
    [
      'overloaded in the middle',
      { kind: 'midstream_error', type: 'overloaded_error' },
      /APIError: .*overloaded_error/,
    ],
  ];
  test.each(cases)('%s', async (_name, fault, says) => {
    const { client, model } = await open([ONE]);
    model.inject(fault);
    const error = await rejection(ask(client, [HELLO]));
    expect(`${(error as Error).constructor.name}: ${(error as Error).message}`).toMatch(says);
    expect([model.aborted, model.problems]).toEqual([0, []]);
    expect((await ask(client, [HELLO])).content).toMatchObject([{ text: 'One two three four five six.' }]);
  });

  test('an error in the middle has a type but no status, as the API has it', async () => {
    const { client, model } = await open([ONE]);
    model.inject({ kind: 'midstream_error', type: 'overloaded_error', afterEvents: 4 });
    const error = await apiError(ask(client, [HELLO]));
    expect([error.status, error.type]).toEqual([undefined, 'overloaded_error']);
  });

  const whole: readonly (readonly [string, Fault, RegExp])[] = [
    ['cut before the headers', { kind: 'cut', afterEvents: 0 }, /APIConnectionError/],
    ['cut in the body', { kind: 'cut' }, /TypeError: terminated/],
    ['half of the JSON', { kind: 'truncate' }, /SyntaxError/],
    ['overloaded', { kind: 'midstream_error', type: 'overloaded_error' }, /OverloadedError/],
  ];
  test.each(whole)('without stream: %s', async (_name, fault, says) => {
    const { client, model } = await open([ONE]);
    model.inject(fault);
    const params = { model: 'claude-sonnet-5-5', max_tokens: 10, messages: [HELLO] };
    const error = await rejection(client.messages.create(params));
    expect(`${(error as Error).constructor.name}: ${(error as Error).message}`).toMatch(says);
  });
});

describe('a client that leaves', () => {
  const waits: readonly (readonly [string, Fault])[] = [
    ['a silent stream', { kind: 'hang' }],
    ['a stream that falls silent', { kind: 'hang', afterEvents: 4 }],
    ['a slow start', { kind: 'slow', delayMs: 600_000 }],
    ['a slow stream', { kind: 'slow', delayMs: 600_000, at: 'events' }],
  ];
  test.each(waits)('is seen leaving %s', async (_name, fault) => {
    const { client, model } = await open([ONE]);
    model.inject(fault);
    const stream = client.messages.stream({ model: 'claude-sonnet-5-5', max_tokens: 10, messages: [HELLO] });
    const ended = rejection(stream.finalMessage());
    await until(() => model.requests === 1);
    stream.abort();
    expect(await ended).toBeInstanceOf(Anthropic.APIUserAbortError);
    await until(() => model.aborted === 1);
    expect((await ask(client, [HELLO])).stop_reason).toBe('end_turn');
  });

  test('a client that stays is not counted, and a slow answer arrives whole', async () => {
    const { client, model } = await open([ONE]);
    model.inject({ kind: 'slow', delayMs: 1, at: 'events' });
    model.inject({ kind: 'slow', delayMs: 5 });
    for (let request = 0; request < 2; request += 1)
      expect((await ask(client, [HELLO])).content).toMatchObject([{ text: 'One two three four five six.' }]);
    expect(model.aborted).toBe(0);
  });
});

test('faults of a step are played on its first attempts, then the answer is given', async () => {
  const faults: Fault[] = [
    { kind: 'http', status: 529, times: 2 },
    { kind: 'cut', afterEvents: 2 },
  ];
  const { client } = await open([{ ...ONE, steps: [{ says: { text: 'At last.' }, faults }] }]);
  const seen: string[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1)
    seen.push(
      await ask(client, [HELLO]).then(
        (m) => m.stop_reason ?? '',
        (error: Error) => error.constructor.name,
      ),
    );
  expect(seen).toEqual(['OverloadedError', 'OverloadedError', 'AnthropicError', 'end_turn']);
});

test('a request that is refused does not use up a fault', async () => {
  const { client, model } = await open([ONE]);
  model.inject({ kind: 'http', status: 500 });
  expect((await apiError(ask(client, [{ role: 'user', content: 'unknown' }]))).status).toBe(400);
  expect((await apiError(ask(client, [HELLO]))).status).toBe(500);
});

test('delays are those of the step, else those of the server', async () => {
  const asked: unknown[] = [];
  const two = { ...ONE, id: 'two', opening: 'hi', steps: [{ says: { text: 'x' }, delayMs: 1 }] };
  const { client } = await open([ONE, two], {
    delayMs: (place) => {
      asked.push(place);
      return 1;
    },
  });
  await ask(client, [HELLO]);
  await ask(client, [{ role: 'user', content: 'hi' }]);
  expect(asked).toEqual([{ conversation: 'one', step: 0 }]);
});

test('the fault desk refuses to queue without end', () => {
  const desk = openFaultDesk();
  expect(() => desk.inject({ kind: 'cut', times: 10_001 })).toThrow(RangeError);
  expect(desk.next('x', [])).toBeNull();
});
