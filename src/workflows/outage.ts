import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { LandingReason } from '../core/state.ts';
import { showState } from './approvals.ts';
import { enter, type Run } from './context.ts';
import { failureCode, isLost } from './proxies.ts';
import { waitUntil } from './waiting.ts';

/** Failures that an outage does not explain: trying again with the same bytes cannot help. */
const NOT_AN_OUTAGE: Readonly<Record<string, LandingReason>> = {
  model_context_exceeded: 'context',
  model_bad_request: 'model_failed',
  model_prefix_changed: 'model_failed',
  model_garbled: 'model_failed',
};

/** What a failed model call means for the turn; null when it is none of the turn's business. */
export function modelFailureOf(error: unknown): LandingReason | null {
  return NOT_AN_OUTAGE[failureCode(error) ?? ''] ?? null;
}

/** Thrown when an outage has lasted for a day: the run is handed over to people. */
export class OutageTooLong extends Error {}

/**
 * Runs an activity; when model or store stay unavailable, parks the run visibly and tries again on a slow timer,
 * for a day. Twenty minutes without the API kill no conversation. Called at seams only.
 */
export async function throughOutages<Result>(
  run: Run,
  what: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  const untilMs = Date.now() + LIMITS.outageMs;
  let lost = 0;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (isCancellation(error) || !isOutage(error)) throw error;
      // No outage ends every worker that takes the call: that is a bug, and trying on would end more of them.
      lost = isLost(error) ? lost + 1 : 0;
      if (lost >= LIMITS.lostRounds) throw error;
      const code = failureCode(error) ?? 'no answer in time';
      if (Date.now() >= untilMs) throw new OutageTooLong(`${what}: ${code} for a day`);
      enter(run, 'outage', `${what}: ${code}; tried again every minute, or send \`retry\``);
      run.live.retry = false;
      if (code !== 'store_unavailable') await showState(run, 'outage');
      await waitUntil(
        run,
        () => run.live.retry,
        Date.now() + LIMITS.outageRetryMs,
        `try again after ${code}`,
      );
      enter(run, 'running', '');
    }
  }
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  const code = failureCode(error);
  if (code === null) return true;
  return (
    !(code in NOT_AN_OUTAGE) &&
    !ENDS_THE_RUN.has(code) &&
    !(error.cause instanceof ApplicationFailure && code === 'bug')
  );
}

/** Codes of failures that no waiting heals and no landing explains. */
export const ENDS_THE_RUN: ReadonlySet<string> = new Set(['unknown_agent', 'bad_start']);
