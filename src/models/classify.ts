import { APIConnectionTimeoutError } from '@anthropic-ai/sdk';
import type { Failure, FailureCode } from '../core/errors.ts';
import { FailureError, retryable, terminal } from '../core/errors.ts';
import type { Usage } from '../core/messages.ts';
import { GarbledAnswerError } from './answer.ts';
import type { Upstream } from './upstream.ts';
import { causesOf, readUpstream, retryAfterMsOf, safeWord } from './upstream.ts';
import type { Aborted } from './watchdog.ts';

/**
 * A failed model call. It has no `cause` on purpose: the upstream's error holds its body, and a body can hold a
 * customer's words. `usage` is what the stream had reported before it died (a lower bound of what is billed),
 * or null when it reported nothing. `accepted`: the API had begun to answer, so that a call without a usage is billed
 * for nobody knows what.
 */
export class ModelCallError extends FailureError {
  readonly usage: Usage | null;
  readonly requestId: string | null;
  readonly accepted: boolean;
  constructor(
    failure: Failure,
    known: { readonly usage: Usage | null; readonly requestId: string | null; readonly accepted: boolean },
  ) {
    super(failure);
    this.name = 'ModelCallError';
    this.usage = known.usage;
    this.requestId = known.requestId;
    this.accepted = known.accepted;
  }
}

export interface ClassifyContext {
  /** Why we ended the call ourselves; anything but `no` decides alone. */
  readonly aborted: Aborted;
  /** For a `retry-after` that is a date. The clock's word where left out. */
  readonly nowMs?: number;
}

interface Verdict {
  readonly kind: Failure['kind'];
  readonly code: FailureCode;
  /** What happened and what to do next, in our words. */
  readonly words: string;
  /** Waits at least this long, where the upstream names no time of its own. */
  readonly waitMs?: number;
}

const again = (code: FailureCode, words: string, waitMs?: number): Verdict =>
  waitMs === undefined ? { kind: 'retryable', code, words } : { kind: 'retryable', code, words, waitMs };
const final = (code: FailureCode, words: string): Verdict => ({ kind: 'terminal', code, words });

const RATE_LIMITED = again(
  'model_rate_limited',
  'The model API limits the rate of requests. It is tried again.',
);
const RAMPING = again(
  'model_rate_limited',
  'Use of the model API grew faster than it allows. It is tried again, slower.',
  60_000,
);
const OVERLOADED = again(
  'model_overloaded',
  'The model API is overloaded. It is tried again, slower.',
  15_000,
);
const UNAVAILABLE = again('model_unavailable', 'The model API failed. It is tried again.');
const UNREACHABLE = again(
  'model_unavailable',
  'The connection to the model API failed. It is tried again; if it stays so, check the base URL and the network.',
);
const TIMED_OUT = again('model_timeout', 'The model API took too long. It is tried again.');
const STALLED = again(
  'model_stalled',
  'The model API fell silent in the middle of an answer. It is tried again.',
);
const GARBLED = again(
  'model_garbled',
  'The answer of the model API could not be read. It is tried again; if it stays so, check that the base URL speaks the Messages API.',
);
const CANCELLED = final('model_cancelled', 'The model call was cancelled by its caller.');
const AUTH = final(
  'model_auth',
  'The model API refused the key or its permissions. Check the API key of this worker.',
);
const BILLING = final(
  'model_billing',
  'The model API refuses to serve this account until its billing is settled. Check the account.',
);
const SPEND_LIMIT = final(
  'model_spend_limit',
  'The account has reached its spend limit at the model API. Raise it there, or wait for its next period.',
);
const NOT_FOUND = final(
  'model_not_found',
  'The model API does not know the model or the address. Check the configured model name and base URL.',
);
const BAD_REQUEST = final(
  'model_bad_request',
  'The model API refused the request as invalid; the same request would be refused again. Look it up by its request id.',
);
const PREFIX_CHANGED = final(
  'model_prefix_changed',
  'The conversation no longer has the bytes its thinking was signed for. Start a new conversation, with a summary of this one.',
);
const CONTEXT_EXCEEDED = final(
  'model_context_exceeded',
  "The conversation is longer than the model's context. Make it shorter, then go on.",
);

const BY_STATUS: Readonly<Record<number, Verdict>> = {
  400: BAD_REQUEST,
  401: AUTH,
  402: BILLING,
  403: AUTH,
  404: NOT_FOUND,
  408: TIMED_OUT,
  409: UNAVAILABLE,
  412: BAD_REQUEST,
  413: CONTEXT_EXCEEDED,
  422: BAD_REQUEST,
  429: RATE_LIMITED,
  431: BAD_REQUEST,
  499: UNAVAILABLE,
  501: BAD_REQUEST,
  504: TIMED_OUT,
  529: OVERLOADED,
};

/** Error types, for errors without a status: those that arrive in the middle of a stream. */
const BY_TYPE: ReadonlyMap<string, Verdict> = new Map([
  ['invalid_request_error', BAD_REQUEST],
  ['authentication_error', AUTH],
  ['billing_error', BILLING],
  ['permission_error', AUTH],
  ['not_found_error', NOT_FOUND],
  ['request_too_large', CONTEXT_EXCEEDED],
  ['rate_limit_error', RATE_LIMITED],
  ['timeout_error', TIMED_OUT],
  ['api_error', UNAVAILABLE],
  ['overloaded_error', OVERLOADED],
  ['conflict_error', UNAVAILABLE],
]);

/** Error codes that say more than status and type do. Codes not listed add nothing, so new ones are safe. */
const BY_CODE: ReadonlyMap<string, Verdict> = new Map([
  ['enforced_spend_limit_reached', SPEND_LIMIT],
  ['contract_spend_limit_reached', SPEND_LIMIT],
  ['ramp_limit_exceeded', RAMPING],
  ['request_body_timeout', TIMED_OUT],
  ['organization_on_hold', BILLING],
]);

/** A 400 has one type for very different things; only its words tell them apart. */
const BY_WORDS: readonly (readonly [RegExp, Verdict])[] = [
  [/reached (your|the) (specified )?.{0,60}usage limits?/i, SPEND_LIMIT],
  [/credit balance is too low/i, BILLING],
  [/bound to a different conversation/i, PREFIX_CHANGED],
  [/invalid .{0,3}signature.{0,3} in .{0,3}thinking/i, PREFIX_CHANGED],
  [/thinking.{0,3} blocks? .{0,80}cannot be modified/i, PREFIX_CHANGED],
  [/prompt is too long|exceeds? .{0,20}context (limit|window|length)/i, CONTEXT_EXCEEDED],
];

const BY_NETWORK_CODE: ReadonlyMap<string, Verdict> = new Map([
  ['UND_ERR_BODY_TIMEOUT', STALLED],
  ['UND_ERR_HEADERS_TIMEOUT', TIMED_OUT],
  ['UND_ERR_CONNECT_TIMEOUT', TIMED_OUT],
  ['ETIMEDOUT', TIMED_OUT],
  // A compressed body that broke off, or was none.
  ['Z_BUF_ERROR', GARBLED],
  ['Z_DATA_ERROR', GARBLED],
]);

const BY_ABORT: Readonly<Record<Exclude<Aborted, 'no'>, Verdict>> = {
  cancelled: CANCELLED,
  stalled: STALLED,
  timeout: TIMED_OUT,
};

/**
 * The one place that decides what an error of the model API means: by status, error code and type, since the SDK
 * gains class names in minor releases. Its message is made of our words, status, code, type and request id only.
 */
export function classifyModelError(error: unknown, context: ClassifyContext): Failure {
  const upstream = readUpstream(error);
  const verdict = context.aborted === 'no' ? judge(error, upstream) : BY_ABORT[context.aborted];
  const message = describe(verdict, upstream, error);
  if (verdict.kind === 'terminal') return terminal(verdict.code, message);
  const asked = context.aborted === 'no' ? retryAfterMsOf(upstream, context.nowMs ?? Date.now()) : undefined;
  return retryable(verdict.code, message, asked ?? verdict.waitMs);
}

function judge(error: unknown, upstream: Upstream): Verdict {
  const byCode = BY_CODE.get(upstream.code ?? '');
  if (byCode !== undefined) return byCode;
  if (upstream.status !== null) return judgeStatus(upstream.status, upstream);
  const byType = BY_TYPE.get(upstream.type ?? '');
  if (byType !== undefined) return refine(byType, upstream);
  if (upstream.type !== null) return UNAVAILABLE;
  return judgeConnection(error, upstream);
}

function judgeStatus(status: number, upstream: Upstream): Verdict {
  if (upstream.type === 'billing_error') return BILLING;
  if (upstream.type === 'overloaded_error' && status >= 500) return OVERLOADED;
  const verdict = BY_STATUS[status] ?? (status >= 500 ? UNAVAILABLE : BAD_REQUEST);
  return refine(verdict, upstream);
}

function refine(verdict: Verdict, upstream: Upstream): Verdict {
  if (verdict !== BAD_REQUEST) return verdict;
  return BY_WORDS.find(([pattern]) => pattern.test(upstream.words))?.[1] ?? verdict;
}

/** No answer, or one that broke off: the SDK throws bare TypeErrors and SyntaxErrors here, or wraps them. */
function judgeConnection(error: unknown, upstream: Upstream): Verdict {
  const causes = causesOf(error);
  if (causes.some((link) => link instanceof GarbledAnswerError || link instanceof SyntaxError))
    return GARBLED;
  const byNetworkCode = BY_NETWORK_CODE.get(upstream.networkCode ?? '');
  if (byNetworkCode !== undefined) return byNetworkCode;
  return error instanceof APIConnectionTimeoutError ? TIMED_OUT : UNREACHABLE;
}

function describe(verdict: Verdict, upstream: Upstream, error: unknown): string {
  const garbled = causesOf(error).find((link) => link instanceof GarbledAnswerError);
  const facts = [
    garbled instanceof GarbledAnswerError && verdict === GARBLED ? garbled.message : null,
    upstream.status === null ? null : `status ${upstream.status}`,
    fact('type', upstream.type),
    fact('code', upstream.code),
    fact('network', upstream.networkCode),
    fact('request', upstream.requestId),
  ].filter((text) => text !== null);
  return facts.length === 0 ? verdict.words : `${verdict.words} (${facts.join(', ')})`;
}

function fact(name: string, word: string | null): string | null {
  const safe = safeWord(word);
  return safe === null ? null : `${name} ${safe}`;
}
