import type { CallOutcome } from '../core/calls.ts';
import { FailureError, retryable } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { refuse } from '../core/refusals.ts';
import type { ToolLabels } from '../core/release.ts';
import { storeBlobs } from '../store/chain.ts';
import {
  type Effect,
  evidenceOf,
  type Lease,
  type Settled,
  type SettleState,
  settleEffect,
} from '../store/ledger.ts';
import { success, type ToolResult } from '../tools/result.ts';
import { type Job, presentingMs } from './attempt.ts';
import { effected, type Rendered } from './outcome.ts';
import { type Presented, present } from './presenting.ts';
import type { RunToolResult } from './types.ts';

// What an attempt said, put on record, and how the run and the model hear of it.

export function presentFor(
  { guards, privacy, input, labels }: Job,
  result: ToolResult,
  as: Pick<Presented, 'author' | 'isLookUp' | 'withinMs'>,
): Promise<Rendered> {
  const { run, tool, requester } = input;
  const at = { run, tool, requester, reads: labels.reads, ...as };
  return present(guards.output, privacy, at, result);
}

/** How the model reads the result of an effect. The guards stand between the act and its settle, so they may not take its time. */
export function presentEffect(
  job: Job,
  result: ToolResult,
  withinMs: number = presentingMs(job.endsAtMs),
): Promise<Rendered> {
  const author = job.labels.returns === 'untrusted' ? job.input.tool : null;
  return presentFor(job, result, { author, isLookUp: false, withinMs });
}

/** A check found that an earlier attempt acted: its result is the result. */
export async function settleFound(job: Job, fence: number, result: ToolResult): Promise<RunToolResult> {
  const rendered = await presentEffect(job, effected(result) ?? success('It was done.'));
  return settleResult(job, fence, rendered, { check: 'happened' });
}

export async function settleResult(
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
    readonly state: SettleState;
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

export function done(job: Job, outcome: CallOutcome, applied: boolean): RunToolResult {
  return { kind: 'done', outcome, applied, activeMs: job.activeMs() };
}

export async function unknown(job: Job): Promise<RunToolResult> {
  const evidence = await evidenceOf(job.services.sql, job.input.key, job.input.argsHash);
  return { kind: 'unknown', evidence, activeMs: job.activeMs() };
}

/** Tried again after a pause that doubles with every attempt that really ran. */
export function toolFailed(what: string, attempts: number): FailureError {
  const pauseMs = Math.min(LIMITS.toolBackoffMaxMs, LIMITS.toolBackoffFirstMs * 2 ** (attempts - 1));
  return new FailureError(retryable('tool_failed', `the tool failed: ${what.slice(0, 200)}`, pauseMs));
}

/** Another attempt may be alive: come back when its lease has run out. */
export function busy(remainingMs: number): FailureError {
  return new FailureError(
    retryable('lease_busy', `another attempt holds the lease for ${remainingMs} ms`, remainingMs + 50),
  );
}
