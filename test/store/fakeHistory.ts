import type { Context } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Json } from '../../src/core/json.ts';

/** An event of a history, as far as arrivals are read from it. Times are epoch milliseconds. */
export type FakeEvent =
  | { readonly kind: 'signal'; readonly name?: string; readonly atMs: number; readonly body: Json }
  | { readonly kind: 'task_started' | 'task_completed' | 'task_failed'; readonly atMs: number }
  | { readonly kind: 'started'; readonly atMs: number; readonly continues?: string };

/** The events of one workflow task that reads what came before it. */
export function taskAt(atMs: number): readonly FakeEvent[] {
  return [
    { kind: 'task_started', atMs },
    { kind: 'task_completed', atMs: atMs + 1 },
  ];
}

export interface FakeClient {
  readonly client: Context['client'];
  /** Pages that were read. */
  pages(): number;
}

/** A client of an engine that has these executions: each a list of events, the oldest first, in pages of `pageEvents`. */
export function fakeEngine(
  executions: Readonly<Record<string, readonly FakeEvent[]>>,
  pageEvents = 3,
): FakeClient {
  let pages = 0;
  const client = {
    options: {
      loadedDataConverter: { payloadConverter: defaultPayloadConverter, payloadCodecs: [] },
    },
    workflowService: {
      getWorkflowExecutionHistoryReverse: async (request: {
        readonly execution: { readonly runId: string };
        readonly nextPageToken?: Uint8Array;
      }) => {
        pages++;
        const events = [...(executions[request.execution.runId] ?? [])].reverse();
        const from = Number(Buffer.from(request.nextPageToken ?? []).toString() || 0);
        const next = from + pageEvents;
        return {
          history: { events: events.slice(from, next).map(wireEvent) },
          nextPageToken: Buffer.from(next < events.length ? String(next) : ''),
        };
      },
    },
  };
  return { client: client as never, pages: () => pages };
}

function wireEvent(event: FakeEvent) {
  const { atMs } = event;
  const eventTime = { seconds: Math.floor(atMs / 1_000), nanos: (atMs % 1_000) * 1_000_000 + 999_999 };
  switch (event.kind) {
    case 'signal':
      return {
        eventTime,
        workflowExecutionSignaledEventAttributes: {
          signalName: event.name ?? 'decide',
          input: { payloads: [defaultPayloadConverter.toPayload(event.body)] },
        },
      };
    case 'task_started':
      return { eventTime, workflowTaskStartedEventAttributes: {} };
    case 'task_completed':
      return { eventTime, workflowTaskCompletedEventAttributes: {} };
    case 'task_failed':
      return { eventTime, workflowTaskFailedEventAttributes: {} };
    case 'started':
      return {
        eventTime,
        workflowExecutionStartedEventAttributes: { continuedExecutionRunId: event.continues ?? '' },
      };
    default:
      return event satisfies never;
  }
}
