import pc from 'picocolors';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { inboxText, type ShownInbox } from '../../src/commands/inbox.ts';
import { type ApprovalRecord, decideApproval, parseDecision } from '../../src/core/approvals.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Approvers } from '../../src/core/policy.ts';
import { personFault } from '../../src/people/directory.ts';
import { setPerson } from '../../src/people/storeDirectory.ts';
import type { Sql } from '../../src/store/connection.ts';
import { listInbox } from '../../src/store/inbox.ts';
import { remindApprovals } from '../../src/store/notices.ts';
import { insertApprovals, insertDecisions } from '../../src/store/records.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { handOverOne, newRun, opening, record } from './noticeParts.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

const HOUR_MS = 3_600_000;

/** A run of a tenant with one open request; returns the request's record. */
async function ask(
  sql: Sql,
  different: Partial<ApprovalRecord>,
  tenant: string | null = null,
): Promise<ApprovalRecord> {
  const run = newRun();
  await sql`insert into runs (run, workflow_id, agent, requester, tenant, state)
    values (${run}, ${`wf-${run}`}, 'support', ${different.requester ?? 'c1'}, ${tenant}, 'waiting')`;
  const one = record(run, { requester: 'c1', ...different });
  await insertApprovals(sql, opening(run, [one]));
  return one;
}

/** As a run notes it: only what closes a request is put under its id. */
async function vote(sql: Sql, one: ApprovalRecord, by: string, atMs = Date.now()): Promise<void> {
  const run = one.id.slice(0, one.id.indexOf('/')) as never;
  const decisions = [{ approval: '', state: 'vote', facts: { approval: one.id, by }, atMs }];
  await insertDecisions(sql, { run, decisions, state: null });
}

/** What the inbox says of everything that is open, by request. */
async function whyOf(sql: Sql, reader: Parameters<typeof listInbox>[1]) {
  const rows = await listInbox(sql, reader, { all: true, limit: LIMITS.listRows });
  return new Map(rows.map((row) => [row.id, row.why]));
}

async function empty(sql: Sql): Promise<void> {
  await sql`delete from approvals`;
  await sql`delete from people`;
}

describe('whose it is', () => {
  const NOBODY: Approvers = {};
  const APPROVERS: readonly Approvers[] = [
    NOBODY,
    { people: [], roles: [] },
    { people: ['anna'] },
    { people: ['bert'], roles: ['manager'] },
    { roles: ['manager', 'owner'] },
    { people: ['o"neil', 'by": "anna'] },
  ];
  const READERS = [
    { id: 'anna', roles: [], tenant: null },
    { id: 'anna', roles: ['manager'], tenant: 'shop-1' },
    { id: 'anna', roles: ['owner'], tenant: 'shop-2' },
    { id: 'c1', roles: [], tenant: null },
    { id: 'c1', roles: ['manager'], tenant: null },
    { id: 'o"neil', roles: ['clerk'], tenant: null },
  ] as const;

  test('is said exactly as the rules of approvals say it, for every combination', async () => {
    const { sql } = database;
    await empty(sql);
    const asked: { one: ApprovalRecord; tenant: string | null }[] = [];
    for (const approvers of APPROVERS)
      for (const requesterMay of ['not', 'too', 'only'] as const)
        for (const [tenant, voted] of [
          [null, []],
          ['shop-1', ['anna']],
          ['shop-1', ['by": "anna', 'annabel']],
        ] as const) {
          const quorum = 3;
          const one = await ask(sql, { approvers, requesterMay, quorum }, tenant);
          for (const by of voted) await vote(sql, one, by);
          const votes = voted.map((by) => ({
            by,
            channel: 'cli',
            identity: 'signed' as const,
            atMs: 1,
          }));
          asked.push({ one: { ...one, votes }, tenant });
        }
    let compared = 0;
    for (const reader of READERS) {
      const said = await whyOf(sql, reader);
      for (const { one, tenant } of asked) {
        const person = { ...reader, name: reader.id, kind: 'person' as const, active: true };
        expect([one.approvers, one.requesterMay, tenant, reader, said.get(one.id)]).toEqual([
          one.approvers,
          one.requesterMay,
          tenant,
          reader,
          personFault(person, tenant) ?? judged(one, reader),
        ]);
        compared++;
      }
    }
    expect(compared).toBe(54 * 6);
  });

  function judged(one: ApprovalRecord, reader: (typeof READERS)[number]): string | null {
    const decision = parseDecision({ approval: one.id, kind: 'approve', by: reader.id, channel: 'cli' });
    if (decision === null) throw new Error('no decision');
    const speaker = { identity: 'unverified' as const, roles: reader.roles };
    const outcome = decideApproval(one, decision, speaker, one.openedAtMs + 1);
    return outcome.kind === 'refused' ? outcome.why : null;
  }

  test.each([
    ['approved', { state: 'approved' }],
    ['past its deadline', { deadline: '2020-01-01' }],
  ])('what is %s waits for nobody, not even with --all', async (_, change) => {
    const { sql } = database;
    await empty(sql);
    const one = await ask(sql, { approvers: {} });
    expect((await whyOf(sql, READERS[0])).size).toBe(1);
    await sql`update approvals a set (state, deadline) = (select state, deadline
      from jsonb_populate_record(a, ${change})) where id = ${one.id}`;
    expect((await whyOf(sql, READERS[0])).size).toBe(0);
  });

  test('others do not fill the page: the limit counts what is mine', async () => {
    const { sql } = database;
    await empty(sql);
    for (let i = 0; i < 5; i++) await ask(sql, { approvers: { people: ['bert'] } });
    const mine = await ask(sql, { approvers: {}, deadlineMs: Date.now() + 2 * HOUR_MS });
    const rows = await listInbox(sql, READERS[0], { all: false, limit: 1 });
    expect(rows.map(({ id }) => id)).toEqual([mine.id]);
  });
});

describe('holdfast inbox', () => {
  const run = async (words: string): Promise<ShownInbox> => {
    const said = await holdfast(database.sql, ['inbox', ...words.split(' '), '--json']);
    expect(said.exit).toBeNull();
    return JSON.parse(said.out) as ShownInbox;
  };

  test('a vote whose commit was repeated, because its answer was lost, is one vote', async () => {
    const { sql } = database;
    await empty(sql);
    const one = await ask(sql, { quorum: 3 });
    for (const [by, atMs] of [
      ['anna', 1],
      ['anna', 1],
      ['bert', 1],
    ] as const)
      await vote(sql, one, by, atMs);
    const anybody = { id: 'cleo', roles: [], tenant: null };
    const [row] = await listInbox(sql, anybody, { all: true, limit: LIMITS.listRows });
    expect(row).toMatchObject({ id: one.id, votes: 2 });
  });

  test('every kind, the nearest deadline first, with votes, reminders and the time left', async () => {
    const { sql } = database;
    await empty(sql);
    const kinds = ['call', 'question', 'reconcile', 'landing', 'pause'] as const;
    const asked: ApprovalRecord[] = [];
    for (const [i, kind] of kinds.entries())
      asked.push(
        await ask(sql, { kind, approvers: {}, quorum: 2, deadlineMs: Date.now() + (9 - i) * HOUR_MS }),
      );
    const [first] = asked;
    if (first === undefined) throw new Error('nothing asked');
    await vote(sql, first, 'bert');
    const reminder = {
      run: first.id.slice(0, first.id.indexOf('/')) as never,
      due: [{ approval: first.id, reminded: true, escalatedTo: null, approvers: {} }],
    };
    await remindApprovals(sql, reminder as never, 'once-1');
    await remindApprovals(sql, reminder as never, 'once-2');
    const { requests } = await run('--as anna');
    expect(requests.map(({ kind }) => kind)).toEqual(kinds.toReversed());
    expect(requests[4]).toMatchObject({ id: first.id, votes: 1, reminded: 2, quorum: 2, why: null });
    for (const [i, { leftMs, ageMs }] of requests.entries()) {
      expect(leftMs).toBeGreaterThan((4 + i) * HOUR_MS);
      expect(leftMs).toBeLessThanOrEqual((5 + i) * HOUR_MS);
      expect(ageMs).toBeLessThan(60_000);
    }
    expect((await run('--as bert')).requests).toHaveLength(4);
    const all = (await run('--as bert --all')).requests;
    expect(all.map(({ why }) => why)).toEqual([null, null, null, null, 'already_voted']);
  });

  test('roles and tenant come from the directory, more roles from the command line', async () => {
    const { sql } = database;
    await empty(sql);
    const theirs = await ask(sql, { approvers: { roles: ['manager'] } }, 'shop-1');
    const other = await ask(sql, { approvers: { roles: ['manager'] } }, 'shop-2');
    expect((await run('--as anna')).requests).toEqual([]);
    await setPerson(sql, 'anna', { roles: ['manager'], tenant: 'shop-1' }, 'test');
    expect(await run('--as anna')).toMatchObject({ tenant: 'shop-1', requests: [{ id: theirs.id }] });
    expect((await run('--as bert --role manager')).requests.map(({ id }) => id).toSorted()).toEqual(
      [theirs.id, other.id].toSorted(),
    );
  });

  test('who is not active, or a service, has nothing to decide and is told so', async () => {
    const { sql } = database;
    await empty(sql);
    await ask(sql, { approvers: {} });
    await setPerson(sql, 'anna', { active: false }, 'test');
    await setPerson(sql, 'backend', { kind: 'service' }, 'test');
    for (const [name, words] of [
      ['anna', 'not active'],
      ['backend', 'service account'],
    ] as const) {
      const said = await holdfast(sql, ['inbox', '--as', name]);
      expect(said.out).toBe(`nothing waits for ${name}\n`);
      expect(said.notes).toContain(words);
    }
  });

  test('hand-overs of my tenant that nobody has accepted', async () => {
    const { sql } = database;
    await empty(sql);
    const mine = await handOverOne(sql);
    const theirs = await handOverOne(sql);
    await sql`update runs set tenant = case run when ${mine} then 'shop-1' else 'shop-2' end
      where run = any(${[mine, theirs]})`;
    await setPerson(sql, 'anna', { tenant: 'shop-1' }, 'test');
    expect((await run('--as anna')).handOvers.map((one) => one.run)).toEqual([mine]);
    expect((await run('--as bert')).handOvers.map((one) => one.run)).toEqual([mine, theirs]);
    const text = (await holdfast(sql, ['inbox', '--as', "o'neil"])).out;
    expect(text).toContain(`holdfast accept ${mine} --by 'o'\\''neil'`);
  });

  test('less than an hour is red on a terminal with colors', async () => {
    const { sql } = database;
    await empty(sql);
    await ask(sql, { approvers: {}, deadlineMs: Date.now() + 30 * 60_000 });
    await ask(sql, { approvers: {}, deadlineMs: Date.now() + 5 * HOUR_MS, summary: 'later' });
    const paint = pc.createColors(true);
    const text = inboxText(await run('--as anna'), paint);
    expect([29, 30].some((left) => text.includes(paint.red(`[${left} min left]`)))).toBe(true);
    expect(text).toContain(paint.yellow('[5 h left]'));
    expect(text).toContain('--by anna');
  });
});
