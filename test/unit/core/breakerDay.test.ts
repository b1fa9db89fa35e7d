import { describe, expect, test } from 'vitest';
import { judgeBreaker } from '../../../src/core/breakers.ts';
import { dayFaults, memoryGovernor, playDay } from './breakerDay.ts';

const START_MS = Date.parse('2030-03-05T00:00:00Z');
const day = (seed: number, more: Partial<Parameters<typeof memoryGovernor>[0]> = {}) =>
  playDay({
    governor: memoryGovernor({ startMs: START_MS, ...more }),
    startMs: START_MS,
    seed,
    stepMinutes: 2,
  });

describe('a simulated day', () => {
  test.each([1, 2, 3])(
    'seed %i: the bad tool and the runaway are stopped and come back, nothing else moves, nothing flaps',
    async (seed) => {
      const { moves, heldAtEnd, runs } = await day(seed);
      expect(dayFaults(moves), moves.map((one) => Object.values(one).join(' ')).join('\n')).toEqual([]);
      expect(runs).toBeGreaterThan(4_000);
      expect(heldAtEnd).toBe(0);
    },
  );

  test('a reading that counts conversations which waited for people in vain would be noticed', async () => {
    const { moves } = await day(1, { countsWaiting: true });
    expect(dayFaults(moves).join('; ')).toMatch(/(fleet|agent:support) opened at minute \d+ for escalations/);
  });

  test('a judge without a half-open time would be noticed: it flaps', async () => {
    const hasty: typeof judgeBreaker = (breaker, readings, rules, nowMs) => {
      const judged = judgeBreaker(breaker, readings, { ...rules, openMs: 60_000, openMaxMs: 60_000 }, nowMs);
      return judged.breaker.state.kind === 'half_open'
        ? {
            breaker: { ...judged.breaker, state: { kind: 'closed', sinceMs: nowMs } },
            event: 'closed',
            why: null,
          }
        : judged;
    };
    expect(dayFaults((await day(1, { judge: hasty })).moves).join('; ')).toContain('flaps');
  });

  test('a judge that looks back past its own closing would be noticed', async () => {
    const forgetful: typeof judgeBreaker = (breaker, readings, rules, nowMs) =>
      judgeBreaker({ ...breaker, state: { kind: 'closed', sinceMs: null } }, readings, rules, nowMs);
    expect(dayFaults((await day(1, { judge: forgetful })).moves)).not.toEqual([]);
  });
});
