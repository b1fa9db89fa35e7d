import type { AtCap } from '../core/budget.ts';
import { LIMITS } from '../core/limits.ts';
import type { Sql } from './connection.ts';

/** Whose money it is: of one run, of a user, a tenant or an agent in a day, of the fleet in an hour. */
export type BudgetKind = 'run' | 'user' | 'tenant' | 'agent' | 'fleet';

/**
 * A cap (tables and functions in migrations/0006_budgets.sql). `subject` is `*` for every one that has none of its own; a
 * user with a tenant is `TENANT/USER`. It counts what is reserved from its setting on. Every change is audited in the
 * chain `budgets`.
 */
export interface Budget {
  readonly kind: BudgetKind;
  readonly subject: string;
  readonly capMicroUsd: number;
  readonly atCap: AtCap;
  readonly degradeTo: 'small' | 'standard' | null;
  readonly setBy: string;
  /** ISO 8601. */
  readonly setAt: string;
}

/** What is used of a cap in the window that runs now. */
export interface BudgetUse {
  readonly scope: string;
  readonly reservedMicroUsd: number;
  readonly spentMicroUsd: number;
}

export async function listBudgets(sql: Sql): Promise<readonly Budget[]> {
  const rows = await sql<
    {
      kind: BudgetKind;
      subject: string;
      cap_micro_usd: number;
      at_cap: AtCap;
      degrade_to: Budget['degradeTo'];
      set_by: string;
      set_at: Date;
    }[]
  >`select * from budgets order by scope_place(kind), subject`;
  return rows.map((row) => ({
    kind: row.kind,
    subject: row.subject,
    capMicroUsd: row.cap_micro_usd,
    atCap: row.at_cap,
    degradeTo: row.degrade_to,
    setBy: row.set_by,
    setAt: row.set_at.toISOString(),
  }));
}

/** The windows of today and of this hour, the fullest first. Those of single runs are left out: there is one for each. */
export async function listBudgetUse(sql: Sql): Promise<readonly BudgetUse[]> {
  const rows = await sql<{ scope: string; reserved: number; spent: number }[]>`
    select scope, reserved, spent from budget_windows
    where window_start = case when scope = 'fleet' then date_trunc('hour', clock_timestamp(), 'UTC')
      else date_trunc('day', clock_timestamp(), 'UTC') end and scope_place(scope) > 2
    order by reserved + spent desc, scope limit ${LIMITS.listRows}`;
  return rows.map((row) => ({
    scope: row.scope,
    reservedMicroUsd: row.reserved,
    spentMicroUsd: row.spent,
  }));
}

export async function setBudget(
  sql: Sql,
  budget: Omit<Budget, 'setBy' | 'setAt'> & { readonly by: string; readonly reason: string },
): Promise<void> {
  const { kind, subject, capMicroUsd, atCap, degradeTo, by, reason } = budget;
  await sql`select set_budget(${kind}, ${subject}, ${capMicroUsd}, ${atCap}, ${degradeTo}, ${by}, ${reason})`;
}

/** False when there was none. */
export async function clearBudget(
  sql: Sql,
  change: Pick<Budget, 'kind' | 'subject'> & { readonly by: string; readonly reason: string },
): Promise<boolean> {
  const [row] = await sql<{ cleared: boolean }[]>`
    select clear_budget(${change.kind}, ${change.subject}, ${change.by}, ${change.reason}) as cleared`;
  return row?.cleared === true;
}
