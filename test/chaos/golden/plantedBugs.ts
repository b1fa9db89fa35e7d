import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { SPINS, THROWS } from './words.ts';

/** Bugs in workflow code: at one answer of the model it throws, and from another one it never comes back. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity: async (input, next) => {
        const result = await next(input);
        const said = JSON.stringify(result ?? null);
        for (const spins = said.includes(SPINS); spins; );
        if (said.includes(THROWS)) throw new Error('a planted bug');
        return result;
      },
    },
  ],
});
