import type { temporal } from '@temporalio/proto';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;

/**
 * From the event of this signal to the event of the first result of this activity after it: when the engine has it on
 * record, whoever asked for it. Both times are the server's.
 */
export function recordedAfterMs(
  events: readonly HistoryEvent[],
  { signal, activity }: { readonly signal: string; readonly activity: string },
): number {
  const said = events.findIndex(
    ({ workflowExecutionSignaledEventAttributes: at }) => at?.signalName === signal,
  );
  const after = events.slice(said);
  const scheduled = after.find(
    ({ activityTaskScheduledEventAttributes: at }) => at?.activityType?.name === activity,
  );
  const completed = after.find(
    ({ activityTaskCompletedEventAttributes: at }) =>
      String(at?.scheduledEventId) === String(scheduled?.eventId),
  );
  if (said === -1 || scheduled === undefined || completed === undefined)
    throw new Error(`the history has no result of ${activity} after the signal ${signal}`);
  return timeOf(completed) - timeOf(after[0]);
}

function timeOf(event: HistoryEvent | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {};
  return Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6;
}
