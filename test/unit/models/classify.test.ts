import {
  AnthropicError,
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import { GarbledAnswerError } from '../../../src/models/answer.ts';
import { classifyModelError } from '../../../src/models/classify.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 12, 0, 0);

function apiError(
  status: number,
  {
    type = 'api_error',
    code = '',
    message = 'SECRET words',
    headers = {},
  }: {
    readonly type?: string | null;
    readonly code?: string;
    readonly message?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): unknown {
  const details = code === '' ? {} : { details: { error_code: code } };
  const body = type === null ? undefined : { type: 'error', error: { type, message, ...details } };
  return APIError.generate(status, body, undefined, new Headers({ 'request-id': 'req_1', ...headers }));
}

function classify(error: unknown) {
  const failure = classifyModelError(error, { aborted: 'no', nowMs: NOW_MS });
  expect(failure.message).not.toContain('SECRET');
  return failure;
}

const bad = (message: string) => apiError(400, { type: 'invalid_request_error', message });

describe('every kind of error has one verdict', () => {
  test.each<readonly [name: string, error: unknown, kind: string, code: string]>([
    ['400', bad('messages.0: SECRET'), 'terminal', 'model_bad_request'],
    [
      '400 request_body_timeout',
      apiError(400, { code: 'request_body_timeout' }),
      'retryable',
      'model_timeout',
    ],
    [
      '400 organization_on_hold',
      apiError(400, { code: 'organization_on_hold' }),
      'terminal',
      'model_billing',
    ],
    ['400 an unknown code', apiError(400, { code: 'thread_something' }), 'terminal', 'model_bad_request'],
    [
      '400 usage limit',
      bad('You have reached your specified API usage limits. SECRET'),
      'terminal',
      'model_spend_limit',
    ],
    [
      '400 workspace usage limit',
      bad('You have reached your specified workspace API usage limits.'),
      'terminal',
      'model_spend_limit',
    ],
    ['400 credit', bad('Your credit balance is too low to access the API.'), 'terminal', 'model_billing'],
    [
      '400 prefix',
      bad('messages.3: thinking block is bound to a different conversation'),
      'terminal',
      'model_prefix_changed',
    ],
    [
      '400 signature',
      bad('messages.1.content.0: Invalid `signature` in `thinking` block'),
      'terminal',
      'model_prefix_changed',
    ],
    [
      '400 thinking edited',
      bad('`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.'),
      'terminal',
      'model_prefix_changed',
    ],
    [
      '400 too long',
      bad('prompt is too long: 1000001 tokens > 1000000 maximum'),
      'terminal',
      'model_context_exceeded',
    ],
    [
      '400 too long with output',
      bad('input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000'),
      'terminal',
      'model_context_exceeded',
    ],
    ['401', apiError(401, { type: 'authentication_error' }), 'terminal', 'model_auth'],
    ['402', apiError(402, { type: 'billing_error' }), 'terminal', 'model_billing'],
    [
      '402 linked organization',
      apiError(402, { code: 'linked_organization_x' }),
      'terminal',
      'model_billing',
    ],
    ['403', apiError(403, { type: 'permission_error' }), 'terminal', 'model_auth'],
    ['403 billing', apiError(403, { type: 'billing_error' }), 'terminal', 'model_billing'],
    ['404', apiError(404, { type: 'not_found_error' }), 'terminal', 'model_not_found'],
    ['408', apiError(408), 'retryable', 'model_timeout'],
    ['409', apiError(409, { type: 'conflict_error' }), 'retryable', 'model_unavailable'],
    ['412', apiError(412), 'terminal', 'model_bad_request'],
    ['413', apiError(413, { type: 'request_too_large' }), 'terminal', 'model_context_exceeded'],
    ['418, not listed', apiError(418), 'terminal', 'model_bad_request'],
    ['422', apiError(422), 'terminal', 'model_bad_request'],
    ['429', apiError(429, { type: 'rate_limit_error' }), 'retryable', 'model_rate_limited'],
    [
      '429 enforced spend limit',
      apiError(429, { code: 'enforced_spend_limit_reached' }),
      'terminal',
      'model_spend_limit',
    ],
    [
      '429 contract spend limit',
      apiError(429, { code: 'contract_spend_limit_reached' }),
      'terminal',
      'model_spend_limit',
    ],
    ['429 ramp', apiError(429, { code: 'ramp_limit_exceeded' }), 'retryable', 'model_rate_limited'],
    ['431', apiError(431), 'terminal', 'model_bad_request'],
    ['499', apiError(499), 'retryable', 'model_unavailable'],
    ['500', apiError(500), 'retryable', 'model_unavailable'],
    ['500 overloaded', apiError(500, { type: 'overloaded_error' }), 'retryable', 'model_overloaded'],
    ['501', apiError(501), 'terminal', 'model_bad_request'],
    ['502 without a body', apiError(502, { type: null }), 'retryable', 'model_unavailable'],
    ['503', apiError(503), 'retryable', 'model_unavailable'],
    ['503 cmek', apiError(503, { code: 'cmek_key_unavailable' }), 'retryable', 'model_unavailable'],
    ['504', apiError(504, { type: 'timeout_error' }), 'retryable', 'model_timeout'],
    ['520, not listed', apiError(520), 'retryable', 'model_unavailable'],
    ['529', apiError(529, { type: 'overloaded_error' }), 'retryable', 'model_overloaded'],
    ['529 compaction', apiError(529, { code: 'compaction_unavailable' }), 'retryable', 'model_overloaded'],
    [
      'connection',
      new APIConnectionError({ cause: new TypeError('fetch failed') }),
      'retryable',
      'model_unavailable',
    ],
    ['connection timeout', new APIConnectionTimeoutError(), 'retryable', 'model_timeout'],
    ['an abort that nobody asked for', new APIUserAbortError(), 'retryable', 'model_unavailable'],
    ['truncated body', new TypeError('terminated'), 'retryable', 'model_unavailable'],
    ['wrapped truncated body', wrapped(new TypeError('terminated')), 'retryable', 'model_unavailable'],
    ['invalid JSON', new SyntaxError('Unexpected token SECRET'), 'retryable', 'model_garbled'],
    [
      'wrapped invalid JSON',
      wrapped(new SyntaxError('Unexpected token SECRET')),
      'retryable',
      'model_garbled',
    ],
    [
      'our own word for a broken answer',
      new GarbledAnswerError('the answer started twice'),
      'retryable',
      'model_garbled',
    ],
    [
      'silent body by undici',
      new TypeError('terminated', { cause: { code: 'UND_ERR_BODY_TIMEOUT' } }),
      'retryable',
      'model_stalled',
    ],
    [
      'no headers by undici',
      new TypeError('x', { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } }),
      'retryable',
      'model_timeout',
    ],
    ['not an error at all', 'SECRET', 'retryable', 'model_unavailable'],
  ])('%s', (_name, error, kind, code) => {
    expect(classify(error)).toMatchObject({ kind, code });
  });

  test.each([
    ['cancelled', 'terminal', 'model_cancelled'],
    ['stalled', 'retryable', 'model_stalled'],
    ['timeout', 'retryable', 'model_timeout'],
  ] as const)('our own abort decides alone: %s', (aborted, kind, code) => {
    for (const error of [new APIUserAbortError(), apiError(401), new TypeError('terminated'), null])
      expect(classifyModelError(error, { aborted })).toMatchObject({ kind, code });
  });

  test('errors in the middle of a stream have no status and are judged by type', () => {
    const midStream = (type: string, message = 'SECRET') =>
      new APIError(undefined, { error: { type, message } }, undefined, new Headers(), undefined);
    expect(classify(midStream('overloaded_error'))).toMatchObject({
      kind: 'retryable',
      code: 'model_overloaded',
    });
    expect(classify(midStream('api_error'))).toMatchObject({ kind: 'retryable', code: 'model_unavailable' });
    expect(classify(midStream('request_too_large'))).toMatchObject({ code: 'model_context_exceeded' });
    expect(classify(midStream('authentication_error'))).toMatchObject({
      kind: 'terminal',
      code: 'model_auth',
    });
    expect(classify(midStream('permission_error'))).toMatchObject({ kind: 'terminal', code: 'model_auth' });
    expect(classify(midStream('invalid_request_error', 'prompt is too long'))).toMatchObject({
      code: 'model_context_exceeded',
    });
  });

  test('another copy of the SDK, with other classes, is judged the same', () => {
    const copy = Object.assign(new Error('x'), { status: 429, errorCode: 'contract_spend_limit_reached' });
    expect(classify(copy)).toMatchObject({ kind: 'terminal', code: 'model_spend_limit' });
  });
});

describe('retry-after', () => {
  const waitOf = (headers: Readonly<Record<string, string>>, status = 429) => {
    const failure = classify(apiError(status, { headers }));
    return failure.kind === 'retryable' ? failure.retryAfterMs : 'terminal';
  };
  test.each<readonly [Readonly<Record<string, string>>, number | undefined]>([
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1500],
    [{ 'retry-after-ms': 'soon', 'retry-after': '9' }, 9000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 12:00:30 GMT' }, 30_000],
    [{ 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT' }, undefined],
    [{ 'retry-after': '86400' }, 600_000],
    [{ 'retry-after': '1e300' }, 600_000],
    [{ 'retry-after': '0' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('%o waits %o ms', (headers, expected) => {
    expect(waitOf(headers)).toBe(expected);
  });

  test('is honoured for outages, and a slower pace is the default where the API is overloaded or ramping', () => {
    expect(waitOf({ 'retry-after': '4' }, 503)).toBe(4000);
    expect(waitOf({ 'retry-after': '4' }, 401)).toBe('terminal');
    expect(waitOf({}, 529)).toBe(15_000);
    expect(waitOf({ 'retry-after': '4' }, 529)).toBe(4000);
    expect(classify(apiError(429, { code: 'ramp_limit_exceeded' }))).toMatchObject({ retryAfterMs: 60_000 });
  });
});

test('the message holds our words, status, type, code and request id, and nothing else of upstream', () => {
  const { message } = classify(apiError(429, { type: 'rate_limit_error', code: 'ramp_limit_exceeded' }));
  expect(message).toMatch(/\(status 429, type rate_limit_error, code ramp_limit_exceeded, request req_1\)$/);
  const odd = apiError(400, { type: 'SECRET type with\nwords', code: 'SECRET '.repeat(50) });
  expect(classify(odd).message).toMatch(/\(status 400, request req_1\)$/);
});

function wrapped(cause: Error): Error {
  return new AnthropicError(cause.message, { cause });
}
