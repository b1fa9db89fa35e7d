import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import type { Campaign } from './campaign.ts';
import { type Freeze, freeze, judgeFreezes, readHeld } from './freezing.ts';
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
    const freezes: (Freeze | null)[] = [];
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
        const frozen = await freeze(fleet.sql, worker, from + random.below(to - from + 1));
        freezes.push(frozen);
        progress(`held by worker ${worker.pid} when it froze: ${JSON.stringify(frozen?.held ?? [])}`);
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
    // Whoever wakes last says the last late word.
    const held = await readHeld(
      fleet.sql,
      freezes.flatMap((one) => one?.grips ?? []),
    );
    const { problems, vacuous, settledMs } = judgeFreezes(freezes);
    const report = reportOf(storm, verdict, {
      effectsFrozen: held.length,
      effectsTakenOver: held.filter(({ takenOver }) => takenOver).length,
      lateWords: held.filter(({ lateWord }) => lateWord).length,
    });
    return {
      ...report,
      faults: freezes.filter((one) => one !== null).length,
      // The other worker never stops: what has to come back is what was frozen.
      recoveryMs: settledMs,
      problems: [...report.problems, ...problems],
      vacuous: [...report.vacuous, ...vacuous],
    };
  },
};
