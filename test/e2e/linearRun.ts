import { type Book, conversationOf, OPENING, readerOf } from '../../bench/growth/book.ts';
import { type Addresses, openLab } from './lab.ts';

const PAGE_BYTES = 2_000;
/** Of each model call, so that neither the budget nor the window of the model ends the run. */
const USAGE = { inputTokens: 100, outputTokens: 10 };

export interface LinearReport {
  readonly steps: number;
  readonly executions: number;
  readonly outcome: string;
  readonly ms: number;
  readonly historyBytes: number;
  readonly earlyBytesPerStep: number;
  readonly lateBytesPerStep: number;
  readonly largestPayloadBytes: number;
  /** Search attributes of the last execution: a move must not lose them. */
  readonly searchable: boolean;
}

/** One run of many steps; its histories are measured as the server stores them, summed over all executions. */
export async function measureLinearity(
  addresses: Addresses,
  steps: number,
  onProgress: (step: number) => void = () => undefined,
): Promise<LinearReport> {
  const book: Book = { name: 'book', calls: steps - 1, pageBytes: PAGE_BYTES, seed: 1 };
  const spoken = conversationOf(book);
  await using lab = await openLab({
    ...addresses,
    agents: [readerOf(book)],
    conversations: [{ ...spoken, steps: spoken.steps.map((step) => ({ ...step, usage: USAGE })) }],
  });
  const startedAtMs = Date.now();
  const handle = await lab.start({
    agent: 'reader',
    message: OPENING,
    once: true,
    requester: { id: 'tester' },
  });
  const tick = setInterval(() => onProgress(lab.model.requests), 1_000);
  const result = await handle.result().finally(() => clearInterval(tick));
  const ms = Date.now() - startedAtMs;

  const stepBytes: number[] = [0];
  let executions = 0;
  let largest = 0;
  let runId: string | undefined = handle.firstExecutionRunId;
  while (runId !== undefined) {
    executions++;
    const history = await lab.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    runId = undefined;
    for (const event of history.events ?? []) {
      const type = event.activityTaskScheduledEventAttributes?.activityType?.name;
      if (type === 'callModel') stepBytes.push(0);
      stepBytes[stepBytes.length - 1] = (stepBytes.at(-1) ?? 0) + encodedBytes(event);
      largest = Math.max(largest, ...payloadsOf(event));
      runId = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? runId;
    }
  }
  const attributes = (await lab.client.workflow.getHandle(handle.workflowId).describe()).searchAttributes;
  const measured = stepBytes.slice(1);
  const half = Math.floor(measured.length / 2);
  return {
    steps: measured.length,
    executions,
    outcome: result.outcome,
    ms,
    historyBytes: stepBytes.reduce((sum, bytes) => sum + bytes, 0),
    earlyBytesPerStep: mean(measured.slice(0, half)),
    lateBytesPerStep: mean(measured.slice(half)),
    largestPayloadBytes: largest,
    searchable: attributes.HoldfastAgent?.[0] === 'reader' && attributes.HoldfastOutcome?.[0] === 'completed',
  };
}

function mean(values: readonly number[]): number {
  return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

function encodedBytes(event: unknown): number {
  return Buffer.byteLength(
    JSON.stringify(event, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    ),
  );
}

/** Sizes of the payload data anywhere in an event. */
function payloadsOf(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  if (value instanceof Uint8Array) return [value.byteLength];
  return Object.values(value).flatMap(payloadsOf);
}

/** What the report breaks of the promise that history is linear. */
export function problemsOf(report: LinearReport, steps: number): readonly string[] {
  const problems: string[] = [];
  if (report.outcome !== 'completed') problems.push(`the run ended as ${report.outcome}`);
  if (report.steps !== steps) problems.push(`${report.steps} steps instead of ${steps}`);
  if (report.executions < 3)
    problems.push(`${report.executions - 1} continue-as-news, at least two were expected`);
  const drift = Math.abs(report.lateBytesPerStep / report.earlyBytesPerStep - 1);
  if (!(drift <= 0.1)) problems.push(`late steps differ by ${(drift * 100).toFixed(1)} % from early ones`);
  if (report.largestPayloadBytes > 256 * 1024)
    problems.push(`a payload of ${report.largestPayloadBytes} bytes`);
  if (!report.searchable) problems.push('the last execution has lost its search attributes');
  return problems;
}
