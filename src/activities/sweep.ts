import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import { LIMITS } from '../core/limits.ts';
import type { Sql } from '../store/connection.ts';
import { bookExpired, closeLostRun, forgetWindows, untouchedRuns } from '../store/sweep.ts';
import type { ActivityServices } from './services.ts';
import type { Swept } from './types.ts';

/** What the engine says of a workflow: a status of its own, or `NOT_FOUND` where it has forgotten it. */
export type Describe = (workflowId: string) => Promise<string>;

export async function sweep({ sql, namespaceId }: ActivityServices): Promise<Swept> {
  return sweepOnce(sql, namespaceId, describe);
}

/** One bounded pass. `statusOf` asks the engine of that namespace. */
export async function sweepOnce(sql: Sql, namespaceId: string, statusOf: Describe): Promise<Swept> {
  const booked = await bookExpired(sql);
  const page = await untouchedRuns(sql, namespaceId);
  let closed = 0;
  for (const one of page) {
    const status = await statusOf(one.workflowId);
    // Whoever reads this row says so; a status that is new to us closes nothing.
    if (CLOSED.has(status) && (await closeLostRun(sql, one, status)) === 'closed') closed++;
  }
  await forgetWindows(sql);
  return { booked, closed, more: booked === LIMITS.sweepRows || page.length === LIMITS.sweepRuns };
}

/** A run tells the store before its workflow closes, so one that has not was ended from outside. */
const CLOSED: ReadonlySet<string> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
  'NOT_FOUND',
]);

async function describe(workflowId: string): Promise<string> {
  try {
    const { status } = await Context.current().client.workflow.getHandle(workflowId).describe();
    return status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'NOT_FOUND';
    throw error;
  }
}
