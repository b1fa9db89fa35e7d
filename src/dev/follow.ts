import type { Client } from '@temporalio/client';
import { isObject } from '../core/json.ts';
import type { Reply } from '../workflows/messages.ts';

/** What a person wants to see of a run's history, in its order. */
export type Happening =
  | { readonly kind: 'said'; readonly id: string; readonly text: string }
  | { readonly kind: 'started'; readonly event: number; readonly summary: string }
  | { readonly kind: 'finished'; readonly event: number; readonly atMs: number }
  | { readonly kind: 'replied'; readonly reply: Reply };

export interface Follower {
  /** Resolves when `seen` has been true of something that was shown, or of what comes. */
  until(seen: (happening: Happening) => boolean): Promise<void>;
  /** Resolves when the history is complete. */
  readonly ended: Promise<void>;
}

type Page = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>;
type Event = NonNullable<NonNullable<Page['history']>['events']>[number];
type Payload = NonNullable<NonNullable<Event['userMetadata']>['summary']>;

const PAGE_TIMEOUT_MS = 60_000;
/** Enough for any conversation of ours; a page is at least one event. */
const MAX_PAGES = 5_000;

/** Reads the history of a run while it grows, from the first event on. */
export function followRun(
  client: Client,
  workflowId: string,
  onHappening: (happening: Happening, atMs: number) => void,
): Follower {
  const shown: Happening[] = [];
  const waiting = new Set<{
    readonly seen: (happening: Happening) => boolean;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }>();
  const show = (happening: Happening, atMs: number) => {
    shown.push(happening);
    onHappening(happening, atMs);
    for (const one of waiting) {
      if (!one.seen(happening)) continue;
      waiting.delete(one);
      one.resolve();
    }
  };
  const ended = readPages(client, workflowId, show);
  void ended
    .then(
      () => new Error(`the history of ${workflowId} ended first`),
      (error: unknown) => error,
    )
    .then((error) => {
      for (const one of waiting) one.reject(error);
    });
  return {
    ended,
    until: (seen) =>
      new Promise((resolve, reject) => {
        if (shown.some(seen)) resolve();
        else waiting.add({ seen, resolve, reject });
      }),
  };
}

async function readPages(
  client: Client,
  workflowId: string,
  show: (happening: Happening, atMs: number) => void,
): Promise<void> {
  let nextPageToken: Uint8Array | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const response = await client.withDeadline(Date.now() + PAGE_TIMEOUT_MS, () =>
      client.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: { workflowId },
        waitNewEvent: true,
        ...(nextPageToken !== undefined && { nextPageToken }),
      }),
    );
    for (const event of response.history?.events ?? []) {
      const happening = await happeningOf(client, event);
      if (happening !== null) show(happening, timeOf(event));
    }
    nextPageToken = response.nextPageToken ?? undefined;
    if (!nextPageToken?.length) return;
  }
  throw new Error(`${workflowId} has a history of more than ${MAX_PAGES} pages`);
}

async function happeningOf(client: Client, event: Event): Promise<Happening | null> {
  const scheduled = event.activityTaskScheduledEventAttributes;
  if (scheduled) {
    const summary = await decode(client, event.userMetadata?.summary ?? null);
    const name = scheduled.activityType?.name ?? 'activity';
    return {
      kind: 'started',
      event: Number(event.eventId),
      summary: typeof summary === 'string' ? summary : name,
    };
  }
  const done =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes;
  if (done) return { kind: 'finished', event: Number(done.scheduledEventId), atMs: timeOf(event) };
  const accepted = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  if (accepted?.name === 'send') {
    const message = await decode(client, accepted.args?.payloads?.[0] ?? null);
    if (isObject(message)) return { kind: 'said', id: String(message.id), text: String(message.text) };
  }
  const outcome = event.workflowExecutionUpdateCompletedEventAttributes?.outcome;
  if (outcome?.success) {
    const reply = await decode(client, outcome.success.payloads?.[0] ?? null);
    if (isObject(reply) && 'messageId' in reply) return { kind: 'replied', reply: reply as unknown as Reply };
  }
  return null;
}

async function decode(client: Client, payload: Payload | null): Promise<unknown> {
  if (payload === null) return null;
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let decoded = [payload] as Parameters<(typeof payloadCodecs)[number]['decode']>[0];
  for (const codec of [...payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  const [first] = decoded;
  return first === undefined ? null : payloadConverter.fromPayload(first);
}

function timeOf(event: Event): number {
  return Number(event.eventTime?.seconds ?? 0) * 1_000 + Math.floor((event.eventTime?.nanos ?? 0) / 1e6);
}
