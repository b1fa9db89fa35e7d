import type { Noted } from './customer.ts';
import type { Fleet } from './fleet.ts';

const LAST_EVENTS = 12;

/** What a customer's run that does not end is waiting for: for who reads the log of a campaign. Never rejects. */
export async function whereIs(fleet: Fleet, { plan, heard }: Noted): Promise<string> {
  return `${plan.kind}, ${plan.mind}; ${heard.length} of ${plan.messages.length} messages were heard
${await whereRunIs(fleet, plan.workflowId)}`;
}

/** The same of any run. */
export async function whereRunIs(
  { client, sql }: Pick<Fleet, 'client' | 'sql'>,
  workflowId: string,
): Promise<string> {
  try {
    const handle = client.workflow.getHandle(workflowId);
    const { raw, status } = await handle.describe();
    const events = (await handle.fetchHistory()).events ?? [];
    const requests = await sql`
      select id, kind, state, opened_at from approvals where workflow_id = ${workflowId}`;
    return [
      `${workflowId} is ${status.name}`,
      `  activities: ${JSON.stringify(raw.pendingActivities ?? [])}`,
      `  workflow task: ${JSON.stringify(raw.pendingWorkflowTask ?? null)}`,
      `  approvals: ${JSON.stringify(requests)}`,
      ...events
        .slice(-LAST_EVENTS)
        .map((event) => `  ${event.eventId} ${kindOf(event)} at ${String(event.eventTime?.seconds)}`),
    ].join('\n');
  } catch (error) {
    return `${workflowId}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** `activityTaskScheduled`, … */
function kindOf(event: object): string {
  const [kind = 'unknown'] = Object.entries(event).flatMap(([key, value]) =>
    key.endsWith('EventAttributes') && value !== null ? [key.slice(0, -'EventAttributes'.length)] : [],
  );
  return kind;
}
