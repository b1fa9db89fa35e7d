import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { limited, noCircuits, overloaded, type Storm, type Weather, weather } from './storm.ts';

const MINUTE = 60_000;
/** Requests for each answered call, at most. */
const MOST = 1.2;
/** The longest opening, stretched; the outage timer of a run; a probe's answer and those that follow it. */
const RECOVERY_MS = LIMITS.circuitOpenMaxMs * 1.25 + LIMITS.outageRetryMs + 30_000;
const SEEDS = [1, 2, 3, 4, 5];

const calm: Omit<Storm, 'seed' | 'says'> = {
  workers: 1,
  runs: 100,
  callsPerRun: 10,
  chain: ['first'],
  fromMs: MINUTE,
  untilMs: 6 * MINUTE,
};

const storms: Readonly<Record<string, Omit<Storm, 'seed'>>> = {
  'five minutes of 529': { ...calm, says: ({ stormy }) => (stormy ? overloaded : null) },
  'fifteen minutes of 529': {
    ...calm,
    untilMs: 16 * MINUTE,
    says: ({ stormy }) => (stormy ? overloaded : null),
  },
  'half a minute of 529': {
    ...calm,
    untilMs: 1.5 * MINUTE,
    says: ({ stormy }) => (stormy ? overloaded : null),
  },
  'five minutes of 429, each with its time': {
    ...calm,
    says: ({ stormy, random }) => (stormy ? limited(1_000 + 20_000 * random()) : null),
  },
  'five minutes in which every other call fails': {
    ...calm,
    says: ({ stormy, random }) => (stormy && random() < 0.5 ? overloaded : null),
  },
  'five minutes of 529 for 500 runs': {
    ...calm,
    runs: 500,
    callsPerRun: 4,
    says: ({ stormy }) => (stormy ? overloaded : null),
  },
  'five minutes of 529 for twenty runs of four calls': {
    ...calm,
    runs: 20,
    callsPerRun: 4,
    says: ({ stormy }) => (stormy ? overloaded : null),
  },
  'five minutes of 529 for eight workers, each on its own': {
    ...calm,
    workers: 8,
    says: ({ stormy }) => (stormy ? overloaded : null),
  },
};

/** What is wrong with the weather of a storm, in words; empty when nothing is. */
function faults(seen: Weather, storm: Omit<Storm, 'seed'>): readonly string[] {
  const found: string[] = [];
  if (seen.answered !== storm.runs * storm.callsPerRun)
    found.push(`only ${seen.answered} calls were answered`);
  if (seen.ratio > MOST) found.push(`${seen.ratio.toFixed(2)} requests for each answer`);
  if (storm.untilMs > 0 && seen.recoveredMs > RECOVERY_MS)
    found.push(`recovered after ${Math.round(seen.recoveredMs)} ms`);
  return found;
}

describe('a storm costs little and is over soon after it is over', () => {
  test.each(Object.entries(storms))('%s', async (name, storm) => {
    for (const seed of SEEDS) {
      const seen = await weather({ ...storm, seed });
      const { ratio, recoveredMs, outages } = seen;
      console.log(
        `${name}, seed ${seed}: ${ratio.toFixed(3)} requests for each answer, recovered after ${Math.round(recoveredMs / 1000)} s, ${outages} outages`,
      );
      expect(faults(seen, storm)).toEqual([]);
    }
  });

  test('the checker sees a worker without circuits', async () => {
    for (const [name, storm] of Object.entries(storms)) {
      if (name.startsWith('half a minute')) continue;
      const seen = await weather({ ...storm, seed: 1, circuits: noCircuits });
      expect(faults(seen, storm).join(), name).toMatch(/requests for each answer/);
    }
  });

  test('a limit on calls that is always in force is kept to without hammering', async () => {
    const storm = { ...calm, fromMs: 0, untilMs: 0, says: () => null };
    const perSecond = (): Storm['says'] => {
      let second = -1;
      let calls = 0;
      return ({ atMs }) => {
        const now = Math.floor(atMs / 1_000);
        calls = now === second ? calls + 1 : 1;
        second = now;
        return calls > 5 ? limited(1_000) : null;
      };
    };
    // As fast as the limit lets anybody be.
    const idealMs = (storm.runs * storm.callsPerRun * 1_000) / 5;
    for (const seed of SEEDS) {
      const seen = await weather({ ...storm, seed, says: perSecond() });
      console.log(
        `five calls a second, seed ${seed}: ${seen.ratio.toFixed(3)} requests for each answer, ${(seen.lastedMs / idealMs).toFixed(2)} of the least time`,
      );
      expect(faults(seen, storm)).toEqual([]);
      expect(seen.lastedMs).toBeLessThan(3.5 * idealMs);
    }
  });

  test('with a second model in the chain nobody waits, and a run that has moved stays where it is', async () => {
    const storm: Omit<Storm, 'seed'> = {
      ...calm,
      chain: ['first', 'second'],
      says: ({ stormy, model }) => (stormy && model === 'first' ? overloaded : null),
    };
    for (const seed of SEEDS) {
      const seen = await weather({ ...storm, seed });
      expect(faults(seen, storm)).toEqual([]);
      expect([seen.outages, seen.by.second ?? 0]).toEqual([0, expect.any(Number)]);
      expect(seen.by.second).toBeGreaterThan(100);
      for (const path of seen.paths) expect(path.lastIndexOf('first')).toBeLessThan(firstOf(path, 'second'));
    }
  });
});

function firstOf(path: readonly string[], model: string): number {
  const at = path.indexOf(model);
  return at < 0 ? path.length : at;
}
