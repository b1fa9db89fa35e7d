import { expect, inject, test } from 'vitest';
import { playStorm } from './campaigns/storm.ts';
import { openFleet } from './fleet/fleet.ts';
import { quietRuntime } from './quiet.ts';

quietRuntime();

test('a fleet that does no work after a fault is a problem, and one that does is timed', async () => {
  await using fleet = await openFleet({
    addresses: { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') },
    seed: 44,
    workers: 1,
  });
  const faults = [
    // Politely: nothing that it has sent is still on its way.
    async () => expect((await fleet.workers[0]?.stop())?.problem).toBeNull(),
    async () => fleet.startWorker(),
  ];
  const storm = await playStorm({
    fleet,
    seed: 44,
    load: { concurrency: 4, mix: { read: 1 } },
    faults: faults.length,
    pauseMs: [0, 0],
    strike: async (ordinal) => {
      await faults[ordinal - 1]?.();
    },
    recoverWithinMs: 5_000,
    progress: () => undefined,
  });
  expect(storm.problems).toEqual(['V5: no work was done within 5000 ms after fault 1']);
  expect(storm.recoveryMs).toHaveLength(1);
});
