import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Conversation } from './conversation.ts';
import { openEndpoints, type StepPlace } from './endpoints.ts';
import type { Fault } from './faults.ts';
import { KNOWN_MODELS } from './models.ts';
import { readBody } from './read-body.ts';
import { type Exchange, isGone, type Sighting } from './reply.ts';
import { excerpt } from './wire.ts';

export interface ScriptedModelOptions {
  readonly conversations: readonly Conversation[];
  /** Before each answer; a step's own `delayMs` wins. */
  readonly delayMs?: number | ((place: StepPlace) => number);
  /** Default: a free one. */
  readonly port?: number;
  /** Default `scripted`. */
  readonly apiKey?: string;
  /** The names that a request may use. Default: those of the API. */
  readonly models?: readonly string[];
  /** For the time in rate-limit headers. */
  readonly nowMs?: () => number;
}

export interface ScriptedModel {
  /** The client's `baseURL`. */
  readonly url: string;
  /** `POST /v1/messages` received, refused ones and faults too. */
  readonly requests: number;
  /** Requests to `/v1/messages` that are neither answered nor cut off nor left. */
  readonly underWay: number;
  /** Requests whose client left before the answer was complete. */
  readonly aborted: number;
  /** Every `POST /v1/messages`, oldest first, at most the last 1,000. */
  readonly sightings: readonly Readonly<Sighting>[];
  /** What was refused, oldest first, at most the last 1,000. Faults are not among them. */
  readonly problems: readonly string[];
  /** The next sound request (or `times` requests) to `/v1/messages` meets this fault. */
  inject(fault: Fault): void;
  /** Faults that were injected and not met yet are forgotten. */
  calm(): void;
  /** Replaces a conversation of the same id. Throws when another one has the same opening. */
  add(conversation: Conversation): void;
  /** Closes every connection. Resolves when nothing is left; may be called twice. */
  stop(): Promise<void>;
}

const MAX_PROBLEMS = 1_000;
const MAX_SIGHTINGS = 1_000;

/**
 * Starts a local server that speaks the Messages API, version 2026-10-21, answers from scripts, and refuses what the
 * API would refuse. Loopback only. It runs wherever no API key is set, so the path through the SDK is always the same.
 *
 * Throws a TypeError when two conversations have one opening, and rejects when the port is taken.
 */
export async function startScriptedModel(options: ScriptedModelOptions): Promise<ScriptedModel> {
  const conversations = new Map<string, Conversation>();
  const problems: string[] = [];
  const sightings: Sighting[] = [];
  const nowMs = options.nowMs ?? Date.now;
  let requests = 0;
  let aborted = 0;
  let underWay = 0;
  let stopping: Promise<void> | null = null;

  const endpoints = openEndpoints({
    apiKey: options.apiKey ?? 'scripted',
    models: options.models ?? KNOWN_MODELS,
    conversations,
    delayMs: options.delayMs ?? 0,
    onProblem: (problem) => {
      problems.push(problem);
      if (problems.length > MAX_PROBLEMS) problems.shift();
    },
  });

  const add = (conversation: Conversation): void => {
    const opening = conversation.opening.trim();
    const holder = conversations.get(opening);
    if (holder !== undefined && holder.id !== conversation.id)
      throw new TypeError(
        `conversation ${conversation.id}: ${holder.id} has the same opening "${excerpt(opening)}"; an opening finds one conversation, so change one of them`,
      );
    for (const [key, each] of conversations) if (each.id === conversation.id) conversations.delete(key);
    conversations.set(opening, conversation);
  };
  options.conversations.forEach(add);

  const exchangeOf = (response: ServerResponse): Exchange => {
    let cut = false;
    const sighting: Sighting = { receivedAtMs: nowMs(), events: 0, leftAtMs: null };
    response.once('close', () => {
      if (response.writableFinished || cut || stopping !== null) return;
      aborted += 1;
      sighting.leftAtMs = nowMs();
    });
    return {
      response,
      requestId: `req_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
      nowMs,
      sighting,
      destroy() {
        cut = true;
        response.destroy();
      },
      reset() {
        cut = true;
        response.socket?.resetAndDestroy();
      },
    };
  };

  const handle = async (request: IncomingMessage, exchange: Exchange): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /v1/messages') {
      requests += 1;
      underWay += 1;
      exchange.response.once('close', () => {
        underWay -= 1;
      });
      sightings.push(exchange.sighting);
      if (sightings.length > MAX_SIGHTINGS) sightings.shift();
    }
    const body = request.method === 'POST' ? await readBody(request) : null;
    if (body?.kind === 'gone') return exchange.destroy();
    const refused = endpoints.refuseHeaders(request.headers);
    if (refused !== null) return endpoints.refuse(exchange, refused);
    if (body?.kind === 'too_large')
      return endpoints.refuse(exchange, {
        status: 413,
        message: 'Request exceeds the maximum size of 32 MB',
      });
    if (body?.kind === 'invalid') return endpoints.refuse(exchange, { status: 400, message: body.message });
    if (route === 'POST /v1/messages' && body) return endpoints.messages(exchange, body.value);
    if (route === 'POST /v1/messages/count_tokens' && body)
      return endpoints.countTokens(exchange, body.value);
    if (route === 'GET /v1/models') return endpoints.models(exchange, null);
    if (route.startsWith('GET /v1/models/'))
      return endpoints.models(exchange, decodeURIComponent(pathname.slice('/v1/models/'.length)));
    endpoints.refuse(exchange, { status: 404, message: `Not found: ${excerpt(route)}` });
  };

  const server = createServer((request, response) => {
    const exchange = exchangeOf(response);
    handle(request, exchange).catch((error: unknown) => {
      const message = `the scripted model failed: ${error instanceof Error ? error.message : String(error)}`;
      if (isGone(response) || response.headersSent) exchange.destroy();
      else endpoints.refuse(exchange, { status: 500, message });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the scripted model has no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    get requests() {
      return requests;
    },
    get underWay() {
      return underWay;
    },
    get aborted() {
      return aborted;
    },
    get problems() {
      return problems;
    },
    get sightings() {
      return sightings;
    },
    inject: endpoints.inject,
    calm: endpoints.calm,
    add,
    stop() {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return stopping;
    },
  };
}
