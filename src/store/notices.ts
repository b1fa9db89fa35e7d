import type { RemindInput } from '../activities/types.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { part, type Sql } from './connection.ts';

/**
 * The outbox of notices (written by triggers and functions of migrations/0003_notices.sql).
 *
 * N1. A notice is written in the transaction of what it tells of, for every notifier that is known then.
 * N2. Whoever takes a delivery holds it until its lease ends; whoever crashed is followed by somebody else, who sends
 *     the same id and the same bytes again.
 * N3. A delivery ends once: `delivered`, `refused` (for good) or `given_up`. An attempt that was overtaken may still say
 *     that it has delivered; it may not say that it failed.
 */
export const NOTICE_TYPES = [
  'approval.opened',
  'approval.reminder',
  'approval.escalated',
  'approval.closed',
  'handover.opened',
  'handover.reminder',
  'handover.escalated',
  'handover.accepted',
  'breaker.opened',
  'breaker.half_open',
  'breaker.closed',
] as const;

export type NoticeType = (typeof NOTICE_TYPES)[number];

export interface Notice {
  /** The same at every attempt. */
  readonly id: string;
  readonly type: NoticeType;
  /** JSON `{ type, timestamp, data }`: the bytes that are sent. */
  readonly body: string;
  readonly data: JsonObject;
}

/** One attempt to bring one notice to one notifier. */
export interface Delivery {
  readonly notice: Notice;
  readonly notifier: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Since the first attempt. */
  readonly triedForMs: number;
}

/** Epoch milliseconds, or null for the database's own clock: the only one that several workers share. */
export type Now = number | null;

function time(now: Now) {
  return now === null ? part`now()` : part`${new Date(now).toISOString()}::text::timestamptz`;
}

/** From now on every notice is due to these too. Says that they are still there, for those that already were. */
export async function registerNotifiers(sql: Sql, names: readonly string[], now: Now = null): Promise<void> {
  if (names.length === 0) return;
  await sql`
    insert into notifiers (name, seen_at) select n.name, ${time(now)} from unnest(${[...names]}::text[]) as n(name)
    on conflict (name) do update set seen_at = excluded.seen_at`;
}

/** Takes the deliveries of one notifier that are due, the oldest first; nobody else gets them before the lease ends. */
export async function takeDeliveries(
  sql: Sql,
  notifier: string,
  options: { readonly limit: number; readonly leaseMs: number; readonly now?: Now },
): Promise<readonly Delivery[]> {
  const now = time(options.now ?? null);
  const rows = await sql<
    { id: string; type: NoticeType; body: string; attempt: number; tried_for_ms: number }[]
  >`
    with due as (
      select notice from deliveries
      where notifier = ${notifier} and state = 'waiting' and due_at <= ${now}
      order by due_at limit ${options.limit} for update skip locked)
    update deliveries d set attempt = d.attempt + 1, first_tried_at = coalesce(d.first_tried_at, ${now}),
      due_at = ${now} + ${options.leaseMs}::int * interval '1 millisecond'
    from due, notices n
    where d.notice = due.notice and d.notifier = ${notifier} and n.id = d.notice
    returning n.id, n.type, n.body, d.attempt,
      (extract(epoch from ${now} - d.first_tried_at) * 1000)::float8 as tried_for_ms`;
  return rows.map(({ id, type, body, attempt, tried_for_ms }) => ({
    notice: { id, type, body, data: dataOf(body) },
    notifier,
    attempt,
    triedForMs: Math.max(0, tried_for_ms),
  }));
}

function dataOf(body: string): JsonObject {
  return (JSON.parse(body) as { readonly data: JsonObject }).data;
}

export type DeliveryEnd =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused' | 'given_up'; readonly why: string }
  | { readonly kind: 'waiting'; readonly why: string; readonly waitMs: number };

/** Writes down how an attempt ended. False when that is of no account any more. */
export async function settleDelivery(
  sql: Sql,
  delivery: Delivery,
  end: DeliveryEnd,
  now: Now = null,
): Promise<boolean> {
  const { notice, notifier, attempt } = delivery;
  const at = time(now);
  const mine = part`notice = ${notice.id} and notifier = ${notifier} and state = 'waiting'`;
  const why = 'why' in end ? end.why.slice(0, LIMITS.noticeWhyChars) : null;
  const result =
    end.kind === 'waiting'
      ? await sql`
          update deliveries set due_at = ${at} + ${end.waitMs}::float8 * interval '1 millisecond', why = ${why}
          where ${mine} and attempt = ${attempt}`
      : end.kind === 'delivered'
        ? await sql`update deliveries set state = 'delivered', closed_at = ${at} where ${mine}`
        : await sql`
            update deliveries set state = ${end.kind}, why = ${why}, closed_at = ${at}
            where ${mine} and attempt = ${attempt}`;
  return result.count > 0;
}

/**
 * Forgets notifiers that no worker has had for days, gives up what only they could have delivered, and deletes old
 * notices that are through. Bounded, like everything that is done again and again.
 */
export async function sweepNotices(sql: Sql, now: Now = null): Promise<void> {
  const at = time(now);
  await sql`delete from notifiers where seen_at <= ${at} - ${LIMITS.notifierGoneMs}::float8 * interval '1 millisecond'`;
  await sql`
    update deliveries set state = 'given_up', why = 'no worker has this notifier any more', closed_at = ${at}
    where (notice, notifier) in (
      select d.notice, d.notifier from deliveries d
      where d.state = 'waiting' and not exists (select from notifiers n where n.name = d.notifier)
      limit ${LIMITS.noticeSweepRows} for update skip locked)`;
  await sql`
    delete from notices where id in (
      select n.id from notices n
      where n.created_at <= ${at} - ${LIMITS.noticeKeptMs}::float8 * interval '1 millisecond'
        and not exists (select from deliveries d where d.notice = n.id and d.state = 'waiting')
      order by n.created_at limit ${LIMITS.noticeSweepRows})`;
}

/**
 * Who may decide from now on, and notices to them. `once` names the activity: it may be repeated after it has
 * committed, and people should not be told twice.
 */
export async function remindApprovals(sql: Sql, input: RemindInput, once: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select lock_run(${input.run})`;
    for (const { approval, reminded, escalatedTo, approvers } of input.due)
      await tx`
        select remind_approval(${input.run}, ${approval}, ${JSON.stringify(approvers)}::text::jsonb, ${reminded},
          ${escalatedTo === null ? null : JSON.stringify(escalatedTo)}::text::jsonb, ${`${once}/${approval}`})`;
  });
}

export interface DeliveryRow {
  readonly notice: string;
  readonly type: NoticeType;
  readonly run: string;
  readonly notifier: string;
  readonly state: 'waiting' | 'delivered' | 'refused' | 'given_up';
  readonly attempts: number;
  /** What went wrong last. */
  readonly why: string | null;
  readonly createdAt: string;
  /** Of the next attempt; null when there is none. */
  readonly dueAt: string | null;
}

/** What has not arrived, the newest first: on its way, refused or given up; with `all` what has arrived too. */
export async function listDeliveries(
  sql: Sql,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<readonly DeliveryRow[]> {
  const rows = await sql<(Omit<DeliveryRow, 'createdAt' | 'dueAt'> & { created: Date; due: Date })[]>`
    select d.notice, n.type, n.run, d.notifier, d.state, d.attempt as attempts, d.why, n.created_at as created,
      d.due_at as due
    from deliveries d join notices n on n.id = d.notice
    where ${filter.all} or d.state <> 'delivered'
    order by n.created_at desc, d.notice, d.notifier limit ${filter.limit}`;
  return rows.map(({ created, due, ...row }) => ({
    ...row,
    createdAt: created.toISOString(),
    dueAt: row.state === 'waiting' ? due.toISOString() : null,
  }));
}
