import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { LandingReason } from '../core/state.ts';
import { showState } from './approvals.ts';
import { enter, patch, type Run } from './context.ts';
import type { EndReason } from './messages.ts';
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
 * for a day, which a move does not begin anew. Twenty minutes without the API kill no conversation. Null where a person
 * pauses, takes over or closes it meanwhile: nothing came of it, and whoever called goes back to the loop of the run.
 * Called at seams only.
 */
export async function throughOutages<Result>(
  run: Run,
  what: string,
  attempt: () => Promise<Result>,
): Promise<Result | null> {
  for (;;) {
    try {
      const result = await attempt();
      endOutage(run);
      return result;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const { sinceMs = Date.now(), lost: before = 0 } = run.state.outage ?? {};
      const lost = isLost(error) ? before + 1 : 0;
      // No outage ends every worker that takes the call: that is a bug, and trying on would end more of them.
      if (!isOutage(error) || lost >= LIMITS.lostRounds) {
        endOutage(run);
        throw error;
      }
      const code = failureCode(error) ?? 'no answer in time';
      if (Date.now() - sinceMs >= LIMITS.outageMs) throw new OutageTooLong(`${what}: ${code} for a day`);
      patch(run, { outage: { sinceMs, lost } });
      enter(run, 'outage', `${what}: ${code}; tried again every minute, or send \`retry\``);
      run.live.retry = false;
      if (code !== 'store_unavailable') await showState(run, 'outage');
      await waitUntil(
        run,
        () => run.live.retry || isWantedElsewhere(run),
        Date.now() + LIMITS.outageRetryMs,
        `try again after ${code}`,
      );
      if (isWantedElsewhere(run)) {
        // Tried again only once somebody says so, and then the day begins anew.
        if (run.state.paused !== null) endOutage(run);
        return null;
      }
      enter(run, 'running', '');
    }
  }
}

function isWantedElsewhere({ state: { paused, handOver, closing } }: Run): boolean {
  return paused !== null || handOver !== null || closing;
}

function endOutage(run: Run): void {
  if (run.state.outage !== null) patch(run, { outage: null });
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  const code = failureCode(error);
  if (code === null) return true;
  return (
    !(code in NOT_AN_OUTAGE) &&
    !(code in ENDS_THE_RUN) &&
    !(error.cause instanceof ApplicationFailure && code === 'bug')
  );
}

/** Codes of failures that no waiting heals and no landing explains, and what the run ends with. */
export const ENDS_THE_RUN: Readonly<Record<string, EndReason>> = {
  unknown_agent: 'unknown_agent',
  // Its row says so, after a reset perhaps: no attempt will ever be let through again.
  model_cancelled: 'already_ended',
};
