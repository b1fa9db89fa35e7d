import { DefaultLogger, Runtime } from '@temporalio/worker';
import { readConfig } from '../../src/config.ts';
import { startWorker } from '../../src/worker.ts';
import { agent } from './agent.ts';

/** A worker process that kills itself with SIGKILL at a named point, for tests that lose a process. */
Runtime.install({ logger: new DefaultLogger('ERROR') });
const running = await startWorker(readConfig(process.env), {
  agents: [agent],
  services: {
    crashPoint: async (name) => {
      if (name === process.env.CRASH_AT) process.kill(process.pid, 'SIGKILL');
    },
  },
});
process.send?.('ready');
await running.done;
