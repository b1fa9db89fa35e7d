import { agentModules, readConfig } from '../../../src/config.ts';
import { loadAgents, startWorker, type WorkerOverrides } from '../../../src/worker.ts';
import { sharedBundle } from '../../sharedBundle.ts';
import { quietRuntime } from '../quiet.ts';
import { clerk } from './clerk.ts';

/**
 * Makes this process a worker of a fleet, for as long as its owner lives. It tells the fleet when it polls, and on being
 * asked what its heap holds. `services` stand in for real ones.
 */
export async function serve(services: WorkerOverrides['services'] = {}): Promise<never> {
  quietRuntime();
  // A fleet that is gone leaves no worker behind.
  process.once('disconnect', () => process.exit(1));
  process.on('message', (message) => {
    if (message !== 'heap') return;
    globalThis.gc?.();
    process.send?.({ kind: 'heap', bytes: process.memoryUsage().heapUsed });
  });
  const others = process.env.HOLDFAST_AGENTS === undefined ? [] : await loadAgents(agentModules(process.env));
  const running = await startWorker(readConfig(process.env), {
    agents: [clerk, ...others],
    bundle: await sharedBundle(),
    services,
  });
  process.send?.({ kind: 'ready' });
  await running.done;
  // The channel to the fleet would keep this process alive.
  process.exit(0);
}
