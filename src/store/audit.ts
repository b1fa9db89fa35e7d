import { isObject, type JsonObject } from '../core/json.ts';
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

/** Facts as an object; an empty one where they were damaged: who reads a broken audit wants the rest of it. */
export function parseFacts(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}

/**
 * Whether `row` is what follows row `seq - 1`, whose hash is `previous`; before the first row that is the run's id.
 * Only a key may hold a line break: the hashed text then has one reading, and nothing can move from one column into
 * the next.
 */
export function follows(previous: string, seq: number, row: AuditRow): boolean {
  if (row.seq !== seq || row.event.includes('\n') || row.facts.includes('\n')) return false;
  return row.hash === hashText([previous, seq, row.at_us, row.event, row.key, row.facts].join('\n'));
}

/** The first row of a run's audit chain that does not follow from the one before it; null when the chain holds. */
export function firstBrokenRow(run: string, rows: readonly AuditRow[]): number | null {
  let previous = run;
  for (const [i, row] of rows.entries()) {
    if (!follows(previous, i + 1, row)) return row.seq;
    previous = row.hash;
  }
  return null;
}
