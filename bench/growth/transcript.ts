import { NativeConnection, Worker } from '@temporalio/worker';
import type { Json } from '../../src/core/json.ts';
import type { Message } from '../../src/core/messages.ts';
import type { Addresses, Lab } from '../../test/e2e/lab.ts';
import { type Answer, askerOf, type Book, OPENING, pageOf } from './book.ts';
import type { Reader } from './reading.ts';

export interface TranscriptActivities {
  invokeModel(input: { readonly messages: readonly Message[] }): Promise<Answer>;
  readPage(input: Json): Promise<string>;
}

/** The whole conversation is the input of every model call. Worker and client are those that Holdfast has. */
export const transcript: Reader = {
  name: 'whole transcript',
  modelActivity: 'invokeModel',
  workflowsPath: new URL('./workflows.ts', import.meta.url).pathname,
  open: async (lab: Lab, book: Book, { temporalAddress }: Addresses) => {
    const ask = askerOf(lab, book);
    const activities: TranscriptActivities = {
      invokeModel: ({ messages }) => ask(messages),
      readPage: async (input) => pageOf(book, input),
    };
    const connection = await NativeConnection.connect({ address: temporalAddress });
    const worker = await Worker.create({
      connection,
      taskQueue: lab.config.taskQueue,
      workflowsPath: transcript.workflowsPath,
      activities: { ...activities },
    });
    const running = worker.run();
    return {
      start: async () => {
        const handle = await lab.client.workflow.start('wholeTranscript', {
          workflowId: `transcript-${lab.config.taskQueue}`,
          taskQueue: lab.config.taskQueue,
          args: [OPENING],
        });
        return { workflowId: handle.workflowId, ended: handle.result().then(String) };
      },
      stop: async () => {
        worker.shutdown();
        await running;
        await connection.close();
      },
    };
  },
};
