import { proxyActivities } from '@temporalio/workflow';
import type { GovernorActivities } from '../activities/types.ts';
import { LIMITS } from '../core/limits.ts';

// A look that fails is not repeated for long: the next one comes within the minute and sees more.
const looks = proxyActivities<GovernorActivities>({
  startToCloseTimeout: LIMITS.governorMs,
  retry: { initialInterval: 1_000, maximumAttempts: 3, nonRetryableErrorTypes: ['PayloadsTooLarge', 'bug'] },
});

/**
 * One look at the whole fleet, started by a schedule every minute (governorSchedule.ts). Each part of it is an activity of
 * its own that does not depend on the others; what one of them could not do, it does the next time.
 */
export async function governor(): Promise<{ readonly changes: number; readonly woken: number }> {
  const changes = await looks.govern.executeWithOptions({ summary: 'judge and move breakers' }, []);
  // What sweeps reservations and what terminated runs left behind comes here: after the judging, before anything is woken.
  const woken = await looks.wakeHeld.executeWithOptions({ summary: 'wake what no breaker holds' }, []);
  return { changes: changes.length, woken };
}
