import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../core/json.ts';
import { errorEvent, frameOf, type StreamEvent } from './events.ts';
import { errorTypeOf, type Fault } from './faults.ts';

/** One request being answered. Whoever waits must ask whether the client is still there. */
export interface Exchange {
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly nowMs: () => number;
  readonly sighting: Sighting;
  /** Cuts the connection on purpose; not counted as a client that went away. */
  destroy(): void;
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

/** A fault that changes how the body arrives. The others are dealt with before there is one. */
export type BodyFault = Exclude<Fault, { kind: 'http' }>;

const ORGANIZATION_ID = '00000000-0000-4000-8000-000000000000';
const DEFAULT_EVENTS_BEFORE_FAULT = 3;
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

/** Streams the events, meeting the fault where it strikes. Resolves when the response ended or the client left. */
export async function playStream(
  exchange: Exchange,
  events: readonly StreamEvent[],
  fault: BodyFault | null,
): Promise<void> {
  if (fault?.kind === 'cut' && fault.afterEvents === 0) return exchange.destroy();
  const { response } = exchange;
  response.writeHead(200, {
    ...baseHeaders(exchange),
    ...rateLimitHeaders(exchange, 0),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  response.flushHeaders();
  const pauseMs = fault?.kind === 'slow' && fault.at === 'events' ? fault.delayMs : 0;
  for (const event of events.slice(0, eventsBefore(fault, events.length))) {
    if (pauseMs > 0) await wait(response, pauseMs);
    if (isGone(response) || !(await write(response, frameOf(event)))) return;
    exchange.sighting.events += 1;
  }
  switch (fault?.kind) {
    case 'cut':
      return exchange.destroy();
    case 'hang':
      return;
    case 'midstream_error':
      await write(response, frameOf(errorEvent(fault.type, exchange.requestId)));
      response.end();
      return;
    case 'truncate':
    case 'slow':
    case undefined:
      response.end();
      return;
    default:
      fault satisfies never;
  }
}

/** The same faults for an answer in one piece: half of the body stands for the first events. */
export async function playJson(exchange: Exchange, body: JsonObject, fault: BodyFault | null): Promise<void> {
  const { response } = exchange;
  const text = JSON.stringify(body);
  const half = text.slice(0, Math.floor(text.length / 2));
  const start = (): void => {
    response.writeHead(200, { ...baseHeaders(exchange), 'content-type': 'application/json' });
    response.flushHeaders();
  };
  switch (fault?.kind) {
    case 'cut':
      if (fault.afterEvents === 0) return exchange.destroy();
      start();
      await write(response, half);
      return exchange.destroy();
    case 'truncate':
      start();
      response.end(half);
      return;
    case 'hang':
      return start();
    case 'midstream_error':
      return sendError(exchange, {
        status: fault.type === 'overloaded_error' ? 529 : 500,
        type: fault.type,
        message: `scripted ${fault.type}`,
      });
    case 'slow':
    case undefined:
      return sendJson(exchange, 200, body, rateLimitHeaders(exchange, 0));
    default:
      fault satisfies never;
  }
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

type Headers = Readonly<Record<string, string>>;

/** True once the bytes are with the kernel, so that a cut behind them does not take them back. */
function write(response: ServerResponse, text: string): Promise<boolean> {
  return new Promise((resolve) => {
    const left = (): void => resolve(false);
    response.once('close', left);
    response.write(text, (error) => {
      response.off('close', left);
      resolve(!error);
    });
  });
}

function eventsBefore(fault: BodyFault | null, all: number): number {
  switch (fault?.kind) {
    case 'cut':
    case 'midstream_error':
      return fault.afterEvents ?? DEFAULT_EVENTS_BEFORE_FAULT;
    case 'truncate':
      return Math.min(fault.afterEvents ?? all - 1, all - 1);
    case 'hang':
      return fault.afterEvents ?? 0;
    case 'slow':
    case undefined:
      return all;
    default:
      return fault satisfies never;
  }
}

function baseHeaders(exchange: Exchange): Headers {
  return { 'request-id': exchange.requestId, 'anthropic-organization-id': ORGANIZATION_ID };
}

/** `resetSeconds` above 0 says that the limit is used up until then. */
function rateLimitHeaders(exchange: Exchange, resetSeconds: number): Headers {
  const reset = new Date(exchange.nowMs() + resetSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
  return Object.fromEntries(
    Object.entries(RATE_LIMITS).flatMap(([what, limit]) => [
      [`anthropic-ratelimit-${what}-limit`, String(limit)],
      [`anthropic-ratelimit-${what}-remaining`, String(resetSeconds > 0 ? 0 : limit)],
      [`anthropic-ratelimit-${what}-reset`, reset],
    ]),
  );
}
