import { Context } from '@temporalio/activity';
import { allowance, fits } from '../core/budget.ts';
import { type Failure, FailureError, terminal } from '../core/errors.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { NO_USAGE, totalTokens } from '../core/messages.ts';
import { pin, type Release, tighten } from '../core/release.ts';
import { costMicroUsd } from '../models/prices.ts';
import type { ModelAnswer } from '../models/provider.ts';
import { PASSING_FAILURES } from '../models/routes.ts';
import { commitAnswer, storedAnswer, triesOf } from '../store/answers.ts';
import { type Admission, admitRun } from '../store/breakers.ts';
import { askProvider, passRefusalOn } from './askProvider.ts';
import { smallModel } from './askSmall.ts';
import { guardsOf } from './guarding.ts';
import { draftRequest, worstCase } from './modelRequest.ts';
import { implementationOf, nowhere } from './releases.ts';
import { reserveCall } from './reserving.ts';
import { aside, clockOf, type Route, type RouteOptions, takeRoute } from './route.ts';
import type { ActivityServices } from './services.ts';
import { takeAnswer } from './takeAnswer.ts';
import type { CallModelInput, CallModelResult } from './types.ts';

/**
 * One model call: append, reserve, ask, prepare the calls of the answer, commit. Idempotent by (run, step, purpose):
 * the first stored answer is the answer, and an attempt after that returns it without calling or paying again.
 * Two statements commit: the reservation before, everything else after.
 */
export async function callModel(services: ActivityServices, input: CallModelInput): Promise<CallModelResult> {
  const watched = services.runEnds.watch(input.run);
  try {
    const admitted = await admit(services, input);
    const hash = admitted.release;
    const release = await services.releases.get(hash);
    if (admitted.kind === 'held') return { ...admitted, whileBroken: release.whileBroken };
    const taken = await takeRoute(services, await routeOptions(services, input, release, watched.signal));
    if (taken.kind === 'blocked') return await answeredBefore(services, input, taken.failure);
    try {
      return await callOnce(services, input, { hash, release, route: taken.route }, watched.signal);
    } finally {
      taken.route.leave();
    }
  } finally {
    watched.release();
  }
}

/** What this step may be asked of. Its earlier tries matter only where there is a choice. */
async function routeOptions(
  services: ActivityServices,
  input: CallModelInput,
  release: Release,
  ended: AbortSignal,
): Promise<RouteOptions> {
  const chain = services.models[release.models[input.purpose]];
  const tries = chain.length > 1 ? await triesOf(services.sql, input, PASSING_FAILURES) : [];
  const last = Context.current().info.attempt >= LIMITS.modelAttempts;
  return { chain, own: input.model, tries, last, clock: clockOf(ended) };
}

/** An attempt that may not call still brings home the answer of one that did. */
async function answeredBefore(
  services: ActivityServices,
  input: CallModelInput,
  failure: Failure,
): Promise<CallModelResult> {
  const stored = await storedAnswer(services.sql, input.run, input.step, input.purpose);
  if (stored === null) throw new FailureError(failure);
  return JSON.parse(stored) as CallModelResult;
}

/** `ended` aborts when the run is over: nobody would read the answer. */
async function callOnce(
  services: ActivityServices,
  input: CallModelInput,
  {
    hash: releaseHash,
    release,
    route,
  }: { readonly hash: Hash; readonly release: Release; readonly route: Route },
  ended: AbortSignal,
): Promise<CallModelResult> {
  const startedAtMs = Date.now();
  const { sql } = services;
  const limits = tighten(release.limits, input.wantedLimits);
  const pinned = input.release === null ? pin(releaseHash, release, limits) : null;
  const allowed = allowance(input, limits);

  // A worker without the code of a pinned tool could not prepare a call to it, and the answer would be paid for
  // nothing: another worker is given the chance first. The last attempt goes on, and such a call is refused by result.
  const last = Context.current().info.attempt >= LIMITS.modelAttempts;
  if (!last) for (const { labels } of release.tools) implementationOf(services.agents, release, labels.name);
  const guards = guardsOf(services, release, last);
  const small = smallModel(
    services,
    input,
    { hash: releaseHash, body: release },
    allowed.costMicroUsd - input.spent.costMicroUsd,
    ended,
  );

  const draft = await draftRequest(services, input, release, {
    hash: releaseHash,
    model: route.model,
    maxOutputTokens: allowed.maxOutputTokens,
    guards,
    ask: small.ask,
  });

  const worst = worstCase(services, input, draft);
  if (input.purpose === 'act' && draft.reply === null) {
    const { spent } = input;
    const land = { tokens: worst.tokens + draft.request.maxOutputTokens, cost: worst.microUsd };
    if (!fits(spent.tokens, allowed.tokens, { call: worst.tokens, landing: land.tokens }))
      return { kind: 'over_limit', limit: 'tokens', pinned };
    const spentMicroUsd = spent.costMicroUsd + small.spentMicroUsd();
    if (!fits(spentMicroUsd, allowed.costMicroUsd, { call: worst.microUsd, landing: land.cost }))
      return { kind: 'over_limit', limit: 'cost', pinned };
  }

  const opened = await reserveCall(services, input, releaseHash, draft);
  if (opened.kind === 'answered') return JSON.parse(opened.stored) as CallModelResult;
  if (opened.kind === 'ended')
    throw new FailureError(
      terminal('model_cancelled', `Run ${input.run} has ended: its model is not called any more.`),
    );

  if (opened.kind === 'over_budget') return { kind: 'over_budget', over: opened.over, pinned };
  if (opened.kind === 'refused_start') return opened;

  const { request } = opened;
  await services.crashPoint('model:before-call');
  const opening = {
    attempt: opened.attempt,
    route: request.model === route.model ? route : aside(request.model),
  };
  const answer =
    draft.reply === null ? await askProvider(services, request, opening, ended) : ownAnswer(draft.reply);
  await passRefusalOn(services, request, opening, answer);
  await services.crashPoint('model:after-call');
  const cost =
    draft.reply === null
      ? costMicroUsd(request.model, answer.usage, new Date(), { unpriced: services.unpriced })
      : 0;
  const asked = {
    input,
    release,
    releaseHash,
    pinned,
    draft,
    model: request.model,
    guards,
    small,
    startedAtMs,
  };
  const taken = await takeAnswer(services, { ...asked, costMicroUsd: cost + opened.lostMicroUsd }, answer);
  const { result } = taken;
  const first = await commitAnswer(sql, input, {
    step: input.step,
    purpose: input.purpose,
    attempt: opened.attempt,
    result: JSON.stringify(result),
    costMicroUsd: cost,
    usage: answer.usage,
    tokens: totalTokens(answer.usage),
    requestId: answer.requestId,
    runState: taken.final && answer.stopReason === 'end_turn' ? 'idle' : 'running',
    head: result.head.node,
    before: draft.chain,
    nodes: taken.nodes,
    blobs: taken.blobs,
    notes: taken.notes,
    outcomes: input.append.results.flatMap(({ counted }) => counted ?? []),
    release: releaseHash,
  });
  if (first) return result;
  // Another attempt of this step was faster: its answer stands, this one is an orphan with its cost booked.
  return JSON.parse(
    (await storedAnswer(sql, input.run, input.step, input.purpose)) ?? 'null',
  ) as CallModelResult;
}

/** What is said in the place of the model, where a guard kept the message from it. */
function ownAnswer(reply: string): ModelAnswer {
  const content = [{ type: 'text' as const, text: reply }];
  return {
    content,
    unparsable: [],
    stopReason: 'end_turn',
    usage: NO_USAGE,
    model: 'holdfast',
    requestId: null,
  };
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
