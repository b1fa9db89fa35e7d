import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type DecideReply, type HoldfastClient } from '../../src/client.ts';
import type { Ask, Rule } from '../../src/core/policy.ts';
import { verifyAudit } from '../../src/store/integrity.ts';
import type { ApprovalRow } from '../../src/store/views.ts';
import {
  cancelSignal,
  closeSignal,
  decideNowUpdate,
  decideSignal,
  sendUpdate,
  statusQuery,
} from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, say, script } from './labAgent.ts';
import {
  auditOf,
  cardOf,
  cli,
  effectsOf,
  inState,
  openRequest,
  requestsOf,
  signalsOf,
} from './peopleFacts.ts';

/** Decisions on a real server with a real worker, where anybody who reaches Temporal is believed. */

/** How often each thing was really done. */
const done = new Map<string, number>();
let price = 10;

const note = effectTool('note', ({ what }) => {
  done.set(what, (done.get(what) ?? 0) + 1);
  return { kind: 'success', data: `noted ${what}` };
});
const buy = effectTool(
  'buy',
  ({ what }) => {
    done.set(what, (done.get(what) ?? 0) + 1);
    return { kind: 'success', data: `bought ${what} at ${price}` };
  },
  { terms: () => ({ price }), summary: ({ what }) => `buy ${what}` },
);

const asking = (more: Partial<Ask> = {}): readonly Rule[] => [
  {
    name: 'asks',
    match: { tiers: ['write_risky'] },
    answer: { kind: 'ask', reason: 'a test asks', ...more },
  },
];
const TEN = Array.from({ length: 10 }, (_, n) => `person-${n}`);
const AGENTS = [
  labAgent([note, buy], { policy: asking(), asksPeople: true }),
  labAgent([note], { name: 'three', policy: asking({ quorum: 3 }) }),
  labAgent([note], { name: 'named', policy: asking({ approvers: { people: ['boss'] } }) }),
  labAgent([note], { name: 'customer', policy: asking({ of: 'requester' }) }),
];

/** One conversation for each thing to do, so that every effect can be counted by its name. */
const noting = (what: string) => script(what, [call('note', what), say('it is noted'), say('and goodbye')]);
const CONVERSATIONS = [
  ...['p2', 'ended', 'cancelled', 'late', 'ten', 'quorum', 'many', 'customer'].map(noting),
  script('withdrawn', [call('note', 'withdrawn'), say('not noted then'), say('and goodbye')]),
  script('terms', [
    call('buy', 'terms'),
    say('bought', { results: [{ tool: 'buy', isError: false, contains: 'bought terms at 12' }] }),
  ]),
  script('question', [
    { says: { calls: [{ name: 'ask_person', input: { question: 'Which colour?' } }] } },
    say('it is blue', { results: [{ tool: 'ask_person', isError: false, contains: 'blue' }] }),
  ]),
];

let lab: Lab;
let holdfast: HoldfastClient;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: AGENTS,
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

async function asked(
  message: string,
  agent = 'lab',
  once = false,
): Promise<{ handle: Handle; row: ApprovalRow }> {
  const handle = await lab.start({ agent, message, once, requester: { id: 'customer' } });
  return { handle, row: await openRequest(lab, handle) };
}

async function ended(handle: Handle) {
  await handle.signal(closeSignal, { by: 'customer' });
  return handle.result();
}

describe('one approval, many words', () => {
  const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));

  test(`P2 the same decision 50 times by three channels is one decision with one answer (seed ${seed})`, async () => {
    console.log(`P2: HOLDFAST_TEST_SEED=${seed}`);
    const { handle, row } = await asked('p2');
    const yes = { approval: row.id, kind: 'approve', by: 'boss' } as const;
    const ways: readonly (() => Promise<DecideReply | undefined>)[] = [
      () => handle.signal(decideSignal, { ...yes, channel: 'ui' }).then(() => undefined),
      () => handle.executeUpdate(decideNowUpdate, { args: [{ ...yes, channel: 'api' }] }),
      () => holdfast.decideNow({ ...yes, channel: 'cli', workflowId: handle.workflowId }),
    ];
    let random = seed;
    const next = () => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (random >> 8) % ways.length;
    };
    // The server lets ten updates of one run wait at a time.
    const words = Array.from({ length: 50 }, next);
    const replies = await inParallel(8, words, (way) => ways[way]?.() ?? Promise.resolve(undefined));
    const heard = replies.filter((reply) => reply !== undefined);
    expect(heard.length).toBe(words.filter((way) => way > 0).length);
    expect(new Set(heard.map((reply) => JSON.stringify(reply)))).toEqual(
      new Set([JSON.stringify({ kind: 'decided', state: 'approved' })]),
    );
    await inState(lab, handle, 'idle');
    expect(done.get('p2')).toBe(1);
    expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
    const rows = await auditOf(lab, handle);
    expect(rows.filter(({ event }) => event === 'approval_approved')).toHaveLength(1);
    expect(rows.filter(({ event }) => event === 'decision_refused')).toEqual([]);
    await ended(handle);
  });

  test('P11 10 decisions at once: the first in history wins, the others are refused in order of arrival', async () => {
    const { handle, row } = await asked('ten');
    const kinds = ['approve', 'reject'] as const;
    await Promise.all(
      TEN.map((by, n) =>
        handle.signal(decideSignal, { approval: row.id, kind: kinds[n % 2] ?? 'approve', by, channel: 'ui' }),
      ),
    );
    await inState(lab, handle, 'idle');
    await ended(handle);
    const [first, ...others] = (await signalsOf(lab, handle)).filter(({ signal }) => signal === 'decide');
    const [closed] = await requestsOf(lab, handle);
    expect(closed?.state).toBe(first?.kind === 'approve' ? 'approved' : 'rejected');
    expect(closed?.decision).toMatchObject({ by: first?.by, channel: 'ui', identity: 'unverified' });
    expect(done.get('ten') ?? 0).toBe(first?.kind === 'approve' ? 1 : 0);
    const refused = await auditOf(lab, handle, 'decision_refused');
    expect(others).toHaveLength(9);
    expect(refused.map(({ facts }) => [facts.by, facts.why])).toEqual(
      others.map(({ by }) => [by, 'already_decided']),
    );
  });

  test('P11 a quorum of three out of ten at once: the first three in history are its votes', async () => {
    const { handle, row } = await asked('quorum', 'three');
    await Promise.all(
      TEN.map((by) => handle.signal(decideSignal, { approval: row.id, kind: 'approve', by, channel: 'ui' })),
    );
    await inState(lab, handle, 'idle');
    await ended(handle);
    const arrived = (await signalsOf(lab, handle))
      .filter(({ signal }) => signal === 'decide')
      .map(({ by }) => by);
    const [closed] = await requestsOf(lab, handle);
    const votes = (closed?.decision?.votes ?? []) as readonly { readonly by: string }[];
    expect(votes.map(({ by }) => by)).toEqual(arrived.slice(0, 3));
    expect((await auditOf(lab, handle, 'vote')).map(({ facts }) => facts.by)).toEqual(arrived.slice(0, 2));
    expect((await auditOf(lab, handle, 'decision_refused')).map(({ facts }) => facts.by)).toEqual(
      arrived.slice(3),
    );
    expect(done.get('quorum')).toBe(1);
  });

  test('P11 2,001 decisions by update: every sender is answered, and the one that may decide does', async () => {
    const { handle, row } = await asked('many', 'named');
    const startedMs = Date.now();
    const senders = Array.from({ length: 2_000 }, (_, n) => `stranger-${n}`);
    const say = (by: string) =>
      holdfast.decideNow({ approval: row.id, kind: 'approve', by, workflowId: handle.workflowId });
    const replies = await inParallel(8, senders, say);
    expect(
      replies.filter((reply) => reply.kind === 'refused' && reply.why === 'not_an_approver'),
    ).toHaveLength(2_000);
    expect(await say('boss')).toEqual({ kind: 'decided', state: 'approved' });
    await inState(lab, handle, 'idle');
    const { continuedTimes, dropped } = await handle.query(statusQuery);
    console.log(
      `P11: 2,001 decisions in ${Date.now() - startedMs} ms, ${continuedTimes} times continued as new`,
    );
    await ended(handle);
    expect(continuedTimes).toBeGreaterThan(0);
    expect(dropped).toBe(0);
    expect(done.get('many')).toBe(1);
    const refused = await auditOf(lab, handle, 'decision_refused');
    expect(new Set(refused.map(({ facts }) => facts.by)).size).toBe(2_000);
    expect(refused).toHaveLength(2_000);
  }, 120_000);
});

describe('P4 too late', () => {
  const ways = (handle: Handle, approval: string) => {
    const yes = { approval, kind: 'approve', by: 'boss' } as const;
    const { workflowId } = handle;
    return {
      signal: () => handle.signal(decideSignal, { ...yes, channel: 'ui' }),
      update: () => handle.executeUpdate(decideNowUpdate, { args: [{ ...yes, channel: 'api' }] }),
      decide: () => holdfast.decide({ ...yes, workflowId }),
      decideNow: () => holdfast.decideNow({ ...yes, workflowId }),
    };
  };

  const expectRefused = async (handle: Handle, row: ApprovalRow) => {
    const { signal, update, decide, decideNow } = ways(handle, row.id);
    await expect(signal()).rejects.toThrow('workflow execution already completed');
    await expect(update()).rejects.toThrow('workflow execution already completed');
    const over = { code: 'ended', message: `run "${handle.workflowId}" has ended: start a new one` };
    await expect(decide()).rejects.toMatchObject(over);
    await expect(decideNow()).rejects.toMatchObject(over);
    const ran = await cli(lab, ['approve', row.id, '--by', 'boss', '--json']);
    expect(ran.code).not.toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: 'already_decided' } });
  };

  test('P4 after the run ended: signal, update, client and command line are refused with words', async () => {
    const { handle, row } = await asked('ended');
    await handle.executeUpdate(decideNowUpdate, {
      args: [{ approval: row.id, kind: 'reject', by: 'boss', channel: 'api' }],
    });
    await ended(handle);
    const before = await auditOf(lab, handle);
    await expectRefused(handle, row);
    expect(await effectsOf(lab, handle)).toEqual([]);
    expect(done.get('ended')).toBeUndefined();
    expect(await auditOf(lab, handle)).toEqual(before);
  });

  test('P4 after the run was cancelled: the same, and what was open is withdrawn', async () => {
    const { handle, row } = await asked('cancelled');
    await handle.signal(cancelSignal, { by: 'customer' });
    expect(await handle.result()).toMatchObject({ outcome: 'cancelled' });
    await expectRefused(handle, row);
    expect((await requestsOf(lab, handle)).map(({ state }) => state)).toEqual(['withdrawn']);
    expect(await effectsOf(lab, handle)).toEqual([]);
    expect(done.get('cancelled')).toBeUndefined();
  });

  test('P4 a decision that the run reads behind its cancel is audited and starts nothing', async () => {
    const { handle, row } = await asked('late');
    // Without a worker both signals are read by one task, in this order.
    await lab.stopWorker();
    await handle.signal(cancelSignal, { by: 'customer' });
    await ways(handle, row.id).signal();
    await lab.startWorker();
    expect(await handle.result()).toMatchObject({ outcome: 'cancelled' });
    expect(await effectsOf(lab, handle)).toEqual([]);
    expect(done.get('late')).toBeUndefined();
    const words = (await auditOf(lab, handle)).filter(({ facts }) => facts.by === 'boss');
    expect(words).toHaveLength(1);
  });

  test('P4 a decision on a request that the customer withdrew by writing is refused and audited', async () => {
    const { handle, row } = await asked('withdrawn');
    await handle.executeUpdate(sendUpdate, { args: [{ text: 'never mind', by: 'customer' }] });
    const reply = await ways(handle, row.id).decideNow();
    expect(reply).toEqual({ kind: 'refused', why: 'already_decided' });
    await ended(handle);
    expect(await auditOf(lab, handle, 'decision_refused')).toMatchObject([
      { facts: { by: 'boss', kind: 'approve', why: 'already_decided', approval: row.id } },
    ]);
    expect(done.get('withdrawn')).toBeUndefined();
  });
});

describe('what is asked', () => {
  test('P7 terms that change between ask and claim void the approval; the second yes runs it once', async () => {
    const { handle, row } = await asked('terms', 'lab', true);
    expect(row).toMatchObject({ terms: { price: 10 }, formerTerms: null });
    price = 12;
    const yes = { kind: 'approve', by: 'boss', workflowId: handle.workflowId } as const;
    await holdfast.decideNow({ ...yes, approval: row.id });
    const again = await until('the second request', async () => (await requestsOf(lab, handle))[1]);
    expect(again).toMatchObject({ terms: { price: 12 }, formerTerms: { price: 10 }, argsHash: row.argsHash });
    expect((await requestsOf(lab, handle)).map(({ state }) => state)).toEqual(['void', 'open']);
    expect(done.get('terms')).toBeUndefined();
    await until('the card to show it', async () => (await cardOf(handle)).includes(again.id));
    const card = await cardOf(handle);
    expect(card).toContain('**Changed since it was asked before:** `{"price":10}`');
    expect(card).toContain('**Holds while:** `{"price":12}`');
    // Somebody else's yes to the first one is not a yes to the second.
    expect(await holdfast.decideNow({ ...yes, by: 'other', approval: row.id })).toEqual({
      kind: 'refused',
      why: 'already_decided',
    });
    await holdfast.decideNow({ ...yes, approval: again.id });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'bought' });
    expect(done.get('terms')).toBe(1);
    expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
    const events = (await auditOf(lab, handle)).map(({ event }) => event);
    expect(events.filter((event) => /void|stale|approved|claimed/.test(event))).toEqual([
      'approval_approved',
      'approval_void',
      'effect_stale',
      'approval_approved',
      'effect_claimed',
    ]);
    expect(lab.model.problems).toEqual([]);
  });

  test('the customer is asked: only their own yes to exactly these arguments counts', async () => {
    const { handle, row } = await asked('customer', 'customer', true);
    expect(row.requesterMay).toBe('only');
    const yes = { approval: row.id, kind: 'approve', workflowId: handle.workflowId } as const;
    const argsHash = row.argsHash ?? '';
    expect(await holdfast.decideNow({ ...yes, by: 'boss', argsHash })).toEqual({
      kind: 'refused',
      why: 'not_the_requester',
    });
    expect(await holdfast.decideNow({ ...yes, by: 'customer', argsHash: 'f'.repeat(64) })).toEqual({
      kind: 'refused',
      why: 'other_arguments',
    });
    expect(done.get('customer')).toBeUndefined();
    expect(await holdfast.decideNow({ ...yes, by: 'customer', argsHash })).toMatchObject({ kind: 'decided' });
    expect(await handle.result()).toMatchObject({ outcome: 'completed' });
    expect(done.get('customer')).toBe(1);
    expect((await auditOf(lab, handle, 'decision_refused')).map(({ facts }) => facts.why)).toEqual([
      'not_the_requester',
      'other_arguments',
    ]);
  });

  test('a question of the agent: the answer of a person is the result that the model reads', async () => {
    const { handle, row } = await asked('question', 'lab', true);
    expect(row).toMatchObject({ kind: 'question', quote: 'Which colour?' });
    const ran = await cli(lab, ['answer', row.id, '--by', 'boss', '--text', 'blue']);
    expect(ran).toMatchObject({ code: 0 });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'it is blue' });
    expect(lab.model.problems).toEqual([]);
    expect(await effectsOf(lab, handle)).toEqual([]);
  });
});

describe('P15 the audit of all these runs', () => {
  test('P15 is whole, and names the row that somebody edited by hand', async () => {
    const whole = await verifyAudit(lab.sql);
    expect(whole).toMatchObject({ faults: [], faultCount: 0 });
    expect(whole.rows).toBeGreaterThan(2_000);
    const [row] = await lab.sql<{ run: string; seq: number }[]>`
      update audit set facts = replace(facts, '"boss"', '"root"')
      where (run, seq) = (select run, seq from audit where event = 'approval_approved' and facts like '%"boss"%' limit 1)
      returning run, seq`;
    const { faults } = await verifyAudit(lab.sql);
    expect(faults[0]).toMatchObject({ kind: 'edited_row', run: row?.run, seq: row?.seq });
  });
});

/** Results in the order of the items, at most `width` at a time under way. */
async function inParallel<Item, Result>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  let at = 0;
  const lane = async () => {
    while (at < items.length) {
      const i = at++;
      results[i] = await work(items[i] as Item);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}
