import {
  condition,
  defineSignal,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';

// The engine alone: the same number of activities in the same order, the same two signals, and nothing around them.

interface NoOps {
  model(step: number): Promise<number>;
  tool(step: number): Promise<number>;
  end(): Promise<void>;
}

const remote = proxyActivities<NoOps>({ startToCloseTimeout: 60_000 });
const local = proxyLocalActivities<NoOps>({ startToCloseTimeout: 10_000 });

/** With so many steps to take. */
export const goSignal = defineSignal<[number]>('go');
export const endSignal = defineSignal('end');

/** One step of a model and a tool activity; as many more when it is told to; the end when it is told to. */
export function bareLoop(): Promise<void> {
  return loop(remote.tool);
}

/** The same with the tool as a local activity. */
export function bareLocalLoop(): Promise<void> {
  return loop(local.tool);
}

async function loop(tool: NoOps['tool']): Promise<void> {
  let steps = 0;
  let ended = false;
  setHandler(goSignal, (count) => {
    steps = count;
  });
  setHandler(endSignal, () => {
    ended = true;
  });
  await take(1, tool);
  await condition(() => steps > 0);
  await take(steps, tool);
  await condition(() => ended);
  await remote.end();
}

/** The last model activity is the answer after the last tool. */
async function take(steps: number, tool: NoOps['tool']): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await remote.model(step);
    await tool(step);
  }
  await remote.model(steps);
}
