import { Client, Connection } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import proto from '@temporalio/proto';

type History = temporal.api.history.v1.IHistory;
const { HistoryEvent } = proto.temporal.api.history.v1;
const { EventType } = proto.temporal.api.enums.v1;

/** All executions of one workflow, oldest first, and where in them its model calls are. */
export interface Histories {
  readonly executions: readonly History[];
  /** As the server stores them: the encoded events, added up, over all executions. */
  readonly bytes: number;
  /** The server's own count of the same, framing included. */
  readonly serverBytes: number;
  /** Bytes of all executions up to the end of each model call and what followed it. */
  readonly bytesAfterCall: readonly number[];
  /** The same bytes, by kind of event. */
  readonly bytesByEvent: Readonly<Record<string, number>>;
  /** Where each model call was scheduled. */
  readonly calls: readonly { readonly execution: number; readonly event: number }[];
}

/** The client's usual limit on one answer is 4 MB; the server puts more than that on one page of such a history. */
const PAGE_BYTES = 128 * 1024 * 1024;

export async function readHistories(
  address: string,
  workflowId: string,
  modelActivity: string,
): Promise<Histories> {
  const connection = await Connection.connect({
    address,
    channelArgs: { 'grpc.max_receive_message_length': PAGE_BYTES },
  });
  try {
    return await readAll(new Client({ connection }), workflowId, modelActivity);
  } finally {
    await connection.close();
  }
}

async function readAll(client: Client, workflowId: string, modelActivity: string): Promise<Histories> {
  const executions: History[] = [];
  const calls: { readonly execution: number; readonly event: number }[] = [];
  const bytesAfterCall: number[] = [];
  const bytesByEvent: Record<string, number> = {};
  let bytes = 0;
  let serverBytes = 0;
  let runId: string | undefined = await firstRunOf(client, workflowId);
  while (runId !== undefined) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const history: History = await handle.fetchHistory();
    serverBytes += (await handle.describe()).historySize ?? 0;
    runId = undefined;
    const activityNames = new Map<string, string>();
    for (const [index, event] of (history.events ?? []).entries()) {
      const name = event.activityTaskScheduledEventAttributes?.activityType?.name;
      if (name === modelActivity) {
        if (calls.length > 0) bytesAfterCall.push(bytes);
        calls.push({ execution: executions.length, event: index });
      }
      const size = HistoryEvent.encode(event).finish().length;
      const kind = kindOf(event, activityNames);
      bytesByEvent[kind] = (bytesByEvent[kind] ?? 0) + size;
      bytes += size;
      runId = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? runId;
    }
    executions.push(history);
  }
  bytesAfterCall.push(bytes);
  return { executions, bytes, serverBytes, bytesAfterCall, bytesByEvent, calls };
}

async function firstRunOf(client: Client, workflowId: string): Promise<string> {
  const { raw, runId } = await client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** The history as it stood when this model call had been scheduled: what a worker that has forgotten the run replays. */
export function historyAtCall({ executions, calls }: Histories, call: number): History | null {
  const at = calls[call];
  const events = at === undefined ? undefined : executions[at.execution]?.events;
  return at === undefined || !events ? null : { events: events.slice(0, at.event + 1) };
}

/** `runTool scheduled`, `workflow task started`, `marker`: the words of the server, and whose activity it is. */
function kindOf(event: temporal.api.history.v1.IHistoryEvent, activityNames: Map<string, string>): string {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) activityNames.set(String(event.eventId), scheduled.activityType?.name ?? '');
  const of =
    event.activityTaskStartedEventAttributes?.scheduledEventId ??
    event.activityTaskCompletedEventAttributes?.scheduledEventId ??
    (scheduled ? event.eventId : null);
  const words = (EventType[event.eventType ?? 0] ?? 'unknown')
    .replace('EVENT_TYPE_', '')
    .replaceAll('_', ' ')
    .toLowerCase();
  return of == null ? words : words.replace('activity task', activityNames.get(String(of)) ?? 'activity');
}
