import { Context } from '@temporalio/activity';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { readConfig } from '../config.ts';
import { startWorker } from '../worker.ts';
import { CRASH_VARIABLE } from './place.ts';

/**
 * The worker as it ships, with one difference: it kills its own process with SIGKILL in the middle of an effect of
 * one conversation, when the shop has changed and the ledger has not heard of it.
 */
async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const victim = process.env[CRASH_VARIABLE];
  const running = await startWorker(readConfig(process.env), {
    services: {
      crashPoint: async (name) => {
        if (name !== 'effect:after-act') return;
        if (Context.current().info.workflowExecution?.workflowId !== victim) return;
        process.kill(process.pid, 'SIGKILL');
        await new Promise(() => undefined);
      },
    },
  });
  process.stdout.write(`worker ${process.pid} is polling\n`);
  await running.done;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  // What it had opened would keep a worker alive that does not work.
  process.exit(1);
});
