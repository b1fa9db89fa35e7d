import { openFleet } from '../fleet/fleet.ts';
import type { Stopped } from '../fleet/fleetWorker.ts';
import { judge } from '../fleet/judge.ts';
import type { Campaign } from './campaign.ts';
import { playStorm, reportOf } from './storm.ts';

/** In turn, and so that each of the two is drained and killed. */
const HOW = ['stop', 'kill', 'stop'] as const;
const SIZE = {
  // A worker that starts needs its part of the machine, and in a quick run other campaigns need theirs.
  quick: { faults: 2, runs: 20, everyMs: 750 },
  full: { faults: 9, runs: 100, everyMs: 250 },
} as const;

export const r8: Campaign = {
  id: 'R8',
  promise: 'Two workers replaced one after the other, some killed, while runs are under way: nobody notices',
  run: async ({ quick, seed, addresses, progress }) => {
    const { faults, runs, everyMs } = quick ? SIZE.quick : SIZE.full;
    await using fleet = await openFleet({ addresses: await addresses(), seed, workers: 2 });
    const drains: Stopped[] = [];
    const storm = await playStorm({
      fleet,
      seed,
      load: { concurrency: 8, everyMs, runsAtLeast: runs },
      faults,
      pauseMs: quick ? [500, 1_500] : [2_000, 5_000],
      // The next one polls before the old one goes, as a rolling deploy does.
      strike: async (ordinal) => {
        await fleet.startWorker();
        const old = fleet.workers[ordinal - 1];
        const how = HOW[(ordinal - 1) % HOW.length] ?? 'stop';
        if (old === undefined) throw new Error(`there is no worker ${ordinal}`);
        if (how === 'kill') await old.kill();
        else drains.push(await old.stop());
        progress(`${how === 'stop' ? 'drained' : 'killed'} worker ${old.pid}`);
      },
      recoverWithinMs: 60_000,
      progress,
    });
    progress('judging');
    const verdict = await judge(fleet, { runsAtLeast: runs, effectsAtLeast: runs / 2 });
    const report = reportOf(storm, verdict, {
      drains: drains.length,
      longestDrainMs: Math.round(Math.max(...drains.map(({ ms }) => ms))),
    });
    return { ...report, problems: [...report.problems, ...drains.flatMap(({ problem }) => problem ?? [])] };
  },
};
