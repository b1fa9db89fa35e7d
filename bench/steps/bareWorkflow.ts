import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

// The engine alone: the same number of activities in the same order, and nothing around them.

interface NoOps {
  model(step: number): Promise<number>;
  tool(step: number): Promise<number>;
  end(): Promise<void>;
}

const remote = proxyActivities<NoOps>({ startToCloseTimeout: 60_000 });
const local = proxyLocalActivities<NoOps>({ startToCloseTimeout: 10_000 });

/** As many steps of one model and one tool activity as asked for, a last model activity, and the end. */
export async function bareLoop(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await remote.model(step);
    await remote.tool(step);
  }
  await remote.model(steps);
  await remote.end();
}

/** The same with the tool as a local activity. */
export async function bareLocalLoop(steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) {
    await remote.model(step);
    await local.tool(step);
  }
  await remote.model(steps);
  await remote.end();
}
