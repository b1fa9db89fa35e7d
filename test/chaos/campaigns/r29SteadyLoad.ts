import { LIMITS } from '../../../src/core/limits.ts';
import { openFleet, WORKERS } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign } from './campaign.ts';
import { type Flat, measureSteadiness, type Point, percent, unsteady } from './steadiness.ts';
import { reportOf } from './storm.ts';

const LENGTH_MS = { quick: 20_000, full: 30 * 60_000 };
const SAMPLE_MS = { quick: 1_000, full: 5_000 };
/** A start this often: about half of what this load could be on two cores. */
const EVERY_MS = 400;
const WARM_RUNS_AT_LEAST = 10;

/** The pool of the worker, the connection that listens, and the one that migrates. */
const CONNECTIONS = LIMITS.storeConnections + 2;
/** A worker that is 20 s old still compiles and fills its caches: the short version shows that nothing runs away. */
const FLAT: Readonly<Record<'quick' | 'full', Flat>> = {
  quick: { riseShare: 0.25, connections: CONNECTIONS, spread: CONNECTIONS },
  full: { riseShare: 0.05, connections: CONNECTIONS, spread: 4 },
};
const MB = 1_024 * 1_024;

export const r29: Campaign = {
  id: 'R29',
  promise: 'Half an hour of steady load leaves memory and connections of a worker where they were',
  run: async ({ quick, seed, addresses, progress }) => {
    const size = quick ? 'quick' : 'full';
    const lengthMs = LENGTH_MS[size];
    await using fleet = await openFleet({ addresses: await addresses(), seed, workers: 1 });
    const [worker] = fleet.workers;
    if (worker === undefined) throw new Error('the fleet has no worker');
    const load = fleet.load({ runs: 1_000_000, concurrency: 20, everyMs: EVERY_MS });
    const beganAtMs = Date.now();
    const rss: Point[] = [];
    const connections: Point[] = [];
    let middleHeap: number | null = null;
    let saidAtMs = 0;
    while (Date.now() - beganAtMs < lengthMs) {
      await pause(SAMPLE_MS[size]);
      const x = Date.now() - beganAtMs;
      const bytes = worker.rssBytes();
      if (bytes !== null) rss.push({ x, y: bytes });
      const [row] = await fleet.sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity 
        where datname = current_database() and application_name = ${WORKERS}`;
      connections.push({ x, y: row?.count ?? 0 });
      if (middleHeap === null && x > lengthMs / 2) middleHeap = await worker.heapBytes();
      if (Date.now() - saidAtMs < 9_000) continue;
      saidAtMs = Date.now();
      progress(
        `${Math.round(x / 1_000)} s, ${load.runs.length} runs, ${Math.round((bytes ?? 0) / MB)} MB, ${row?.count} connections`,
      );
    }
    load.stop();
    await load.done;
    const endHeap = await worker.heapBytes();
    progress('judging');
    const heap = { middle: middleHeap ?? endHeap, end: endHeap };
    const steadiness = measureSteadiness({ lengthMs, rss, connections, heap });
    const problems = unsteady(steadiness, FLAT[size]);
    const runsAtLeast = Math.max(WARM_RUNS_AT_LEAST, lengthMs / EVERY_MS / 4);
    const verdict = await judge(fleet, { runsAtLeast, effectsAtLeast: runsAtLeast / 2 });
    return reportOf({ faults: 0, recoveryMs: [], outageMs: [], problems }, verdict, {
      samples: rss.length,
      rssMiddleMb: Math.round(steadiness.rss.middle / MB),
      rssSlopeMbPerHour: Number(((steadiness.rss.slope * 3_600_000) / MB).toFixed(1)),
      rssRiseSecondHalf: percent(steadiness.rss.riseShare),
      heapMiddleMb: Math.round(heap.middle / MB),
      heapEndMb: Math.round(heap.end / MB),
      connectionsFirstHalf: steadiness.connections.before,
      connectionsSecondHalf: steadiness.connections.after,
      runsASecond: Number((load.runs.length / (lengthMs / 1_000)).toFixed(2)),
    });
  },
};
