import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { success } from '../../src/tools/result.ts';
import { approvalsQuery, cancelSignal, decideSignal, statusQuery } from '../../src/workflows/messages.ts';
import { type Lab, openLab, until } from '../e2e/lab.ts';
import { call, effectTool, labAgent, say, script } from '../e2e/labAgent.ts';

/** How often the tool ran, by its argument; it throws at the first attempt, having acted or not. */
const attempts = new Map<string, number>();
const once = effectTool(
  'pay',
  ({ what }) => {
    const attempt = (attempts.get(what) ?? 0) + 1;
    attempts.set(what, attempt);
    if (attempt === 1) throw new Error('the wire broke');
    return success(`paid at attempt ${attempt}`);
  },
  { replay: 'never' },
);

interface Case {
  readonly name: string;
  readonly answer: Json;
  readonly sees: { readonly isError: boolean; readonly contains: string };
  readonly state: string;
  readonly ran: number;
  readonly generation: number;
}

const CASES: readonly Case[] = [
  {
    name: 'happened',
    answer: { outcome: 'happened', result: { confirmation: 7 } },
    sees: { isError: false, contains: '"confirmation":7' },
    state: 'applied',
    ran: 1,
    generation: 1,
  },
  {
    name: 'did_not',
    answer: { outcome: 'did_not' },
    sees: { isError: false, contains: 'paid at attempt 2' },
    state: 'applied',
    ran: 2,
    generation: 2,
  },
  {
    name: 'give_up',
    answer: { outcome: 'give_up' },
    sees: { isError: true, contains: 'It is not known whether this happened' },
    state: 'unknown',
    ran: 1,
    generation: 1,
  },
];

const UNWANTED = 'did not, and nobody wants it any more';

describe('an effect that nobody knows the end of stops the run and asks a person', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [labAgent([once])],
      conversations: [
        ...CASES.map(({ name, sees }) =>
          script(name, [call('pay', name), say('all said', { results: [{ tool: 'pay', ...sees }] })]),
        ),
        script(UNWANTED, [call('pay', UNWANTED), say('never said')]),
      ],
    });
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test.each(CASES)('a person says $name: the ledger and the model hear exactly that', async (one) => {
    const handle = await lab.start({ agent: 'lab', message: one.name, once: true, requester: { id: 'c' } });
    const [record] = await until('the question', async () => {
      const records = await handle.query(approvalsQuery).catch(() => []);
      return records.length > 0 && records;
    });
    expect(record).toMatchObject({ kind: 'reconcile', tool: 'pay', state: { kind: 'open' } });
    const id = record?.id ?? '';
    // Stored with the evidence, so that it can be answered while no worker is alive.
    const stored = await until('the stored question', async () => {
      const [row] = await lab.sql<{ evidence: string; state: string }[]>`
        select evidence, state from approvals where id = ${id}`;
      return row;
    });
    expect(stored).toMatchObject({
      state: 'open',
      evidence: expect.stringContaining('pay (never), attempt 1'),
    });
    // The question is in the store a moment before the run hears that it is.
    await until('the run to wait', async () => (await handle.query(statusQuery)).state === 'unknown');
    expect(attempts.get(one.name)).toBe(1);

    const decide = (answer: Json) =>
      handle.signal(decideSignal, { approval: id, kind: 'answer', by: 'boss', channel: 'test', answer });
    // An answer that says nothing counts for nothing.
    await decide({ outcome: 'perhaps' });
    await decide(one.answer);
    const result = await handle.result();

    expect(result).toMatchObject({ outcome: 'completed', answer: 'all said' });
    expect(lab.model.problems).toEqual([]);
    expect(attempts.get(one.name)).toBe(one.ran);
    const [effect] = await lab.sql<{ state: string; generation: number }[]>`
      select state, generation from effects where run = ${result.run}`;
    expect(effect).toEqual({ state: one.state, generation: one.generation });
    expect(await lab.sql`select state from approvals where id = ${id}`).toMatchObject([
      { state: 'answered' },
    ]);
    const incidents = await lab.sql`select from audit where run = ${result.run} and event like 'incident%'`;
    expect(incidents).toHaveLength(0);
  });

  test('a person says "did not", and a switch holds it, and it is cancelled: it is void, and nobody is asked again', async () => {
    const handle = await lab.start({ agent: 'lab', message: UNWANTED, once: true, requester: { id: 'c' } });
    const answered = new Set<string>();
    const answer = () =>
      until('an open question', async () => {
        const open = await lab.sql<{ id: string }[]>`
          select id from approvals where workflow_id = ${handle.workflowId} and kind = 'reconcile' and state = 'open'`;
        const [question] = open.filter(({ id }) => !answered.has(id));
        if (question === undefined) return false;
        answered.add(question.id);
        const { id: approval } = question;
        await handle.signal(decideSignal, {
          approval,
          kind: 'answer',
          by: 'boss',
          answer: { outcome: 'did_not' },
        });
        return true;
      });
    await until('the question', async () => (await handle.query(statusQuery)).state === 'unknown');
    const change = { name: 'fleet', by: 'boss', reason: 'a test' };
    await setSwitch(lab.sql, change);
    await answer();
    await until('the switch to hold it', async () => (await handle.query(statusQuery)).state === 'held');
    await handle.signal(cancelSignal, { by: 'boss' });
    const { run, outcome } = await handle.result();
    await liftSwitch(lab.sql, change);
    expect(outcome).toBe('cancelled');
    expect(attempts.get(UNWANTED)).toBe(1);
    expect(await lab.sql`select state from effects where run = ${run}`).toEqual([{ state: 'void' }]);
    expect(answered.size).toBe(1);
  });
});
