import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { callFacts } from '../../src/store/callFacts.ts';
import type { Sql } from '../../src/store/connection.ts';
import { claimEffect, settleEffect } from '../../src/store/ledger.ts';
import { type LearnedRule, listRules, revokeRule } from '../../src/store/rules.ts';
import { until } from '../e2e/lab.ts';
import {
  approvalOf,
  approved,
  decide,
  eventsOf,
  insertRun,
  KEYED,
  lapse,
  newInput,
  ofTenant,
  openApprovals,
  stateOf,
} from './claimInputs.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterAll(() => database[Symbol.asyncDispose]());

const DAY_MS = 86_400_000;
const LEARN: JsonObject = { by: 'anna', identity: 'signed', kind: 'approve', learn: { days: 30 } };
const PAID: Partial<ApprovalRecord> = { payee: 'card_1', amount: { value: 12.5, currency: 'USD' } };

/** An approval with "and from now on", recorded as the workflow does. */
async function teach(
  change: Partial<ApprovalRecord> = {},
  decision: JsonObject = LEARN,
  input: RunToolInput = newInput({ requester: ofTenant('acme') }),
): Promise<{ readonly input: RunToolInput; readonly rule: LearnedRule | undefined }> {
  await insertRun(sql, input);
  await openApprovals(sql, [input], { ...PAID, ...change });
  await decide(sql, input, 'approved', decision);
  return { input, rule: await ruleOf(input) };
}

async function ruleOf(input: RunToolInput): Promise<LearnedRule | undefined> {
  const rules = await listRules(sql, { all: true, limit: 1_000 });
  return rules.find((rule) => rule.approval === approvalOf(input));
}

/** The rule that the store finds for a call; by itself one that is covered by `rule`. */
async function covering(
  rule: LearnedRule,
  change: {
    readonly agent?: string;
    readonly tenant?: string | null;
    readonly tool?: string;
    readonly payee?: string | null;
    readonly amount?: { readonly value: number; readonly currency: string } | null;
  } = {},
): Promise<string | null> {
  const { key } = newInput();
  const { agent, tenant, tool, payee, amount } = { ...rule, amount: rule.upTo, ...change };
  const requester = { id: 'customer', tenant, roles: [] };
  const known = await callFacts(sql, { agent, requester }, [{ key, tool, payee, amount, classes: [] }]);
  return known.get(key)?.learned ?? null;
}

describe('an approver teaches a rule with an approval', () => {
  test('for this agent, tenant, tool, payee, currency and amount, for so many days', async () => {
    const { input, rule } = await teach();
    expect(rule).toMatchObject({
      state: 'active',
      agent: 'lab',
      tenant: 'acme',
      tool: 'note',
      payee: 'card_1',
      upTo: { value: 12.5, currency: 'USD' },
      approval: approvalOf(input),
      createdBy: 'anna',
      identity: 'signed',
    });
    const lifeMs = Date.parse(rule?.until ?? '') - Date.parse(rule?.createdAt ?? '');
    expect(Math.round(lifeMs / DAY_MS)).toBe(30);
    const audit = await readAudit(sql, input.run);
    expect(firstBrokenRow(input.run, audit)).toBeNull();
    expect(audit.map((row) => row.event)).toEqual(['approval_opened', 'approval_approved', 'rule_learned']);
    expect(JSON.parse(audit.at(-1)?.facts ?? '')).toMatchObject({
      rule: Number(rule?.id),
      by: 'anna',
      days: 30,
    });
  });

  test('also where the claim is what records the decision; and once, however often it is recorded', async () => {
    const input = newInput();
    await insertRun(sql, input);
    await openApprovals(sql, [input], PAID);
    expect((await claimEffect(sql, approved(input, LEARN), KEYED, true)).kind).toBe('run');
    await decide(sql, input, 'approved', LEARN);
    expect((await ruleOf(input))?.tenant).toBeNull();
    expect(await eventsOf(sql, input.run)).toEqual([
      'approval_opened',
      'approval_approved',
      'rule_learned',
      'effect_claimed',
    ]);
  });

  test('a decision that was recorded late does not last longer', async () => {
    const input = newInput();
    await insertRun(sql, input);
    await openApprovals(sql, [input], PAID);
    const early = new Date(Date.now() - 10 * DAY_MS);
    await sql`select decide_approval(${approvalOf(input)}, 'approved', ${JSON.stringify(LEARN)}::text::jsonb, ${early})`;
    expect(Date.parse((await ruleOf(input))?.until ?? '')).toBe(early.getTime() + 30 * DAY_MS);
  });

  test.each<[string, Partial<ApprovalRecord>, JsonObject]>([
    ['a destructive call', { tier: 'destructive' }, LEARN],
    ['a call whose tier nobody knows', { tier: null }, LEARN],
    ['a call that only the customer may agree to', { requesterMay: 'only' }, LEARN],
    ['a call that two must agree to', { quorum: 2 }, LEARN],
    ['a call without a payee', { payee: null }, LEARN],
    ['a call without an amount', { amount: null }, LEARN],
    ['a negative amount', { amount: { value: -1, currency: 'USD' } }, LEARN],
    ['a landing', { kind: 'landing' }, LEARN],
    ['no days', {}, { by: 'anna', learn: {} }],
    ['0 days', {}, { by: 'anna', learn: { days: 0 } }],
    ['91 days', {}, { by: 'anna', learn: { days: LIMITS.learnedRuleDaysMax + 1 } }],
    ['half a day', {}, { by: 'anna', learn: { days: 0.5 } }],
    ['days in words', {}, { by: 'anna', learn: { days: 'many' } }],
    ['nobody', {}, { learn: { days: 1 } }],
  ])(
    'never from %s: the approval stands, and the audit says why there is no rule',
    async (_, change, decision) => {
      const { input, rule } = await teach(change, decision);
      expect(rule).toBeUndefined();
      expect(await stateOf(sql, approvalOf(input))).toBe('approved');
      const audit = await readAudit(sql, input.run);
      expect(audit.at(-1)?.event).toBe('rule_not_learned');
      expect(JSON.parse(audit.at(-1)?.facts ?? '').why).toMatch(/\w+ \w+/);
    },
  );

  test('not from a rejection, whatever it says', async () => {
    const input = newInput();
    await insertRun(sql, input);
    await openApprovals(sql, [input], PAID);
    await decide(sql, input, 'rejected', LEARN);
    expect(await ruleOf(input)).toBeUndefined();
    expect(await eventsOf(sql, input.run)).toEqual(['approval_opened', 'approval_rejected']);
  });
});

describe('a rule covers what it was taught for and nothing else', () => {
  test('up to its amount, to the cent', async () => {
    const { rule } = await teach({ payee: 'exact' });
    if (rule === undefined) throw new Error('no rule');
    const usd = (value: number) => ({ amount: { value, currency: 'USD' } });
    expect(await covering(rule)).toBe(rule.id);
    expect(await covering(rule, usd(0))).toBe(rule.id);
    expect(await covering(rule, usd(12.500001))).toBeNull();
    expect(await covering(rule, usd(-1))).toBeNull();
    for (const other of [
      { agent: 'other' },
      { tenant: 'other' },
      { tenant: null },
      { tool: 'other' },
      { payee: 'other' },
      { payee: null },
      { amount: null },
      { amount: { value: 1, currency: 'EUR' } },
    ])
      expect([other, await covering(rule, other)]).toEqual([other, null]);
  });

  test('of several that cover a call the oldest answers, and the next when that is revoked', async () => {
    const [first, second] = [await teach({ payee: 'two' }), await teach({ payee: 'two' })];
    if (first.rule === undefined || second.rule === undefined) throw new Error('no rule');
    expect(await covering(second.rule)).toBe(first.rule.id);
    await revokeRule(sql, { id: first.rule.id, by: 'ben', reason: '' });
    expect(await covering(second.rule)).toBe(second.rule.id);
  });

  test('not after its time, which is the database’s', async () => {
    const { input, rule } = await teach({ payee: 'short' });
    if (rule === undefined) throw new Error('no rule');
    await sql`update learned_rules set until = clock_timestamp() where approval = ${approvalOf(input)}`;
    expect(await covering(rule)).toBeNull();
    expect((await ruleOf(input))?.state).toBe('expired');
    expect((await listRules(sql, { all: false, limit: 100 })).map((one) => one.id)).not.toContain(rule.id);
  });
});

describe('a rule still has to stand when the effect acts', () => {
  const under = (rule: LearnedRule | undefined, change: Partial<RunToolInput> = {}) =>
    newInput({ requester: ofTenant('acme'), learned: rule?.id ?? 'none', ...change });

  test('it runs, and the audit names the rule', async () => {
    const { rule } = await teach({ payee: 'stands' });
    const input = under(rule);
    expect((await claimEffect(sql, input, KEYED, true)).kind).toBe('run');
    const [row] = await readAudit(sql, input.run);
    expect(JSON.parse(row?.facts ?? '')).toMatchObject({ learned: Number(rule?.id), approval: null });
  });

  test.each<[string, string, Partial<RunToolInput>]>([
    ['revoked', "revoked_at = clock_timestamp(), revoked_by = 'ben'", {}],
    ['past its time', 'until = clock_timestamp()', {}],
    ['of another agent', "agent = 'other'", {}],
    ['of another tenant', "tenant = 'other'", {}],
    ['of another tool', "tool = 'other'", {}],
    ['gone', '', { learned: '999999999' }],
  ])('when it is %s: stale, nothing is done, and it may be claimed again', async (_, set, change) => {
    const { input: taught, rule } = await teach({ payee: `not ${set}` });
    if (set !== '')
      await sql.unsafe(`update learned_rules set ${set} where approval = '${approvalOf(taught)}'`);
    const input = under(rule, change);
    expect(await claimEffect(sql, input, KEYED, true)).toEqual({ kind: 'stale' });
    expect(await sql`select from effects where key = ${input.key}`).toHaveLength(0);
    const [row] = await readAudit(sql, input.run);
    expect([row?.event, JSON.parse(row?.facts ?? '').why]).toEqual([
      'effect_stale',
      'the learned rule does not stand',
    ]);
    // Prepared and judged again, a person allows it.
    expect((await claimEffect(sql, { ...input, learned: null }, KEYED, true)).kind).toBe('run');
  });

  test('what may have acted is finished, and what was done stays done', async () => {
    const { rule } = await teach({ payee: 'acted' });
    const [lost, done] = [under(rule), under(rule)];
    await claimEffect(sql, lost, KEYED, true);
    await lapse(sql, lost);
    await claimEffect(sql, done, KEYED, true);
    await settleEffect(sql, done.key, 1, { state: 'applied', result: '{}', facts: {}, blob: null });
    await revokeRule(sql, { id: rule?.id ?? '', by: 'ben', reason: '' });
    expect(await claimEffect(sql, lost, KEYED, true)).toMatchObject({ kind: 'run', fence: 2, doubt: true });
    expect((await claimEffect(sql, done, KEYED, true)).kind).toBe('settled');
  });
});

describe('revoking', () => {
  test('is once, audited, and shown', async () => {
    const { input, rule } = await teach({ payee: 'revoked' });
    const id = rule?.id ?? '';
    expect(await revokeRule(sql, { id, by: 'ben', reason: 'left us' })).toBe('revoked');
    expect(await revokeRule(sql, { id, by: 'eve', reason: 'again' })).toBe('revoked_before');
    for (const wrong of ['999999999', 'x', '', '1; drop', '99999999999999999999'])
      expect(await revokeRule(sql, { id: wrong, by: 'ben', reason: '' })).toBe('no_such_rule');
    expect(await ruleOf(input)).toMatchObject({ state: 'revoked', revokedBy: 'ben' });
    const audit = await readAudit(sql, 'rules');
    expect(firstBrokenRow('rules', audit)).toBeNull();
    const rows = audit.filter((row) => row.key === id);
    expect(rows.map((row) => [row.event, JSON.parse(row.facts)])).toEqual([
      ['rule_revoked', { by: 'ben', reason: 'left us', approval: approvalOf(input) }],
    ]);
  });

  test('waits for the claim that was let through under it, and no later one starts', async () => {
    const { rule } = await teach({ payee: 'race' });
    const id = rule?.id ?? '';
    const mine = () => newInput({ requester: ofTenant('acme'), learned: id });
    let revoked = false;
    let revoking: Promise<unknown> = Promise.resolve();
    await sql.begin(async (tx) => {
      expect((await claimEffect(tx as unknown as Sql, mine(), KEYED, true)).kind).toBe('run');
      revoking = revokeRule(sql, { id, by: 'ben', reason: '' }).then(() => {
        revoked = true;
      });
      await until('the revocation waits', async () => {
        const waits = await sql`
          select from pg_locks l join pg_database d on d.oid = l.database
          where not l.granted and l.locktype = 'advisory' and d.datname = current_database()`;
        return waits.length === 1;
      });
      expect(revoked).toBe(false);
    });
    await revoking;
    expect(await claimEffect(sql, mine(), KEYED, true)).toEqual({ kind: 'stale' });
  });
});

describe('holdfast rules', () => {
  test('lists those that stand, and with --all what became of the others', async () => {
    const [active, revoked] = [await teach({ payee: 'listed' }), await teach({ payee: 'delisted' })];
    const { out } = await holdfast(sql, ['rules']);
    expect(out).toMatch(/active +lab +acme +note +listed +12\.50 USD +\S+ \S+ +anna +rclaims/);
    expect(out).toContain('delisted');
    const said = await holdfast(sql, ['rules', 'revoke', revoked.rule?.id ?? '', '--by', 'ben']);
    expect(said.out).toContain(`revoked rule ${revoked.rule?.id}`);
    expect((await holdfast(sql, ['rules'])).out).not.toContain('delisted');
    const all = JSON.parse((await holdfast(sql, ['--json', 'rules', '--all'])).out);
    expect(all.rules).toContainEqual(expect.objectContaining({ id: revoked.rule?.id, state: 'revoked' }));
    expect(all.rules).toContainEqual(expect.objectContaining({ id: active.rule?.id, state: 'active' }));
  });

  test('says what is wrong', async () => {
    expect(await holdfast(sql, ['rules', 'revoke', '999999', '--by', 'ben'])).toMatchObject({
      exit: 'notFound',
      message: expect.stringContaining('there is no rule "999999"'),
    });
    expect((await holdfast(sql, ['rules', 'revoke', '1'])).exit).toBe('usage');
  });
});
