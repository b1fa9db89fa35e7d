import { CancelledFailure, Context } from '@temporalio/activity';
import { fits } from '../core/budget.ts';
import { FailureError, terminal } from '../core/errors.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { isToolUse, type Message, textOf, totalTokens } from '../core/messages.ts';
import { notice } from '../core/refusals.ts';
import { pin, type Release, tighten } from '../core/release.ts';
import { clipBytes, utf8Bytes, wellFormed } from '../core/text.ts';
import { ModelCallError } from '../models/classify.ts';
import { costMicroUsd, worstCaseMicroUsd } from '../models/prices.ts';
import type { ModelAnswer, ModelRequest } from '../models/provider.ts';
import { commitAnswer, failAttempt, openAttempt, storedAnswer } from '../store/answers.ts';
import { type Admission, admitRun } from '../store/breakers.ts';
import { type ChainNode, headOf, link, loadChain } from '../store/chain.ts';
import { prepareCalls } from './prepare.ts';
import { implementationOf, nowhere } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput, CallModelResult, Preview } from './types.ts';
import { appendedBlocks } from './userMessage.ts';

/**
 * One model call: append, reserve, ask, prepare the calls of the answer, commit. Idempotent by (run, step, purpose):
 * the first stored answer is the answer, and an attempt after that returns it without calling or paying again.
 * Two statements commit: the reservation before, everything else after.
 */
export async function callModel(services: ActivityServices, input: CallModelInput): Promise<CallModelResult> {
  const watched = services.runEnds.watch(input.run);
  try {
    return await callOnce(services, input, watched.signal);
  } finally {
    watched.release();
  }
}

/** `ended` aborts when the run is over: nobody would read the answer. */
async function callOnce(
  services: ActivityServices,
  input: CallModelInput,
  ended: AbortSignal,
): Promise<CallModelResult> {
  const startedAtMs = Date.now();
  const { sql } = services;
  const admitted = await admit(services, input);
  const release = await services.releases.get(admitted.release);
  if (admitted.kind === 'held') return { ...admitted, whileBroken: release.whileBroken };
  const releaseHash = admitted.release;
  const limits = tighten(release.limits, input.wantedLimits);
  const pinned = input.release === null ? pin(releaseHash, release, limits) : null;
  const allowance = input.allowance ?? {
    tokens: limits.tokensPerRun,
    costMicroUsd: limits.costMicroUsdPerRun,
    maxOutputTokens: limits.maxOutputTokens,
  };

  const chain = await loadChain(sql, input.run, input.head);
  const appended = await messageOf(services, input, release);
  const userNode = appended === null ? null : link(releaseHash, input.head, appended);
  const request: ModelRequest = {
    model: services.models[release.modelTier],
    maxOutputTokens: allowance.maxOutputTokens,
    system: release.system,
    tools: release.tools.map((tool) => ({
      name: tool.labels.name,
      description: tool.description,
      inputSchema: tool.inputSchema,
    })),
    messages: [...chain.map((node) => node.message), ...(appended === null ? [] : [appended])],
    toolChoice: input.purpose === 'land' ? 'none' : 'auto',
  };

  const worst = worstCase(services, input, request, userNode);
  if (input.purpose === 'act') {
    const { spent } = input;
    const land = { tokens: worst.tokens + request.maxOutputTokens, cost: worst.microUsd };
    if (!fits(spent.tokens, allowance.tokens, { call: worst.tokens, landing: land.tokens }))
      return { kind: 'over_limit', limit: 'tokens', pinned };
    if (!fits(spent.costMicroUsd, allowance.costMicroUsd, { call: worst.microUsd, landing: land.cost }))
      return { kind: 'over_limit', limit: 'cost', pinned };
  }

  // A worker without the code of a pinned tool could not prepare a call to it, and the answer would be paid for
  // nothing: another worker is given the chance first. The last attempt goes on, and such a call is refused by result.
  if (Context.current().info.attempt < LIMITS.modelAttempts)
    for (const { labels } of release.tools) implementationOf(services.agents, release, labels.name);

  const opened = await openAttempt(
    sql,
    input,
    { step: input.step, purpose: input.purpose, model: request.model, release: releaseHash },
    { microUsd: worst.microUsd, ttlMs: LIMITS.modelCallMs },
  );
  if (opened.kind === 'answered') return JSON.parse(opened.stored) as CallModelResult;
  if (opened.kind === 'ended')
    throw new FailureError(
      terminal('model_cancelled', `Run ${input.run} has ended: its model is not called any more.`),
    );

  await services.crashPoint('model:before-call');
  const answer = await ask(services, request, opened.attempt, ended);
  await services.crashPoint('model:after-call');
  const cost = costMicroUsd(request.model, answer.usage, new Date(), { unpriced: services.unpriced });

  const blocks = answer.content.filter(isToolUse);
  const prepared = await prepareCalls(
    services,
    release,
    { ...input, release: releaseHash },
    blocks,
    answer.unparsable,
  );
  const parent = userNode === null ? input.head : headOf(userNode);
  const answerNode =
    answer.content.length === 0
      ? null
      : link(releaseHash, parent, { role: 'assistant', content: answer.content });
  const text = textOf(answer.content);
  const kept = answerNode !== null && isKept(answer, text !== '', blocks.length > 0);
  const head = kept ? headOf(answerNode) : parent;
  if (head === null) throw new Error(`run ${input.run}: step ${input.step} has nothing to answer`);
  const result: CallModelResult = {
    kind: 'answered',
    head,
    stopReason: answer.stopReason,
    calls: prepared.map(({ call }) => call),
    usage: answer.usage,
    costMicroUsd: cost + opened.lostMicroUsd,
    activeMs: Date.now() - startedAtMs,
    hasText: text !== '',
    preview: services.previews ? previewOf(text) : null,
    model: answer.model,
    pinned,
  };
  const first = await commitAnswer(sql, input, {
    step: input.step,
    purpose: input.purpose,
    attempt: opened.attempt,
    result: JSON.stringify(result),
    costMicroUsd: cost,
    usage: answer.usage,
    tokens: totalTokens(answer.usage),
    requestId: answer.requestId,
    runState: blocks.length === 0 && answer.stopReason === 'end_turn' ? 'idle' : 'running',
    head: head.node,
    nodes: [userNode, answerNode].filter((node): node is ChainNode => node !== null),
    blobs: prepared.map(({ args }) => args),
    outcomes: input.append.results.flatMap(({ counted }) => counted ?? []),
    release: releaseHash,
  });
  if (first) return result;
  // Another attempt of this step was faster: its answer stands, this one is an orphan with its cost booked.
  return JSON.parse(
    (await storedAnswer(sql, input.run, input.step, input.purpose)) ?? 'null',
  ) as CallModelResult;
}

/** The release that the run has pinned; for one that has pinned none yet, whether it may begin, and with which. */
async function admit(services: ActivityServices, input: CallModelInput): Promise<Admitted> {
  if (input.release !== null) return { kind: 'admitted', release: input.release };
  const admission = await admitRun(services.sql, input, input.channel);
  if (admission.kind === 'held') return admission;
  return { kind: 'admitted', release: admission.release ?? nowhere(input.agent, input.channel) };
}

type Admitted =
  | { readonly kind: 'admitted'; readonly release: Hash }
  | Extract<Admission, { readonly kind: 'held' }>;

/** Answers that must not become part of the conversation: empty ones, refusals, and those past the window. */
function isKept(answer: ModelAnswer, hasText: boolean, hasCalls: boolean): boolean {
  if (answer.stopReason === 'refusal' || answer.stopReason === 'model_context_window_exceeded') return false;
  return hasText || hasCalls || answer.stopReason === 'pause_turn';
}

function previewOf(text: string): Preview | null {
  if (text === '') return null;
  const clipped = clipBytes(wellFormed(text), LIMITS.previewBytes);
  return { text: clipped, truncated: clipped.length < text.length };
}

/** The most this call can use: everything read so far, a token for each new byte, and all the output allowed. */
function worstCase(
  services: ActivityServices,
  input: CallModelInput,
  request: ModelRequest,
  userNode: ChainNode | null,
): { readonly tokens: number; readonly microUsd: number } {
  const prefix = utf8Bytes(request.system) + utf8Bytes(JSON.stringify(request.tools));
  const known = input.lastTotalTokens > 0;
  const read = known
    ? input.lastTotalTokens + (userNode === null ? 0 : utf8Bytes(userNode.body))
    : prefix + utf8Bytes(JSON.stringify(request.messages));
  const microUsd = worstCaseMicroUsd(request.model, read, request.maxOutputTokens, new Date(), {
    unpriced: services.unpriced,
  });
  return { tokens: read + request.maxOutputTokens, microUsd };
}

/** The user message of this step: results first, in call order, then what people and the system say. */
async function messageOf(
  services: ActivityServices,
  input: CallModelInput,
  release: Release,
): Promise<Message | null> {
  const content = [...(await appendedBlocks(services.sql, input.run, input.append))];
  if (input.context !== null)
    content.push({
      type: 'text',
      text: notice(`Facts from the application: ${JSON.stringify(input.context)}`),
    });
  if (input.append.remind) content.push({ type: 'text', text: notice(release.reminder) });
  return content.length === 0 ? null : { role: 'user', content };
}

/**
 * Asks the model until it answers, the run ends (known at once, through the store) or the engine cancels (known with
 * the next heartbeat, so it also serves a run that was terminated and a worker that shuts down).
 */
async function ask(
  services: ActivityServices,
  request: ModelRequest,
  attempt: number,
  ended: AbortSignal,
): Promise<ModelAnswer> {
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, ended]);
  const sends = !signal.aborted;
  // Shows that this process lives; whether the stream does is the provider's own watchdog.
  const beat = setInterval(() => context.heartbeat(), LIMITS.modelBeatMs);
  try {
    return await services.provider.complete(request, { signal, onProgress: () => context.heartbeat() });
  } catch (error) {
    const code = error instanceof FailureError ? error.failure.code : 'bug';
    const usage = error instanceof ModelCallError ? error.usage : null;
    const price = () =>
      usage === null ? 0 : costMicroUsd(request.model, usage, new Date(), { unpriced: services.unpriced });
    await failAttempt(services.sql, attempt, {
      code,
      usage,
      requestId: error instanceof ModelCallError ? error.requestId : null,
      // A request that was cut off before it said anything may have been worked on: its worst case is the honest one.
      costMicroUsd: code === 'model_cancelled' && usage === null && sends ? null : price(),
    });
    // The engine's own word: it counts as cancelled, or as a lost attempt where only the worker shuts down.
    if (code === 'model_cancelled' && context.cancellationSignal.aborted)
      throw new CancelledFailure('the model call was cancelled');
    throw error;
  } finally {
    clearInterval(beat);
  }
}
