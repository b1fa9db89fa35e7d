import { Context } from '@temporalio/activity';
import type { CallOutcome } from '../core/calls.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { type RateLimited, rateDetail } from '../core/rates.ts';
import { refuse } from '../core/refusals.ts';
import { oneLine } from '../core/text.ts';
import { storeBlobs } from '../store/chain.ts';
import {
  claimEffect,
  closeEffectRow,
  type Effect,
  type Lease,
  type SettleState,
  staleClaims,
} from '../store/ledger.ts';
import { countToolCall } from '../store/rates.ts';
import { READ_RESULT } from '../tools/builtin.ts';
import { failed, type ToolResult } from '../tools/result.ts';
import { graced, type Job, jobOf, presentingMs, tryTool } from './attempt.ts';
import { declaredFact } from './declaredFact.ts';
import { effected, faultOf, readable, textFor } from './outcome.ts';
import { readPage } from './pages.ts';
import { errorText } from './privacy.ts';
import type { ActivityServices } from './services.ts';
import {
  bodies,
  busy,
  done,
  leaseOf,
  presentEffect,
  presentFor,
  settle,
  settleFound,
  settleResult,
  settleUnknown,
  toolFailed,
  unknown,
} from './settling.ts';
import type { RunToolInput, RunToolResult } from './types.ts';

/** Runs one call: reads directly, everything else through the effect ledger. */
export async function runTool(services: ActivityServices, input: RunToolInput): Promise<RunToolResult> {
  const job = await jobOf(services, input);
  return job.labels.replay === 'pure' ? runRead(job) : runEffect(job, job.labels.replay);
}

async function runRead(job: Job): Promise<RunToolResult> {
  const { attempt } = Context.current().info;
  // Where the tool has no rate this writes nothing.
  const limited = job.input.tool === READ_RESULT ? null : await takeToolRate(job);
  if (limited !== null) return done(job, refuse('rate_limited', rateDetail(limited)), false);
  const last = attempt > job.labels.retries;
  let author = job.labels.returns === 'untrusted' ? job.input.tool : null;
  const tried = await tryTool(job, async (context) => {
    if (job.input.tool !== READ_RESULT) return job.tool.run(job.args, context);
    const page = await readPage(job);
    // Its words are those of the result it is a page of. The run has been tainted by that one already.
    author = page.author;
    return page.result;
  });
  const result =
    tried.kind === 'answered'
      ? readable(tried.result)
      : failed(`the tool failed (${tried.what})`, { retryable: true });
  // Where it said nothing of use, what is said is ours.
  if (tried.kind === 'lost' || faultOf(tried.result) !== null) author = null;
  if (result.kind === 'failed' && result.retryable && !last)
    throw toolFailed(job.privacy.personal(result.error), attempt);
  const rendered = await presentFor(job, result, {
    author,
    isLookUp: true,
    withinMs: presentingMs(job.endsAtMs),
  });
  await storeBlobs(job.services.sql, job.input.run, bodies(rendered));
  return done(job, rendered.outcome, false);
}

function takeToolRate({ services, input, labels }: Job): Promise<RateLimited | null> {
  return countToolCall(services.sql, input, labels.rate);
}

async function runEffect(job: Job, mode: Effect): Promise<RunToolResult> {
  const { services, input } = job;
  const holds = await termsHold(job);
  await services.crashPoint('effect:before-claim');
  const lease = leaseOf(job.labels, mode);
  // Counted from before the claim, so it is over before the lease is; and a span of our clock, never a time of day.
  const actsUntilMs = performance.now() + lease.leaseMs - LIMITS.leaseMarginMs;
  const claim = await claimEffect(services.sql, input, lease, holds, job.labels.rate);
  switch (claim.kind) {
    case 'run':
      await services.crashPoint('effect:after-claim');
      return act(job, mode, { ...claim, actsUntilMs });
    case 'check':
      return check(job, mode, { ...claim, actsUntilMs });
    case 'settled':
      return done(job, JSON.parse(claim.result) as CallOutcome, claim.state === 'applied');
    case 'busy':
      throw busy(claim.remainingMs);
    case 'unknown':
    // The key is on record with other arguments: what that means for this call, only a person can say.
    case 'mismatch':
      return unknown(job);
    case 'stale':
      return stale(job, lease);
    case 'held':
      return { kind: 'held', name: claim.name, activeMs: job.activeMs() };
    case 'void':
      return done(job, refuse('void'), false);
    case 'not_approved':
      return done(job, refuse('not_approved', claim.detail), false);
    case 'rate_limited':
      return done(job, refuse('rate_limited', rateDetail(claim.limited)), false);
    default:
      return claim satisfies never;
  }
}

/**
 * What it was judged by is compared again just before the act, whether a person was asked or a rule allowed it: a call may
 * have waited for days. Terms that cannot be read are not changed terms, so they are read again; but nothing runs without
 * them.
 */
async function termsHold(job: Job): Promise<boolean> {
  const { attempt } = Context.current().info;
  const read = await declaredFact(async () => ({ now: await job.tool.terms(job.args, job.toolServices) }));
  if (read === null && attempt <= job.labels.retries)
    throw toolFailed('its terms could not be read', attempt);
  return read !== null && canonicalJson(job.privacy.secretsIn(read.now)) === canonicalJson(job.input.terms);
}

/** It is prepared and judged again; how often people are asked is bounded, and so is what nobody is asked about. */
async function stale(job: Job, lease: Lease): Promise<RunToolResult> {
  const { services, input } = job;
  if (input.approval === null && (await staleClaims(services.sql, input)) >= LIMITS.staleClaims) {
    const { kind } = await closeEffectRow(services.sql, input, lease);
    if (kind === 'void') return done(job, refuse('terms_changed'), false);
  }
  return { kind: 'stale', activeMs: job.activeMs() };
}

/** An attempt's hold on its effect. */
interface Hold {
  readonly fence: number;
  /** An attempt before this one may have acted, and this one cannot say that it did not. */
  readonly doubt: boolean;
  /** When everything it does must be over, on the clock of `performance.now`. */
  readonly actsUntilMs: number;
}

function leftMs({ actsUntilMs }: Hold): number {
  return Math.max(0, Math.floor(actsUntilMs - performance.now()));
}

async function act(job: Job, mode: Effect, hold: Hold): Promise<RunToolResult> {
  const { fence, doubt } = hold;
  const capMs = leftMs(hold);
  if (capMs === 0) return comeTooLate(job, fence);
  const tried = await graced(await tryTool(job, (context) => job.tool.run(job.args, context), capMs));
  await job.services.crashPoint('effect:after-act');
  const retriesLeft = fence <= job.labels.retries;
  const result = tried.kind === 'answered' ? effected(tried.result) : null;
  if (result !== null) {
    // The tool itself says that it did not act: whoever comes next may simply run, in every mode.
    if (result.kind === 'failed' && result.retryable && retriesLeft) {
      const error = job.privacy.personal(oneLine(String(result.error), LIMITS.reasonChars));
      await settle(job, fence, { state: 'released', rendered: null, facts: { error } });
      throw toolFailed(error, fence);
    }
    // What it says of itself does not speak for the attempt before it, which may still arrive.
    if (doubt && result.kind !== 'success') {
      const said = job.privacy.personal(oneLine(textFor(result).text, LIMITS.reasonChars));
      return settleUnknown(job, fence, `an earlier attempt was lost, and this one did not act: ${said}`);
    }
    return settleResult(job, fence, await presentEffect(job, result));
  }
  // It threw, ran out of time or said nothing: it may have acted. A repeat is safe only where the mode says how.
  const what = tried.kind === 'lost' ? tried.what : 'it returned no result';
  const running = tried.kind === 'lost' ? tried.running : null;
  if (running !== null) listenForLate(job, hold, running);
  if (mode === 'never' || !retriesLeft) return settleUnknown(job, fence, what);
  // An attempt that still runs keeps its lease to the end; only one that is over gives it back.
  if (running === null) await settle(job, fence, { state: 'lost', rendered: null, facts: { what } });
  throw toolFailed(what, fence);
}

/** Frozen, or busy with its check, until another attempt may hold the lease: this one must not begin. */
async function comeTooLate(job: Job, fence: number): Promise<never> {
  const what = 'its time was over before it could begin';
  await settle(job, fence, { state: 'released', rendered: null, facts: { what } });
  throw toolFailed(what, fence);
}

/** What a tool says after its time is still true: it settles the effect, or is evidence where that was settled. */
function listenForLate(job: Job, { fence, doubt }: Hold, running: Promise<ToolResult>): void {
  const { log } = Context.current();
  running
    .then(async (late) => {
      const result = effected(late);
      if (result === null) return;
      // The attempt is over: nobody waits for this.
      const rendered = await presentEffect(job, result, LIMITS.guardTimeoutMaxMs);
      const state = lateState(result, doubt);
      const facts = { late: true, status: rendered.outcome.status };
      const isResult = state === 'applied' || state === 'refused';
      await settle(job, fence, { state, rendered: isResult ? rendered : null, facts });
    })
    .catch((error: unknown) =>
      log.warn('a tool ended after its time', {
        key: job.input.key,
        error: job.privacy.personal(errorText(error)),
      }),
    );
}

function lateState(result: ToolResult, doubt: boolean): SettleState {
  if (result.kind === 'success') return 'applied';
  if (result.kind === 'failed' && result.retryable) return 'released';
  return doubt ? 'lost' : 'refused';
}

/** A `checkable` effect whose earlier attempt was lost: look before anything else. */
async function check(job: Job, mode: Effect, hold: Hold): Promise<RunToolResult> {
  const { fence } = hold;
  const tried = await tryTool(job, async (context) => job.tool.check?.(job.args, context), leftMs(hold));
  const found = tried.kind === 'answered' ? tried.result : undefined;
  switch (found?.kind) {
    case 'happened':
      return settleFound(job, fence, found.result);
    case 'did_not':
      // Nothing before this attempt acted: that is what the check found, after the time in which it would show.
      return act(job, mode, { ...hold, doubt: false });
    case 'cannot_tell':
      return settleUnknown(
        job,
        fence,
        `the check cannot tell: ${job.privacy.personal(oneLine(String(found.reason), LIMITS.reasonChars))}`,
      );
    case undefined:
      return settleUnknown(
        job,
        fence,
        tried.kind === 'answered' ? 'there is no check' : `the check failed (${tried.what})`,
      );
    default:
      return found satisfies never;
  }
}
