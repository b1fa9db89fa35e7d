import type { Sql } from '../src/store/connection.ts';

/**
 * What stands in the tables of this database, with their indexes and long values, in bytes. What is written is more, but
 * nobody's alone: PostgreSQL's log and its vacuum are common to all databases, so that one contender's tables are cleaned
 * while another one is measured; and Temporal's file grows by pieces that have room for others' rows.
 */
export async function tableBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`;
  if (row === undefined) throw new Error('the database did not say how large it is');
  return row.bytes;
}
