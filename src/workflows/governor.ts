import { proxyActivities } from '@temporalio/workflow';
import type { FleetActivities } from '../activities/types.ts';
import { LIMITS } from '../core/limits.ts';

// A look that fails is not repeated for long: the next one comes within the minute and sees more.
const looks = proxyActivities<FleetActivities>({
  startToCloseTimeout: LIMITS.governorMs,
  retry: {
    initialInterval: LIMITS.storeBackoffFirstMs,
    maximumAttempts: LIMITS.governorAttempts,
    nonRetryableErrorTypes: ['PayloadsTooLarge', 'bug'],
  },
});

/** What one look did: breakers moved, reservations booked, runs closed and runs woken. */
export interface Look {
  readonly changes: number;
  readonly booked: number;
  readonly closed: number;
  readonly woken: number;
}

/**
 * One look at the whole fleet, started by a schedule every minute (governorSchedule.ts). Each part of it is an activity of
 * its own that does not depend on the others: it has its turn whatever became of the one before, and what it could not do,
 * it does the next time. A look of which a part failed fails at its end, so that somebody sees it.
 */
export async function governor(): Promise<Look> {
  const failures: unknown[] = [];
  const inTurn = async <Result>(part: () => Promise<Result>, otherwise: Result): Promise<Result> => {
    try {
      return await part();
    } catch (error) {
      failures.push(error);
      return otherwise;
    }
  };
  const changes = await inTurn(
    () => looks.govern.executeWithOptions({ summary: 'judge and move breakers' }, []),
    [],
  );
  const swept = await inTurn(sweepAll, { booked: 0, closed: 0 });
  const woken = await inTurn(
    () => looks.wakeHeld.executeWithOptions({ summary: 'wake what no breaker holds' }, []),
    0,
  );
  if (failures.length > 0) throw failures[0];
  return { changes: changes.length, ...swept, woken };
}

async function sweepAll(): Promise<Pick<Look, 'booked' | 'closed'>> {
  let [booked, closed] = [0, 0];
  for (let pass = 0; pass < LIMITS.sweepPasses; pass++) {
    const swept = await looks.sweep.executeWithOptions(
      { summary: 'book and close what was left behind' },
      [],
    );
    booked += swept.booked;
    closed += swept.closed;
    if (!swept.more) break;
  }
  return { booked, closed };
}
