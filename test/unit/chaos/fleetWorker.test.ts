import { expect, test } from 'vitest';
import { startFleetWorker } from '../../chaos/fleet/fleetWorker.ts';

const PLANTED = new URL('./fixtures/drainingWorker.ts', import.meta.url);
/** More than a process needs that only has to end. */
const DRAIN_MS = 5_000;

const drained = async (how: string, withinMs = DRAIN_MS) =>
  (await startFleetWorker({ DRAINS: how }, PLANTED)).stop(withinMs);

test('a worker that drains', async () => {
  expect(await drained('well')).toEqual({ ms: expect.any(Number), problem: null });
});

test.each([
  [
    'that ends in an error while it drains',
    'badly',
    /asked to drain and ended with exit code 1: out of order/,
  ],
  ['that does not hear of it', 'deaf', /asked to drain and ended with signal SIGTERM/],
])('a worker %s is a problem', async (_, how, problem) => {
  expect((await drained(how)).problem).toMatch(problem);
});

test('a worker that never drains is killed, and is a problem', async () => {
  expect((await drained('never', 500)).problem).toMatch(/had not ended within 500 ms/);
});
