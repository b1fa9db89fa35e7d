import type { Handle } from '../e2e/lab.ts';
import { call, calls, say } from '../e2e/labAgent.ts';
import { PEOPLE_RUNS } from './goldenPeople.ts';
import { STEERED_RUNS } from './goldenSteering.ts';
import { TROUBLED_RUNS } from './goldenTrouble.ts';
import { goldenId, type Stage } from './stage.ts';

/** A run that is played on real parts and whose histories are kept, one for each of its executions. */
export interface GoldenRun {
  readonly name: string;
  /** Ships with the package: every worker replays it before it polls. */
  readonly shipped?: true;
  /** Mostly waits: it is played beside the others. */
  readonly waits?: true;
  /** Resolves when the run has ended, or rests where it shall be parked. */
  play(stage: Stage): Promise<Handle>;
}

const PLAIN_RUNS: readonly GoldenRun[] = [
  {
    name: 'read-only',
    play: async (stage) =>
      stage.ends(await stage.begin('read-only', [call('look'), say('seen')]), { outcome: 'completed' }),
  },
  {
    name: 'parallel-reads',
    play: async (stage) => {
      const steps = [calls(['look', '1'], ['look', '2'], ['note', '3'], ['look', '4']), say('seen')];
      return stage.ends(await stage.begin('parallel-reads', steps), { outcome: 'completed' });
    },
  },
  {
    name: 'bad-calls',
    play: async (stage) => {
      const steps = [calls(['launch', '1'], ['look', '2']), say('sorry')];
      return stage.ends(await stage.begin('bad-calls', steps), { outcome: 'completed' });
    },
  },
  {
    name: 'long-message',
    play: async (stage) => {
      const handle = await stage.begin('long-message', [say('hello'), say('that was long')], { once: false });
      await stage.state(handle, 'idle');
      await handle.signal('message', { text: 'word '.repeat(1_000), by: 'customer', id: 'long' });
      await stage.answered(handle, 2);
      return stage.closes(handle);
    },
  },
  {
    name: 'idle',
    play: async (stage) =>
      stage.rests(await stage.begin('idle', [call('look'), say('what else?')], { once: false }), 'idle'),
  },
  {
    name: 'governor',
    play: async ({ lab }) => {
      const { taskQueue } = lab.config;
      const handle = await lab.client.workflow.start('governor', {
        taskQueue,
        workflowId: goldenId('governor'),
        args: [],
      });
      await handle.result();
      return handle as unknown as Handle;
    },
  },
];

export const GOLDEN_RUNS: readonly GoldenRun[] = [
  ...PLAIN_RUNS,
  ...PEOPLE_RUNS,
  ...STEERED_RUNS,
  ...TROUBLED_RUNS,
];
