import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';

/** What we read of an error of the API or of the network, by shape, never by class name. Nothing here is safe to show but `status`. */
export interface Upstream {
  readonly status: number | null;
  /** `error.type` of the body. */
  readonly type: string | null;
  /** `error.details.error_code` of the body. */
  readonly code: string | null;
  /** The upstream's own words. For recognising, never for showing: they may quote a conversation. */
  readonly words: string;
  readonly requestId: string | null;
  /** A code of Node or undici from the error or its causes, such as `ECONNREFUSED`. */
  readonly networkCode: string | null;
  readonly header: (name: string) => string | null;
}

export function readUpstream(error: unknown): Upstream {
  const fields = isObject(error) ? error : {};
  const headers = fields.headers;
  return {
    status: typeof fields.status === 'number' ? fields.status : null,
    type: textOrNull(fields.type),
    code: textOrNull(fields.errorCode),
    words: textOrNull(fields.apiMessage) ?? textOrNull(fields.message) ?? '',
    requestId: textOrNull(fields.requestID),
    networkCode: networkCodeOf(error),
    header: (name) => (headers instanceof Headers ? headers.get(name) : null),
  };
}

/** The error and its causes, outermost first. */
export function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (let link = error; isObject(link) && chain.length < LIMITS.errorCauses; link = link.cause)
    chain.push(link);
  return chain;
}

/** A word we may repeat in a message: short, and of the alphabet that codes and ids are made of. */
export function safeWord(word: string | null): string | null {
  return word !== null && /^[A-Za-z0-9_.-]{1,80}$/.test(word) ? word : null;
}

/** `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; at most ten minutes; undefined where neither asks for a wait. */
export function retryAfterMsOf(upstream: Upstream, nowMs: number): number | undefined {
  const waits = [
    numberOf(upstream.header('retry-after-ms')),
    numberOf(upstream.header('retry-after')) * 1000,
    Date.parse(upstream.header('retry-after') ?? '') - nowMs,
  ];
  const wait = waits.find((ms) => ms > 0);
  return wait === undefined ? undefined : Math.min(Math.ceil(wait), LIMITS.retryAfterMaxMs);
}

function numberOf(header: string | null): number {
  return header === null || header.trim() === '' ? Number.NaN : Number(header);
}

function networkCodeOf(error: unknown): string | null {
  for (const link of causesOf(error)) {
    const code = isObject(link) ? link.code : undefined;
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,39}$/.test(code)) return code;
  }
  return null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
