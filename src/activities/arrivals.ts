import { Context } from '@temporalio/activity';
import type { Control } from '../core/control.ts';
import { FailureError, retryable } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';

type HistoryEvent = NonNullable<NonNullable<HistoryPage['history']>['events']>[number];
type HistoryPage = Awaited<
  ReturnType<Context['client']['workflowService']['getWorkflowExecutionHistoryReverse']>
>;
type Time = HistoryEvent['eventTime'];

/**
 * When the server received these signals, by their `n`; those it has no record of are left out. A worker that was down
 * reads them late; the run's own history knows when they came.
 *
 * A signal is found by its name, its whole body, and the workflow task that read it: the same words sent again, before
 * or after, are another message. Of the same words in one task the first speaks for all.
 *
 * Where the server or a codec is away nobody knows, and the attempt is repeated.
 */
export async function findArrivals(
  workflowId: string,
  wanted: readonly Control[],
): Promise<ReadonlyMap<number, number>> {
  if (wanted.length === 0) return new Map();
  try {
    return await readArrivals(workflowId, wanted);
  } catch (cause) {
    const failure = retryable('history_unavailable', 'The history of the run could not be read.');
    throw new FailureError(failure, { cause });
  }
}

async function readArrivals(
  workflowId: string,
  wanted: readonly Control[],
): Promise<ReadonlyMap<number, number>> {
  const arrivals = new Map<number, number>();
  const texts = wanted.map((control) => ({ ...control, text: textOf(control.body) }));
  const oldestMs = Math.min(...wanted.map((control) => control.receivedAtMs));
  let task: Task = { completed: false, startedAtMs: null };
  for await (const event of newestFirst(workflowId)) {
    task = taskBefore(task, event);
    const { startedAtMs } = task;
    if (startedAtMs !== null && startedAtMs < oldestMs) break;
    const signal = event.workflowExecutionSignaledEventAttributes;
    const readHere = texts.filter(
      (control) => control.receivedAtMs === startedAtMs && control.name === signal?.signalName,
    );
    if (readHere.length === 0) continue;
    const text = textOf(await decodeFirst(signal?.input?.payloads ?? []));
    if (text !== null)
      for (const control of readHere)
        if (control.text === text) arrivals.set(control.n, epochMs(event.eventTime));
  }
  return arrivals;
}

/** Reading backwards: the completed workflow task that read the signals which come next. */
interface Task {
  readonly completed: boolean;
  readonly startedAtMs: number | null;
}

/** A task that was started and never completed read nothing that counts. */
function taskBefore(task: Task, event: HistoryEvent): Task {
  if (event.workflowTaskCompletedEventAttributes) return { ...task, completed: true };
  if (event.workflowTaskStartedEventAttributes && task.completed)
    return { completed: false, startedAtMs: epochMs(event.eventTime) };
  return task;
}

/** This execution's events, and those of the ones it continues, as far as the limit of pages reaches. */
async function* newestFirst(workflowId: string): AsyncGenerator<HistoryEvent> {
  const { client, info } = Context.current();
  let runId = info.workflowExecution?.runId ?? '';
  let nextPageToken: Uint8Array | undefined;
  for (let page = 0; page < LIMITS.arrivalPages; page++) {
    const response: HistoryPage = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: info.namespace,
      execution: { workflowId, runId },
      maximumPageSize: LIMITS.arrivalPageEvents,
      ...(nextPageToken !== undefined && { nextPageToken }),
    });
    const events = response.history?.events ?? [];
    yield* events;
    nextPageToken = response.nextPageToken?.length ? response.nextPageToken : undefined;
    if (nextPageToken !== undefined) continue;
    runId = events.at(-1)?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    if (runId === '') return;
  }
}

/** Milliseconds as the workflow's own clock has them: cut, not rounded. */
function epochMs(time: Time): number {
  return Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1e6);
}

type Payloads = Parameters<ReturnType<typeof converterOf>['payloadCodecs'][number]['decode']>[0];

function converterOf() {
  return Context.current().client.options.loadedDataConverter;
}

/** The workflow has read it, so it can be decoded: a codec that fails now is away, and the attempt is repeated. */
async function decodeFirst(payloads: Payloads): Promise<unknown> {
  const { payloadCodecs, payloadConverter } = converterOf();
  let decoded = payloads;
  for (const codec of [...payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  return decoded[0] === undefined ? null : payloadConverter.fromPayload(decoded[0]);
}

function textOf(body: unknown): string | null {
  try {
    return canonicalJson(body);
  } catch {
    return null;
  }
}
