import { readdirSync } from 'node:fs';
import { describe, expect, inject, test } from 'vitest';
import { connect } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from './database.ts';

const FILES = readdirSync(new URL('../../src/store/migrations/', import.meta.url)).sort();
const TABLES = ['answers', 'approvals', 'audit', 'effects', 'evidence', 'model_attempts', 'nodes', 'runs'];

describe('the schema comes up by itself', () => {
  test('ten workers that start together on an empty database all succeed, and one of them did the work', async () => {
    await using database = await openDatabase(inject('databaseUrl'), { migrated: false });
    const pools = Array.from({ length: 10 }, () => connect(database.url, { maxConnections: 1 }));
    try {
      const applied = await Promise.all(pools.map((pool) => migrate(pool)));
      expect(applied.filter((names) => names.length > 0)).toEqual([FILES]);
    } finally {
      await Promise.all(pools.map((pool) => pool.end({ timeoutMs: 5_000 })));
    }
    expect(await tablesOf(database.sql)).toEqual(expect.arrayContaining(TABLES));
  });

  test('a second run applies nothing and touches nothing', async () => {
    await using database = await openDatabase(inject('databaseUrl'));
    await database.sql`insert into switches (name, reason, set_by) values ('fleet', 'kept', 'boss')`;
    const before = await database.sql`select name, applied_at from migrations`;
    expect(await migrate(database.sql)).toEqual([]);
    expect(await database.sql`select name, applied_at from migrations`).toEqual(before);
    expect(await database.sql`select reason from switches`).toMatchObject([{ reason: 'kept' }]);
  });

  test('a file that was changed after it was applied is refused, and nothing is touched', async () => {
    await using database = await openDatabase(inject('databaseUrl'));
    await database.sql`update migrations set hash = repeat('0', 64)`;
    await expect(migrate(database.sql)).rejects.toThrow('0001_trunk.sql was changed after it was applied');
  });

  test('a migration that fails in the middle leaves nothing half done, and runs whole once the cause is gone', async () => {
    await using database = await openDatabase(inject('databaseUrl'), { migrated: false });
    // The name is taken, so the file fails after it has created the tables before this one.
    await database.sql`create schema holdfast`;
    await database.sql`create table holdfast.audit ()`;
    await expect(migrate(database.sql)).rejects.toThrow('relation "audit" already exists');
    expect(await tablesOf(database.sql)).toEqual(['audit']);
    await database.sql`drop table holdfast.audit`;
    expect(await migrate(database.sql)).toEqual(FILES);
    expect(await tablesOf(database.sql)).toEqual(expect.arrayContaining(TABLES));
  });
});

async function tablesOf(sql: Awaited<ReturnType<typeof openDatabase>>['sql']): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'holdfast' order by 1`;
  return rows.map((row) => row.name);
}
