import {
  cancelSignal,
  handOverSignal,
  pauseSignal,
  raiseLimitSignal,
  resumeSignal,
  statusQuery,
} from '../../src/workflows/messages.ts';
import { until } from '../e2e/lab.ts';
import { call, calls, say } from '../e2e/labAgent.ts';
import type { GoldenRun } from './goldenRuns.ts';

// Operators steer, and limits are met.

const BY = { by: 'olga', reason: 'a golden run' } as const;
const FOUR_LOOKS = [call('look', '1'), call('look', '2'), call('look', '3'), say('all seen')];

export const STEERED_RUNS: readonly GoldenRun[] = [
  {
    name: 'paused',
    play: async (stage) => {
      const handle = await stage.begin('paused', [call('slow', 'paused'), call('note'), say('done')]);
      await until('the effect', async () => stage.gates.begun('paused'));
      await handle.signal(pauseSignal, BY);
      stage.gates.release('paused');
      await stage.rests(handle, 'paused');
      await handle.signal(resumeSignal, BY);
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'cancelled-effect',
    play: async (stage) => {
      const handle = await stage.begin('cancelled-effect', [call('slow', 'cancelled'), say('never said')]);
      await until('the effect', async () => stage.gates.begun('cancelled'));
      await handle.signal(cancelSignal, BY);
      await until('the cancellation', async () => {
        const { raw } = await handle.describe();
        return (raw.pendingActivities ?? []).some(({ state }) => Number(state) === CANCEL_REQUESTED);
      });
      stage.gates.release('cancelled');
      return stage.ends(handle, { outcome: 'cancelled' });
    },
  },
  {
    name: 'cancelled-asking',
    play: async (stage) => {
      const handle = await stage.begin('cancelled-asking', [call('note')], { agent: 'asking' });
      await stage.open(handle);
      // The engine's own cancel, not our signal.
      await handle.cancel();
      return stage.ends(handle, { outcome: 'cancelled' });
    },
  },
  {
    name: 'cancelled-unknown',
    play: async (stage) => {
      const handle = await stage.begin('cancelled-unknown', [call('lost')]);
      await stage.rests(handle, 'unknown');
      await handle.signal(cancelSignal, BY);
      await until('the wait of a cancelled run', async () =>
        (await handle.query(statusQuery)).waitsFor.startsWith('the run is over'),
      );
      await stage.decide(handle, { kind: 'answer', answer: { outcome: 'did_not' } });
      return stage.ends(handle, { outcome: 'cancelled' });
    },
  },
  {
    name: 'handed-over',
    play: async (stage) => {
      const handle = await stage.begin('handed-over', [calls(['note', '1'], ['note', '2'])], {
        agent: 'asking',
      });
      await stage.open(handle, 2);
      await handle.signal(handOverSignal, BY);
      return stage.ends(handle, { outcome: 'escalated' });
    },
  },
  {
    name: 'landed-continued',
    play: async (stage) => {
      const handle = await stage.begin('landed-continued', FOUR_LOOKS, { agent: 'limited' });
      await stage.decide(handle, { kind: 'approve' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'landed-stopped',
    play: async (stage) => {
      const handle = await stage.begin('landed-stopped', FOUR_LOOKS, { agent: 'limited' });
      await stage.decide(handle, { kind: 'reject' });
      return stage.ends(handle, { outcome: 'partial' });
    },
  },
  {
    name: 'landed',
    play: async (stage) =>
      stage.rests(await stage.begin('landed', FOUR_LOOKS, { agent: 'limited' }), 'landed'),
  },
  {
    name: 'raised',
    play: async (stage) => {
      const handle = await stage.begin('raised', FOUR_LOOKS, { agent: 'capped' });
      await stage.rests(handle, 'landed');
      await handle.signal(raiseLimitSignal, { ...BY, tokens: 100_000 });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
];

/** `temporal.api.enums.v1.PendingActivityState`. */
const CANCEL_REQUESTED = 3;
