import { sleep, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** A bad deploy: a new command where runs have come by already, and nothing that says so. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      execute: async (input, next) => {
        await sleep(1);
        return next(input);
      },
    },
  ],
});
