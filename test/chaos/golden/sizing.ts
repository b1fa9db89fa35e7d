import { readFileSync } from 'node:fs';
import { WorkflowFailedError } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { RunId } from '../../../src/core/ids.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { AGENT_RUN, type RunResult, type StartInput } from '../../../src/workflows/messages.ts';
import type { Handle, Lab } from '../../e2e/lab.ts';
import { type Facts, readFacts } from '../facts.ts';
import type { Part } from './part.ts';
import { brokenOf } from './play.ts';
import { startProcess } from './process.ts';
import {
  conversationOfSize,
  openingOf,
  ROOMY,
  SIZED,
  type SizeCase,
  type Sized,
  startOfSize,
} from './sizes.ts';
import { openBench, type Stage } from './stage.ts';

/** An event names types, ids and times beside what it carries. */
const EVENT_MORE_BYTES = 8 * 1024;
const MEMORY_MB = 1_200;
const LANES = 4;
const END_MS = 120_000;

/** What a run of some size left behind. */
export interface Left {
  readonly one: SizeCase;
  /** Null: it could not start, or never ended. */
  readonly facts: Facts | null;
  /** Its end, or in words why it has none. */
  readonly outcome: string;
  readonly answer: string;
  /** What was said to it. */
  readonly heard: readonly string[];
  /** The largest text of the run that the store has. */
  readonly keptBytes: number;
  readonly largestEventBytes: number;
  /** Types of events that tell of something that went wrong between worker and server. */
  readonly faults: readonly string[];
}

/** Results, arguments, messages and answers of every size that matters, in one worker. */
export async function playSizes(stage: Stage, cases: readonly SizeCase[]): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  for (const one of cases) lab.model.add(conversationOfSize(one));
  await using worker = await startProcess({ environment });
  const waiting = [...cases];
  const left: Left[] = [];
  const lane = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
      left.push(await playSize(lab, stage, one));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const memoryMb = peakMb(worker.pid);
  await worker.kill('SIGTERM');
  const acts = left.flatMap(({ facts }) => Object.values(facts?.acts ?? {}));
  return {
    name: 'sizes',
    faults: cases.filter(({ refused }) => refused).length,
    runs: left.length,
    effects: acts.filter((one) => one > 0).length,
    lost: left.filter(
      ({ one, facts }) => one.what === 'deed' && !Object.values(facts?.acts ?? {}).some(Boolean),
    ).length,
    duplicated: acts.filter((one) => one > 1).length,
    recoveryMs: [],
    problems: [
      ...left.flatMap(sizeProblems),
      ...(memoryMb > MEMORY_MB ? [`the worker took ${memoryMb} MB, at most ${MEMORY_MB} may be needed`] : []),
    ],
    vacuous: SIZED.filter((what) => !left.some(({ one, facts }) => one.what === what && facts !== null)).map(
      (what) => `no ${what} came to its end`,
    ),
    figures: {
      largestEventBytes: Math.max(...left.map(({ largestEventBytes }) => largestEventBytes)),
      largestTextBytes: Math.max(...cases.map(({ bytes }) => bytes)),
      workerPeakMb: memoryMb,
    },
  };
}

async function playSize(lab: Lab, { payments }: Stage, one: SizeCase): Promise<Left> {
  const handle = await lab.client.workflow.start<(input: StartInput) => Promise<RunResult>>(AGENT_RUN, {
    workflowId: `${lab.config.taskQueue} ${one.what} ${one.bytes}`,
    taskQueue: lab.config.taskQueue,
    args: [startOfSize(one)],
  });
  const heard = [openingOf(one)];
  const nothing = { one, facts: null, answer: '', heard, keptBytes: 0 };
  const ended = await endOf(handle);
  const sizes = await readSizes(handle);
  if (typeof ended === 'string') return { ...nothing, outcome: ended, ...sizes };
  const { run, outcome, answer = '' } = ended;
  const facts = await readFacts(lab.sql, run as RunId, (key) => payments.of(key).acts);
  const [kept] = await lab.sql<{ bytes: number }[]>`
    select max(octet_length(body))::int as bytes from (
      select body from nodes where run = ${run} union all select body from blobs where run = ${run}) texts`;
  return { one, facts, outcome, answer, heard, keptBytes: kept?.bytes ?? 0, ...sizes };
}

/** What came of a run, or in words why nothing did. */
async function endOf(handle: Handle): Promise<RunResult | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`nothing within ${END_MS} ms`), END_MS);
  });
  const failed = (error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return String(error.cause?.message ?? error);
  };
  return Promise.race([handle.result().catch(failed), late]).finally(() => clearTimeout(timer));
}

const { HistoryEvent } = proto.temporal.api.history.v1;
const TYPES = proto.temporal.api.enums.v1.EventType;

async function readSizes(handle: Handle): Promise<Pick<Left, 'largestEventBytes' | 'faults'>> {
  const { events } = await handle.fetchHistory();
  const all = events ?? [];
  return {
    largestEventBytes: Math.max(...all.map((event) => HistoryEvent.encode(event).finish().length)),
    faults: all
      .map(({ eventType }) => TYPES[eventType ?? 0] ?? '')
      .filter((type) => /TASK_(FAILED|TIMED_OUT)$/.test(type)),
  };
}

/** What is wrong with what a size left behind. */
export function sizeProblems(left: Left): readonly string[] {
  const { one, facts, outcome, largestEventBytes, faults } = left;
  // A start is in history with its message, whoever wrote it; everything after it is ours.
  const started = one.what === 'message' ? one.bytes : 0;
  const mostBytes = Math.max(LIMITS.payloadHardBytes, started) + EVENT_MORE_BYTES;
  const isRefusedStart = facts === null && one.refused && outcome.includes('cannot start');
  return [
    ...(largestEventBytes > mostBytes ? [`an event of ${largestEventBytes} bytes is in history`] : []),
    ...(faults.length > 0 ? [faults.join(', ')] : []),
    ...(outcome === 'completed' || isRefusedStart ? [] : [`it ended as ${outcome}`]),
    ...(facts === null ? [] : [...wordProblems(left, facts), ...brokenBySize(left, facts)]),
  ].map((problem) => `${one.what} of ${one.bytes} bytes: ${problem}`);
}

/** What is too long is refused in words that name the limit; everything else is kept whole. */
function wordProblems({ one, answer, keptBytes }: Left, facts: Facts): readonly string[] {
  const problems: string[] = [];
  const told = toldAbout(one, facts);
  const start = told.slice(0, 200);
  const isRefusal = REFUSAL.test(told);
  if (one.refused && !isRefusal) problems.push(`it was not refused, the model was told "${start}"`);
  if (one.refused && isRefusal && !/limit is|at most|more than \d+ bytes/.test(told))
    problems.push(`the words do not say why: "${start}"`);
  if (!one.refused && isRefusal) problems.push(`it was refused: "${start}"`);
  if (!one.refused && keptBytes < one.bytes - JSON_BYTES)
    problems.push(`the store has ${keptBytes} bytes of it`);
  if (told.length > LIMITS.inlineResultBytes) problems.push(`the model was told ${told.length} characters`);
  if (told === '' && TOLD.includes(one.what)) problems.push('the model was told nothing');
  if (Buffer.byteLength(answer) > LIMITS.previewBytes)
    problems.push(`history shows ${Buffer.byteLength(answer)} bytes of the answer`);
  return problems;
}

/** A deed stands, whatever its result is like. */
const REFUSAL =
  /^(Error|Not run|It was done\. Its result cannot be shown|<notice>\nYour answer was not sent)/;
/** Results are measured with quotation marks, and kept without. */
const JSON_BYTES = 2;
const TOLD: readonly Sized[] = ['result', 'deed', 'arguments'];

/** What the model heard of a call, or of an answer that was kept back. */
function toldAbout({ what }: SizeCase, { results, said }: Facts): string {
  if (TOLD.includes(what)) return results[0]?.text ?? '';
  return what === 'guarded answer' ? (said[1] ?? '') : '';
}

/** Nobody is asked here. */
function brokenBySize({ heard }: Left, facts: Facts): readonly string[] {
  const terms = { heard, decisions: [], asks: () => null, limitMicroUsd: ROOMY.costMicroUsdPerRun };
  return brokenOf(facts, terms).map((problem) => problem.slice(0, 300));
}

/** The most memory that a process has had. */
function peakMb(pid: number): number {
  const [, kb = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}
