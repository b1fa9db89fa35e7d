import type { BreakerChangeTold } from '../activities/types.ts';
import type { BreakerRules } from '../core/breakerRules.ts';
import { judgeBreaker, newBreaker, whyText } from '../core/breakers.ts';
import { LIMITS } from '../core/limits.ts';
import { listBreakers, readGovernor, time, writeBreaker } from './breakers.ts';
import type { Sql } from './connection.ts';
import { readReadings } from './readings.ts';

// One look of the governor: reads, judges, writes. Several at once change each breaker once: a judgement is written only
// over the version that it was made of.

/** `nowMs`: null for the database's own clock. */
export async function governBreakers(
  sql: Sql,
  rules: BreakerRules,
  nowMs: number | null = null,
): Promise<readonly BreakerChangeTold[]> {
  const atMs = nowMs ?? (await readGovernor(sql)).nowMs;
  const stored = new Map((await listBreakers(sql)).map((one) => [one.breaker.name, one]));
  const readings = await readReadings(sql, rules, atMs);
  const changes: BreakerChangeTold[] = [];
  for (const name of new Set([...stored.keys(), ...readings.keys()])) {
    const before = stored.get(name) ?? { breaker: newBreaker(name), version: 0 };
    const judgement = judgeBreaker(before.breaker, readings.get(name) ?? [], rules, atMs);
    const { event, why } = judgement;
    if (event !== null && (await writeBreaker(sql, before, judgement, 'holdfast')))
      changes.push({ name, event, why: why === null ? '' : whyText(why) });
  }
  await forget(sql, atMs);
  await sql`
    insert into governor (ran_at, changes) values (${time(atMs)}::text::timestamptz, ${changes.length})
    on conflict (one) do update set ran_at = excluded.ran_at, changes = excluded.changes`;
  return changes;
}

/** What no reading will ask for any more, so many rows at a time. */
async function forget(sql: Sql, nowMs: number): Promise<void> {
  const before = (ms: number) => time(nowMs - ms);
  await sql`
    delete from call_outcomes where id in (select id from call_outcomes
      where at < ${before(LIMITS.callOutcomesMs)}::text::timestamptz order by at limit ${LIMITS.governorSweepRows})`;
  await sql`
    delete from cost_hours where (name, hour) in (select name, hour from cost_hours
      where hour < ${before(LIMITS.costHoursMs)}::text::timestamptz order by hour limit ${LIMITS.governorSweepRows})`;
  await sql`
    delete from breakers where state = 'closed' and override is null
      and since < ${before(LIMITS.closedBreakersMs)}::text::timestamptz`;
}
