import { readdir, readFile } from 'node:fs/promises';
import type { Sql } from './connection.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number will do, as long as every Holdfast process uses the same. */
const LOCK = 7_263_011;

/**
 * Brings the store's schema up to date: plain SQL files in order of their names, each in a transaction, under an
 * advisory lock so that workers may start together. Returns the names that were applied now.
 */
export async function migrate(sql: Sql): Promise<readonly string[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK})`;
    await tx`create schema if not exists holdfast`;
    await tx`create table if not exists holdfast.migrations (name text primary key, applied_at timestamptz not null default now())`;
    const rows = await tx<{ name: string }[]>`select name from holdfast.migrations`;
    const applied = new Set(rows.map((row) => row.name));
    const missing = files.filter((name) => !applied.has(name));
    for (const name of missing) {
      await tx.unsafe(await readFile(new URL(name, FOLDER), 'utf8'));
      await tx`insert into holdfast.migrations (name) values (${name})`;
    }
    return missing;
  });
}
