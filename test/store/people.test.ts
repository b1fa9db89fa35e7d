import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunId } from '../../src/core/ids.ts';
import type { Person } from '../../src/people/directory.ts';
import {
  importPeople,
  listPeople,
  removePerson,
  setPerson,
  storeDirectory,
} from '../../src/people/storeDirectory.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { useEnvelopes } from '../../src/store/envelopes.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

const person = (id: string, more: Partial<Person> = {}): Person => ({
  id,
  name: id,
  kind: 'person',
  tenant: null,
  roles: [],
  active: true,
  ...more,
});

async function auditOf(id: string): Promise<readonly { readonly event: string; readonly facts: unknown }[]> {
  const rows = await readAudit(database.sql, 'people');
  expect(firstBrokenRow('people', rows)).toBeNull();
  return rows
    .filter((row) => row.key === id)
    .map((row) => ({ event: row.event, facts: JSON.parse(row.facts) }));
}

describe('people', () => {
  test('are added and changed by what is named, and every change is audited with before and after', async () => {
    const { sql } = database;
    expect(await setPerson(sql, 'anna', { roles: ['approver'], tenant: 'shop-1' }, 'olga')).toMatchObject({
      change: 'added',
    });
    const changed = await setPerson(sql, 'anna', { name: 'Anna B.' }, 'olga');
    expect(changed).toEqual({
      change: 'changed',
      person: person('anna', { name: 'Anna B.', roles: ['approver'], tenant: 'shop-1' }),
    });
    expect(await setPerson(sql, 'anna', { roles: ['approver'] }, 'olga')).toMatchObject({ change: 'same' });
    expect(await setPerson(sql, 'anna', { roles: [], tenant: null }, 'bert')).toMatchObject({
      change: 'changed',
    });
    const first = { kind: 'person', tenant: 'shop-1', roles: ['approver'], active: true };
    const last = { kind: 'person', tenant: null, roles: [], active: true };
    expect(await auditOf('anna')).toEqual([
      { event: 'person_set', facts: { by: 'olga', before: null, after: first } },
      { event: 'person_set', facts: { by: 'olga', before: first, after: first } },
      { event: 'person_set', facts: { by: 'bert', before: first, after: last } },
    ]);
    expect((await storeDirectory(sql).find(['anna', 'nobody'])).get('anna')).toMatchObject({
      name: 'Anna B.',
      roles: [],
      updatedBy: 'bert',
    });
  });

  test('are removed, stay known as removed, and come back by being set', async () => {
    const { sql } = database;
    await setPerson(sql, 'carl', { roles: ['approver'] }, 'olga');
    expect(await removePerson(sql, 'carl', 'olga')).toBe('removed');
    expect(await removePerson(sql, 'carl', 'olga')).toBe('same');
    expect(await removePerson(sql, 'nobody', 'olga')).toBeNull();
    expect((await storeDirectory(sql).find(['carl'])).get('carl')).toMatchObject({ active: false });
    const ids = async (all: boolean) => (await listPeople(sql, { all, limit: 100 })).map((row) => row.id);
    expect(await ids(false)).not.toContain('carl');
    expect(await ids(true)).toContain('carl');
    expect(await setPerson(sql, 'carl', {}, 'olga')).toMatchObject({ change: 'changed' });
    expect((await storeDirectory(sql).find(['carl'])).get('carl')).toMatchObject({
      active: true,
      roles: ['approver'],
    });
    expect((await auditOf('carl')).map(({ event }) => event)).toEqual([
      'person_set',
      'person_removed',
      'person_set',
    ]);
  });

  test('changed at once by two, nothing of either is lost', async () => {
    const { sql } = database;
    await setPerson(sql, 'dora', {}, 'olga');
    await Promise.all([
      ...Array.from({ length: 5 }, () => setPerson(sql, 'dora', { roles: ['approver'] }, 'olga')),
      ...Array.from({ length: 5 }, () => setPerson(sql, 'dora', { tenant: 'shop-9' }, 'bert')),
    ]);
    expect((await storeDirectory(sql).find(['dora'])).get('dora')).toMatchObject({
      roles: ['approver'],
      tenant: 'shop-9',
    });
    expect(await auditOf('dora')).toHaveLength(3);
  });

  test('a person of no kind is not written, and leaves no trace', async () => {
    const odd = setPerson(database.sql, 'odd', { kind: 'robot' as never }, 'olga');
    await expect(odd).rejects.toThrow(/people_kind_check/);
    expect(await auditOf('odd')).toEqual([]);
  });
});

describe('an import', () => {
  test('adds and changes; with replace it removes whom it does not name', async () => {
    await using other = await openDatabase(inject('databaseUrl'));
    const { sql } = other;
    const options = { by: 'olga', replace: false };
    const people = [person('a', { roles: ['x', 'y'] }), person('b', { tenant: 't' }), person('c')];
    expect(await importPeople(sql, people, options)).toEqual({ added: 3, changed: 0, removed: 0, same: 0 });
    expect(await importPeople(sql, people, options)).toEqual({ added: 0, changed: 0, removed: 0, same: 3 });
    const next = [person('a', { roles: ['x'] }), person('c', { active: false }), person('d')];
    expect(await importPeople(sql, next, options)).toEqual({ added: 1, changed: 1, removed: 1, same: 0 });
    expect((await storeDirectory(sql).find(['b'])).get('b')).toMatchObject({ active: true });
    expect(await importPeople(sql, next, { ...options, replace: true })).toEqual({
      added: 0,
      changed: 0,
      removed: 1,
      same: 3,
    });
    const active = await listPeople(sql, { all: false, limit: 10 });
    expect(active.map((row) => row.id)).toEqual(['a', 'd']);
    const rows = await readAudit(sql, 'people');
    expect(firstBrokenRow('people', rows)).toBeNull();
    expect(rows).toHaveLength(7);
    // Whoever edits the trail by hand is seen.
    await sql`update audit set facts = replace(facts, '"olga"', '"bert"') where run = 'people' and seq = 4`;
    expect(firstBrokenRow('people', await readAudit(sql, 'people'))).toBe(4);
  });

  test('is all or nothing', async () => {
    const { sql } = database;
    const people = [person('e1'), person('e2', { kind: 'robot' as never })];
    await expect(importPeople(sql, people, { by: 'olga', replace: true })).rejects.toThrow();
    expect((await storeDirectory(sql).find(['e1', 'e2'])).size).toBe(0);
    expect((await storeDirectory(sql).find(['anna'])).get('anna')).toMatchObject({ active: true });
  });

  test('of nobody changes nobody', async () => {
    expect(await importPeople(database.sql, [], { by: 'olga', replace: false })).toEqual({
      added: 0,
      changed: 0,
      removed: 0,
      same: 0,
    });
  });
});

describe('envelopes', () => {
  const run = (n: number) => `r${String(n).padStart(20, '0')}` as RunId;
  const envelope = (n: number, signature: string) => ({ n, signature, expiresAtMs: Date.now() + 1_000 });

  test('count once, for the message that came first; asked again, the answer is the same', async () => {
    const { sql } = database;
    const batch = [envelope(1, 'aa'), envelope(2, 'bb'), envelope(3, 'aa')];
    for (let attempt = 1; attempt <= 2; attempt++)
      expect([...(await useEnvelopes(sql, run(1), batch))]).toEqual([3]);
    expect([...(await useEnvelopes(sql, run(1), [envelope(4, 'bb'), envelope(5, 'cc')]))]).toEqual([4]);
    expect([...(await useEnvelopes(sql, run(2), [envelope(1, 'aa')]))]).toEqual([1]);
    expect([...(await useEnvelopes(sql, run(2), []))]).toEqual([]);
  });

  test('used in two places at once, one of them counts', async () => {
    const { sql } = database;
    const signatures = Array.from({ length: 20 }, (_, i) => `at-once-${i}`);
    const answers = await Promise.all(
      [3, 4].map((n) =>
        useEnvelopes(
          sql,
          run(n),
          (n === 3 ? signatures : [...signatures].reverse()).map((signature, i) =>
            envelope(i + 1, signature),
          ),
        ),
      ),
    );
    expect(answers.map((answer) => answer.size).reduce((sum, one) => sum + one, 0)).toBe(20);
  });

  test('are forgotten long after they expired', async () => {
    const { sql } = database;
    const gone = Date.now() - 31 * 86_400_000;
    await useEnvelopes(sql, run(5), [{ n: 1, signature: 'old', expiresAtMs: gone }]);
    await useEnvelopes(sql, run(5), [envelope(2, 'new')]);
    const left = await sql`select signature from used_envelopes where run = ${run(5)}`;
    expect(left.map((row) => row.signature)).toEqual(['new']);
  });
});
