import { Context } from '@temporalio/activity';
import { remindApprovals } from '../store/notices.ts';
import type { ActivityServices } from './services.ts';
import type { RemindInput } from './types.ts';

/**
 * Tells those who may decide. What is due stays the same when the activity is tried again, so its own id makes sure
 * that nobody is told twice.
 */
export async function remind({ sql }: ActivityServices, input: RemindInput): Promise<void> {
  const { workflowExecution, activityId } = Context.current().info;
  await remindApprovals(sql, input, `${workflowExecution?.runId ?? ''}/${activityId}`);
}
