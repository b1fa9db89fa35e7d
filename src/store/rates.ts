import { LIMITS } from '../core/limits.ts';
import type { RateLimited, ToolRate } from '../core/rates.ts';
import type { Sql } from './connection.ts';
import { knownFor } from './knownFor.ts';

/**
 * How often runs may start and tools may be called (tables and functions in migrations/0006_budgets.sql): `starts:user`,
 * `starts:tenant`, one of them with `:SUBJECT`, or `tool:NAME`. Every change is audited in the chain `rates`.
 */
export interface Rate extends ToolRate {
  readonly name: string;
  readonly setBy: string;
  /** ISO 8601. */
  readonly setAt: string;
}

/** Counts one call of a pure read, however often it is tried; null when it may run. Effects are counted in their claim. */
export async function countToolCall(
  sql: Sql,
  call: { readonly run: string; readonly key: string; readonly tool: string },
  own?: ToolRate,
): Promise<RateLimited | null> {
  if (own === undefined && !(await ratedTools(sql)).has(call.tool)) return null;
  const [row] = await sql<{ limited: RateLimited | null }[]>`
    select take_tool_rate(${call.run}, ${call.key}, ${call.tool}, ${own === undefined ? null : JSON.stringify(own)}::text::jsonb) as limited`;
  return row?.limited ?? null;
}

const RATED = new WeakMap<Sql, () => Promise<ReadonlySet<string>>>();

/** Tools that an operator has set a rate for, `toolRatesMs` old at most. */
function ratedTools(sql: Sql): Promise<ReadonlySet<string>> {
  const known = RATED.get(sql) ?? knownFor(LIMITS.toolRatesMs, () => readRatedTools(sql));
  RATED.set(sql, known);
  return known();
}

async function readRatedTools(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`select name from rates where name like 'tool:%'`;
  return new Set(rows.map(({ name }) => name.slice('tool:'.length)));
}

export async function listRates(sql: Sql): Promise<readonly Rate[]> {
  const rows = await sql<
    {
      name: string;
      per_run: number | null;
      per_minute: number | null;
      per_day: number | null;
      set_by: string;
      set_at: Date;
    }[]
  >`select * from rates order by name`;
  return rows.map((row) => ({
    name: row.name,
    ...(row.per_run !== null && { perRun: row.per_run }),
    ...(row.per_minute !== null && { perMinute: row.per_minute }),
    ...(row.per_day !== null && { perDay: row.per_day }),
    setBy: row.set_by,
    setAt: row.set_at.toISOString(),
  }));
}

export async function setRate(
  sql: Sql,
  rate: ToolRate & { readonly name: string; readonly by: string; readonly reason: string },
): Promise<void> {
  const { name, perRun = null, perMinute = null, perDay = null, by, reason } = rate;
  await sql`select set_rate(${name}, ${perRun}, ${perMinute}, ${perDay}, ${by}, ${reason})`;
}

/** False when there was none. */
export async function clearRate(
  sql: Sql,
  change: { readonly name: string; readonly by: string; readonly reason: string },
): Promise<boolean> {
  const [row] = await sql<{ cleared: boolean }[]>`
    select clear_rate(${change.name}, ${change.by}, ${change.reason}) as cleared`;
  return row?.cleared === true;
}
