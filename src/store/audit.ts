import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

export interface AuditRow {
  readonly seq: number;
  readonly at_us: number;
  readonly event: string;
  readonly key: string;
  readonly facts: string;
  readonly hash: string;
}

export async function readAudit(sql: Sql, run: string): Promise<readonly AuditRow[]> {
  return sql<
    AuditRow[]
  >`select seq, at_us, event, key, facts, hash from audit where run = ${run} order by seq`;
}

/** The first row of a run's audit chain that does not follow from the one before it; null when the chain holds. */
export function firstBrokenRow(run: string, rows: readonly AuditRow[]): number | null {
  let previous = run;
  for (const [i, row] of rows.entries()) {
    const expected = hashText([previous, row.seq, row.at_us, row.event, row.key, row.facts].join('\n'));
    if (row.seq !== i + 1 || row.hash !== expected) return row.seq;
    previous = row.hash;
  }
  return null;
}
