import { Context } from '@temporalio/activity';
import type { CallOutcome } from '../core/calls.ts';
import { FailureError, retryable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { type RateLimited, rateDetail } from '../core/rates.ts';
import { refuse } from '../core/refusals.ts';
import type { ToolLabels } from '../core/release.ts';
import { oneLine } from '../core/text.ts';
import { storeBlobs } from '../store/chain.ts';
import {
  claimEffect,
  type Effect,
  evidenceOf,
  type Lease,
  type Settled,
  settleEffect,
} from '../store/ledger.ts';
import { countToolCall } from '../store/rates.ts';
import { READ_RESULT } from '../tools/builtin.ts';
import { failed, success, type ToolResult } from '../tools/result.ts';
import { graced, type Job, jobOf, tryTool } from './attempt.ts';
import { effected, faultOf, type Rendered, readable } from './outcome.ts';
import { readPage } from './pages.ts';
import { type Presented, present } from './presenting.ts';
import { errorText } from './privacy.ts';
import type { ActivityServices } from './services.ts';
import type { RunToolInput, RunToolResult } from './types.ts';

/** Runs one call: reads directly, everything else through the effect ledger. */
export async function runTool(services: ActivityServices, input: RunToolInput): Promise<RunToolResult> {
  const job = await jobOf(services, input);
  return job.labels.replay === 'pure' ? runRead(job) : runEffect(job, job.labels.replay);
}

async function runRead(job: Job): Promise<RunToolResult> {
  const { attempt } = Context.current().info;
  // A call counts once. Where the tool has no rate this reads a row and writes none.
  const limited = attempt === 1 && job.input.tool !== READ_RESULT ? await takeToolRate(job) : null;
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
  const rendered = await presentFor(job, result, { author, isLookUp: true });
  await storeBlobs(job.services.sql, job.input.run, bodies(rendered));
  return done(job, rendered.outcome, false);
}

function takeToolRate({ services, input, labels }: Job): Promise<RateLimited | null> {
  return countToolCall(services.sql, input, labels.rate);
}

function presentFor(
  { guards, privacy, input, labels }: Job,
  result: ToolResult,
  { author, isLookUp }: Pick<Presented, 'author' | 'isLookUp'>,
): Promise<Rendered> {
  const { run, tool, requester } = input;
  const at = { run, tool, requester, reads: labels.reads, author, isLookUp };
  return present(guards.output, privacy, at, result);
}

/** How the model reads the result of an effect. */
function presentEffect(job: Job, result: ToolResult): Promise<Rendered> {
  const author = job.labels.returns === 'untrusted' ? job.input.tool : null;
  return presentFor(job, result, { author, isLookUp: false });
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
      return { kind: 'stale', activeMs: Date.now() - job.startedAtMs };
    case 'held':
      return { kind: 'held', name: claim.name, activeMs: Date.now() - job.startedAtMs };
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
 * What a person agreed to is compared again just before the act; without an approval there is nothing to compare.
 * Terms that cannot be read are not changed terms, so they are read again; but nothing runs without them.
 */
async function termsHold(job: Job): Promise<boolean> {
  const { approval, terms } = job.input;
  if (approval === null || terms === null) return true;
  const { attempt } = Context.current().info;
  const now = await job.tool.terms(job.args, job.toolServices).catch(() => {
    if (attempt <= job.labels.retries) throw toolFailed('its terms could not be read', attempt);
    return null;
  });
  return now !== null && canonicalJson(job.privacy.secretsIn(now)) === canonicalJson(terms);
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
    if (result.kind !== 'failed' || !result.retryable)
      return settleResult(job, fence, await presentEffect(job, result));
    // The tool itself says that it did not act: whoever comes next may simply run, in every mode.
    const error = job.privacy.personal(oneLine(String(result.error), LIMITS.reasonChars));
    if (retriesLeft) {
      await settle(job, fence, { state: 'released', rendered: null, facts: { error } });
      throw toolFailed(error, fence);
    }
    return doubt
      ? settleUnknown(job, fence, `an earlier attempt was lost, and this one failed: ${error}`)
      : settleResult(job, fence, await presentEffect(job, result));
  }
  // It threw, ran out of time or said nothing: it may have acted. A repeat is safe only where the mode says how.
  const what = tried.kind === 'lost' ? tried.what : 'it returned no result';
  const running = tried.kind === 'lost' ? tried.running : null;
  if (running !== null) listenForLate(job, fence, running);
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
function listenForLate(job: Job, fence: number, running: Promise<ToolResult>): void {
  const { log } = Context.current();
  running
    .then(async (late) => {
      const result = effected(late);
      if (result === null) return;
      const rendered = await presentEffect(job, result);
      const state =
        rendered.outcome.status === 'success'
          ? 'applied'
          : result.kind === 'failed' && result.retryable
            ? 'released'
            : 'refused';
      const facts = { late: true, status: rendered.outcome.status };
      await settle(job, fence, { state, rendered: state === 'released' ? null : rendered, facts });
    })
    .catch((error: unknown) =>
      log.warn('a tool ended after its time', {
        key: job.input.key,
        error: job.privacy.personal(errorText(error)),
      }),
    );
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

/** A check found that an earlier attempt acted: its result is the result. */
export async function settleFound(job: Job, fence: number, result: ToolResult): Promise<RunToolResult> {
  const rendered = await presentEffect(job, effected(result) ?? success('It was done.'));
  return settleResult(job, fence, rendered, { check: 'happened' });
}

async function settleResult(
  job: Job,
  fence: number,
  rendered: Rendered,
  found: JsonObject = {},
): Promise<RunToolResult> {
  const state = rendered.outcome.status === 'success' ? 'applied' : 'refused';
  await job.services.crashPoint('effect:before-settle');
  const settled = await settle(job, fence, {
    state,
    rendered,
    facts: { ...found, status: rendered.outcome.status },
  });
  await job.services.crashPoint('effect:after-settle');
  return settled.won ? done(job, rendered.outcome, state === 'applied') : standing(job, settled);
}

export async function settleUnknown(job: Job, fence: number, what: string): Promise<RunToolResult> {
  const settled = await settle(job, fence, { state: 'unknown', rendered: null, facts: { what } });
  return settled.won ? unknown(job) : standing(job, settled);
}

export async function settle(
  job: Job,
  fence: number,
  how: {
    readonly state: Parameters<typeof settleEffect>[3]['state'];
    readonly rendered: Rendered | null;
    readonly facts: JsonObject;
  },
): Promise<Settled> {
  const { sql } = job.services;
  if (how.rendered?.full) await storeBlobs(sql, job.input.run, [how.rendered.full]);
  return settleEffect(sql, job.input.key, fence, {
    state: how.state,
    result: how.rendered === null ? null : JSON.stringify(how.rendered.outcome),
    facts: how.facts,
    blob: how.rendered?.text ?? null,
  });
}

/** This attempt lost its lease to another one: what stands is what counts. */
function standing(job: Job, settled: Settled): Promise<RunToolResult> | RunToolResult {
  switch (settled.state) {
    case 'applied':
    case 'refused':
      return done(job, JSON.parse(settled.result ?? 'null') as CallOutcome, settled.state === 'applied');
    case 'unknown':
      return unknown(job);
    case 'void':
      return done(job, refuse('void'), false);
    default:
      throw busy(LIMITS.leaseMarginMs);
  }
}

export function leaseOf(labels: ToolLabels, mode: Effect): Lease {
  return {
    mode,
    leaseMs: labels.timeoutMs + LIMITS.activityOverheadMs + LIMITS.leaseMarginMs,
    settlesMs: mode === 'checkable' ? (labels.settlesWithinMs ?? 0) : 0,
  };
}

export function bodies(rendered: Rendered): readonly string[] {
  return rendered.full === null ? [rendered.text] : [rendered.text, rendered.full];
}

function done(job: Job, outcome: CallOutcome, applied: boolean): RunToolResult {
  return { kind: 'done', outcome, applied, activeMs: Date.now() - job.startedAtMs };
}

async function unknown(job: Job): Promise<RunToolResult> {
  const evidence = await evidenceOf(job.services.sql, job.input.key, job.input.argsHash);
  return { kind: 'unknown', evidence, activeMs: Date.now() - job.startedAtMs };
}

/** Tried again after a pause that doubles with every attempt that really ran. */
function toolFailed(what: string, attempts: number): FailureError {
  const pauseMs = Math.min(LIMITS.toolBackoffMaxMs, LIMITS.toolBackoffFirstMs * 2 ** (attempts - 1));
  return new FailureError(retryable('tool_failed', `the tool failed: ${what.slice(0, 200)}`, pauseMs));
}

/** Another attempt may be alive: come back when its lease has run out. */
export function busy(remainingMs: number): FailureError {
  return new FailureError(
    retryable('lease_busy', `another attempt holds the lease for ${remainingMs} ms`, remainingMs + 50),
  );
}
