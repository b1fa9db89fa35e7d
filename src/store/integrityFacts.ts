import { LIMITS } from '../core/limits.ts';
import { part, type Transaction } from './connection.ts';
import type { Faults } from './integrity.ts';

interface Silent {
  readonly run: string;
  readonly problem: string;
  readonly total: number;
}

/**
 * What is on record elsewhere must have its words in the audit: "no audit row, no gated effect", read backwards. This
 * also shows what was cut before an anchor saw it. Facts are compared as text: edited ones need not be JSON.
 */
export async function checkFacts(tx: Transaction, run: string | null, found: Faults): Promise<void> {
  for (const question of [unaudited(run), unapproved(run), undecided(run), unended(run)]) {
    const silent = await tx<Silent[]>`
      select run, problem, count(*) over ()::integer as total from (${question}) silent
      order by run, problem limit ${LIMITS.auditFaults}`;
    for (const one of silent) found.add({ kind: 'unaudited', run: one.run, problem: one.problem });
    found.count += (silent[0]?.total ?? 0) - silent.length;
  }
}

/** Effects that were applied, without the rows of their claim and of their result. */
function unaudited(run: string | null) {
  return part`
    select e.run, 'effect ' || e.key || ' (' || e.tool || ') was applied, and the audit has no row of its '
      || case when c.seq is null then 'claim' else 'result' end as problem
    from effects e
    left join lateral (select a.seq from audit a
      where a.run = e.run and a.key = e.key and a.event = 'effect_claimed' limit 1) c on true
    where e.state = 'applied' and (${run}::text is null or e.run = ${run})
      and (c.seq is null or not exists (select from audit a
        where a.run = e.run and a.key = e.key and a.event in ('effect_applied', 'effect_resolved')))`;
}

/** Effects that needed a yes, and whose newest claim does not come after it. */
function unapproved(run: string | null) {
  return part`
    select e.run, 'effect ' || e.key || ' (' || e.tool || ') was claimed under approval ' || e.approval
      || ', and the audit has no yes to it before the claim' as problem
    from effects e
    cross join lateral (select a.seq from audit a
      where a.run = e.run and a.key = e.key and a.event = 'effect_claimed' order by a.seq desc limit 1) c
    where e.approval is not null and e.state <> 'void' and (${run}::text is null or e.run = ${run})
      and not exists (select from audit a where a.run = e.run and a.seq < c.seq
        and a.event = 'approval_approved'
        and strpos(a.facts, '"approval": ' || to_json(e.approval)::text) > 0)`;
}

/** Requests that were opened or closed without a row that says so. */
function undecided(run: string | null) {
  return part`
    select p.run, 'approval ' || p.id || ' is ' || p.state || ', and the audit has no row that it was '
      || word.event as problem
    from approvals p
    cross join lateral (values ('opened'), (nullif(p.state, 'open'))) word (event)
    where word.event is not null and (${run}::text is null or p.run = ${run})
      and not exists (select from audit a where a.run = p.run and a.event = 'approval_' || word.event
        and strpos(a.facts, '"approval": ' || to_json(p.id)::text) > 0)`;
}

/** Runs that ended without a word of it. */
function unended(run: string | null) {
  return part`
    select r.run, 'the run ended (' || r.outcome || '), and the audit has no row of it' as problem
    from runs r
    where r.ended_at is not null and (${run}::text is null or r.run = ${run})
      and not exists (select from audit a where a.run = r.run and a.event = 'run_ended')`;
}
