import { join } from 'node:path';
import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import type { Campaign } from './campaign.ts';
import { openPostgres } from './parts.ts';
import { playStorm, reportOf } from './storm.ts';

/** Immediate shutdown, the postmaster killed, fast shutdown: in turn. */
const SIGNALS = ['SIGQUIT', 'SIGKILL', 'SIGINT'] as const;
/** With the time between them, five minutes. */
const FAULTS = { quick: 3, full: 36 };

export const r5: Campaign = {
  id: 'R5',
  promise:
    'PostgreSQL restarted every 5 to 10 s under load, politely and not, loses nothing and doubles nothing',
  run: async ({ quick, seed, dir, addresses, progress }) => {
    const { temporalAddress } = await addresses();
    await using postgres = await openPostgres(join(dir, 'postgres'));
    await using fleet = await openFleet({
      addresses: { databaseUrl: postgres.address, temporalAddress },
      seed,
      workers: 1,
    });
    const faults = quick ? FAULTS.quick : FAULTS.full;
    const storm = await playStorm({
      fleet,
      seed,
      load: { concurrency: 10 },
      faults,
      pauseMs: quick ? [1_000, 3_000] : [5_000, 10_000],
      strike: async (ordinal) => {
        await postgres.end(SIGNALS[ordinal % SIGNALS.length] ?? 'SIGKILL');
        await postgres.start();
      },
      recoverWithinMs: 60_000,
      progress,
    });
    progress('judging');
    const verdict = await judge(fleet, { runsAtLeast: faults * 3, effectsAtLeast: faults * 2 });
    return reportOf(storm, verdict);
  },
};
