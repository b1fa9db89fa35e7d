import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import { usd } from '../../src/core/money.ts';
import type { Rule } from '../../src/core/policy.ts';
import { promoteRelease, releaseHash } from '../../src/store/releases.ts';
import { listRules, revokeRule } from '../../src/store/rules.ts';
import type { ApprovalRow } from '../../src/store/views.ts';
import { openTransaction } from '../store/database.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ALLOW_ALL, ASK_ALL, call, effectTool, labAgent, say, script } from './labAgent.ts';
import { auditOf, cli, effectsOf, openRequest, requestsOf } from './peopleFacts.ts';

/** Policies on real parts: what the store has learned and seen decides the next run. */

let paid: string[] = [];
const facts = {
  amount: ({ what }: { readonly what: string }) => usd(Number(what.split(' ')[1])),
  payee: ({ what }: { readonly what: string }) => what.split(' ')[0] ?? '',
  classes: ({ what }: { readonly what: string }) => [`refund-to:${what.split(' ')[0]}`],
};
const paying = (name: string, more = {}) =>
  effectTool(
    name,
    ({ what }) => {
      paid.push(`${name} ${what}`);
      return { kind: 'success', data: `paid ${what}` };
    },
    { ...facts, ...more },
  );
const refund = paying('refund');
const wipe = paying('wipe', { tier: 'destructive' });
const ask = { kind: 'ask', reason: 'the first time' } as const;
const firstOf = (name: string): readonly Rule[] => [
  { name: 'first time', match: { tools: ['refund'], firstTime: [name] }, answer: ask },
  { name: 'as before', match: { tools: ['refund'] }, answer: { kind: 'allow' } },
];
const uses = (goal?: string) =>
  labAgent([refund], { name: 'uses', policy: firstOf('first-use'), ...(goal !== undefined && { goal }) });
const AGENTS = [
  labAgent([refund, wipe], {
    name: 'learning',
    policy: [
      ...ASK_ALL,
      { name: 'wipes', match: { tools: ['wipe'] }, answer: { ...ask, reason: 'it is gone then' } },
    ],
    tiers: ['read', 'write_risky', 'destructive'],
  }),
  labAgent([refund], { name: 'payees', policy: firstOf('refund-to') }),
  uses(),
  labAgent([refund], { name: 'open', policy: ALLOW_ALL }),
];

/** `refund anna 10` makes that call. */
const doing = (message: string) => {
  const [tool = '', ...what] = message.split(' ');
  return script(message, [call(tool, what.join(' ')), say('so it is')]);
};
const CONVERSATIONS = [
  ...['anna 10', 'anna 8', 'anna 12', 'bert 8', 'carl 5', 'dora 1'].map((what) => doing(`refund ${what}`)),
  ...['anna 10', 'anna 8'].map((what) => doing(`wipe ${what}`)),
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
beforeEach(() => {
  paid = [];
});

const begin = (
  agent: string,
  message: string,
  more: { readonly tenant?: string; readonly policy?: readonly Rule[] } = {},
) => {
  const { tenant, policy } = more;
  const requester = { id: 'customer', ...(tenant !== undefined && { tenant }) };
  return lab.start({ agent, message, once: true, requester, ...(policy && { policy }) });
};

/** It runs without asking anybody; the result is the rule or class its claim names. */
async function expectAllowed(handle: Handle): Promise<void> {
  expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'so it is' });
  expect(await requestsOf(lab, handle)).toEqual([]);
  expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
}

async function approve(handle: Handle, row: ApprovalRow, learnDays?: number) {
  return holdfast.decideNow({
    workflowId: handle.workflowId,
    approval: row.id,
    kind: 'approve',
    by: 'boss',
    ...(learnDays !== undefined && { learn: { days: learnDays } }),
  });
}

/** It asks; the answer is yes. */
async function expectAsked(handle: Handle): Promise<ApprovalRow> {
  const row = await openRequest(lab, handle);
  expect(await effectsOf(lab, handle)).toEqual([]);
  expect(await approve(handle, row)).toEqual({ kind: 'decided', state: 'approved' });
  await handle.result();
  expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
  return row;
}

describe('a rule that an approver taught', () => {
  test('answers for the same payee up to the amount, and for nobody else; revoked, it asks again', async () => {
    const taught = await begin('learning', 'refund anna 10');
    const row = await openRequest(lab, taught);
    expect(row).toMatchObject({ payee: 'anna', amount: { value: 10, currency: 'USD' } });
    expect(await approve(taught, row, 30)).toEqual({ kind: 'decided', state: 'approved' });
    await taught.result();
    const [rule] = await listRules(lab.sql, { all: false, limit: 10 });
    expect(rule).toMatchObject({
      agent: 'learning',
      tool: 'refund',
      payee: 'anna',
      upTo: { value: 10, currency: 'USD' },
      approval: row.id,
      createdBy: 'boss',
      tenant: null,
    });
    const daysLeft = (Date.parse(rule?.until ?? '') - Date.now()) / 86_400_000;
    expect(daysLeft).toBeGreaterThan(29.9);
    expect(daysLeft).toBeLessThan(30.1);

    const smaller = await begin('learning', 'refund anna 8');
    await expectAllowed(smaller);
    expect(await auditOf(lab, smaller, 'effect_claimed')).toMatchObject([
      { facts: { learned: Number(rule?.id), approval: null } },
    ]);
    await expectAllowed(await begin('learning', 'refund anna 10'));
    expect(paid).toEqual(['refund anna 10', 'refund anna 8', 'refund anna 10']);

    await expectAsked(await begin('learning', 'refund anna 12'));
    await expectAsked(await begin('learning', 'refund bert 8'));
    await expectAsked(await begin('learning', 'refund anna 8', { tenant: 'shop-2' }));

    expect(await revokeRule(lab.sql, { id: rule?.id ?? '', by: 'boss', reason: 'a test' })).toBe('revoked');
    const after = await begin('learning', 'refund anna 8');
    await expectAsked(after);
    expect(await auditOf(lab, after, 'effect_claimed')).toMatchObject([{ facts: { learned: null } }]);
  });

  test('a rule that is revoked while its call is on the way is asked about instead', async () => {
    const taught = await begin('learning', 'refund carl 5');
    await approve(taught, await openRequest(lab, taught), 1);
    await taught.result();
    const [rule] = await listRules(lab.sql, { all: false, limit: 10 });
    expect(rule).toMatchObject({ payee: 'carl' });
    paid = [];
    // Between the verdict and the claim: the claim looks again.
    const blocker = await openTransaction(lab.sql);
    await blocker.tx`select close_gate()`;
    const handle = await begin('learning', 'refund carl 5');
    await until('the claim to wait at the gate', async () => {
      const [waiting] = await lab.sql<{ n: number }[]>`
        select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted and mode = 'ShareLock'
          and database = (select oid from pg_database where datname = current_database())`;
      return waiting?.n === 1;
    });
    await blocker.tx`update learned_rules set revoked_at = clock_timestamp(), revoked_by = 'boss' where id = ${Number(rule?.id)}`;
    await blocker.commit();
    const row = await openRequest(lab, handle);
    expect(paid).toEqual([]);
    expect((await auditOf(lab, handle, 'effect_stale')).map(({ facts }) => facts.why)).toEqual([
      'the learned rule does not stand',
    ]);
    await approve(handle, row);
    await handle.result();
    expect(paid).toEqual(['refund carl 5']);
    expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
  });

  test('destructive calls teach nothing and are always asked about', async () => {
    const handle = await begin('learning', 'wipe anna 10');
    const row = await openRequest(lab, handle);
    expect(await approve(handle, row, 30)).toEqual({ kind: 'refused', why: 'cannot_learn' });
    expect(await approve(handle, row)).toEqual({ kind: 'decided', state: 'approved' });
    await handle.result();
    expect((await listRules(lab.sql, { all: true, limit: 10 })).map(({ tool }) => tool)).not.toContain(
      'wipe',
    );
    await expectAsked(await begin('learning', 'wipe anna 8'));
    // Nor would a rule help that somebody wrote into the table by hand.
    await lab.sql`insert into learned_rules (agent, tenant, tool, payee, currency, up_to, until, approval, created_by, identity)
      values ('learning', '', 'wipe', 'anna', 'USD', 100, now() + interval '1 day', 'by-hand', 'mallory', 'unverified')`;
    await expectAsked(await begin('learning', 'wipe anna 8'));
  });
});

describe('the first time', () => {
  test('the first refund to a payee is asked about, the next one is not; another payee is', async () => {
    const row = await expectAsked(await begin('payees', 'refund anna 10'));
    expect(row.rule).toBe('first time');
    await expectAllowed(await begin('payees', 'refund anna 12'));
    await expectAsked(await begin('payees', 'refund bert 8'));
    await expectAsked(await begin('payees', 'refund anna 8', { tenant: 'shop-2' }));
    expect(paid).toEqual(['refund anna 10', 'refund anna 12', 'refund bert 8', 'refund anna 8']);
  });

  test('what was asked for and rejected has not been done: it is asked about again', async () => {
    const handle = await begin('payees', 'refund dora 1');
    const row = await openRequest(lab, handle);
    const { workflowId } = handle;
    await holdfast.decideNow({ workflowId, approval: row.id, kind: 'reject', by: 'boss', reason: 'no' });
    await handle.result();
    await expectAsked(await begin('payees', 'refund dora 1'));
    expect(paid).toEqual(['refund dora 1']);
  });

  test('the first use of a tool by a release is asked about, and by the next release again', async () => {
    await expectAsked(await begin('uses', 'refund anna 10'));
    await expectAllowed(await begin('uses', 'refund bert 8'));
    const next = uses('Do what is asked, kindly.');
    await lab.stopWorker();
    await lab.startWorker([...AGENTS.filter(({ release }) => release.agent !== 'uses'), next]);
    await expectAllowed(await begin('uses', 'refund bert 8'));
    const release = releaseHash(next.release);
    await promoteRelease(lab.sql, { agent: 'uses', channel: 'live', release, by: 'boss' });
    await expectAsked(await begin('uses', 'refund bert 8'));
    await expectAllowed(await begin('uses', 'refund anna 10'));
  });
});

describe('rules of the start', () => {
  const only = (answer: Rule['answer']): readonly Rule[] => [
    { name: 'mine', match: { tools: ['refund'] }, answer },
  ];

  test('a denial wins over what the release allows, and the model reads why', async () => {
    const reason = 'This customer gets no refunds. Tell them to call.';
    lab.model.add(
      script('refund denied', [
        call('refund', 'anna 10'),
        say('please call', { results: [{ tool: 'refund', isError: true, contains: reason }] }),
      ]),
    );
    await expectAllowed(await begin('open', 'refund anna 10'));
    paid = [];
    const handle = await begin('open', 'refund denied', { policy: only({ kind: 'deny', reason }) });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'please call' });
    expect(paid).toEqual([]);
    expect(await effectsOf(lab, handle)).toEqual([]);
    expect(lab.model.problems).toEqual([]);
  });

  test('a question is asked although the release allows, and over a learned yes', async () => {
    const row = await expectAsked(await begin('open', 'refund anna 10', { policy: only(ask) }));
    expect(row.rule).toBe('run:mine');
    const taught = await begin('learning', 'refund dora 1');
    await approve(taught, await openRequest(lab, taught), 30);
    await taught.result();
    await expectAllowed(await begin('learning', 'refund dora 1'));
    await expectAsked(await begin('learning', 'refund dora 1', { policy: only(ask) }));
  });

  test('one that allows is no rule of a start', async () => {
    const handle = await begin('open', 'refund anna 10', { policy: only({ kind: 'allow' }) });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'bad_start' } });
    expect(paid).toEqual([]);
  });
});

test('the command line lists what was learned, and revokes it', async () => {
  const [rule] = await listRules(lab.sql, { all: false, limit: 10 });
  expect((await cli(lab, ['rules'])).stdout).toContain(rule?.payee);
  const revoked = await cli(lab, ['rules', 'revoke', rule?.id ?? '', '--by', 'boss', '--reason', 'a test']);
  expect(revoked).toMatchObject({ code: 0 });
  expect((await listRules(lab.sql, { all: false, limit: 10 })).map(({ id }) => id)).not.toContain(rule?.id);
});
