import { until } from '../../e2e/lab.ts';
import { openFleet } from '../fleet/fleet.ts';
import type { FleetWorker } from '../fleet/fleetWorker.ts';
import { judge } from '../fleet/judge.ts';
import type { Campaign } from './campaign.ts';
import { reportOf } from './storm.ts';

const RUNS = { quick: 20, full: 100 };
const WARM_MS = 90_000;

export const r8: Campaign = {
  id: 'R8',
  promise:
    'Two workers restarted one after the other, and one killed, while runs are under way: nobody notices',
  run: async ({ quick, seed, addresses, progress }) => {
    const runs = quick ? RUNS.quick : RUNS.full;
    await using fleet = await openFleet({ addresses: await addresses(), seed, workers: 2 });
    const load = fleet.load({ runs, concurrency: 8 });
    const ended = () => load.runs.filter(({ outcome }) => outcome !== null).length;
    const reached = (share: number) =>
      until(`${share} of the runs`, async () => ended() >= runs * share, WARM_MS * 3);
    const recoveryMs: number[] = [];
    const drainMs: number[] = [];
    const problems: string[] = [];
    /** The next one polls before the old one goes, as a rolling deploy does. */
    const replace = async (old: FleetWorker | undefined, how: 'stop' | 'kill') => {
      await fleet.startWorker();
      const fromMs = Date.now();
      await old?.[how]();
      if (how === 'stop') drainMs.push(Date.now() - fromMs);
      progress(
        `${how === 'stop' ? 'drained' : 'killed'} worker ${old?.pid}; ${ended()} of ${runs} runs ended`,
      );
      const back = await until('work after it', () => fleet.progressAfter(fromMs), WARM_MS).catch(() => null);
      if (back === null && ended() < runs) problems.push('V5: no work was done after a worker went');
      if (back !== null) recoveryMs.push(back - fromMs);
    };
    await reached(0.1);
    await replace(fleet.workers[0], 'stop');
    await reached(0.3);
    await replace(fleet.workers[1], 'stop');
    await reached(0.5);
    await replace(fleet.workers[2], 'kill');
    await load.done;
    progress('judging');
    const verdict = await judge(fleet, { runsAtLeast: runs, effectsAtLeast: runs / 2 });
    return reportOf({ faults: 3, recoveryMs, outageMs: recoveryMs, problems }, verdict, {
      longestDrainMs: Math.max(...drainMs),
    });
  },
};
