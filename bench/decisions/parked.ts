import { randomUUID } from 'node:crypto';
import type { Lab } from '../../test/e2e/lab.ts';
import { until } from '../../test/e2e/lab.ts';
import type { How, Plot, Table } from '../benchmark.ts';
import { startChild } from '../live/child.ts';
import { crowd } from '../live/crowd.ts';
import { randomFor } from '../live/random.ts';
import { megabytes, usageOf } from '../live/usage.ts';
import { quantile } from '../rounds.ts';
import { type Decided, type Deciding, settle, startParked } from './contenders.ts';

interface Setting {
  readonly runs: number;
  /** No run is begun after this. */
  readonly parkMs: number;
  /** Memory is read whenever so many more are parked. */
  readonly every: number;
  readonly wakes: number;
}

const FULL: Setting = { runs: 10_000, parkMs: 10 * 60_000, every: 500, wakes: 200 };
const QUICK: Setting = { runs: 100, parkMs: 20_000, every: 50, wakes: 5 };
const AT_ONCE = 100;
const ARRIVE_MS = 120_000;

interface Weight {
  readonly parked: number;
  readonly bytes: number;
}

/** What many parked runs weigh, and how fast one of them wakes. */
export interface Parked {
  readonly parked: number;
  readonly parkedMs: number;
  /** While they are parked: the worker keeps as many as its cache has room for. */
  readonly weights: readonly Weight[];
  /** A worker that has never seen one of the parked runs, before it wakes any. */
  readonly freshBytes: number;
  /** Woken while the worker that parked them runs: the last ones, and any of them. */
  readonly recent: readonly Decided[];
  readonly any: readonly Decided[];
  /** Woken by a worker that was started afterwards. */
  readonly afterRestart: readonly Decided[];
}

export async function parkMany(how: How, lab: Lab, deciding: Deciding): Promise<Parked> {
  const { runs, parkMs, every, wakes } = how.quick ? QUICK : FULL;
  const batch = randomUUID();
  const ids: string[] = [];
  const weights: Weight[] = [];
  const wake = async (chosen: readonly string[]): Promise<readonly Decided[]> => {
    const decided: Decided[] = [];
    for (const workflowId of chosen) decided.push(await deciding.decide(workflowId));
    return decided;
  };
  const random = randomFor(how.seed, 'parked');
  const draw = (count: number) => Array.from({ length: count }, () => take(ids, random));

  const first = await startChild('worker.ts', lab.environment);
  await using _first = first;
  await wake(await deciding.park(5));
  weights.push({ parked: 0, bytes: usageOf(first.pid).memoryBytes });
  const startedAtMs = performance.now();
  const enough = () => performance.now() - startedAtMs > parkMs;
  while (ids.length < runs && !enough()) {
    const from = ids.length;
    await crowd({ count: Math.min(every, runs - from), atOnce: AT_ONCE, enough }, async (i) => {
      const workflowId = `${batch}-${from + i}`;
      await startParked(lab, workflowId);
      ids.push(workflowId);
    });
    await until(
      `${ids.length} parked runs`,
      async () => (await openRequests(lab, batch)) === ids.length,
      ARRIVE_MS,
    );
    weights.push({ parked: ids.length, bytes: usageOf(first.pid).memoryBytes });
    how.progress(`${ids.length} runs are parked; the worker has ${megabytes(weights.at(-1)?.bytes ?? 0)}`);
  }
  const parked = ids.length;
  const parkedMs = performance.now() - startedAtMs;
  await settle();
  const recent = await wake(ids.splice(-wakes));
  const any = await wake(draw(wakes));
  await first.stop();

  await using second = await startChild('worker.ts', lab.environment);
  const freshBytes = usageOf(second.pid).memoryBytes;
  const afterRestart = await wake(draw(wakes));
  how.progress(`${recent.length + any.length + afterRestart.length} of them woke`);
  return { parked, parkedMs, weights, freshBytes, recent, any, afterRestart };
}

export function parkedTables(found: Parked): readonly Table[] {
  const wakes = (words: string, all: readonly Decided[]) => {
    const ms = all.map(({ effectMs }) => effectMs);
    return [words, all.length, quantile(ms, 0.5).toFixed(1), quantile(ms, 0.95).toFixed(1)];
  };
  const perRun = cachedBytesPerRun(found);
  return [
    {
      title: `Memory of the worker with ${found.parked} runs parked in ${(found.parkedMs / 1_000).toFixed(0)} s`,
      head: ['', ''],
      rows: [
        ['before', megabytes(found.weights[0]?.bytes ?? 0)],
        ['each run in its cache', `${(perRun / 1e3).toFixed(0)} kB`],
        ['with all of them parked, the cache full', megabytes(found.weights.at(-1)?.bytes ?? 0)],
        ['a worker started afterwards, all of them parked', megabytes(found.freshBytes)],
      ],
    },
    {
      title: `From the word to the effect with ${found.parked} runs parked`,
      head: ['', 'decisions', 'p50 ms', 'p95 ms'],
      rows: [
        wakes('the last ones that were parked', found.recent),
        wakes('any of them', found.any),
        wakes('any of them, by a worker started afterwards', found.afterRestart),
      ],
    },
  ];
}

export function memoryPlot({ weights }: Parked): Plot {
  return {
    name: 'memory',
    title: 'Memory of a worker while runs are parked',
    x: { label: 'parked runs' },
    y: { label: 'MB' },
    lines: [{ name: 'one worker', points: weights.map(({ parked, bytes }) => [parked, bytes / 1e6]) }],
  };
}

/** Over the first quarter, where whatever is parked is in the cache as well. */
function cachedBytesPerRun({ weights, parked }: Parked): number {
  const [first] = weights;
  const last = weights.findLast((weight) => weight.parked <= Math.max(parked / 4, weights[1]?.parked ?? 0));
  if (first === undefined || last === undefined || last.parked === 0) return Number.NaN;
  return (last.bytes - first.bytes) / last.parked;
}

async function openRequests({ sql }: Lab, batch: string): Promise<number> {
  const [row] = await sql<{ open: number }[]>`
    select count(*)::int as open from approvals where workflow_id like ${`${batch}%`} and state = 'open'`;
  return row?.open ?? 0;
}

/** Takes one out, any of them. */
function take(ids: string[], random: () => number): string {
  const [taken] = ids.splice(Math.floor(random() * ids.length), 1);
  if (taken === undefined) throw new Error('there are no more parked runs to wake');
  return taken;
}
