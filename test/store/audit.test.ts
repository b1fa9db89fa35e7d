import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { newestAnchor, writeAnchor } from '../../src/store/anchors.ts';
import type { Sql } from '../../src/store/connection.ts';
import { type Fault, verifyAudit } from '../../src/store/integrity.ts';
import { append, appliedEffect, forge, forgeEdit, isAsKept, keep, restore } from './auditRows.ts';
import { openDatabase, type TestDatabase } from './database.ts';

const RUNS = ['ra', 'rb', 'rc', 'agent:support'];
const ROWS = 6;
/** Rows of a chain that anchors 1, 2 and 3 have seen. */
const SEEN = [3, 5, 6];

let database: TestDatabase;
let sql: Sql;
let kept: { readonly n: number; readonly hash: string };
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
  for (const [i, upTo] of SEEN.entries()) {
    for (const run of RUNS)
      for (let seq = (SEEN[i - 1] ?? 0) + 1; seq <= upTo; seq++)
        await append(sql, run, `event_${seq}`, { by: 'zoë', n: 1.5, list: [null, 'a\nb'] }, `key of\n${seq}`);
    // Chains that did not move are in no later anchor: `rd` is seen by the first alone.
    if (i === 0) await append(sql, 'rd', 'event_1');
    const anchor = await writeAnchor(sql, 0);
    expect(anchor).toMatchObject({ n: i + 1, heads: RUNS.length + (i === 0 ? 1 : 0) });
  }
  const newest = await newestAnchor(sql);
  if (newest === null) throw new Error('no anchor');
  kept = newest;
  await keep(sql);
});
afterEach(() => restore(sql));
afterAll(() => database[Symbol.asyncDispose]());

type Tamper = (sql: Sql) => Promise<unknown>;
const statement =
  (text: string): Tamper =>
  (on) =>
    on.unsafe(text);

/** Moves every anchor from `from` on to what the audit says now, as somebody would who knows how anchors are made. */
async function forgeAnchors(on: Sql, from: number): Promise<void> {
  await on`delete from anchored_heads where anchor >= ${from}`;
  await on`delete from anchors where n >= ${from}`;
  await on`update anchors set seen = '0'`;
  await writeAnchor(on, 0);
}

describe('P15 audit edited by hand', () => {
  test('the audit as it was written verifies, with every row in it', async () => {
    expect(await verifyAudit(sql)).toMatchObject({
      rows: RUNS.length * ROWS + 1,
      chains: RUNS.length + 1,
      anchors: SEEN.length,
      newestAnchor: { n: 3, hash: kept.hash },
      unanchored: { rows: 0, oldestUs: null },
      faults: [],
      faultCount: 0,
    });
    expect(await verifyAudit(sql, { kept })).toMatchObject({ faultCount: 0 });
    expect(await verifyAudit(sql, { run: 'rb', kept })).toMatchObject({ rows: ROWS, faultCount: 0 });
  });

  const row = (run: string, seq: number) => `where run = '${run}' and seq = ${seq}`;
  const EDITS: readonly (readonly [string, Tamper, Partial<Fault>])[] = [
    [
      'facts of a row',
      statement(`update audit set facts = replace(facts, 'zoë', 'max') ${row('rb', 3)}`),
      { kind: 'edited_row', run: 'rb', seq: 3 },
    ],
    [
      'facts that are no JSON any more',
      statement(`update audit set facts = '{' ${row('rb', 3)}`),
      { kind: 'edited_row', run: 'rb', seq: 3 },
    ],
    [
      'a time',
      statement(`update audit set at_us = at_us - 1 ${row('rb', 3)}`),
      { kind: 'edited_row', run: 'rb', seq: 3 },
    ],
    [
      'an event',
      statement(`update audit set event = 'nothing' ${row('rb', 1)}`),
      { kind: 'edited_row', run: 'rb', seq: 1 },
    ],
    [
      'a hash',
      statement(`update audit set hash = repeat('0', 64) ${row('rb', 6)}`),
      { kind: 'edited_row', run: 'rb', seq: 6 },
    ],
    [
      'words moved from one column to the next',
      statement(
        `update audit set event = event || E'\\nkey of', key = split_part(key, E'\\n', 2) ${row('rb', 3)}`,
      ),
      { kind: 'edited_row', run: 'rb', seq: 3 },
    ],
    [
      'two rows in each other’s place',
      statement(`
        update audit set seq = 99 ${row('rb', 2)};
        update audit set seq = 2 ${row('rb', 3)};
        update audit set seq = 3 where run = 'rb' and seq = 99`),
      { kind: 'edited_row', run: 'rb', seq: 2 },
    ],
    [
      'the first row gone',
      statement(`delete from audit ${row('rb', 1)}`),
      { kind: 'missing_row', run: 'rb', seq: 1 },
    ],
    [
      'a middle row gone',
      statement(`delete from audit ${row('rb', 4)}`),
      { kind: 'missing_row', run: 'rb', seq: 4 },
    ],
    [
      'a middle row gone that an anchor has seen',
      statement(`delete from audit ${row('rb', 3)}`),
      { kind: 'missing_row', run: 'rb', seq: 3 },
    ],
    [
      'a row gone and the rest renumbered',
      statement(`
        delete from audit ${row('rb', 4)};
        update audit set seq = 4 ${row('rb', 5)};
        update audit set seq = 5 ${row('rb', 6)}`),
      { kind: 'edited_row', run: 'rb', seq: 4 },
    ],
    [
      'the last row gone',
      statement(`delete from audit ${row('rb', 6)}`),
      { kind: 'cut_tail', run: 'rb', seq: 5, anchor: 3 },
    ],
    [
      'the tail cut',
      statement(`delete from audit where run = 'rb' and seq > 2`),
      { kind: 'cut_tail', run: 'rb', seq: 2, anchor: 1 },
    ],
    [
      'the tail cut and grown again',
      async (on) => {
        await on`delete from audit where run = 'rb' and seq > 2`;
        for (let i = 0; i < 6; i++) await append(on, 'rb', 'event_new');
        await writeAnchor(on, 0);
      },
      { kind: 'rewritten_chain', run: 'rb', seq: 3, anchor: 1 },
    ],
    [
      'a whole chain gone',
      statement(`delete from audit where run = 'rb'`),
      { kind: 'missing_chain', run: 'rb', seq: null, anchor: 1 },
    ],
    [
      'a chain gone that only an old anchor has seen',
      statement(`delete from audit where run = 'rd'`),
      { kind: 'missing_chain', run: 'rd', anchor: 1 },
    ],
    [
      'a chain under another name',
      statement(`update audit set run = 'rother' where run = 'rb'`),
      { kind: 'missing_chain', run: 'rb', anchor: 1 },
    ],
    [
      'a row slipped in whose own hash is right',
      async (on) => {
        for (let seq = ROWS; seq >= 4; seq--)
          await on`update audit set seq = seq + 1 where run = 'rb' and seq = ${seq}`;
        await on`
          insert into audit (run, seq, at_us, event, key, facts, hash)
          select run, 4, 1, 'forged', 'k', '{}',
            encode(sha256(convert_to(concat_ws(E'\n', hash, 4, 1, 'forged', 'k', '{}'), 'UTF8')), 'hex')
          from audit where run = 'rb' and seq = 3`;
      },
      { kind: 'edited_row', run: 'rb', seq: 5 },
    ],
    [
      'a whole chain rewritten with right hashes',
      (on) =>
        forgeEdit(on, 'rb', (rows) => rows.map((one) => (one.seq === 4 ? { ...one, facts: '{}' } : one))),
      { kind: 'rewritten_chain', run: 'rb', seq: 5, anchor: 2 },
    ],
    [
      'a chain shortened with right hashes',
      (on) => forgeEdit(on, 'rb', (rows) => rows.filter((one) => one.seq !== 2)),
      { kind: 'rewritten_chain', run: 'rb', seq: 3, anchor: 1 },
    ],
    ['a chain replaced by nothing', (on) => forge(on, 'rb', []), { kind: 'missing_chain', run: 'rb' }],
    [
      'an anchor’s hash',
      statement(`update anchors set hash = repeat('0', 64) where n = 2`),
      { kind: 'edited_anchor', anchor: 2 },
    ],
    [
      'an anchor’s time',
      statement('update anchors set at_us = at_us + 1 where n = 2'),
      { kind: 'edited_anchor', anchor: 2 },
    ],
    [
      'an anchor’s count',
      statement('update anchors set heads = 3 where n = 2'),
      { kind: 'edited_anchor', anchor: 2 },
    ],
    [
      'what an anchor has seen',
      statement(`update anchored_heads set hash = repeat('0', 64) where run = 'rb' and anchor = 2`),
      { kind: 'edited_anchor', anchor: 2 },
    ],
    [
      'one chain of an anchor gone',
      statement(`delete from anchored_heads where run = 'rb' and anchor = 2`),
      { kind: 'edited_anchor', anchor: 2 },
    ],
    [
      'the first anchor gone',
      statement('delete from anchors where n = 1'),
      { kind: 'missing_anchor', anchor: 1 },
    ],
    [
      'a middle anchor gone with all it has seen',
      statement('delete from anchors where n = 2; delete from anchored_heads where anchor = 2'),
      { kind: 'missing_anchor', anchor: 2 },
    ],
    [
      'the newest anchor gone',
      statement('delete from anchors where n = 3'),
      { kind: 'missing_anchor', anchor: 3 },
    ],
    ['all anchors gone', statement('delete from anchors'), { kind: 'missing_anchor', anchor: 1 }],
    [
      'an anchor before the first',
      statement(`insert into anchors values (0, 1, 0, 'x', '0')`),
      { kind: 'edited_anchor', anchor: 0 },
    ],
    [
      'a chain rewritten, and the anchors numbered anew from there without theirs being right',
      async (on) => {
        await forgeEdit(on, 'rb', (rows) => rows.slice(0, 4));
        await on`delete from anchored_heads where run = 'rb' and seq > 4`;
      },
      { kind: 'edited_anchor', anchor: 2 },
    ],
  ];

  test.each(EDITS)('%s', async (_, tamper, fault) => {
    await tamper(sql);
    const { faults, faultCount } = await verifyAudit(sql);
    expect(faults[0]).toMatchObject(fault);
    expect(faultCount).toBeGreaterThanOrEqual(faults.length);
    if (fault.run !== undefined)
      expect(await verifyAudit(sql, { run: fault.run ?? '' })).toMatchObject({ faults: [fault] });
  });

  const COVERED: readonly (readonly [string, Tamper, Partial<Fault>])[] = [
    [
      'the newest anchor gone with all it has seen',
      statement('delete from anchors where n = 3; delete from anchored_heads where anchor = 3'),
      { kind: 'missing_anchor', anchor: 3 },
    ],
    [
      'audit and anchors rewritten together',
      async (on) => {
        await forgeEdit(on, 'rb', (rows) => rows.slice(0, 4));
        await on`delete from anchored_heads where anchor = 3`;
        await on`delete from anchors where n = 3`;
        await forgeAnchors(on, 2);
        await append(on, 'rb', 'event_new');
        await writeAnchor(on, 0);
      },
      { kind: 'rewritten_anchors', anchor: 3 },
    ],
    [
      'everything since an anchor undone',
      async (on) => {
        await on`delete from audit where seq = 6`;
        await on`delete from anchored_heads where anchor = 3`;
        await on`delete from anchors where n = 3`;
      },
      { kind: 'missing_anchor', anchor: 3 },
    ],
  ];

  test.each(COVERED)(
    '%s: shown by an anchor that was kept elsewhere, and by nothing else',
    async (_, tamper, fault) => {
      await tamper(sql);
      expect(await verifyAudit(sql)).toMatchObject({ faultCount: 0 });
      const { faults } = await verifyAudit(sql, { kept });
      expect(faults[0]).toMatchObject(fault);
    },
  );

  test('an anchor that is gone with all it has seen leaves rows behind that nobody vouches for', async () => {
    await sql`delete from anchors where n = 3`;
    await sql`delete from anchored_heads where anchor = 3`;
    expect(await verifyAudit(sql)).toMatchObject({ unanchored: { rows: RUNS.length } });
  });

  test('more broken chains than are named are counted', async () => {
    for (let i = 0; i < 30; i++) await append(sql, `rmany${i}`, 'event');
    await sql`update audit set facts = '{}' where run like 'rmany%'`;
    const { faults, faultCount } = await verifyAudit(sql);
    expect(faults).toHaveLength(20);
    expect(faultCount).toBe(30);
  });

  test('any tampering at random is noticed', async () => {
    const chain = fc.constantFrom(...RUNS);
    const seq = fc.integer({ min: 1, max: ROWS });
    const anchor = fc.integer({ min: 1, max: SEEN.length });
    const word = fc.oneof(fc.constantFrom('', '0', 'x'), fc.constant('f'.repeat(64)));
    const number = fc.integer({ min: -2, max: 9 });
    const act: fc.Arbitrary<Tamper> = fc.oneof(
      fc.tuple(fc.constantFrom('event', 'key', 'facts', 'hash'), chain, seq, word).map(
        ([column, run, at, text]): Tamper =>
          (on) =>
            on.unsafe(`update audit set ${column} = $1 where run = $2 and seq = $3`, [text, run, at]),
      ),
      fc.tuple(chain, seq, number).map(
        ([run, at, by]): Tamper =>
          (on) =>
            on`update audit set at_us = at_us + ${by} where run = ${run} and seq = ${at}`,
      ),
      fc.tuple(chain, seq).map(
        ([run, at]): Tamper =>
          (on) =>
            on`delete from audit where run = ${run} and seq = ${at}`,
      ),
      fc.tuple(chain, seq).map(
        ([run, at]): Tamper =>
          (on) =>
            on`delete from audit where run = ${run} and seq >= ${at}`,
      ),
      fc.tuple(chain, seq).map(
        ([run, at]): Tamper =>
          (on) =>
            forgeEdit(on, run, (rows) => rows.filter((one) => one.seq !== at)),
      ),
      fc.tuple(chain, seq, word).map(
        ([run, at, event]): Tamper =>
          (on) =>
            forgeEdit(on, run, (rows) => rows.map((one) => (one.seq === at ? { ...one, event } : one))),
      ),
      fc.tuple(chain, chain).map(
        ([run, other]): Tamper =>
          (on) =>
            on`delete from audit where run = ${run} and exists (select from audit a where a.run = ${other} and a.run <> audit.run)`,
      ),
      fc.tuple(fc.constantFrom('at_us', 'heads'), anchor, number).map(
        ([column, n, by]): Tamper =>
          (on) =>
            on.unsafe(`update anchors set ${column} = ${column} + $1 where n = $2`, [by, n]),
      ),
      fc.tuple(anchor, word).map(
        ([n, hash]): Tamper =>
          (on) =>
            on`update anchors set hash = ${hash} where n = ${n}`,
      ),
      anchor.map(
        (n): Tamper =>
          (on) =>
            on`delete from anchors where n = ${n}`,
      ),
      fc.tuple(chain, anchor, word).map(
        ([run, n, hash]): Tamper =>
          (on) =>
            on`update anchored_heads set hash = ${hash} where run = ${run} and anchor = ${n}`,
      ),
      fc.tuple(chain, anchor).map(
        ([run, n]): Tamper =>
          (on) =>
            on`delete from anchored_heads where run = ${run} and anchor = ${n}`,
      ),
    );
    let tampered = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 3 }), async (acts) => {
        await restore(sql);
        for (const one of acts) await one(sql);
        if (await isAsKept(sql)) return;
        tampered++;
        expect((await verifyAudit(sql)).faultCount).toBeGreaterThan(0);
      }),
      { numRuns: 150, verbose: fc.VerbosityLevel.Verbose },
    );
    expect(tampered).toBeGreaterThan(100);
  });
});

describe('what is on record has its words in the audit', () => {
  test('an effect, its approval and the end of its run verify', async () => {
    const { key } = await appliedEffect(sql, 'rwhole');
    await sql`insert into runs (run, workflow_id, agent, requester, state, outcome, ended_at)
      values ('rwhole', 'w', 'a', 'c', 'ended', 'completed', now())`;
    await append(sql, 'rwhole', 'run_ended', { outcome: 'completed' }, '');
    expect(await verifyAudit(sql)).toMatchObject({ faultCount: 0 });
    expect(key).toBe('rwhole/1/0');
    await forget('rwhole');
  });

  test.each([
    ['effect_claimed', 'has no row of its claim'],
    ['effect_applied', 'has no row of its result'],
    ['approval_approved', 'has no yes to it before the claim'],
    ['approval_opened', 'has no row that it was opened'],
  ])('a chain from which %s was removed with right hashes contradicts the ledger', async (event, problem) => {
    const run = `r${event.replace('_', '')}`;
    await appliedEffect(sql, run);
    await forgeEdit(sql, run, (rows) => rows.filter((one) => one.event !== event));
    const { faults } = await verifyAudit(sql);
    expect(faults).toContainEqual({
      kind: 'unaudited',
      run,
      seq: null,
      anchor: null,
      problem: expect.stringContaining(problem),
    });
    expect(await verifyAudit(sql, { run: 'rb' })).toMatchObject({ faultCount: 0 });
    await forget(run);
  });

  test('a yes that came after the claim does not count', async () => {
    await appliedEffect(sql, 'rlate');
    await forgeEdit(sql, 'rlate', ([opened, approved, claimed, ...rest]) =>
      [opened, claimed, approved, ...rest].filter((one) => one !== undefined),
    );
    const { faults } = await verifyAudit(sql);
    expect(faults).toMatchObject([{ kind: 'unaudited', run: 'rlate' }]);
    await forget('rlate');
  });

  test('a chain that is gone before an anchor saw it leaves effects, approvals and an end without a word', async () => {
    await appliedEffect(sql, 'rgone');
    await sql`insert into runs (run, workflow_id, agent, requester, state, outcome, ended_at)
      values ('rgone', 'w', 'a', 'c', 'ended', 'completed', now())`;
    await sql`delete from audit where run = 'rgone'`;
    const { faults } = await verifyAudit(sql);
    expect(faults.map((fault) => fault.problem)).toEqual([
      expect.stringContaining('effect rgone/1/0 (refund) was applied'),
      expect.stringContaining('is approved, and the audit has no row that it was approved'),
      expect.stringContaining('is approved, and the audit has no row that it was opened'),
      expect.stringContaining('the run ended (completed)'),
    ]);
    await forget('rgone');
  });

  async function forget(run: string): Promise<void> {
    await sql`delete from effects where run = ${run}`;
    await sql`delete from approvals where run = ${run}`;
    await sql`delete from runs where run = ${run}`;
  }
});
