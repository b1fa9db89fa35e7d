import { beforeEach, describe, expect, test, vi } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { governor } from '../../../src/workflows/governor.ts';

// The order of its parts and what becomes of a failing one, with its activities played. The engine is real in
// test/e2e/breakers.test.ts.

const played = vi.hoisted(() => ({ acts: {} as Record<string, () => unknown>, asked: [] as string[] }));
vi.mock('@temporalio/workflow', () => ({
  proxyActivities: () =>
    Object.fromEntries(
      ['govern', 'sweep', 'wakeHeld'].map((name) => [
        name,
        {
          executeWithOptions: async () => {
            played.asked.push(name);
            return played.acts[name]?.();
          },
        },
      ]),
    ),
}));

beforeEach(() => {
  played.asked.length = 0;
  played.acts = {
    govern: () => [{ name: 'fleet' }],
    sweep: () => ({ booked: 2, closed: 1, more: false }),
    wakeHeld: () => 3,
  };
});

describe('a look', () => {
  test('moves breakers, sweeps as long as there is more, and wakes', async () => {
    expect(await governor()).toEqual({ changes: 1, booked: 2, closed: 1, woken: 3 });
    expect(played.asked).toEqual(['govern', 'sweep', 'wakeHeld']);
    played.asked.length = 0;
    played.acts.sweep = () => ({ booked: 1, closed: 0, more: true });
    expect(await governor()).toMatchObject({ booked: LIMITS.sweepPasses });
    expect(played.asked.filter((name) => name === 'sweep')).toHaveLength(LIMITS.sweepPasses);
  });

  test.each(['govern', 'sweep', 'wakeHeld'])(
    '%s fails: the others have their turn, and the look fails',
    async (name) => {
      const failure = new Error(`${name} failed three times`);
      played.acts[name] = () => Promise.reject(failure);
      await expect(governor()).rejects.toBe(failure);
      expect(played.asked).toEqual(['govern', 'sweep', 'wakeHeld']);
    },
  );
});
