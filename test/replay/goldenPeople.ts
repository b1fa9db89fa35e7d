import { sendUpdate, statusQuery } from '../../src/workflows/messages.ts';
import { until } from '../e2e/lab.ts';
import { call, calls, say } from '../e2e/labAgent.ts';
import type { GoldenRun } from './goldenRuns.ts';

// People decide: in time, too late, several of them, before and after a move.

const NOTE = [call('note'), say('done')];
const ASKING = { agent: 'asking' } as const;

export const PEOPLE_RUNS: readonly GoldenRun[] = [
  {
    name: 'approved',
    shipped: true,
    play: async (stage) => {
      const handle = await stage.begin('approved', [call('look'), ...NOTE], ASKING);
      await stage.decide(handle, { kind: 'approve' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'rejected',
    play: async (stage) => {
      const handle = await stage.begin('rejected', NOTE, ASKING);
      await stage.decide(handle, { kind: 'reject', reason: 'not today' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'edited',
    play: async (stage) => {
      const handle = await stage.begin('edited', NOTE, ASKING);
      const [asked] = await stage.open(handle);
      await stage.say(handle, asked, { kind: 'edit', arguments: { what: 'less' } });
      // Edited arguments are asked about again.
      const again = await until('the second request', async () => {
        const [row] = await stage.open(handle);
        return row?.id !== asked?.id && row;
      });
      await stage.say(handle, again, { kind: 'approve', by: 'bert' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'question',
    play: async (stage) => {
      const ask = { says: { calls: [{ name: 'ask_person', input: { question: 'Which colour?' } }] } };
      const handle = await stage.begin('question', [ask, say('blue then')], ASKING);
      await stage.decide(handle, { kind: 'answer', answer: 'blue' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'quorum',
    waits: true,
    play: async (stage) => {
      const handle = await stage.begin('quorum', NOTE, { agent: 'panel' });
      const [row] = await stage.open(handle);
      await stage.say(handle, row, { kind: 'approve' });
      // Bert may vote once the request has been escalated.
      await until('the second vote', async () => {
        const reply = await stage.decideNow(handle, row, { kind: 'approve', by: 'bert' });
        return reply.kind === 'decided' || reply.kind === 'voted';
      });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
  {
    name: 'expired',
    waits: true,
    play: async (stage) =>
      stage.ends(await stage.begin('expired', NOTE, { agent: 'hasty' }), { outcome: 'completed' }),
  },
  {
    name: 'withdrawn',
    play: async (stage) => {
      const handle = await stage.begin('withdrawn', [call('note'), say('not done then')], {
        ...ASKING,
        once: false,
      });
      const [row] = await stage.open(handle);
      await handle.executeUpdate(sendUpdate, {
        args: [{ text: 'never mind', by: 'customer', id: 'second' }],
      });
      await stage.decideNow(handle, row, { kind: 'approve' });
      return stage.closes(handle);
    },
  },
  {
    name: 'chat',
    play: async (stage) => {
      const steps = [say('good day'), call('note'), say('done')];
      const handle = await stage.begin('chat', steps, { ...ASKING, once: false, silent: true });
      const send = (text: string, id: string) =>
        handle.executeUpdate(sendUpdate, { args: [{ text, by: 'customer', id }] });
      await send('chat', 'first');
      await send('note it', 'second');
      const [row] = await stage.open(handle);
      await stage.decideNow(handle, row, { kind: 'approve' });
      await stage.state(handle, 'idle');
      return stage.closes(handle);
    },
  },
  {
    name: 'waiting',
    shipped: true,
    play: async (stage) => {
      const handle = await stage.begin('waiting', [calls(['look', '1'], ['note', '2'], ['note', '3'])], {
        ...ASKING,
        once: false,
      });
      await stage.open(handle, 2);
      return stage.rests(handle, 'waiting');
    },
  },
  {
    name: 'moved',
    shipped: true,
    play: async (stage) => {
      const steps = [calls(['note', '1'], ['note', '2']), say('one of two')];
      const handle = await stage.begin('moved', steps, ASKING);
      const [first, second] = await stage.open(handle, 2);
      await handle.signal('upgrade', { by: 'olga' });
      await until('the move', async () => (await handle.query(statusQuery)).continuedTimes === 1);
      await stage.say(handle, first, { kind: 'approve' });
      await stage.say(handle, second, { kind: 'reject' });
      return stage.ends(handle, { outcome: 'completed' });
    },
  },
];
