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
  const files = await migrationFiles();
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${LOCK})`;
    await tx`create schema if not exists holdfast`;
    await tx`create table if not exists holdfast.migrations
      (name text primary key, hash text not null, applied_at timestamptz not null default now())`;
    const rows = await tx<{ name: string; hash: string }[]>`select name, hash from holdfast.migrations`;
    const applied = new Map(rows.map((row) => [row.name, row.hash]));
    const now: string[] = [];
    for (const { name, text } of files) {
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

async function migrationFiles(): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(new URL(name, FOLDER), 'utf8') })),
  );
}

/** How a database differs from the migrations of this version; three empty lists mean that it is up to date. */
export interface MigrationDifference {
  readonly missing: readonly string[];
  /** Applied with other bytes than these. */
  readonly changed: readonly string[];
  /** Applied by a newer version, or by another one. */
  readonly unknown: readonly string[];
}

/** Reads only. A database without the schema lacks every migration. */
export async function compareMigrations(sql: Sql): Promise<MigrationDifference> {
  const [there] = await sql<{ there: boolean }[]>`
    select to_regclass('holdfast.migrations') is not null as there`;
  const rows =
    there?.there === true
      ? await sql<{ name: string; hash: string }[]>`select name, hash from holdfast.migrations order by name`
      : [];
  const applied = new Map(rows.map((row) => [row.name, row.hash]));
  const files = await migrationFiles();
  const known = new Set(files.map(({ name }) => name));
  return {
    missing: files.flatMap(({ name }) => (applied.has(name) ? [] : [name])),
    changed: files.flatMap(({ name, text }) => {
      const hash = applied.get(name);
      return hash === undefined || hash === hashText(text) ? [] : [name];
    }),
    unknown: rows.flatMap(({ name }) => (known.has(name) ? [] : [name])),
  };
}
