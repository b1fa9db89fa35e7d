import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../core/limits.ts';
import type { Sql } from './connection.ts';
import type { HeldRun } from './switches.ts';

// Held runs are told to look again one after the other: a fleet that was held for hours must not arrive at its tools all
// at once. Nothing depends on it, because a held run looks again by itself.

/** Hands on one run at a time, `wakesPerSecond` at most. */
export async function paced(
  runs: AsyncIterable<HeldRun>,
  each: (run: HeldRun) => Promise<void>,
): Promise<void> {
  let sentAtMs = Number.NEGATIVE_INFINITY;
  for await (const run of runs) {
    await sleep(waitMs(performance.now() - sentAtMs));
    sentAtMs = performance.now();
    await each(run);
  }
}

/** How long the next signal has to wait, `sinceMs` after the last one was sent. What was missed is not caught up with. */
export function waitMs(sinceMs: number): number {
  return Math.max(0, 1_000 / LIMITS.wakesPerSecond - sinceMs);
}

/**
 * Takes runs of a namespace that a breaker has held and holds no more, the longest held first: all of them where it has closed, as many
 * as there are probes left where it is half-open. Each is handed out once; where its wake is lost, its own clock wakes it.
 */
export async function takeHeldByBreakers(
  sql: Sql,
  namespaceId: string,
  limit: number,
): Promise<readonly HeldRun[]> {
  const rows = await sql<{ run: string; workflow_id: string }[]>`
    with free as (
      select r.run, b.name, r.held_by, r.updated_at,
        case when b.name is null or breaker_stands(b) = 'closed' then null
          else b.probes - (select count(*) from breaker_probes p where p.name = b.name and p.version = b.version) end as left_over,
        row_number() over (partition by r.held_by order by r.updated_at, r.run) as nth
      from runs r left join breakers b on 'breaker:' || b.name = r.held_by
      where r.namespace_id = ${namespaceId} and r.state = 'held' and r.held_by like 'breaker:%' and (b.name is null or breaker_stands(b) <> 'open')),
    taken as (
      select run from free where left_over is null or nth <= left_over order by updated_at, run limit ${limit})
    update runs set held_by = null from taken
      where runs.run = taken.run and runs.state = 'held' and runs.held_by is not null
      returning runs.run, runs.workflow_id`;
  return rows.map((row) => ({ run: row.run, workflowId: row.workflow_id }));
}
