import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../core/json.ts';
import { errorTypeOf } from './faults.ts';

/** One request being answered. Whoever waits must ask whether the client is still there. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly nowMs: () => number;
  readonly sighting: Sighting;
  /** Cuts the connection on purpose; not counted as a client that went away. */
  destroy(): void;
  /** The same with an RST. */
  reset(): void;
}

/** What the server saw of one request, kept up to date. Times are those of `nowMs`. */
export interface Sighting {
  readonly receivedAtMs: number;
  /** Frames of the stream that are with the kernel. */
  events: number;
  /** When the client closed the connection under an answer that was not complete; null while it has not. */
  leftAtMs: number | null;
}

export interface ApiError {
  readonly status: number;
  readonly type?: string;
  readonly message: string;
  readonly code?: string;
  readonly retryAfterSeconds?: number;
}

const ORGANIZATION_ID = '00000000-0000-4000-8000-000000000000';
const RATE_LIMITS = {
  requests: 4_000,
  tokens: 2_400_000,
  'input-tokens': 2_000_000,
  'output-tokens': 400_000,
};

export function sendJson(exchange: Exchange, status: number, body: JsonObject, headers: Headers = {}): void {
  const bytes = Buffer.from(JSON.stringify(body));
  exchange.response.writeHead(status, {
    ...baseHeaders(exchange),
    'content-type': 'application/json',
    'content-length': bytes.length,
    ...headers,
  });
  exchange.response.end(bytes);
}

export function sendError(exchange: Exchange, error: ApiError): void {
  const { status, message, code, retryAfterSeconds } = error;
  const type = error.type ?? errorTypeOf(status);
  const details = code === undefined ? {} : { details: { error_code: code } };
  const limited = status === 429;
  sendJson(
    exchange,
    status,
    { type: 'error', error: { type, message, ...details }, request_id: exchange.requestId },
    {
      ...(limited ? rateLimitHeaders(exchange, retryAfterSeconds ?? 60) : {}),
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
  );
}

/** Resolves after the time, or at once when the client goes away; true while it is still there. */
export function wait(response: ServerResponse, delayMs: number): Promise<boolean> {
  if (isGone(response)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      response.off('close', finish);
      resolve(!isGone(response));
    };
    const timer = setTimeout(finish, delayMs);
    response.once('close', finish);
  });
}

export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.closed;
}

export type Headers = Readonly<Record<string, string>>;

/** True once the bytes are with the kernel, so that a cut behind them does not take them back. */
export function write(response: ServerResponse, data: string | Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const left = (): void => resolve(false);
    response.once('close', left);
    response.write(data, (error) => {
      response.off('close', left);
      resolve(!error);
    });
  });
}

export function baseHeaders(exchange: Exchange): Headers {
  return { 'request-id': exchange.requestId, 'anthropic-organization-id': ORGANIZATION_ID };
}

/** `resetSeconds` above 0 says that the limit is used up until then. */
export function rateLimitHeaders(exchange: Exchange, resetSeconds: number): Headers {
  const reset = new Date(exchange.nowMs() + resetSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return Object.fromEntries(
    Object.entries(RATE_LIMITS).flatMap(([what, limit]) => [
      [`anthropic-ratelimit-${what}-limit`, String(limit)],
      [`anthropic-ratelimit-${what}-remaining`, String(resetSeconds > 0 ? 0 : limit)],
      [`anthropic-ratelimit-${what}-reset`, reset],
    ]),
  );
}
