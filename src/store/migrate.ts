import { readdir, readFile } from 'node:fs/promises';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Any number will do, as long as every Holdfast process uses the same. */
const LOCK = 7_263_011;

/**
 * Brings the store's schema up to date: plain SQL files in order of their names, in one transaction, under an advisory
 * lock so that workers may start together. Returns the names that were applied now. Throws when a file is no longer
 * what was applied: the schema would not be what the code believes.
 */
export async function migrate(sql: Sql): Promise<readonly string[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK})`;
    await tx`create schema if not exists holdfast`;
    await tx`create table if not exists holdfast.migrations
      (name text primary key, hash text not null, applied_at timestamptz not null default now())`;
    const rows = await tx<{ name: string; hash: string }[]>`select name, hash from holdfast.migrations`;
    const applied = new Map(rows.map((row) => [row.name, row.hash]));
    const now: string[] = [];
    for (const name of files) {
      const text = await readFile(new URL(name, FOLDER), 'utf8');
      const before = applied.get(name);
      if (before === undefined) {
        await tx.unsafe(text);
        await tx`insert into holdfast.migrations (name, hash) values (${name}, ${hashText(text)})`;
        now.push(name);
      } else if (before !== hashText(text))
        throw new Error(
          `migration ${name} was changed after it was applied to this database: add a new file instead (a local stack can be emptied by deleting .holdfast)`,
        );
    }
    return now;
  });
}
