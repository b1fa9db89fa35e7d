import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { until } from './lab.ts';

// The SDK follows every promise of a workflow for one query. Our workers leave that out, and nothing else.

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
let connection: Connection;
let native: NativeConnection;
let client: Client;

beforeAll(async () => {
  const address = inject('temporalAddress');
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  client = new Client({ connection });
});
afterAll(async () => {
  await native.close();
  await connection.close();
});

/** A worker with the fixture's workflows, and what a worker of ours loads before them. */
async function workerOf(taskQueue: string, preloadModules: readonly string[]): Promise<Worker> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: path('./fixtures/promises.ts'),
    preloadModules: [...preloadModules],
    logger: new DefaultLogger('ERROR'),
  });
  return Worker.create({ connection: native, taskQueue, workflowBundle });
}

const OURS = [path('../../src/workflows/promiseStacks.ts')];

function start(taskQueue: string, workflow: string) {
  return client.workflow.start(workflow, { workflowId: `promises-${randomUUID()}`, taskQueue });
}

/** The first failure of a task of this run, as the history has it. */
async function taskFailureOf(handle: Awaited<ReturnType<typeof start>>) {
  const failures = async () =>
    ((await handle.fetchHistory()).events ?? []).flatMap(
      ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure ?? [],
    );
  await until('a task to fail', async () => (await failures()).length > 0);
  const [failure] = await failures();
  return failure ?? {};
}

describe('promises of workflows are not followed', () => {
  test('where the SDK alone would take a stack of each', async () => {
    const answers: string[] = [];
    for (const modules of [[], OURS]) {
      const queue = `promises-${randomUUID()}`;
      const worker = await workerOf(queue, modules);
      const handle = await start(queue, 'waits');
      await worker.runUntil(async () => {
        answers.push(await handle.query<string>('__stack_trace'));
        await handle.terminate();
      });
    }
    expect(answers[0]).toContain('waits');
    expect(answers[1]).toBe('');
  });

  test('and an error still says where it was thrown, and a rejection left to nobody still stops its run alone', async () => {
    const queue = `promises-${randomUUID()}`;
    const worker = await workerOf(queue, OURS);
    await worker.runUntil(async () => {
      const [left, broken] = await Promise.all([start(queue, 'leaves'), start(queue, 'breaks')]);
      const [rejection, error] = await Promise.all([taskFailureOf(left), taskFailureOf(broken)]);
      expect(rejection.message).toContain('left to nobody');
      expect(error.stackTrace).toMatch(/at breakHere \(.*fixtures\/promises\.ts:\d+:\d+\)/);
      // The thread that both ran in goes on.
      expect(await (await start(queue, 'ends')).result()).toBe('ended');
      await Promise.all([left.terminate(), broken.terminate()]);
    });
  });
});
