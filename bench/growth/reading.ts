import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { isToolUse, type Message } from '../../src/core/messages.ts';
import { type Addresses, type Lab, openLab } from '../../test/e2e/lab.ts';
import { tableBytes } from '../bytes.ts';
import { askerOf, type Book, conversationOf, OPENING, pageOf } from './book.ts';
import { type Histories, historyAtCall, readHistories } from './history.ts';

/** A way to write the loop of an agent on the engine. */
export interface Reader {
  readonly name: string;
  /** The activity that asks the model. */
  readonly modelActivity: string;
  readonly workflowsPath: string;
  /** A worker for one book. */
  open(lab: Lab, book: Book, addresses: Addresses): Promise<OpenReader>;
}

export interface OpenReader {
  /** `ended`: in what way; rejects when the run failed. */
  start(): Promise<{ readonly workflowId: string; readonly ended: Promise<string> }>;
  stop(): Promise<void>;
}

/** One book read from beginning to end, or as far as the engine let it. */
export interface Reading {
  /** `completed`, or why it did not get there. */
  readonly ended: string;
  /** From each model request to the next, in milliseconds. */
  readonly stepMs: readonly number[];
  readonly historyBytes: number;
  readonly serverHistoryBytes: number;
  readonly executions: number;
  readonly bytesAfterCall: readonly number[];
  readonly bytesByEvent: Readonly<Record<string, number>>;
  /** Added to the tables of its database. */
  readonly tableBytes: number;
  readonly replays: readonly Replay[];
}

/** How long a worker that had forgotten the run took to have it in its memory again. */
export interface Replay {
  readonly call: number;
  readonly ms: number;
}

export async function readBook(
  addresses: Addresses,
  reader: Reader,
  book: Book,
  how: { readonly replays: number; readonly progress: (line: string) => void },
): Promise<Reading> {
  await using lab = await openLab({
    ...addresses,
    agents: [],
    conversations: [conversationOf(book)],
    worker: false,
  });
  const open = await reader.open(lab, book, addresses);
  const before = await tableBytes(lab.sql);
  const { workflowId, ended } = await open.start();
  const tick = setInterval(
    () => how.progress(`${reader.name}, ${book.name}: call ${lab.model.requests} of ${book.calls}`),
    5_000,
  );
  const outcome = await ended.catch((error: unknown) => causeOf(error)).finally(() => clearInterval(tick));
  const added = (await tableBytes(lab.sql)) - before;
  await open.stop();
  const histories = await readHistories(addresses.temporalAddress, workflowId, reader.modelActivity);
  how.progress(`${reader.name}, ${book.name}: replays`);
  return {
    ended: outcome,
    stepMs: stepsOf(lab),
    historyBytes: histories.bytes,
    serverHistoryBytes: histories.serverBytes,
    executions: histories.executions.length,
    bytesAfterCall: histories.bytesAfterCall,
    bytesByEvent: histories.bytesByEvent,
    tableBytes: added,
    replays: await replaysOf(reader, histories, how.replays),
  };
}

/**
 * The same conversation in a loop that keeps nothing: what sending and reading a growing conversation costs by itself,
 * which no engine can take away.
 */
export async function readInMemory(addresses: Addresses, book: Book): Promise<readonly number[]> {
  await using lab = await openLab({
    ...addresses,
    agents: [],
    conversations: [conversationOf(book)],
    worker: false,
  });
  const ask = askerOf(lab, book);
  const messages: Message[] = [{ role: 'user', content: [{ type: 'text', text: OPENING }] }];
  for (let call = 0; call <= book.calls; call += 1) {
    const { content } = await ask(messages);
    const asked = content.find(isToolUse);
    if (asked === undefined) break;
    const result = { type: 'tool_result', tool_use_id: asked.id, content: pageOf(book, asked.input) };
    messages.push({ role: 'assistant', content }, { role: 'user', content: [result] });
  }
  return stepsOf(lab);
}

/** From each request that the model received to the next. */
function stepsOf(lab: Lab): readonly number[] {
  const times = lab.model.sightings.map(({ receivedAtMs }) => receivedAtMs);
  return times.slice(1).map((time, i) => time - (times[i] ?? time));
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

const bundles = new Map<string, WorkflowBundleWithSourceMap>();

/** At so many calls, evenly spread, and where an execution is longest: at its last call. */
async function replaysOf(reader: Reader, histories: Histories, count: number): Promise<readonly Replay[]> {
  const { workflowsPath } = reader;
  const logger = new DefaultLogger('ERROR');
  const bundle = bundles.get(workflowsPath) ?? (await bundleWorkflowCode({ workflowsPath, logger }));
  bundles.set(workflowsPath, bundle);
  const last = histories.calls.length - 1;
  const spread = Array.from({ length: count }, (_, i) => Math.round((last * (i + 1)) / count));
  const longest = histories.executions.map((_, i) =>
    histories.calls.findLastIndex(({ execution }) => execution === i),
  );
  const places = [...new Set([...spread, ...longest.filter((call) => call > 0)])].sort((a, b) => a - b);
  const replays: Replay[] = [];
  // The first one warms what all of them share.
  for (const call of [places[0] ?? last, ...places]) {
    const history = historyAtCall(histories, call);
    if (history === null) continue;
    const startedAtMs = performance.now();
    await Worker.runReplayHistory({ workflowBundle: bundle }, history);
    replays.push({ call, ms: performance.now() - startedAtMs });
  }
  return replays.slice(1);
}
