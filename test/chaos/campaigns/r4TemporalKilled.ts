import { join } from 'node:path';
import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import type { Campaign } from './campaign.ts';
import { openTemporal } from './parts.ts';
import { playStorm, reportOf } from './storm.ts';

const FAULTS = { quick: 3, full: 50 };

export const r4: Campaign = {
  id: 'R4',
  promise: 'Temporal killed (kill -9) on its SQLite file and started again loses nothing and doubles nothing',
  run: async ({ quick, seed, dir, addresses, progress }) => {
    const { databaseUrl } = await addresses();
    await using temporal = await openTemporal(join(dir, 'temporal'));
    await using fleet = await openFleet({
      addresses: { databaseUrl, temporalAddress: temporal.address },
      seed,
      workers: 1,
    });
    const faults = quick ? FAULTS.quick : FAULTS.full;
    const storm = await playStorm({
      fleet,
      seed,
      load: { concurrency: 10 },
      faults,
      pauseMs: [200, 2_500],
      strike: async () => {
        await temporal.end('SIGKILL');
        await temporal.start();
      },
      recoverWithinMs: 60_000,
      progress,
    });
    progress('judging');
    const verdict = await judge(fleet, { runsAtLeast: faults * 3, effectsAtLeast: faults * 2 });
    return reportOf(storm, verdict);
  },
};
