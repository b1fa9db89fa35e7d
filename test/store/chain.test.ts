import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Hash, RunId } from '../../src/core/ids.ts';
import type { Head } from '../../src/core/state.ts';
import { type AuditRow, firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { headOf, link, loadBlobs, loadChain, storeBlobs } from '../../src/store/chain.ts';
import { hashText } from '../../src/store/hash.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let runs = 0;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

const newRun = () => `rchain${runs++}` as RunId;
const ROWS = 6;

describe('the audit chain', () => {
  async function audited(): Promise<RunId> {
    const run = newRun();
    for (let i = 1; i <= ROWS; i++) await append(run, `event_${i}`);
    return run;
  }
  const append = (run: RunId, event: string) =>
    database.sql`select audit_append(${run}, ${event}, ${`${run}/1/0`}, ${JSON.stringify({ by: 'zoë', n: 1.5, list: [null, 'a\nb'] })}::text::jsonb)`;
  const brokenIn = async (run: RunId) => firstBrokenRow(run, await readAudit(database.sql, run));

  test('what the database wrote verifies in the reader, whatever the facts hold', async () => {
    expect(await brokenIn(await audited())).toBeNull();
  });

  test('rows that are written at once follow each other without a gap', async () => {
    const run = newRun();
    await Promise.all(Array.from({ length: 30 }, (_, i) => append(run, `event_${i}`)));
    expect(await readAudit(database.sql, run)).toHaveLength(30);
    expect(await brokenIn(run)).toBeNull();
  });

  test.each([
    ['event', `event = 'nothing happened'`],
    ['key', `key = 'r/9/9'`],
    ['facts', `facts = replace(facts, 'zoë', 'max')`],
    ['time', 'at_us = at_us - 1'],
    ['hash', `hash = repeat('0', 64)`],
  ])('catches an edited %s', async (_, change) => {
    const run = await audited();
    await database.sql.unsafe(`update audit set ${change} where run = $1 and seq = 3`, [run]);
    expect(await brokenIn(run)).toBe(3);
  });

  test.each([1, 3])('catches that row %i was removed, and also when the rest is renumbered', async (seq) => {
    const run = await audited();
    await database.sql`delete from audit where run = ${run} and seq = ${seq}`;
    expect(await brokenIn(run)).toBe(seq + 1);
    for (let next = seq + 1; next <= ROWS; next++)
      await database.sql`update audit set seq = seq - 1 where run = ${run} and seq = ${next}`;
    expect(await brokenIn(run)).toBe(seq);
  });

  test('catches two rows that changed places', async () => {
    const run = await audited();
    await database.sql`update audit set seq = 99 where run = ${run} and seq = 2`;
    await database.sql`update audit set seq = 2 where run = ${run} and seq = 3`;
    await database.sql`update audit set seq = 3 where run = ${run} and seq = 99`;
    expect(await brokenIn(run)).toBe(2);
  });

  test('catches a row that was slipped in, even one whose own hash is right', async () => {
    const run = await audited();
    for (let seq = ROWS; seq >= 4; seq--)
      await database.sql`update audit set seq = seq + 1 where run = ${run} and seq = ${seq}`;
    const before = (await readAudit(database.sql, run))[2];
    const text = [before?.hash, 4, 1, 'forged', 'k', '{}'].join('\n');
    await database.sql`
      insert into audit (run, seq, at_us, event, key, facts, hash) values (${run}, 4, 1, 'forged', 'k', '{}', ${hashText(text)})`;
    expect(await brokenIn(run)).toBe(5);
  });

  test('catches rows of another run', async () => {
    const run = await audited();
    await database.sql`update audit set run = 'rother' where run = ${run}`;
    expect(await brokenIn('rother' as RunId)).toBe(1);
  });

  test('any single change of any stored value is caught', async () => {
    const rows = await readAudit(database.sql, await audited());
    const run = `rchain${runs - 1}`;
    expect(firstBrokenRow(run, rows)).toBeNull();
    const field = fc.constantFrom<keyof AuditRow>('seq', 'at_us', 'event', 'key', 'facts', 'hash');
    fc.assert(
      fc.property(fc.nat({ max: ROWS - 1 }), field, fc.integer(), fc.string(), (at, name, number, text) => {
        const was = rows[at]?.[name];
        const value = typeof was === 'number' ? number : text;
        fc.pre(value !== was);
        const changed = rows.map((row, i) => (i === at ? { ...row, [name]: value } : row));
        expect(firstBrokenRow(run, changed)).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});

describe('the conversation chain', () => {
  const RELEASE = hashText('release');
  /** Three messages; returns the head. */
  async function talked(): Promise<{ readonly run: RunId; readonly head: Head }> {
    const run = newRun();
    let head: Head | null = null;
    for (const [i, text] of ['hello', 'hi', 'bye'].entries()) {
      const message = {
        role: i % 2 === 0 ? 'user' : 'assistant',
        content: [{ type: 'text', text }],
      } as const;
      const node = link(RELEASE, head, message);
      await database.sql`
        insert into nodes (run, hash, seq, parent, role, body)
        values (${run}, ${node.hash}, ${node.seq}, ${node.parent}, ${message.role}, ${node.body})`;
      head = headOf(node);
    }
    if (head === null) throw new Error('no head');
    return { run, head };
  }

  test('comes back in order, without what nobody points to', async () => {
    const { run, head } = await talked();
    const orphan = link(RELEASE, null, { role: 'user', content: [{ type: 'text', text: 'orphan' }] });
    await database.sql`
      insert into nodes (run, hash, seq, parent, role, body)
      values (${run}, ${orphan.hash}, 1, ${orphan.parent}, 'user', ${orphan.body})`;
    const texts = (await loadChain(database.sql, run, head)).map((node) => node.message.content[0]);
    expect(texts).toMatchObject([{ text: 'hello' }, { text: 'hi' }, { text: 'bye' }]);
    expect(await loadChain(database.sql, run, null)).toEqual([]);
  });

  test.each([
    [
      'edited bytes',
      `update nodes set body = replace(body, 'hi', 'no') where run = $1 and seq = 2`,
      'does not have the bytes',
    ],
    [
      'another parent',
      `update nodes set parent = repeat('0', 64) where run = $1 and seq = 2`,
      'does not have the bytes',
    ],
    ['a removed first node', 'delete from nodes where run = $1 and seq = 1', 'is missing'],
    ['a removed node in the middle', 'delete from nodes where run = $1 and seq = 2', 'is missing'],
    ['a removed head', 'delete from nodes where run = $1 and seq = 3', 'is missing'],
    ['an edited hash', `update nodes set hash = repeat('0', 64) where run = $1 and seq = 2`, 'is missing'],
    ['nodes of another run', `update nodes set run = 'relsewhere' where run = $1`, 'is missing'],
  ])('a model is never sent %s', async (_, change, problem) => {
    const { run, head } = await talked();
    await database.sql.unsafe(change, [run]);
    await expect(loadChain(database.sql, run, head)).rejects.toThrow(problem);
  });
});

describe('blobs', () => {
  test('the same text is one blob; an edited, a missing and a foreign one are noticed', async () => {
    const run = newRun();
    const [hash = '' as Hash, same] = await storeBlobs(database.sql, run, ['text', 'text']);
    expect(same).toBe(hash);
    expect(await storeBlobs(database.sql, run, ['text'])).toEqual([hash]);
    expect((await loadBlobs(database.sql, run, [hash, hash])).get(hash)).toBe('text');
    await expect(loadBlobs(database.sql, newRun(), [hash])).rejects.toThrow('is missing');
    await database.sql`update blobs set body = 'test' where run = ${run}`;
    await expect(loadBlobs(database.sql, run, [hash])).rejects.toThrow('does not have the bytes');
    await database.sql`delete from blobs where run = ${run}`;
    await expect(loadBlobs(database.sql, run, [hash])).rejects.toThrow('is missing');
  });
});
