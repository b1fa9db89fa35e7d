import { LIMITS } from '../core/limits.ts';
import type { Sql } from './connection.ts';
import { closingGate } from './gate.ts';

/**
 * Kill switches: `fleet`, `agent:NAME`, `tool:NAME`, `tenant:ID`. An effect that meets one is held, not refused: nothing
 * is written about it, its run parks and claims again. Setting and lifting is audited in the chain `switches`.
 */
export interface Switch {
  readonly name: string;
  readonly reason: string;
  readonly setBy: string;
  /** ISO 8601. */
  readonly setAt: string;
}

export interface SwitchChange {
  readonly name: string;
  readonly by: string;
  readonly reason: string;
}

/**
 * Once this has returned, no effect that the switch names starts any more, and every one that was let through before is
 * on record. Throws a `GateBusyError` when claims in progress keep it waiting for longer than `gateWaitMs`; nothing was
 * changed then.
 */
export async function setSwitch(sql: Sql, change: SwitchChange): Promise<void> {
  await closingGate(
    sql`select set_switch(${change.name}, ${change.by}, ${change.reason}, ${LIMITS.gateWaitMs})`,
  );
}

/** False when it was not set. Held runs do not hear of it: see `heldRuns`. */
export async function liftSwitch(sql: Sql, change: SwitchChange): Promise<boolean> {
  const [row] = await sql<{ lifted: boolean }[]>`
    select lift_switch(${change.name}, ${change.by}, ${change.reason}) as lifted`;
  return row?.lifted === true;
}

export async function listSwitches(sql: Sql): Promise<readonly Switch[]> {
  const rows = await sql<{ name: string; reason: string; set_by: string; set_at: Date }[]>`
    select name, reason, set_by, set_at from switches order by set_at, name`;
  return rows.map(({ name, reason, set_by, set_at }) => ({
    name,
    reason,
    setBy: set_by,
    setAt: set_at.toISOString(),
  }));
}

/** False for a name that no release, and no run, has: a switch of that name would stop nothing. */
export async function switchNamesSomething(sql: Sql, name: string): Promise<boolean> {
  const [kind, value] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
  if (name === 'fleet') return true;
  const [row] = await sql<{ known: boolean }[]>`
    select case ${kind}
      when 'agent' then exists (select from releases where agent = ${value})
      when 'tool' then exists (select from releases
        where body::jsonb @> jsonb_build_object('tools', jsonb_build_array(jsonb_build_object('labels',
          jsonb_build_object('name', ${value}::text)))))
      else exists (select from runs where tenant = ${value}) end as known`;
  return row?.known === true;
}

export interface HeldRun {
  readonly run: string;
  readonly workflowId: string;
}

/** Runs that a switch of this name may have held, in order of their ids: those after `after`, a page of them. */
export async function heldRuns(sql: Sql, name: string, after: string): Promise<readonly HeldRun[]> {
  const of = (kind: string) => (name.startsWith(`${kind}:`) ? name.slice(kind.length + 1) : null);
  const [agent, tenant] = [of('agent'), of('tenant')];
  const rows = await sql<{ run: string; workflow_id: string }[]>`
    select run, workflow_id from runs
    where state = 'held' and run > ${after}
      and (${agent}::text is null or agent = ${agent}) and (${tenant}::text is null or tenant = ${tenant})
    order by run limit ${LIMITS.wakePageRows}`;
  return rows.map((row) => ({ run: row.run, workflowId: row.workflow_id }));
}
