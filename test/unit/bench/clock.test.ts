import { describe, expect, test } from 'vitest';
import { Clock } from '../../../bench/steps/clock.ts';

describe('the clock of steps', () => {
  test('all are there when the last run has its last answer, not before', async () => {
    const clock = new Clock();
    clock.begin(2);
    let there = false;
    const all = clock.allThere(2).then(() => {
      there = true;
    });
    for (const run of ['a', 'b', 'a', 'a', 'b']) clock.call(run);
    await new Promise((resolve) => setImmediate(resolve));
    expect(there).toBe(false);
    clock.call('b');
    await all;
    const { stepMs, elapsedMs } = clock.taken();
    expect(stepMs).toHaveLength(4);
    expect(Math.max(...stepMs)).toBeLessThanOrEqual(elapsedMs);
  });

  test('what was called before does not count, and a call too many is no step', async () => {
    const clock = new Clock();
    for (const run of ['a', 'a', 'a']) clock.call(run);
    clock.begin(1);
    for (const run of ['a', 'a']) clock.call(run);
    await clock.allThere(1);
    expect(clock.taken().stepMs).toHaveLength(1);
    clock.call('a');
    expect(() => clock.taken()).toThrow('called its model 3 times in place of 2');
  });
});
