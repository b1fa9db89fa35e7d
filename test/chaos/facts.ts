import type { RunId } from '../../src/core/ids.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { type ChainNode, loadChain } from '../../src/store/chain.ts';
import type { Sql } from '../../src/store/connection.ts';

/** What the stores say about a run, however it got there. */
export interface Facts {
  readonly effects: readonly {
    readonly key: string;
    readonly state: string;
    readonly fence: number;
    readonly approval: string | null;
    readonly args_hash: string;
  }[];
  readonly approvals: readonly {
    readonly id: string;
    readonly key: string;
    readonly state: string;
    readonly args_hash: string | null;
    readonly requester: string;
    readonly decided_by: string | null;
    readonly in_time: boolean;
  }[];
  readonly calls: readonly string[];
  readonly results: readonly string[];
  /** Effects that stand in the shop's own table. */
  readonly shopKeys: readonly string[];
  readonly brokenAuditRow: number | null;
  readonly incidents: number;
}

export async function readFacts(sql: Sql, run: RunId): Promise<Facts> {
  const effects = await sql<Facts['effects'][number][]>`
    select key, state, fence, approval, args_hash from effects where run = ${run} order by claimed_at`;
  const approvals = await sql<Facts['approvals'][number][]>`
    select id, key, state, args_hash, requester, decision::jsonb ->> 'by' as decided_by, coalesce(decided_at <= deadline, true) as in_time
    from approvals where run = ${run}`;
  const [row] = await sql<{ hash: never; seq: number }[]>`
    select n.hash, n.seq from runs r join nodes n on n.run = r.run and n.hash = r.head where r.run = ${run}`;
  const chain: readonly ChainNode[] = row ? await loadChain(sql, run, { seq: row.seq, node: row.hash }) : [];
  const blocks = chain.flatMap((node) => node.message.content) as readonly {
    type: string;
    id?: string;
    tool_use_id?: string;
  }[];
  const shop = await sql<{ key: string }[]>`
    select idempotency_key as key from shop.applied where idempotency_key like ${`${run}/%`}`;
  const audit = await readAudit(sql, run);
  return {
    effects,
    approvals,
    calls: blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id ?? ''] : [])),
    results: blocks.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id ?? ''] : [])),
    shopKeys: shop.map((one) => one.key),
    brokenAuditRow: firstBrokenRow(run, audit),
    incidents: audit.filter((one) => one.event.startsWith('incident')).length,
  };
}

/** Promises V1, V2, V3 and V8 that these facts break; `effects` is how many must have been applied. */
export function broken(facts: Facts, expected: { readonly effects: number }): readonly string[] {
  const problems: string[] = [];
  const applied = facts.effects.filter((effect) => effect.state === 'applied');
  if (applied.length < expected.effects)
    problems.push(`vacuous: ${applied.length} applied effects, ${expected.effects} expected`);
  if (applied.length > expected.effects)
    problems.push(`V1: ${applied.length} applied effects, ${expected.effects} expected`);
  if (new Set(facts.shopKeys).size !== facts.shopKeys.length || facts.shopKeys.length !== applied.length)
    problems.push(
      `V1: the shop holds ${facts.shopKeys.length} changes for ${applied.length} applied effects`,
    );
  for (const effect of applied) {
    if (effect.approval === null) continue;
    const approval = facts.approvals.find((one) => one.id === effect.approval);
    const holds =
      approval?.state === 'approved' &&
      approval.key === effect.key &&
      approval.args_hash === effect.args_hash &&
      approval.in_time &&
      approval.decided_by !== approval.requester;
    if (!holds) problems.push(`V2: ${effect.key} was applied without a standing approval`);
  }
  for (const call of facts.calls)
    if (facts.results.filter((result) => result === call).length !== 1)
      problems.push(`V3: call ${call} has not exactly one result`);
  if (facts.results.length !== facts.calls.length) problems.push('V3: a result without a call');
  if (facts.brokenAuditRow !== null)
    problems.push(`V8: audit row ${facts.brokenAuditRow} does not follow from the one before it`);
  if (facts.incidents > 0) problems.push(`${facts.incidents} incidents`);
  return problems;
}
