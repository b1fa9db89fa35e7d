import { LIMITS } from '../../../src/core/limits.ts';
import type { CircuitLimits } from '../../../src/models/circuit.ts';
import type { Fault } from '../../../src/models/scripted/faults.ts';
import type { ScriptedModel } from '../../../src/models/scripted/server.ts';
import type { Random } from '../../hostile/random.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { type JudgeOptions, judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import { readPayBooks } from '../payBooks.ts';
import { brokenBounds, figuresOf, startWitness } from '../witness.ts';
import type { How, Report } from './campaign.ts';
import { playStorm, reportOf } from './storm.ts';

// Bad weather at the model API, under load: which requests meet it, how many dare to go out into it, and what it costs.

/** For so long, this share of the requests meets one of these faults. */
export interface Weather {
  readonly name: string;
  readonly ms: number;
  readonly share: number;
  readonly faults: readonly [Fault, ...Fault[]];
}

export interface WeatherOptions {
  readonly how: How;
  readonly fleet: Fleet;
  readonly concurrency: number;
  readonly scenes: readonly Weather[];
  /** Fair weather between two scenes, once work has begun again. */
  readonly calmMs: readonly [from: number, to: number];
  readonly recoverWithinMs: number;
  readonly patienceMs: number;
  /** How many requests are with the model at once when a scene begins, at most: all of them are surprised. */
  readonly underWay: number;
  /** How long the workers' circuits stay open. */
  readonly circuit: CircuitLimits;
  readonly enough: Pick<JudgeOptions, 'runsAtLeast' | 'effectsAtLeast'>;
  readonly failedAtLeast: number;
}

/** More requests than a scene sees; that it did not see so many is checked. */
const REQUESTS_MOST = 4_000;
/** Nothing happens to the request. */
const FAIR: Fault = { kind: 'slow', delayMs: 0 };

export async function playWeather(options: WeatherOptions): Promise<Report> {
  const { how, fleet, scenes, concurrency, underWay, circuit } = options;
  const witness = await startWitness(fleet);
  const failed: number[] = [];
  const problems: string[] = [];
  const storm = await playStorm({
    fleet,
    seed: how.seed,
    load: { concurrency, patienceMs: options.patienceMs, runsAtLeast: options.enough.runsAtLeast },
    faults: scenes.length,
    pauseMs: options.calmMs,
    strike: async (ordinal, random) => {
      const scene = scenes[ordinal - 1];
      if (scene === undefined) return;
      how.progress(
        `${scene.name}, ${Math.round(scene.share * 100)} % of the requests, for ${scene.ms / 1_000} s`,
      );
      const before = await failuresOf(fleet);
      const requests = fleet.model.requests;
      rain(fleet.model, scene, random);
      await pauseAloud(scene, how);
      fleet.model.calm();
      const met = fleet.model.requests - requests;
      if (met >= REQUESTS_MOST)
        problems.push(`${scene.name}: ${met} requests, more than there was weather for`);
      failed.push((await failuresOf(fleet)) - before);
    },
    recoverWithinMs: options.recoverWithinMs,
    progress: how.progress,
  });
  const taken = await witness.stop();
  how.progress('judging');
  const verdict = await judge(fleet, options.enough);
  const books = await readPayBooks(fleet.sql, fleet.model.requests);
  for (const [i, scene] of scenes.entries()) {
    const most = failedMost(scene, { workers: fleet.workers.length, underWay, circuit });
    const count = failed[i] ?? 0;
    if (count > most)
      problems.push(`${scene.name}: ${count} requests failed, ${most} at most were to be made`);
  }
  const report = reportOf(storm, verdict, {
    ...Object.fromEntries(scenes.map(({ name }, i) => [name, `${failed[i] ?? 0} requests failed`])),
    requests: fleet.model.requests,
    answers: books.answers,
    requestsPerAnswer: (fleet.model.requests / Math.max(1, books.answers)).toFixed(2),
    bookedUnknown: books.bookedUnknown,
    ...figuresOf(taken),
  });
  return {
    ...report,
    faults: books.failed,
    problems: [...report.problems, ...problems, ...books.problems, ...brokenBounds(taken)],
    vacuous: [
      ...report.vacuous,
      ...scenes.flatMap(({ name }, i) =>
        (failed[i] ?? 0) < options.failedAtLeast
          ? [`${name}: ${failed[i] ?? 0} requests failed, ${options.failedAtLeast} were expected`]
          : [],
      ),
    ],
  };
}

/**
 * Those who are under way are surprised, and a few more until each worker's circuit opens. Then one request goes out each
 * time that it has been open, and that time doubles up to its limit. What succeeds in between starts the doubling anew, so
 * a scene that lets something through may see twice as many.
 */
export function failedMost(
  { ms, share, faults }: Pick<Weather, 'ms' | 'share' | 'faults'>,
  given: { readonly workers: number; readonly underWay: number; readonly circuit: CircuitLimits },
): number {
  const { openMaxMs } = given.circuit;
  // A rate limit that names its time is taken at its word.
  const namedMs = faults.flatMap((fault) =>
    fault.kind === 'http' && fault.status === 429 ? (fault.retryAfterSeconds ?? []) : [],
  );
  const firstMs = Math.min(given.circuit.openFirstMs, ...namedMs.map((seconds) => seconds * 1_000));
  let probes = 0;
  for (let openMs = firstMs, atMs = openMs; atMs <= ms; atMs += openMs) {
    probes += 1;
    openMs = Math.min(openMaxMs, openMs * 2);
  }
  const each = LIMITS.circuitFailuresInARow + probes;
  return (given.underWay + given.workers * each) * (share < 1 ? 2 : 1);
}

function rain(model: Pick<ScriptedModel, 'inject'>, { share, faults }: Weather, random: Random): void {
  for (let i = 0; i < REQUESTS_MOST; i += 1) model.inject(random.chance(share) ? random.pick(faults) : FAIR);
}

async function failuresOf({ sql }: Fleet): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(failure)::int as n from model_attempts`;
  return row?.n ?? 0;
}

const ALOUD_MS = 9_000;

async function pauseAloud({ name, ms }: Weather, how: How): Promise<void> {
  for (let left = ms; left > 0; left -= ALOUD_MS) {
    await pause(Math.min(left, ALOUD_MS));
    if (left > ALOUD_MS) how.progress(`${name}: ${Math.round((left - ALOUD_MS) / 1_000)} s more`);
  }
}
