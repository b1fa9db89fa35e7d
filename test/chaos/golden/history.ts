import type { temporal } from '@temporalio/proto';
import proto from '@temporalio/proto';
import type { Handle } from '../../e2e/lab.ts';
import type { Event } from './holds.ts';

const TYPES = proto.temporal.api.enums.v1.EventType;
type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/** The events of a run, as far as holds and figures go. */
export async function readEvents(handle: Handle): Promise<readonly Event[]> {
  const { events } = await handle.fetchHistory();
  const activities = new Map<number, string>();
  return (events ?? []).map((event) => {
    const id = Number(event.eventId);
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) activities.set(id, scheduled.activityId ?? '');
    return {
      id,
      type: (TYPES[event.eventType ?? 0] ?? '').replace('EVENT_TYPE_', ''),
      atMs: Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6,
      activityType: scheduled?.activityType?.name ?? null,
      activity: activities.get(scheduled ? id : scheduledBy(event)) ?? null,
      writtenBy: writtenBy(event),
    };
  });
}

function scheduledBy(event: HistoryEvent): number {
  const about =
    event.activityTaskStartedEventAttributes ??
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes;
  return Number(about?.scheduledEventId ?? 0);
}

/** The attributes of an event stand under a name of their own for each type; what a task wrote names the task. */
function writtenBy(event: HistoryEvent): number | null {
  for (const attributes of Object.values(event) as readonly unknown[])
    if (
      typeof attributes === 'object' &&
      attributes !== null &&
      'workflowTaskCompletedEventId' in attributes
    ) {
      const task = Number(attributes.workflowTaskCompletedEventId ?? 0);
      if (task > 0) return task;
    }
  return null;
}

/** From then on to the first event of these types; null without one. */
export function firstAfter(history: readonly Event[], atMs: number, types: readonly string[]): number | null {
  const first = history.find((event) => event.atMs > atMs && types.includes(event.type));
  return first === undefined ? null : first.atMs - atMs;
}
