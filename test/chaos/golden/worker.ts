import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { readConfig } from '../../../src/config.ts';
import { watchEventLoop } from '../../../src/eventLoop.ts';
import { bundleWorkflows } from '../../../src/replay/bundle.ts';
import { startWorker } from '../../../src/worker.ts';
import { sharedBundle } from '../../sharedBundle.ts';
import { agentsOf } from './agents.ts';
import { activityHolds, holdTasks, tell } from './holding.ts';
import type { Plan } from './holds.ts';

/** A worker process of a campaign: agents of one version, workflow code as it ships or with something planted in it. */
Runtime.install({
  logger: new DefaultLogger('ERROR', () => undefined),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});
const { GOLDEN_PLAN = '{}', GOLDEN_VERSION = '1', GOLDEN_PLANTED = '', GOLDEN_STUCK_MS } = process.env;
const plan = JSON.parse(GOLDEN_PLAN) as Plan;
// A campaign that is gone leaves no worker behind.
process.once('disconnect', () => process.exit(1));
const running = await startWorker(readConfig(process.env), {
  agents: agentsOf(GOLDEN_VERSION),
  bundle: await (GOLDEN_PLANTED === ''
    ? sharedBundle()
    : bundleWorkflows({ interceptors: [GOLDEN_PLANTED] })),
  // What is planted here is a deploy that nobody checked.
  histories: 'none',
  settings: {
    stickyQueueScheduleToStartTimeout: '1s',
    interceptors: { activity: [activityHolds(plan)] },
  },
});
holdTasks(running.worker, plan);
// A machine that is busy with many of them takes a while to start one.
if (GOLDEN_STUCK_MS !== undefined) watchEventLoop({ stuckMs: Number(GOLDEN_STUCK_MS), everyMs: 200 });
tell({ kind: 'ready' });
await running.done;
// The channel to the campaign would keep this process alive.
process.exit(0);
