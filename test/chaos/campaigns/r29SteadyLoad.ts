import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign } from './campaign.ts';
import { fitLine, type Point } from './line.ts';
import { reportOf } from './storm.ts';

const LENGTH_MS = { quick: 30_000, full: 30 * 60_000 };
const SAMPLE_MS = { quick: 1_000, full: 5_000 };
/** A start this often: about half of what this load could be on two cores. */
const EVERY_MS = 400;
const WARM_RUNS_AT_LEAST = 10;

/**
 * Flat: the line through the samples of the second half rises by less than this share of its middle. A worker that is
 * 30 s old still compiles and fills its caches, so the short version only shows that nothing runs away.
 */
const RISE_SHARE = { quick: 0.25, full: 0.05 };
const MB = 1_024 * 1_024;
/** Connections come and go by a few. */
const CONNECTIONS_SPREAD = 4;

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
        select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
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
    const half = ({ x }: Point) => x >= lengthMs / 2;
    const fit = fitLine(rss.filter(half));
    const riseShare = (fit.slope * (lengthMs / 2)) / fit.middle;
    const most = (points: readonly Point[]) => Math.max(0, ...points.map(({ y }) => y));
    const before = most(connections.filter((point) => !half(point)));
    const after = most(connections.filter(half));
    const heapShare = endHeap / (middleHeap ?? endHeap) - 1;
    const limit = RISE_SHARE[size];
    const problems = [
      ...(riseShare > limit
        ? [`memory rose by ${percent(riseShare)} in the second half, ${percent(limit)} is allowed`]
        : []),
      ...(heapShare > limit * 2 ? [`the heap rose by ${percent(heapShare)} in the second half`] : []),
      ...(after > before + CONNECTIONS_SPREAD ? [`connections rose from ${before} to ${after}`] : []),
    ];
    const runsAtLeast = Math.max(WARM_RUNS_AT_LEAST, lengthMs / EVERY_MS / 4);
    const verdict = await judge(fleet, { runsAtLeast, effectsAtLeast: runsAtLeast / 2 });
    return reportOf({ faults: 0, recoveryMs: [], outageMs: [], problems }, verdict, {
      samples: rss.length,
      rssMiddleMb: Math.round(fit.middle / MB),
      rssSlopeMbPerHour: Number(((fit.slope * 3_600_000) / MB).toFixed(1)),
      rssRiseSecondHalf: percent(riseShare),
      heapMiddleMb: Math.round((middleHeap ?? 0) / MB),
      heapEndMb: Math.round(endHeap / MB),
      connectionsFirstHalf: before,
      connectionsSecondHalf: after,
      runsASecond: Number((load.runs.length / (lengthMs / 1_000)).toFixed(2)),
    });
  },
};

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
