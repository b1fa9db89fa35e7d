import type { Sql } from '../../src/store/connection.ts';

const PLAYS = 5;

/**
 * How many committing statements `play` costs. Only a transaction that writes takes an id, so the distance between two ids
 * counts commits. The server has one count: what else writes meanwhile (the loops of a worker, autovacuum with an id for each
 * table that it analyses) can only add, and the least of some plays is the play's own.
 */
export async function commitsOf(sql: Sql, play: () => Promise<unknown>): Promise<number> {
  const nextId = async () =>
    Number((await sql`select pg_snapshot_xmax(pg_current_snapshot())::text as x`)[0]?.x);
  const costs: number[] = [];
  while (costs.length < PLAYS) {
    const before = await nextId();
    await play();
    costs.push((await nextId()) - before);
  }
  return Math.min(...costs);
}
