import { ScheduleAlreadyRunning, ScheduleClient, ScheduleOverlapPolicy } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import { LIMITS } from './core/limits.ts';

/** Of the schedule and of its runs: one for each task queue, `holdfast-governor` for the usual one. */
export function governorId(taskQueue: string): string {
  return `${taskQueue}-governor`;
}

/**
 * Creates the schedule that runs the workflow `governor` every minute, unless it is there. One that an operator has paused
 * or changed stays as it is. Rejects where the server does not let us: then the operator has to create it.
 */
export async function ensureGovernor(options: {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly dataConverter: DataConverter;
}): Promise<void> {
  const { taskQueue, ...rest } = options;
  const schedules = new ScheduleClient(rest);
  try {
    await schedules.create({
      scheduleId: governorId(taskQueue),
      spec: { intervals: [{ every: LIMITS.governorEveryMs }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: LIMITS.governorCatchUpMs },
      action: {
        type: 'startWorkflow',
        workflowType: 'governor',
        workflowId: governorId(taskQueue),
        taskQueue,
        args: [],
        // A look that no worker has come to is of no use any more.
        workflowExecutionTimeout: LIMITS.governorSilentMs,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
