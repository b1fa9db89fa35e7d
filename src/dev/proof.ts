import { exportShop } from '../agents/support/copies.ts';
import { seed } from '../agents/support/seed/index.ts';
import { canonicalJson } from '../core/json.ts';
import { type AuditRow, firstBrokenRow, readAudit } from '../store/audit.ts';
import type { Sql } from '../store/connection.ts';
import { databaseOf } from '../store/database.ts';

/** One thing that has to be so, and how it was found. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly found: string;
}

/** What ledger, audit chain and shop say of one run, each read for itself. */
export interface Facts {
  readonly run: string;
  readonly effects: readonly {
    readonly key: string;
    readonly tool: string;
    readonly state: string;
    readonly fence: number;
  }[];
  readonly approvals: readonly { readonly summary: string; readonly state: string }[];
  readonly audit: readonly AuditRow[];
  /** Reports of attempts that had lost their lease. */
  readonly evidence: number;
  /** What the shop remembers having done, by idempotency key. `transaction` wrote the row last. */
  readonly applied: readonly { readonly key: string; readonly transaction: string }[];
  readonly order: { readonly status: string; readonly transaction: string };
  /** Orders that are not what they were in the untouched shop. */
  readonly changedOrders: readonly string[];
}

export async function runOf(sql: Sql, workflowId: string): Promise<string> {
  const [row] = await sql<{ run: string }[]>`select run from runs where workflow_id = ${workflowId}`;
  if (row === undefined) throw new Error(`the store has no run of ${workflowId}`);
  return row.run;
}

export async function readFacts(
  sql: Sql,
  of: { readonly run: string; readonly shop: string; readonly order: string },
): Promise<Facts> {
  const [order] = await sql<{ status: string; transaction: string }[]>`
    select body ->> 'status' as status, xmin::text as transaction from shop.orders
    where shop = ${of.shop} and id = ${of.order}`;
  if (order === undefined) throw new Error(`shop ${of.shop} has no order ${of.order}`);
  const [evidence] = await sql<{ count: number }[]>`
    select count(*)::int as count from evidence v join effects e on e.key = v.key where e.run = ${of.run}`;
  const { orders } = await exportShop(databaseOf(sql), of.shop);
  return {
    run: of.run,
    effects: await sql<Facts['effects'][number][]>`
      select key, tool, state, fence from effects where run = ${of.run} order by key`,
    approvals: await sql<Facts['approvals'][number][]>`
      select summary, state from approvals where run = ${of.run} order by opened_at`,
    audit: await readAudit(sql, of.run),
    evidence: evidence?.count ?? 0,
    applied: await sql<Facts['applied'][number][]>`
      select idempotency_key as key, xmin::text as transaction from shop.applied
      where shop = ${of.shop} or idempotency_key like ${`${of.run}/%`} order by applied_at`,
    order,
    changedOrders: Object.keys(orders).filter(
      (id) => canonicalJson(orders[id] ?? null) !== canonicalJson(seed.orders[id] ?? null),
    ),
  };
}

/** Nothing was changed and nobody was asked. */
export function checkReadOnly(facts: Facts): readonly Check[] {
  return [
    check('the effect ledger is empty', facts.effects.length === 0, list(facts.effects.map(effectWords))),
    check('nobody was asked', facts.approvals.length === 0, list(facts.approvals.map(({ state }) => state))),
    check('no order changed', facts.changedOrders.length === 0, list(facts.changedOrders)),
  ];
}

/** The return that people decide on: done once and only with a yes. */
export function checkDecided(
  facts: Facts,
  decision: { readonly order: string; readonly approved: boolean },
): readonly Check[] {
  const { approved, order } = decision;
  const wanted = approved ? 'approved' : 'rejected';
  const [approval] = facts.approvals;
  const [effect] = facts.effects;
  const ledger = approved
    ? facts.effects.length === 1 && effect?.state === 'applied' && effect.fence === 1
    : facts.effects.length === 0;
  return [
    check(
      `one approval, ${wanted}`,
      facts.approvals.length === 1 && approval?.state === wanted,
      list(facts.approvals.map(({ state }) => state)),
    ),
    check(
      approved ? 'one effect, applied at the first attempt' : 'the effect ledger is empty',
      ledger,
      list(facts.effects.map(effectWords)),
    ),
    check(
      approved ? `only order ${order} changed` : 'no order changed',
      facts.changedOrders.join() === (approved ? order : ''),
      list(facts.changedOrders),
    ),
    checkAudit(facts),
  ];
}

/**
 * An effect whose worker was killed after the act and before the settlement happened once. `before` was read when the
 * worker was dead and no other had started, `after` when the run had ended.
 */
export function checkOnce(before: Facts, after: Facts, order: string): readonly Check[] {
  const [killed] = before.effects;
  const [effect] = after.effects;
  const [done] = after.applied;
  const events = (name: string) => after.audit.filter(({ event }) => event === name).length;
  return [
    check(
      'the kill came in the middle: shop changed, effect not settled',
      killed?.state === 'claimed' && before.applied.length === 1 && before.changedOrders.join() === order,
      `${list(before.effects.map(effectWords))}; order ${before.order.status}`,
    ),
    check(
      'one effect, applied, taken over once (fence 2)',
      after.effects.length === 1 && effect?.state === 'applied' && effect.fence === 2,
      list(after.effects.map(effectWords)),
    ),
    check(
      'the shop remembers its key once',
      after.applied.length === 1 && effect !== undefined && done?.key === effect.key,
      list(after.applied.map(({ key }) => key)),
    ),
    check(
      'the order was written once, before the kill',
      after.order.transaction === before.order.transaction && done?.transaction === after.order.transaction,
      `by transaction ${list([...new Set([before.order.transaction, after.order.transaction])])}`,
    ),
    check(
      `only order ${order} changed`,
      after.changedOrders.join() === order,
      `${list(after.changedOrders)}: ${after.order.status}`,
    ),
    check(
      'the audit names two claims, one application, no incident',
      events('effect_claimed') === 2 &&
        events('effect_applied') === 1 &&
        events('incident_second_applied') === 0 &&
        after.evidence === 0,
      `${events('effect_claimed')} claims, ${events('effect_applied')} applied`,
    ),
    checkAudit(after),
  ];
}

export function checkAudit({ run, audit }: Facts): Check {
  const broken = firstBrokenRow(run, audit);
  return check(
    'the audit chain verifies',
    audit.length > 0 && broken === null,
    broken === null ? `${audit.length} rows` : `broken at row ${broken}`,
  );
}

export function check(what: string, holds: boolean, found: string): Check {
  return { what, holds, found };
}

export function effectWords(effect: Facts['effects'][number]): string {
  return `${effect.tool} ${effect.state}, fence ${effect.fence}`;
}

export function list(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.join(', ');
}
