import { createHoldfastClient } from '../../src/client.ts';
import { findFreePort } from '../../src/stack/ports.ts';
import { openLab } from '../../test/e2e/lab.ts';
import type { How } from '../benchmark.ts';
import { talker } from '../live/agents.ts';
import { startChild } from '../live/child.ts';
import { between, readMetrics } from '../live/metrics.ts';
import { stackUsage, type Usage, usageOf } from '../live/usage.ts';
import { bringCustomers, type Reply } from './customers.ts';
import { openShare } from './speech.ts';

export interface Setting {
  /** Runs to be open at a time. */
  readonly open: number;
  /** Before it is measured: every customer has said something, and so begun a run, and what that piled up is worked off. */
  readonly beforeMs: number;
  /** So many pieces of so long are measured, one after the other. */
  readonly pieces: number;
  readonly pieceMs: number;
  readonly hurry: number;
}

export const PARTS = ['worker', 'temporal', 'postgres', 'model', 'customers'] as const;
export type Part = (typeof PARTS)[number];

export interface Taken {
  /** Runs that were to be open, and the customers who talk so that as many are. */
  readonly open: number;
  readonly customers: number;
  /** To messages that were sent while it was measured; `sentAtMs` counts from its beginning. */
  readonly replies: readonly Reply[];
  readonly measuredMs: number;
  readonly pieces: number;
  readonly cpuMs: Readonly<Record<Part, number>>;
  readonly memoryBytes: Readonly<Record<Part, number>>;
  readonly slices: readonly Slice[];
  readonly worker: {
    readonly cacheMisses: number;
    readonly evictions: number;
    /** Means over all tasks: how long they waited for the worker. */
    readonly workflowTaskWaitMs: number;
    readonly activityWaitMs: number;
  };
  readonly problems: readonly string[];
}

/** What happened in a piece of the measured time. */
export interface Slice {
  /** Both from the beginning of the measured time. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly cpuMs: Readonly<Record<Part, number>>;
  /** At its end, in the worker's cache: all that are open, while nothing is evicted. */
  readonly openRuns: number;
}

const PROGRESS_MS = 5_000;
export const SLICE_MS = 5_000;
/** A conversation takes at least this, so nobody needs more of them than their share of the whole time. */
const SHORTEST_MS = 30_000;

/** So many live conversations on a worker of its own, with a model of its own and an empty database. */
export async function carry(how: How, setting: Setting): Promise<Taken> {
  const { open, beforeMs, pieces, pieceMs, hurry } = setting;
  const customers = Math.round(open / openShare({ seed: how.seed, hurry }));
  const speech = { seed: how.seed, hurry, joined: customers };
  const measuredMs = pieces * pieceMs;
  const each = 2 + Math.ceil(((beforeMs + measuredMs) * hurry) / SHORTEST_MS);
  const conversations = customers * each;
  const model = await startChild('model.ts', { BENCH_SPEECH: JSON.stringify({ ...speech, conversations }) });
  await using _model = model;
  await using lab = await openLab({
    ...how.stack,
    agents: [talker],
    worker: false,
    environment: { HOLDFAST_MODEL_URL: model.said },
  });
  const metricsAt = `127.0.0.1:${await findFreePort()}`;
  const worker = await startChild('worker.ts', { ...lab.environment, BENCH_METRICS: metricsAt });
  await using _worker = worker;
  const { client, config } = lab;
  const holdfast = createHoldfastClient({ client, taskQueue: config.taskQueue });
  const crowd = bringCustomers(holdfast, {
    count: customers,
    speech,
    conversations,
    name: `talk-${open}`,
  });
  const said = setInterval(
    () => how.progress(`${customers} customers talk, ${crowd.replies.length} replies so far`),
    PROGRESS_MS,
  );
  const usage = (): Record<Part, Usage> => ({
    ...stackUsage(),
    worker: usageOf(worker.pid),
    model: usageOf(model.pid),
    customers: usageOf(process.pid),
  });
  try {
    await sleep(beforeMs);
    const startMs = performance.now();
    const [usedBefore, before] = [usage(), await readMetrics(metricsAt)];
    const slices: Slice[] = [];
    for (let last = usedBefore; performance.now() < startMs + measuredMs; ) {
      await sleep(Math.min(SLICE_MS, startMs + measuredMs - performance.now()));
      const [now, metrics] = [usage(), await readMetrics(metricsAt)];
      slices.push({
        fromMs: slices.at(-1)?.untilMs ?? 0,
        untilMs: performance.now() - startMs,
        cpuMs: ofEach((part) => now[part].cpuMs - last[part].cpuMs),
        openRuns: metrics.total('temporal_sticky_cache_size'),
      });
      last = now;
    }
    const endMs = performance.now();
    const [used, after] = [usage(), await readMetrics(metricsAt)];
    await crowd.stop();
    const { count, meanMs } = between(before, after);
    return {
      open,
      customers,
      pieces,
      slices,
      replies: crowd.replies
        .filter(({ sentAtMs }) => sentAtMs >= startMs && sentAtMs < endMs)
        .map((reply) => ({ ...reply, sentAtMs: reply.sentAtMs - startMs })),
      measuredMs: endMs - startMs,
      cpuMs: ofEach((part) => used[part].cpuMs - usedBefore[part].cpuMs),
      memoryBytes: ofEach((part) => used[part].memoryBytes),
      worker: {
        cacheMisses: count('temporal_sticky_cache_miss'),
        evictions: count('temporal_sticky_cache_total_forced_eviction'),
        workflowTaskWaitMs: meanMs('temporal_workflow_task_schedule_to_start_latency'),
        activityWaitMs: meanMs('temporal_activity_schedule_to_start_latency'),
      },
      problems: crowd.problems,
    };
  } finally {
    clearInterval(said);
    await crowd.stop();
  }
}

function ofEach<Value>(of: (part: Part) => Value): Record<Part, Value> {
  return Object.fromEntries(PARTS.map((part) => [part, of(part)])) as Record<Part, Value>;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
