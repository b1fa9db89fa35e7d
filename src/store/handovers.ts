import { LIMITS } from '../core/limits.ts';
import { part, type Sql } from './connection.ts';
import type { Now } from './notices.ts';

// Conversations that were given to people. Accepted by somebody, or they remind, or they go to one further queue.

export interface HandOverRow {
  readonly run: string;
  readonly workflowId: string;
  readonly agent: string;
  readonly queue: string;
  readonly summary: string;
  readonly done: readonly string[];
  readonly notDone: readonly string[];
  readonly evidence: string;
  readonly openedAt: string;
  readonly reminded: number;
  /** The further queue that was told, because nobody in the first one accepted. */
  readonly escalatedTo: string | null;
  readonly acceptedBy: string | null;
  readonly acceptedAt: string | null;
  /** Nobody has accepted, and every reminder is used up. */
  readonly overdue: boolean;
}

/** Those that nobody has accepted, the oldest first; with `all` every one, the newest first. */
export async function listHandOvers(
  sql: Sql,
  filter: { readonly all: boolean; readonly limit: number; readonly tenant?: string | null },
): Promise<readonly HandOverRow[]> {
  const { tenant = null } = filter;
  const order = filter.all ? part`h.opened_at desc, h.run` : part`h.opened_at, h.run`;
  const rows = await sql<DatabaseRow[]>`
    ${COLUMNS} where (${filter.all} or h.accepted_by is null) and (${tenant}::text is null or r.tenant = ${tenant})
    order by ${order} limit ${filter.limit}`;
  return rows.map(handOverRow);
}

/** By run; or by workflow id: the newest one that nobody has accepted, else the newest. */
export async function findHandOver(sql: Sql, id: string): Promise<HandOverRow | null> {
  const [row] = await sql<DatabaseRow[]>`
    ${COLUMNS} where h.run = ${id} or r.workflow_id = ${id}
    order by (h.run = ${id}) desc, (h.accepted_by is null) desc, h.opened_at desc limit 1`;
  return row === undefined ? null : handOverRow(row);
}

export interface Acceptance {
  /** False: somebody else had it before. */
  readonly won: boolean;
  readonly by: string;
  readonly at: string;
}

/** The first one has it, with an audit row and a notice. Null when this run was not handed over. */
export async function acceptHandOver(
  sql: Sql,
  run: string,
  who: { readonly by: string; readonly channel: string },
): Promise<Acceptance | null> {
  const [row] = await sql<{ won: boolean; accepted_by: string; accepted_at: Date }[]>`
    select * from accept_handover(${run}, ${who.by}, ${who.channel})`;
  return row === undefined ? null : { won: row.won, by: row.accepted_by, at: row.accepted_at.toISOString() };
}

/** Reminds of those that are due, or sends them further. Returns how many; several workers may do it at once. */
export async function remindHandOvers(sql: Sql, now: Now = null): Promise<number> {
  const at = now === null ? part`now()` : part`${new Date(now).toISOString()}::text::timestamptz`;
  const due = await sql<{ run: string }[]>`
    select run from handovers where accepted_by is null and next_reminder_at <= ${at}
    order by next_reminder_at limit ${LIMITS.handOversPerPass}`;
  let reminded = 0;
  // One transaction each: the lock of a run is taken before the row, as everywhere.
  for (const { run } of due) {
    const [row] = await sql<{ done: string | null }[]>`
      select remind_handover(${run}, ${at}, ${LIMITS.handOverReminderMs}, ${LIMITS.handOverReminders},
        ${LIMITS.handOverLaterReminderMs}, ${LIMITS.handOverLaterReminders}) as done`;
    if (row?.done) reminded++;
  }
  return reminded;
}

interface DatabaseRow {
  readonly run: string;
  readonly workflow_id: string;
  readonly agent: string;
  readonly queue: string;
  readonly summary: string;
  readonly done: string;
  readonly not_done: string;
  readonly evidence: string;
  readonly opened_at: Date;
  readonly reminded: number;
  readonly escalated_to: string | null;
  readonly next_reminder_at: Date | null;
  readonly accepted_by: string | null;
  readonly accepted_at: Date | null;
}

const COLUMNS = part`select h.*, r.workflow_id, r.agent from handovers h join runs r on r.run = h.run`;

function handOverRow(row: DatabaseRow): HandOverRow {
  return {
    run: row.run,
    workflowId: row.workflow_id,
    agent: row.agent,
    queue: row.queue,
    summary: row.summary,
    done: JSON.parse(row.done) as readonly string[],
    notDone: JSON.parse(row.not_done) as readonly string[],
    evidence: row.evidence,
    openedAt: row.opened_at.toISOString(),
    reminded: row.reminded,
    escalatedTo: row.escalated_to,
    acceptedBy: row.accepted_by,
    acceptedAt: row.accepted_at?.toISOString() ?? null,
    overdue: row.accepted_by === null && row.next_reminder_at === null,
  };
}
