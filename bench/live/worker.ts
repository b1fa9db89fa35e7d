import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { readConfig } from '../../src/config.ts';
import { startWorker, WORKER_SETTINGS, type WorkerOverrides } from '../../src/worker.ts';
import { pay, payer, talker } from './agents.ts';
import { ready } from './child.ts';

// A worker as it ships, in a process of its own. With BENCH_BARE_QUEUE a worker of the engine alone stands beside it, set up alike.

const settings: NonNullable<WorkerOverrides['settings']> = JSON.parse(process.env.BENCH_SETTINGS ?? '{}');
const { BENCH_BARE_QUEUE: bareQueue, BENCH_METRICS: bindAddress } = process.env;

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: {
    logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) },
    ...(bindAddress && { metrics: { prometheus: { bindAddress } } }),
  },
});
const running = await startWorker(readConfig(process.env), { agents: [talker, payer], settings });
const stopBare = bareQueue === undefined ? async () => undefined : await startBare(bareQueue);
ready('', async () => {
  await Promise.all([running.stop(), stopBare()]);
});

async function startBare(taskQueue: string): Promise<() => Promise<void>> {
  const { connectionOptions } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const worker = await Worker.create({
    connection,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url)),
    activities: { pay },
    ...WORKER_SETTINGS,
    ...settings,
  });
  const done = worker.run();
  return async () => {
    worker.shutdown();
    await done;
    await connection.close();
  };
}
