import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { canonicalJson, type Json } from '../../core/json.ts';
import { NO_USAGE, type Usage } from '../../core/messages.ts';
import { type AnswerBlock, wireBlock } from './answer.ts';
import { openPromptCache, tokensOf } from './cache.ts';
import type { Conversation } from './conversation.ts';
import { type Answer, eventsOf, messageOf } from './events.ts';
import { type Fault, openFaultDesk } from './faults.ts';
import { modelInfo } from './models.ts';
import { type BodyFault, playJson, playPage, playStream, playTornGzip } from './play.ts';
import { chainPrefix, type PrefixLink, signatureProblem } from './prefix.ts';
import { type ApiError, type Exchange, sendError, sendJson, wait } from './reply.ts';
import { findPlace, type Place } from './script.ts';
import { checkRequest } from './strict.ts';
import { excerpt, isJsonObject, readRequest, text, type WireRequest } from './wire.ts';

export const API_VERSION = '2026-10-21';
const MAX_MESSAGE_CHARACTERS = 2_000;

export interface EndpointOptions {
  readonly apiKey: string;
  readonly models: readonly string[];
  readonly conversations: ReadonlyMap<string, Conversation>;
  readonly delayMs: number | ((place: StepPlace) => number);
  /** Called with everything that is refused. */
  readonly onProblem: (problem: string) => void;
}

export interface StepPlace {
  readonly conversation: string;
  readonly step: number;
}

/** What the server answers, once a request has been read. Each throws nothing and ends the exchange itself. */
export interface Endpoints {
  /** An error for a request that lacks the right headers, else null. */
  refuseHeaders(headers: IncomingHttpHeaders): ApiError | null;
  messages(exchange: Exchange, body: Json): Promise<void>;
  countTokens(exchange: Exchange, body: Json): void;
  models(exchange: Exchange, id: string | null): void;
  refuse(exchange: Exchange, error: ApiError): void;
  inject(fault: Fault): void;
  calm(): void;
}

export function openEndpoints(options: EndpointOptions): Endpoints {
  const cache = openPromptCache();
  const faults = openFaultDesk();
  const answered = openAuthors();

  /** Everything of a request but the script: its form, its model, its thinking blocks. */
  const sound = (body: Json, endpoint: 'create' | 'count'): Sound | ApiError => {
    const model = isJsonObject(body) ? text(body.model) : '';
    if (model !== '' && !options.models.includes(model)) return { status: 404, message: `model: ${model}` };
    const problems = checkRequest(body, { endpoint, continuesPause: true });
    if (problems.length > 0 || !isJsonObject(body)) return { status: 400, message: problems.join('; ') };
    const request = readRequest(body);
    const chain = chainPrefix(request);
    const changed = signatureProblem(request, chain);
    return changed === null ? { request, chain } : { status: 400, message: changed };
  };

  const usageOf = (place: Exclude<Place, { kind: 'refused' }>, { request, chain }: Sound): Usage => {
    if (place.kind === 'step' && place.script.usage !== undefined)
      return { ...NO_USAGE, ...place.script.usage };
    const content = canonicalJson(place.blocks.map(wireBlock));
    const outputTokens = tokensOf(Buffer.byteLength(content));
    return { ...cache.price(request.model, chain), outputTokens };
  };

  const refuse = (exchange: Exchange, error: ApiError): void => {
    const message = excerpt(error.message, MAX_MESSAGE_CHARACTERS);
    options.onProblem(`${error.status} ${message}`);
    sendError(exchange, { ...error, message });
  };

  const endpoints: Endpoints = {
    refuse,
    inject: faults.inject,
    calm: faults.calm,
    refuseHeaders(headers) {
      if (headers.authorization !== `Bearer ${options.apiKey}`)
        return {
          status: 401,
          message:
            headers.authorization === undefined
              ? 'authorization: header is required'
              : 'invalid bearer token',
        };
      const version = headers['anthropic-version'];
      if (version === undefined) return { status: 400, message: 'anthropic-version: header is required' };
      return version === API_VERSION
        ? null
        : { status: 400, message: `anthropic-version: "${String(version)}" is not a valid version` };
    },
    async messages(exchange, body) {
      const checked = sound(body, 'create');
      if ('status' in checked) return refuse(exchange, checked);
      const { request, chain } = checked;
      if (request.maxTokens === 0) {
        const usage = cache.price(request.model, chain);
        cache.remember(request.model, chain);
        return answer(exchange, request, warmed(request, usage), null);
      }
      const place = findPlace(options.conversations, request, chain, (step) =>
        answered.byOther(step, request.model),
      );
      if (place.kind === 'refused') return refuse(exchange, { status: 400, message: place.message });
      const at: StepPlace = { conversation: place.conversation.id, step: place.step };
      const ofStep = place.kind === 'step' ? (place.script.faults ?? []) : [];
      const fault = faults.next(JSON.stringify([at.conversation, at.step]), ofStep);
      const delayMs =
        (fault?.kind === 'slow' && fault.at !== 'events' ? fault.delayMs : 0) + delayOf(options, place, at);
      if (delayMs > 0 && !(await wait(exchange.response, delayMs))) return;
      if (fault?.kind === 'http')
        return sendError(exchange, { ...fault, message: fault.message ?? `scripted status ${fault.status}` });
      const usage = usageOf(place, checked);
      cache.remember(request.model, chain);
      if (place.kind === 'step') answered.by(at, request.model);
      return answer(exchange, request, answerOf(place, request, usage), fault);
    },
    countTokens(exchange, body) {
      const checked = sound(body, 'count');
      if ('status' in checked) return refuse(exchange, checked);
      sendJson(exchange, 200, { input_tokens: tokensOf(checked.chain.at(-1)?.bytes ?? 0) });
    },
    models(exchange, id) {
      if (id !== null && !options.models.includes(id))
        return refuse(exchange, { status: 404, message: `model: ${id}` });
      if (id !== null) return sendJson(exchange, 200, modelInfo(id));
      sendJson(exchange, 200, {
        data: options.models.map(modelInfo),
        has_more: false,
        first_id: options.models[0] ?? null,
        last_id: options.models.at(-1) ?? null,
      });
    },
  };
  return endpoints;
}

/** Which models have answered at a place. A place that this server has never answered at may be anybody's. */
function openAuthors() {
  const authors = new Map<string, Set<string>>();
  const key = ({ conversation, step }: StepPlace): string => JSON.stringify([conversation, step]);
  return {
    by(place: StepPlace, model: string): void {
      const known = authors.get(key(place)) ?? new Set();
      authors.set(key(place), known.add(model));
    },
    byOther(place: StepPlace, model: string): boolean {
      const known = authors.get(key(place));
      return known === undefined || known.size > (known.has(model) ? 1 : 0);
    },
  };
}

interface Sound {
  readonly request: WireRequest;
  readonly chain: readonly PrefixLink[];
}

function delayOf(options: EndpointOptions, place: Place, at: StepPlace): number {
  if (place.kind === 'step' && place.script.delayMs !== undefined) return place.script.delayMs;
  return typeof options.delayMs === 'number' ? options.delayMs : options.delayMs(at);
}

function answer(
  exchange: Exchange,
  request: WireRequest,
  answered: Answer,
  fault: BodyFault | null,
): Promise<void> | void {
  if (fault?.kind === 'wrong_content_type') return playPage(exchange);
  const events = request.stream ? eventsOf(answered) : null;
  if (fault?.kind === 'truncated_gzip') return playTornGzip(exchange, events ?? messageOf(answered));
  return events === null
    ? playJson(exchange, messageOf(answered), fault)
    : playStream(exchange, events, fault);
}

/** The same place has the same id, whoever asks and however often. */
function answerOf(place: Exclude<Place, { kind: 'refused' }>, request: WireRequest, usage: Usage): Answer {
  const { blocks } = place;
  const says = place.kind === 'step' ? place.script.says : {};
  const stopReason =
    says.stopReason ?? (blocks.some((block) => block.kind === 'call') ? 'tool_use' : 'end_turn');
  const digest = createHash('sha256')
    .update(JSON.stringify([place.kind, place.conversation.id, place.step]))
    .digest('hex');
  return {
    id: `msg_${digest.slice(0, 24)}`,
    model: request.model,
    blocks,
    stopReason,
    stopSequence: stopReason === 'stop_sequence' ? (request.stopSequences[0] ?? null) : null,
    usage,
    thinkingTokens: Math.min(usage.outputTokens, thinkingTokensOf(blocks)),
  };
}

/** The answer to `max_tokens: 0`, which only fills the cache and takes no step of the script. */
function warmed(request: WireRequest, usage: Usage): Answer {
  const none = { blocks: [], stopReason: 'max_tokens', stopSequence: null, thinkingTokens: 0 };
  return { id: 'msg_warmed', model: request.model, usage, ...none };
}

function thinkingTokensOf(blocks: readonly AnswerBlock[]): number {
  return blocks.reduce(
    (sum, block) => sum + (block.kind === 'thinking' ? tokensOf(Buffer.byteLength(block.thinking)) : 0),
    0,
  );
}
