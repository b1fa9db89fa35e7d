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
import { conversationOfSize, type SizeCase, startOfSize } from './sizes.ts';
import { openBench, type Stage } from './stage.ts';

/** Beside the payload an event names types, ids and times. */
const EVENT_BYTES = LIMITS.payloadHardBytes + 8 * 1024;
const MEMORY_MB = 1_200;
const LANES = 4;

/** What a run of some size left behind. */
export interface Left {
  readonly one: SizeCase;
  /** Null: the start itself was refused. */
  readonly facts: Facts | null;
  readonly outcome: string;
  readonly largestEventBytes: number;
  /** Types of events that tell of something that went wrong between worker and server. */
  readonly faults: readonly string[];
}

/** Texts of every size that matters go through every way in, and what is too long is refused in words. */
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
    recoveryMs: [],
    problems: [
      ...left.flatMap(sizeProblems),
      ...(memoryMb > MEMORY_MB ? [`the worker took ${memoryMb} MB, at most ${MEMORY_MB} may be needed`] : []),
    ],
    vacuous: left.some(({ one, facts }) => one.refused && facts !== null) ? [] : ['nothing was too long'],
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
  try {
    const { run, outcome } = await handle.result();
    const facts = await readFacts(lab.sql, run as RunId, (key) => payments.of(key).acts);
    return { one, facts, outcome, ...(await readSizes(handle)) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { one, facts: null, outcome: String(error.cause?.message ?? error), ...(await readSizes(handle)) };
  }
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
export function sizeProblems({ one, facts, outcome, largestEventBytes, faults }: Left): readonly string[] {
  const name = `${one.what} of ${one.bytes} bytes`;
  const problems: string[] = [];
  // A message that is too long is in the event of its own start, and in no other.
  const started = one.what === 'message' ? one.bytes : 0;
  if (largestEventBytes > Math.max(EVENT_BYTES, started + 8 * 1024))
    problems.push(`${name}: an event of ${largestEventBytes} bytes is in history`);
  if (faults.length > 0) problems.push(`${name}: ${faults.join(', ')}`);
  if (facts === null) {
    if (!one.refused || !outcome.includes('cannot start')) problems.push(`${name}: it ended as ${outcome}`);
    return problems;
  }
  if (outcome !== 'completed') problems.push(`${name}: it ended as ${outcome}`);
  const [told] = facts.results;
  if (told !== undefined) {
    const saysWhy = /limit is|at most|too (long|large)/.test(told.text);
    if (one.refused && !(told.text.startsWith('Error') || told.text.startsWith('Not run')))
      problems.push(`${name}: it was not refused, the model was told "${told.text.slice(0, 200)}"`);
    if (one.refused && !saysWhy)
      problems.push(`${name}: the words do not say why: "${told.text.slice(0, 200)}"`);
    if (!one.refused && told.text.startsWith('Error'))
      problems.push(`${name}: it was refused: "${told.text.slice(0, 200)}"`);
    if (told.text.length > LIMITS.inlineResultBytes)
      problems.push(`${name}: the model was told ${told.text.length} characters`);
  } else if (one.what !== 'message' && one.what !== 'answer')
    problems.push(`${name}: the model was told nothing`);
  // Nobody is asked here.
  const ungated = brokenOf(facts).filter((problem) => !problem.includes('without a standing approval'));
  return [...problems, ...ungated.map((problem) => `${name}: ${problem.slice(0, 300)}`)];
}

/** The most memory that a process has had. */
function peakMb(pid: number): number {
  const [, kb = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}
