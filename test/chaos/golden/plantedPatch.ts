import { patched, sleep, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** A good deploy: the same new command, for runs that begin with it. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      execute: async (input, next) => {
        if (patched('golden')) await sleep(1);
        return next(input);
      },
    },
  ],
});
