import type { RunRef } from '../activities/types.ts';
import type { CallKey } from '../core/ids.ts';
import type { Amount } from '../core/money.ts';
import type { Sql } from './connection.ts';

/** A call as the store is asked about it. Without a payee or an amount no learned rule can cover it. */
export interface AskedCall {
  readonly key: CallKey;
  readonly tool: string;
  readonly classes: readonly string[];
  readonly payee: string | null;
  readonly amount: Amount | null;
}

/** What is known of it: the classes that no effect of this tenant and agent has had, and the rule that covers it. */
export interface KnownFacts {
  readonly firstOf: readonly string[];
  readonly learned: string | null;
}

/** One read for all calls of a step. A call that the answer leaves out is a bug of the statement, never "all seen". */
export async function callFacts(
  sql: Sql,
  ref: Pick<RunRef, 'agent' | 'requester'>,
  calls: readonly AskedCall[],
): Promise<ReadonlyMap<CallKey, KnownFacts>> {
  if (calls.length === 0) return new Map();
  const asked = calls.map(({ key, tool, classes, payee, amount }) => ({
    key,
    tool,
    classes: [...classes],
    payee,
    currency: amount?.currency ?? null,
    value: amount?.value ?? null,
  }));
  const rows = await sql<{ key: CallKey; first_of: string[]; learned: number | null }[]>`
    select * from call_facts(${ref.agent}, ${ref.requester.tenant}, ${JSON.stringify(asked)}::text::jsonb)`;
  return new Map(
    rows.map((row) => [
      row.key,
      { firstOf: row.first_of, learned: row.learned === null ? null : String(row.learned) },
    ]),
  );
}
