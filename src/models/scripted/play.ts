import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { JsonObject } from '../../core/json.ts';
import { errorEvent, frameOf, type StreamEvent } from './events.ts';
import type { Fault } from './faults.ts';
import {
  baseHeaders,
  type Exchange,
  type Headers,
  isGone,
  rateLimitHeaders,
  sendError,
  sendJson,
  wait,
  write,
} from './reply.ts';

// An answer on its way, and what may happen to it there. A request lives as long as its client stays.

/** A fault that changes how the body arrives. An error reply is dealt with before there is one. */
export type BodyFault = Exclude<Fault, { kind: 'http' }>;
/** Those that have a body of the right kind at all. */
type AnswerFault = Exclude<BodyFault, { kind: 'wrong_content_type' | 'truncated_gzip' }>;

const DEFAULT_EVENTS_BEFORE_FAULT = 3;
/** The most drops of a drip; a client that stays longer sees the stream end. */
const MAX_DROPS = 100_000;
const GARBAGE_BYTES = 4_096;
const STREAM: Headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';
const PAGE = '<!doctype html><html><title>Sign in</title><body>Please sign in to continue.</body></html>';

/** Streams the events, meeting the fault where it strikes. Resolves when the response ended or the client left. */
export async function playStream(
  exchange: Exchange,
  events: readonly StreamEvent[],
  fault: AnswerFault | null,
): Promise<void> {
  if (fault?.kind === 'cut' && fault.afterEvents === 0) return exchange.destroy();
  if (fault?.kind === 'reset' && fault.afterEvents === 0) return exchange.reset();
  const { response } = exchange;
  begin(exchange, STREAM);
  const pauseMs = fault?.kind === 'slow' && fault.at === 'events' ? fault.delayMs : 0;
  const before = eventsBefore(fault, events.length);
  for (const event of events.slice(0, before)) {
    if (pauseMs > 0) await wait(response, pauseMs);
    if (isGone(response) || !(await write(response, frameOf(event)))) return;
    exchange.sighting.events += 1;
  }
  switch (fault?.kind) {
    case 'cut':
      return exchange.destroy();
    case 'reset':
      return exchange.reset();
    case 'hang':
      return;
    case 'drip':
      return drip(exchange, fault, Buffer.from(events.slice(before).map(frameOf).join('')));
    case 'garbage':
      await write(response, garbage());
      response.end();
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
export async function playJson(
  exchange: Exchange,
  body: JsonObject,
  fault: AnswerFault | null,
): Promise<void> {
  const { response } = exchange;
  const text = JSON.stringify(body);
  const half = text.slice(0, Math.floor(text.length / 2));
  const start = (): void => begin(exchange, { 'content-type': 'application/json' });
  switch (fault?.kind) {
    case 'cut':
    case 'reset': {
      const end = (): void => (fault.kind === 'cut' ? exchange.destroy() : exchange.reset());
      if (fault.afterEvents === 0) return end();
      start();
      await write(response, half);
      return end();
    }
    case 'truncate':
      start();
      response.end(half);
      return;
    case 'hang':
      return start();
    case 'drip':
      start();
      return drip(exchange, fault, Buffer.from(text));
    case 'garbage':
      start();
      response.end(garbage());
      return;
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

/** A page of HTML in the place of an answer. */
export function playPage(exchange: Exchange): void {
  begin(exchange, { 'content-type': 'text/html; charset=utf-8' });
  exchange.response.end(PAGE);
}

/** Half of the compressed bytes of an answer, then a clean end. */
export function playTornGzip(exchange: Exchange, answer: readonly StreamEvent[] | JsonObject): void {
  const streams = Array.isArray(answer);
  const text = streams ? answer.map(frameOf).join('') : JSON.stringify(answer);
  const whole = gzipSync(text);
  begin(exchange, {
    ...(streams ? STREAM : { 'content-type': 'application/json' }),
    'content-encoding': 'gzip',
  });
  exchange.response.end(whole.subarray(0, Math.floor(whole.length / 2)));
}

function begin(exchange: Exchange, headers: Headers): void {
  const { response } = exchange;
  response.writeHead(200, {
    ...baseHeaders(exchange),
    ...rateLimitHeaders(exchange, 0),
    ...headers,
  });
  response.flushHeaders();
}

async function drip(
  { response }: Exchange,
  fault: Extract<Fault, { kind: 'drip' }>,
  rest: Buffer,
): Promise<void> {
  const drops = fault.what === 'pings' ? MAX_DROPS : Math.min(rest.length, MAX_DROPS);
  for (let drop = 0; drop < drops; drop += 1) {
    if (!(await wait(response, fault.everyMs))) return;
    if (!(await write(response, fault.what === 'pings' ? PING : rest.subarray(drop, drop + 1)))) return;
  }
  response.end();
}

/** The same bytes every time; most are no UTF-8, and some end lines. */
function garbage(): Uint8Array {
  const blocks = Array.from({ length: GARBAGE_BYTES / 32 }, (_, i) =>
    createHash('sha256').update(`garbage ${i}`).digest(),
  );
  return Buffer.concat(blocks);
}

function eventsBefore(fault: AnswerFault | null, all: number): number {
  switch (fault?.kind) {
    case 'cut':
    case 'reset':
    case 'midstream_error':
      return fault.afterEvents ?? DEFAULT_EVENTS_BEFORE_FAULT;
    case 'truncate':
      return Math.min(fault.afterEvents ?? all - 1, all - 1);
    case 'drip':
      return fault.afterEvents ?? 1;
    case 'hang':
    case 'garbage':
      return fault.afterEvents ?? 0;
    case 'slow':
    case undefined:
      return all;
    default:
      return fault satisfies never;
  }
}
