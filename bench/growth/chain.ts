import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { type Histories, readHistories } from './history.ts';

export interface ChainActivities {
  model(call: number): Promise<number>;
  tool(call: number): Promise<number>;
}

export type Chain = Pick<Histories, 'bytes' | 'bytesByEvent'> & { readonly calls: number };

/** The history of a bare chain of the engine: as many activities as a book has, which carry a number each. Its size is always the same. */
export async function chainOf(address: string, calls: number): Promise<Chain> {
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const taskQueue = `chain-${randomUUID()}`;
  const activities: ChainActivities = { model: async (call) => call, tool: async (call) => call };
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowsPath: new URL('./workflows.ts', import.meta.url).pathname,
    activities: { ...activities },
  });
  try {
    await worker.runUntil(
      new Client({ connection }).workflow.execute('bareChain', {
        workflowId: taskQueue,
        taskQueue,
        args: [calls],
      }),
    );
    const { bytes, bytesByEvent } = await readHistories(address, taskQueue, 'model');
    return { bytes, bytesByEvent, calls };
  } finally {
    await connection.close();
    await native.close();
  }
}
