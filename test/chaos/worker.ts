import { readConfig } from '../../src/config.ts';
import { startWorker } from '../../src/worker.ts';
import { sharedBundle } from '../sharedBundle.ts';
import { payer, shopkeeper } from './agents.ts';
import { arrive, tell } from './gate.ts';
import { quietRuntime } from './quiet.ts';

/** A worker process whose attempts stop at every point until the test lets them go on. */
quietRuntime();
const running = await startWorker(readConfig(process.env), {
  agents: [payer, shopkeeper],
  bundle: await sharedBundle(),
  histories: 'none',
  // So long a workflow task waits for a worker that is dead; by default it is 10 s.
  settings: { stickyQueueScheduleToStartTimeout: '2s' },
  services: {
    crashPoint: async (name) => {
      if (name.startsWith('effect:')) await arrive(name as Extract<typeof name, `effect:${string}`>);
    },
  },
});
tell({ kind: 'ready' });
await running.done;
// The channel to the test would keep this process alive.
process.exit(0);
