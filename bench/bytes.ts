import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { temporalDatabaseFile } from '../src/stack/temporalServer.ts';
import type { Sql } from '../src/store/connection.ts';

/** Where `run.ts` has its stack. */
const STACK = resolve(import.meta.dirname, '../.holdfast/bench');

/** What stands on disk, in bytes. The log of the database server is common to all its databases. */
export interface Bytes {
  /** Tables of this database with their indexes and long values. */
  readonly tables: number;
  /** What the database server has written to its log (WAL) since it began. */
  readonly log: number;
  /** The Temporal server's database; null where the server is not ours. */
  readonly temporal: number | null;
}

export async function bytesOf(sql: Sql): Promise<Bytes> {
  const [row] = await sql<{ tables: number; log: number }[]>`
    select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as log,
           (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')) as tables`;
  if (row === undefined) throw new Error('the database did not say how large it is');
  return { ...row, temporal: temporalBytes() };
}

/** What was added between two looks. */
export function grown(before: Bytes, after: Bytes): Bytes {
  return {
    tables: after.tables - before.tables,
    log: after.log - before.log,
    temporal: after.temporal === null || before.temporal === null ? null : after.temporal - before.temporal,
  };
}

function temporalBytes(): number | null {
  const file = temporalDatabaseFile(STACK);
  const sizes = [file, `${file}-wal`].map((path) => statSync(path, { throwIfNoEntry: false })?.size);
  return sizes[0] === undefined ? null : sizes[0] + (sizes[1] ?? 0);
}
