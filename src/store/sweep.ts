import { LIMITS } from '../core/limits.ts';
import { part, type Sql } from './connection.ts';
import { insertHandOver } from './records.ts';
import { RUN_ENDED } from './runEnds.ts';

/**
 * What nobody else cleans up: reservations whose attempts never came back, and what runs left open whose workflow was
 * terminated or timed out. Nothing that may have been spent or done is given back or called undone.
 */

/** Books reservations that have expired. Returns how many, a full page when there may be more. */
export async function bookExpired(sql: Sql): Promise<number> {
  return bookAttempts(sql, null);
}

async function bookAttempts(sql: Sql, run: string | null): Promise<number> {
  const [row] = await sql<{ booked: number }[]>`
    select book_attempts(${run}, ${LIMITS.sweepRows}) as booked`;
  return row?.booked ?? 0;
}

/** A run that has not ended, and that nobody has touched for long. */
export interface UntouchedRun {
  readonly run: string;
  readonly workflowId: string;
}

/**
 * A page of them, those first that were not looked at for the longest time; they are marked as looked at. Only those of
 * one namespace: the engine of another one does not know them, and its "not found" says nothing.
 */
export async function untouchedRuns(sql: Sql, namespaceId: string): Promise<readonly UntouchedRun[]> {
  const longAgo = part`clock_timestamp() - ${LIMITS.sweepUntouchedMs}::float8 * interval '1 millisecond'`;
  const rows = await sql<{ run: string; workflow_id: string }[]>`
    with page as (
      select run from runs
      where namespace_id = ${namespaceId} and ended_at is null and updated_at < ${longAgo} and coalesce(looked_at, '-infinity') < ${longAgo}
      order by coalesce(looked_at, '-infinity'), run limit ${LIMITS.sweepRuns} for update skip locked)
    update runs set looked_at = clock_timestamp() from page where runs.run = page.run
    returning runs.run, runs.workflow_id`;
  return rows.map((row) => ({ run: row.run, workflowId: row.workflow_id }));
}

/**
 * Ends a run whose workflow is gone: outcome `failed`, reason `terminated`. Its requests are withdrawn, its reservations
 * booked, claimed effects become `unknown`, and people get it where something was open. `busy` while an attempt at an
 * effect may still act; then nothing was changed but what was booked.
 */
export async function closeLostRun(
  sql: Sql,
  { run }: UntouchedRun,
  status: string,
): Promise<'closed' | 'busy' | 'ended_before'> {
  // By itself, and before: windows are locked last in their transaction, and not for the time of the others' words.
  await bookAttempts(sql, run);
  return sql.begin(async (tx) => {
    await tx`select lock_run(${run})`;
    const [effects] = await tx<{ unknown: number | null }[]>`select close_lost_effects(${run}) as unknown`;
    if (effects?.unknown == null) return 'busy';
    const ended = await tx<{ agent: string; cost: number; queue: string }[]>`
      update runs set state = 'ended', outcome = 'failed', reason = 'terminated', ended_at = now(), updated_at = now()
      where run = ${run} and ended_at is null
      returning agent, cost_micro_usd as cost,
        coalesce((select body::jsonb ->> 'queue' from releases where hash = runs.release), agent) as queue`;
    const [row] = ended;
    if (row === undefined) return 'ended_before';
    const facts = { by: 'holdfast', channel: 'sweeper', kind: 'withdrawn', identity: 'signed', votes: [] };
    const withdrawn = await tx`
      select decide_approval(id, 'withdrawn', ${JSON.stringify(facts)}::text::jsonb, now()) from (
        select id from approvals where run = ${run} and state = 'open' order by id) open`;
    const [open] = await tx<{ effects: number }[]>`
      select count(*)::integer as effects from effects where run = ${run} and state = 'unknown'`;
    if (withdrawn.length > 0 || (open?.effects ?? 0) > 0)
      await insertHandOver(tx, run, {
        queue: row.queue,
        summary: 'its workflow was terminated while something was open',
        evidence: `the engine says ${status}`,
      });
    await tx`select audit_append(${run}, 'run_ended', '',
      ${JSON.stringify({ outcome: 'failed', reason: 'terminated', costMicroUsd: row.cost, status })}::text::jsonb)`;
    await tx`select pg_notify(${RUN_ENDED}, ${run})`;
    return 'closed';
  });
}

/** Forgets windows that nobody counts in any more, a bounded number at a time. */
export async function forgetWindows(sql: Sql): Promise<void> {
  const kept = part`clock_timestamp() - ${LIMITS.windowsKeptDays}::integer * interval '24 hours'`;
  await sql`
    delete from budget_windows where ctid in (
      select b.ctid from budget_windows b
      where b.window_start > 'epoch' and b.window_start < ${kept} and b.reserved = 0 limit ${LIMITS.sweepRows})`;
  await sql`
    delete from rate_windows where ctid in (
      select w.ctid from rate_windows w where w.ends_at < clock_timestamp() - interval '1 hour' limit ${LIMITS.sweepRows})`;
}
