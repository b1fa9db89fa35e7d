import { Context } from '@temporalio/activity';
import { allowance, fits } from '../core/budget.ts';
import { type Failure, FailureError, terminal } from '../core/errors.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { NO_USAGE, totalTokens } from '../core/messages.ts';
import { type ModelTier, pin, type Release, tighten } from '../core/release.ts';
import { costMicroUsd } from '../models/prices.ts';
import type { ModelAnswer } from '../models/provider.ts';
import { PASSING_FAILURES } from '../models/routes.ts';
import { commitAnswer, storedAnswer, triesOf } from '../store/answers.ts';
import { startActiveClock } from '../store/asking.ts';
import { type Admission, admitRun } from '../store/breakers.ts';
import { askProvider, passRefusalOn } from './askProvider.ts';
import { smallModel } from './askSmall.ts';
import { guardsOf } from './guarding.ts';
import { draftRequest, worstCase } from './modelRequest.ts';
import { implementationOf, nowhere } from './releases.ts';
import { reserveCall, type Ways } from './reserving.ts';
import { clockOf, type Route, type RouteOptions, takeRoute } from './route.ts';
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
  const context = Context.current();
  // Shows that this process lives, from the wait for a model to the commit of its answer; each part has its own bound.
  // Not with the bytes of the answer: the server writes the run for every heartbeat, and most answers need none.
  const beat = setInterval(() => context.heartbeat(), LIMITS.modelBeatMs);
  const routes: Route[] = [];
  try {
    const admitted = await admit(services, input);
    const hash = admitted.release;
    const release = await services.releases.get(hash);
    if (admitted.kind === 'held') return { ...admitted, whileBroken: release.whileBroken };
    const own = {
      tier: release.models[input.purpose],
      patienceMs: LIMITS.routeWaitMs,
      ended: watched.signal,
    };
    const taken = await takeRoute(services, await routeOptions(services, input, own));
    if (taken.kind === 'blocked') return await answeredBefore(services, input, taken.failure);
    routes.push(taken.route);
    const aside = async (tier: ModelTier) => {
      const other = await takeRoute(
        services,
        await routeOptions(services, input, { ...own, tier, patienceMs: 0 }),
      );
      if (other.kind === 'blocked') return null;
      routes.push(other.route);
      return other.route;
    };
    const ways = { route: taken.route, aside };
    return await callOnce(services, input, { hash, release, ways }, watched.signal);
  } finally {
    for (const route of routes) route.leave();
    clearInterval(beat);
    watched.release();
  }
}

/** What this step may be asked of. Its earlier tries matter only where there is a choice. */
async function routeOptions(
  services: ActivityServices,
  input: CallModelInput,
  {
    tier,
    patienceMs,
    ended,
  }: { readonly tier: ModelTier; readonly patienceMs: number; readonly ended: AbortSignal },
): Promise<RouteOptions> {
  const chain = services.models[tier];
  const tries = chain.length > 1 ? await triesOf(services.sql, input, PASSING_FAILURES) : [];
  const last = Context.current().info.attempt >= LIMITS.modelAttempts;
  return { chain, patienceMs, own: input.model, tries, last, clock: clockOf(ended) };
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
    ways,
  }: { readonly hash: Hash; readonly release: Release; readonly ways: Ways },
  ended: AbortSignal,
): Promise<CallModelResult> {
  const activeMs = startActiveClock();
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
    allowed.costMicroUsd,
    ended,
  );

  const draft = await draftRequest(services, input, release, {
    hash: releaseHash,
    model: ways.route.model,
    maxOutputTokens: allowed.maxOutputTokens,
    guards,
    ask: small.ask,
  });

  const worst = worstCase(services, input, draft);
  if (input.purpose === 'act' && draft.reply === null) {
    const landing = worst.tokens + draft.request.maxOutputTokens;
    if (!fits(input.spentTokens, allowed.tokens, { call: worst.tokens, landing }))
      return { kind: 'over_limit', limit: 'tokens', unanswered: false, pinned };
  }

  const reserved = { release: releaseHash, allowedMicroUsd: allowed.costMicroUsd };
  const opened = await reserveCall(services, input, reserved, draft, ways);
  if (opened.kind === 'answered') return JSON.parse(opened.stored) as CallModelResult;
  if (opened.kind === 'ended')
    throw new FailureError(
      terminal('model_cancelled', `Run ${input.run} has ended: its model is not called any more.`),
    );

  if (opened.kind === 'over_limit')
    return { kind: 'over_limit', limit: 'cost', unanswered: opened.unanswered, pinned };
  if (opened.kind === 'over_budget') return { kind: 'over_budget', over: opened.over, pinned };
  if (opened.kind === 'refused_start') return opened;

  const { request } = opened;
  await services.crashPoint('model:before-call');
  const answer =
    draft.reply === null ? await askProvider(services, request, opened, ended) : ownAnswer(draft.reply);
  await passRefusalOn(services, request, opened, answer);
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
    activeMs,
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
