import { LIMITS } from '../core/limits.ts';
import type { Amount } from '../core/money.ts';
import type { Sql } from './connection.ts';
import { closingGate } from './gate.ts';

/**
 * Rules that approvers taught: "and from now on, for this tool, this payee, up to this amount". They are made where the
 * approval is recorded (`learn_rule` in the migrations) and hold until their time or until somebody revokes them.
 */
export interface LearnedRule {
  readonly id: string;
  readonly state: 'active' | 'expired' | 'revoked';
  readonly agent: string;
  readonly tenant: string | null;
  readonly tool: string;
  readonly payee: string;
  /** Inclusive. */
  readonly upTo: Amount;
  /** ISO 8601, by the database's clock. */
  readonly until: string;
  /** The approval it was taught with. */
  readonly approval: string;
  readonly createdBy: string;
  readonly identity: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

interface RuleRow {
  readonly id: number;
  readonly state: LearnedRule['state'];
  readonly agent: string;
  readonly tenant: string;
  readonly tool: string;
  readonly payee: string;
  readonly currency: string;
  readonly up_to: string;
  readonly until: Date;
  readonly approval: string;
  readonly created_by: string;
  readonly identity: string;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
  readonly revoked_by: string | null;
}

/** Those that stand, the first to expire first; with `all` also the others, the newest last. */
export async function listRules(
  sql: Sql,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<readonly LearnedRule[]> {
  const rows = await sql<RuleRow[]>`
    select * from (
      select r.*, case when r.revoked_at is not null then 'revoked'
        when r.until <= clock_timestamp() then 'expired' else 'active' end as state
      from learned_rules r) known
    where ${filter.all} or state = 'active'
    order by state, until, id limit ${filter.limit}`;
  return rows.map((row) => ({
    id: String(row.id),
    state: row.state,
    agent: row.agent,
    tenant: row.tenant === '' ? null : row.tenant,
    tool: row.tool,
    payee: row.payee,
    upTo: { value: Number(row.up_to), currency: row.currency },
    until: row.until.toISOString(),
    approval: row.approval,
    createdBy: row.created_by,
    identity: row.identity,
    createdAt: row.created_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
    revokedBy: row.revoked_by,
  }));
}

/**
 * Once this has returned, no effect starts under the rule any more. Audited in the chain `rules`. Throws a `GateBusyError`
 * when claims in progress keep it waiting for longer than `gateWaitMs`; nothing was changed then.
 */
export async function revokeRule(
  sql: Sql,
  revocation: { readonly id: string; readonly by: string; readonly reason: string },
): Promise<'revoked' | 'revoked_before' | 'no_such_rule'> {
  const { id, by, reason } = revocation;
  if (!/^\d{1,15}$/.test(id)) return 'no_such_rule';
  const [row] = await closingGate(
    sql<{ revoked: boolean | null }[]>`
      select revoke_rule(${id}::text::bigint, ${by}, ${reason}, ${LIMITS.gateWaitMs}) as revoked`,
  );
  if (row?.revoked === true) return 'revoked';
  return row?.revoked === false ? 'revoked_before' : 'no_such_rule';
}
