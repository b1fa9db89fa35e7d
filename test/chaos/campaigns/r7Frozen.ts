import type { Sql } from '../../../src/store/connection.ts';
import { openFleet } from '../fleet/fleet.ts';
import type { FleetWorker } from '../fleet/fleetWorker.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign } from './campaign.ts';
import { playStorm, reportOf } from './storm.ts';

const TOOL_TIMEOUT_MS = 1_500;
/** A lease is 10 s longer than the tool's time; then the other worker takes over. */
const FROZEN_MS = { quick: [14_000, 14_000], full: [13_000, 40_000] } as const;
const FAULTS = { quick: 1, full: 12 };

export const r7: Campaign = {
  id: 'R7',
  promise:
    'A worker frozen past heartbeat and lease, and woken: two hold one activity, and the ledger sorts them out',
  run: async ({ quick, seed, addresses, progress }) => {
    await using fleet = await openFleet({
      addresses: await addresses(),
      seed,
      workers: 2,
      environment: { TOOL_TIMEOUT_MS: String(TOOL_TIMEOUT_MS) },
      // Most of an effect's time is spent with the service, so that is where most of the frozen ones are.
      paymentDelayMs: 250,
    });
    const faults = quick ? FAULTS.quick : FAULTS.full;
    const [from, to] = quick ? FROZEN_MS.quick : FROZEN_MS.full;
    const storm = await playStorm({
      fleet,
      seed,
      load: {
        concurrency: 12,
        mix: { read: 1, parallel: 1, asked: 3, keyed: 4, checkable: 4, never: 3, chat: 1 },
      },
      faults,
      pauseMs: [1_000, 3_000],
      strike: async (ordinal, random) => {
        const worker = fleet.workers[ordinal % 2];
        if (worker === undefined) throw new Error('a fleet without workers');
        await freezeAtWork(fleet.sql, worker);
        await pause(from + random.below(to - from + 1));
        worker.signal('SIGCONT');
      },
      recoverWithinMs: 60_000,
      progress,
    });
    progress('judging');
    const verdict = await judge(fleet, {
      runsAtLeast: faults * 10,
      effectsAtLeast: faults * 8,
      frozen: true,
    });
    const report = reportOf(storm, verdict);
    const takenOver = verdict.figures.takenOver ?? 0;
    return takenOver > 0 ? report : { ...report, vacuous: [...report.vacuous, 'no effect was taken over'] };
  },
};

const TRIES = 20;
/** Longer than an effect takes: what is claimed since before is held by the one that is frozen. */
const LOOK_MS = 1_000;

/** Freezes it with an effect in its hands: one without any shows nothing. */
async function freezeAtWork(sql: Sql, worker: FleetWorker): Promise<void> {
  for (let tries = 1; ; tries++) {
    worker.signal('SIGSTOP');
    const frozenAt = new Date();
    await pause(LOOK_MS);
    const [held] = await sql<{ n: number }[]>`
      select count(*)::int as n from effects where state = 'claimed' and claimed_at < ${frozenAt}::timestamptz`;
    if ((held?.n ?? 0) > 0 || tries === TRIES) return;
    worker.signal('SIGCONT');
    await pause(LOOK_MS);
  }
}
