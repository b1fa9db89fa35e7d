import { quantile } from '../../../bench/rounds.ts';
import { until } from '../../e2e/lab.ts';
import { type Random, randomOf } from '../../hostile/random.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Verdict } from '../fleet/judge.ts';
import type { LoadOptions } from '../fleet/load.ts';
import { pause } from '../fleet/patience.ts';
import { whereIs } from '../fleet/whereIs.ts';
import type { Report } from './campaign.ts';

// One fault after the other under a load that does not end before them, and how long each kept the fleet from work.

export interface StormOptions {
  readonly fleet: Fleet;
  readonly seed: number;
  /** It goes on until the faults are over, and until so many runs have begun. */
  readonly load: Omit<LoadOptions, 'runs'> & { readonly runsAtLeast?: number };
  readonly faults: number;
  /** Between a recovery and the next fault. */
  readonly pauseMs: readonly [from: number, to: number];
  /** Puts the fault in, and resolves when it is over: from then on the fleet has to recover. */
  strike(ordinal: number, random: Random): Promise<void>;
  /** No work for longer than this after a fault breaks the promise. */
  readonly recoverWithinMs: number;
  progress(line: string): void;
}

export interface Storm {
  readonly faults: number;
  readonly recoveryMs: readonly number[];
  /** From the beginning of each fault to the first work after its end. */
  readonly outageMs: readonly number[];
  readonly problems: readonly string[];
}

const RUNS = 1_000_000;
const WARM_RUNS = 3;
const WARM_MS = 90_000;
const LOOK_MS = 100;
const LOAD_MS = 10 * 60_000;

/** Resolves when the faults are over and every customer has come to their end or left. */
export async function playStorm(options: StormOptions): Promise<Storm> {
  const { fleet, faults, progress, recoverWithinMs } = options;
  const random = randomOf(options.seed);
  const recoveryMs: number[] = [];
  const outageMs: number[] = [];
  const problems: string[] = [];
  const load = fleet.load({ ...options.load, runs: RUNS });
  const ended = () => load.runs.filter(({ outcome }) => outcome !== null).length;
  await until('the first runs', async () => ended() >= WARM_RUNS, WARM_MS);
  let struck = 0;
  while (struck < faults) {
    const [from, to] = options.pauseMs;
    await pause(from + random.below(to - from + 1));
    struck += 1;
    const struckAtMs = Date.now();
    await options.strike(struck, random);
    const overAtMs = Date.now();
    const tookMs = await recovery(fleet, overAtMs, recoverWithinMs);
    if (tookMs !== null) {
      recoveryMs.push(tookMs);
      outageMs.push(overAtMs + tookMs - struckAtMs);
    } else problems.push(`V5: no work was done within ${recoverWithinMs} ms after fault ${struck}`);
    progress(
      `fault ${struck} of ${faults}: back after ${tookMs === null ? 'nothing' : `${Math.round(tookMs)} ms`}; ${ended()} runs ended`,
    );
  }
  const { runsAtLeast = 0 } = options.load;
  await until('the runs of the load', async () => load.runs.length >= runsAtLeast, LOAD_MS);
  load.stop();
  progress(`the faults are over; ${load.runs.length - ended()} runs are on their way`);
  let looks = 0;
  const seen = setInterval(() => {
    const late = load.runs.filter(({ outcome, left }) => outcome === null && left === null);
    progress(`${late.length} runs are still on their way`);
    looks += 1;
    if (looks % LOOKS_OF_THE_LATE === 0)
      for (const noted of late.slice(0, TOLD)) void whereIs(fleet, noted).then(progress);
  }, SEEN_MS);
  await load.done.finally(() => clearInterval(seen));
  return { faults: struck, recoveryMs, outageMs, problems };
}

const SEEN_MS = 9_000;
/** Whoever is still on their way after so many looks is told of in full. */
const LOOKS_OF_THE_LATE = 5;
const TOLD = 3;

/** From then to the first work that began after it; null where there was none in time. */
export async function recovery(
  fleet: Pick<Fleet, 'progressAfter'>,
  fromMs: number,
  withinMs: number,
): Promise<number | null> {
  while (Date.now() - fromMs < withinMs) {
    // The store may be what is still away.
    const atMs = await fleet.progressAfter(fromMs).catch(() => null);
    if (atMs !== null) return Math.max(0, atMs - fromMs);
    await pause(LOOK_MS);
  }
  return null;
}

/** What the storm and the judge have found, as one report. */
export function reportOf(storm: Storm, verdict: Verdict, figures: Report['figures'] = {}): Report {
  return {
    faults: storm.faults,
    runs: verdict.runs,
    effects: verdict.effects,
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    recoveryMs: storm.recoveryMs,
    histories: verdict.histories,
    problems: [...storm.problems, ...verdict.problems],
    vacuous: verdict.vacuous,
    figures: {
      ...(storm.outageMs.length > 0 && {
        outageP50Ms: Math.round(quantile(storm.outageMs, 0.5)),
        outageP95Ms: Math.round(quantile(storm.outageMs, 0.95)),
      }),
      ...verdict.figures,
      ...figures,
    },
  };
}
