import type { Noted } from './customer.ts';
import type { Fleet } from './fleet.ts';

const LAST_EVENTS = 12;

/** What a run that does not end is waiting for: for who reads the log of a campaign. Never rejects. */
export async function whereIs(fleet: Fleet, { plan, heard }: Noted): Promise<string> {
  try {
    const handle = fleet.client.workflow.getHandle(plan.workflowId);
    const { raw, status } = await handle.describe();
    const events = (await handle.fetchHistory()).events ?? [];
    const requests = await fleet.sql`
      select id, kind, state, opened_at from approvals where workflow_id = ${plan.workflowId}`;
    return [
      `${plan.workflowId} (${plan.kind}, ${plan.mind}) is ${status.name}; ${heard.length} of ${plan.messages.length} messages were heard`,
      `  activities: ${JSON.stringify(raw.pendingActivities ?? [])}`,
      `  workflow task: ${JSON.stringify(raw.pendingWorkflowTask ?? null)}`,
      `  approvals: ${JSON.stringify(requests)}`,
      ...events
        .slice(-LAST_EVENTS)
        .map((event) => `  ${event.eventId} ${kindOf(event)} at ${String(event.eventTime?.seconds)}`),
    ].join('\n');
  } catch (error) {
    return `${plan.workflowId}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** `activityTaskScheduled`, … */
function kindOf(event: object): string {
  const [kind = 'unknown'] = Object.entries(event).flatMap(([key, value]) =>
    key.endsWith('EventAttributes') && value !== null ? [key.slice(0, -'EventAttributes'.length)] : [],
  );
  return kind;
}
