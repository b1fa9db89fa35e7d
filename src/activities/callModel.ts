import { Context } from '@temporalio/activity';
import { fits } from '../core/budget.ts';
import { FailureError, terminal } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isToolUse, textOf, totalTokens } from '../core/messages.ts';
import { pin, tighten } from '../core/release.ts';
import { clipBytes, wellFormed } from '../core/text.ts';
import { costMicroUsd } from '../models/prices.ts';
import type { ModelAnswer } from '../models/provider.ts';
import { commitAnswer, openAttempt, storedAnswer } from '../store/answers.ts';
import { type ChainNode, headOf, link } from '../store/chain.ts';
import { askProvider } from './askProvider.ts';
import { draftRequest, worstCase } from './modelRequest.ts';
import { traceThrough } from './origins.ts';
import { prepareCalls } from './prepare.ts';
import { implementationOf } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput, CallModelResult, Preview } from './types.ts';

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
  const releaseHash = input.release ?? (await services.releases.resolve(input.agent, input.channel));
  const release = await services.releases.get(releaseHash);
  const limits = tighten(release.limits, input.wantedLimits);
  const pinned = input.release === null ? pin(releaseHash, release, limits) : null;
  const allowance = input.allowance ?? {
    tokens: limits.tokensPerRun,
    costMicroUsd: limits.costMicroUsdPerRun,
    maxOutputTokens: limits.maxOutputTokens,
  };

  const draft = await draftRequest(services, input, release, {
    hash: releaseHash,
    model: services.models[release.modelTier],
    maxOutputTokens: allowance.maxOutputTokens,
  });
  const { request, userNode } = draft;

  const worst = worstCase(services, input, draft);
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
  const answer = await askProvider(services, request, opened.attempt, ended);
  await services.crashPoint('model:after-call');
  const cost = costMicroUsd(request.model, answer.usage, new Date(), { unpriced: services.unpriced });

  const blocks = answer.content.filter(isToolUse);
  const prepared = await prepareCalls(
    services,
    release,
    { ...input, release: releaseHash },
    blocks,
    answer.unparsable,
    traceThrough(release, input.run, request.messages),
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
  });
  if (first) return result;
  // Another attempt of this step was faster: its answer stands, this one is an orphan with its cost booked.
  return JSON.parse(
    (await storedAnswer(sql, input.run, input.step, input.purpose)) ?? 'null',
  ) as CallModelResult;
}

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
