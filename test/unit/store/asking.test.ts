import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answeredBy, asking, startActiveClock } from '../../../src/store/asking.ts';

const FAR_MS = 3_600_000;

/** What the clock of `work` says at its end, in simulated time. */
async function activeMsOf(work: (activeMs: () => number) => Promise<unknown>): Promise<number> {
  const active = answeredBy(performance.now() + FAR_MS, async () => {
    const activeMs = startActiveClock();
    await work(activeMs);
    return activeMs();
  });
  await vi.advanceTimersByTimeAsync(FAR_MS / 2);
  return active;
}

/** In simulated time: every test has `vi.useFakeTimers`, and nobody waits. */
const takes = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const asks = (ms: number) => asking(() => takes(ms));

describe('the clock of active time', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('runs while the work does something, and stands while it waits for the store', async () => {
    expect(
      await activeMsOf(async () => {
        await takes(100);
        await asks(60_000);
        await takes(20);
      }),
    ).toBe(120);
  });

  test('stands once for what is asked side by side, and while anything of it is unanswered', async () => {
    expect(
      await activeMsOf(async () => {
        await Promise.all([asks(300), asks(500), takes(400).then(() => asks(200))]);
        await takes(7);
      }),
    ).toBe(7);
  });

  test('stands for a store that refuses, too', async () => {
    expect(
      await activeMsOf(async () => {
        const refused = asking(async () => {
          await takes(250);
          throw new Error('the store refuses');
        });
        await expect(refused).rejects.toThrow('the store refuses');
        await takes(3);
      }),
    ).toBe(3);
  });

  test('can be read while the store is being asked', async () => {
    const read: number[] = [];
    await activeMsOf(async (activeMs) => {
      await takes(10);
      const answer = asks(1_000);
      await takes(400);
      read.push(activeMs());
      await answer;
    });
    expect(read).toEqual([10]);
  });

  test('counts nothing of what was waited for before it was started, nor what others wait for', async () => {
    const other = activeMsOf(() => asks(5_000));
    const active = answeredBy(performance.now() + FAR_MS, async () => {
      await asks(1_000);
      const activeMs = startActiveClock();
      await takes(30);
      return activeMs();
    });
    expect(await other).toBe(0);
    expect(await active).toBe(30);
  });

  test('outside of an attempt it is a clock like any other', async () => {
    const activeMs = startActiveClock();
    const answer = asks(40);
    await vi.advanceTimersByTimeAsync(40);
    await answer;
    expect(activeMs()).toBe(40);
  });
});
