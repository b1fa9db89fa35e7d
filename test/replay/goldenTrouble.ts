import { forceBreaker, newBreaker } from '../../src/core/breakers.ts';
import { findBreaker, writeBreaker } from '../../src/store/breakers.ts';
import { setBudget } from '../../src/store/budgets.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { cancelSignal, raiseLimitSignal, retrySignal, statusQuery } from '../../src/workflows/messages.ts';
import { until } from '../e2e/lab.ts';
import { call, say } from '../e2e/labAgent.ts';
import { openTransaction } from '../store/database.ts';
import { RUN_WITH_BUG, RUN_WITH_LATE_BUG } from './goldenAgents.ts';
import type { GoldenRun } from './goldenRuns.ts';
import type { Stage } from './stage.ts';

// Something is broken, stopped or used up, and comes back.

const BY = { by: 'olga', reason: 'a golden run' } as const;
const NO_KEY = { kind: 'http', status: 401 } as const;

export const TROUBLED_RUNS: readonly GoldenRun[] = [
  {
    name: 'reconciled',
    play: async (stage) => {
      const handle = await stage.begin('reconciled', [call('lost'), say('it was done')]);
      await stage.decide(handle, { kind: 'answer', answer: { outcome: 'happened', result: 'done' } });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'unknown',
    play: async (stage) => stage.rests(await stage.begin('unknown', [call('lost')]), 'unknown'),
  },
  {
    // Its timer is a minute long, which makes it the longest of all.
    name: 'outage-healed',
    waits: true,
    play: async (stage) =>
      stage.ends(await stage.begin('outage-healed', [{ ...say('at last'), faults: [NO_KEY] }]), {
        outcome: 'completed',
      }),
  },
  {
    name: 'outage-retried',
    play: async (stage) => {
      const handle = await stage.begin('outage-retried', [{ ...say('at last'), faults: [NO_KEY] }]);
      await stage.rests(handle, 'outage');
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'held',
    play: async (stage) => {
      const stop = { name: 'agent:stopped', ...BY };
      await setSwitch(stage.lab.sql, stop);
      const handle = await stage.begin('held', [call('note'), say('done')], { agent: 'stopped' });
      await stage.rests(handle, 'held');
      await liftSwitch(stage.lab.sql, stop);
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'cancelled-held',
    play: async (stage) => {
      const stop = { name: 'agent:stopped', ...BY };
      await setSwitch(stage.lab.sql, stop);
      const handle = await stage.begin('cancelled-held', [call('note')], { agent: 'stopped' });
      await stage.rests(handle, 'held');
      await handle.signal(cancelSignal, BY);
      await stage.ends(handle, { outcome: 'cancelled' });
      await liftSwitch(stage.lab.sql, stop);
      return handle;
    },
  },
  {
    name: 'refused',
    play: async (stage) =>
      stage.ends(await stage.begin('refused', [{ says: { text: 'no', stopReason: 'refusal' } }]), {
        outcome: 'refused',
      }),
  },
  {
    name: 'unknown-agent',
    play: async (stage) =>
      stage.ends(await stage.begin('unknown-agent', [], { agent: 'nobody' }), { outcome: 'failed' }),
  },
  {
    // A run that is told to look again waits for a few seconds first.
    name: 'broken',
    waits: true,
    play: async (stage) => {
      await force(stage, 'agent:broken', 'open');
      const handle = await stage.begin('broken', [say('here I am')], { agent: 'broken' });
      await stage.rests(handle, 'held');
      await force(stage, 'agent:broken', 'closed');
      // The governor wakes it.
      const { taskQueue } = stage.lab.config;
      await until('to be woken', async () => {
        const look = await stage.lab.client.workflow.execute('governor', {
          taskQueue,
          workflowId: 'golden-waker',
          args: [],
        });
        return (look as { readonly woken: number }).woken > 0;
      });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'held-by-breaker',
    play: async (stage) => {
      await force(stage, 'tool:trip', 'open');
      const handle = await stage.begin('held-by-breaker', [call('trip'), say('done')], { agent: 'tripping' });
      await stage.rests(handle, 'held');
      await force(stage, 'tool:trip', 'closed');
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'over-budget',
    play: async (stage) => {
      const cap = {
        kind: 'agent',
        subject: 'poor',
        capMicroUsd: 1_000_000,
        atCap: 'wait',
        degradeTo: null,
        ...BY,
      } as const;
      await setBudget(stage.lab.sql, cap);
      await stage.lab.sql`
        insert into budget_windows (scope, window_start, spent)
        values ('agent:poor', date_trunc('day', clock_timestamp(), 'UTC'), ${cap.capMicroUsd - 1})`;
      const handle = await stage.begin('over-budget', [say('done')], { agent: 'poor' });
      await stage.rests(handle, 'budget');
      await setBudget(stage.lab.sql, { ...cap, capMicroUsd: 100_000_000 });
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    // Somebody is being verified when the run comes to its bug: that is waited for before it moves.
    name: RUN_WITH_LATE_BUG.replace('golden-', ''),
    play: async (stage) => {
      const handle = await stage.begin('bug-heard', [say('done')]);
      await until('the model call', async () => stage.gates.begun('bug'));
      const directory = await openTransaction(stage.lab.sql);
      await directory.tx`lock table people in access exclusive mode`;
      await handle.signal(raiseLimitSignal, { ...BY, tokens: 1_000 });
      await until('the verification', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).some(
          ({ activityType }) => activityType?.name === 'verifyControls',
        );
      });
      stage.gates.release('bug');
      await until('the wait for it', async () =>
        ((await handle.fetchHistory()).events ?? []).some((event) => event.timerStartedEventAttributes),
      );
      await directory.commit();
      await until('the move', async () => (await handle.query(statusQuery)).continuedTimes === 1);
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: RUN_WITH_BUG.replace('golden-', ''),
    play: async (stage) => {
      const handle = await stage.begin('bug', [say('done')]);
      await until('the move', async () => (await handle.query(statusQuery)).continuedTimes === 1);
      await handle.signal(retrySignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
];

async function force({ lab }: Stage, name: string, stands: 'open' | 'closed'): Promise<void> {
  const before = (await findBreaker(lab.sql, name)) ?? { breaker: newBreaker(name), version: 0 };
  const judgement = forceBreaker(before.breaker, { stands, untilMs: Date.now() + 3_600_000, ...BY });
  if (!(await writeBreaker(lab.sql, before, judgement, BY.by))) throw new Error(`${name} was not changed`);
}
