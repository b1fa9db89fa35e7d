import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';

// The engine alone: a wait for a signal, the same request to the same service, the result.

const { pay } = proxyActivities<{ pay(what: string): Promise<void> }>({ startToCloseTimeout: 15_000 });

export const goSignal = defineSignal('go');

export async function bareDecision(what: string): Promise<string> {
  let decided = false;
  setHandler(goSignal, () => {
    decided = true;
  });
  await condition(() => decided, '1 day');
  await pay(what);
  return 'paid';
}
