import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Fleet, openFleet } from './fleet/fleet.ts';
import { judge, type Verdict } from './fleet/judge.ts';

const SEED = 11;
const ENOUGH = { runsAtLeast: 24, effectsAtLeast: 12, replays: 1 };
const LOAD_MS = 120_000;

describe('a fleet under a small load without faults', () => {
  let fleet: Fleet;
  let calm: Verdict;
  beforeAll(async () => {
    fleet = await openFleet({
      addresses: { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') },
      seed: SEED,
      workers: 1,
    });
    await fleet.load({
      runs: 24,
      concurrency: 8,
      mix: { read: 1, parallel: 1, asked: 3, keyed: 2, checkable: 2, never: 2, chat: 2, landing: 1 },
    }).done;
    calm = await judge(fleet, { ...ENOUGH, replays: 8 });
  }, LOAD_MS);
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test('is judged whole: every kind of run came to its end', () => {
    expect(calm).toMatchObject({ problems: [], vacuous: [], runs: 24, lost: 0, duplicated: 0 });
    const kinds = new Set(fleet.runs.map(({ plan }) => plan.kind));
    expect(kinds.size).toBe(8);
    expect(calm.figures.acknowledgedDecisions).toBeGreaterThan(3);
  });
});
