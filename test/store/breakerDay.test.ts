import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { BREAKER_RULES } from '../../src/core/breakerRules.ts';
import { listBreakers } from '../../src/store/breakers.ts';
import type { Sql } from '../../src/store/connection.ts';
import { governBreakers } from '../../src/store/governor.ts';
import {
  type DayGovernor,
  dayFaults,
  HOUR_MS,
  metricOf,
  playDay,
  SHARES,
  usualMicroUsd,
} from '../unit/core/breakerDay.ts';
import { openDatabase, type TestDatabase } from './database.ts';

/** The day of test/unit/core/breakerDay.ts, read by the SQL of the readings from rows as runs leave them. */

const START_MS = Date.parse('2030-03-05T00:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();

let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  for (const hash of ['support-1', 'support-2', 'sales-1'])
    await database.sql`insert into releases (hash, agent, body) values (${hash}, 'a', '{}')`;
  for (const [name, share] of Object.entries(SHARES))
    for (let hour = -7 * 24; hour < 0; hour++)
      await database.sql`insert into cost_hours values (${name}, ${iso(START_MS + hour * HOUR_MS)}::text::timestamptz,
        ${usualMicroUsd((hour + 7 * 24) % 24, share)})`;
});
afterAll(() => database[Symbol.asyncDispose]());

function governorOn(sql: Sql): DayGovernor {
  const insert = (rows: readonly object[]) => JSON.stringify(rows);
  return {
    record: async ({ calls, answers, ends }) => {
      const dated = <Row extends { readonly atMs: number }>(rows: readonly Row[]) =>
        insert(rows.map((row) => ({ ...row, at: iso(row.atMs) })));
      await sql`
        insert into runs (run, workflow_id, agent, release, requester, tenant, state)
        select distinct run, run, agent, release, 'c', tenant, 'running'
        from jsonb_to_recordset(${dated(answers)}::text::jsonb) as a(run text, agent text, release text, tenant text)
        on conflict do nothing`;
      await sql`
        insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, cost_micro_usd, expires_at, closed_at)
        select run, 1, 'act', 'settled', 'm', 0, round("costMicroUsd"), now(), at
        from jsonb_to_recordset(${dated(answers)}::text::jsonb) as a(run text, "costMicroUsd" float8, at timestamptz)`;
      await sql`
        insert into call_outcomes (at, run, agent, release, tenant, tool, outcome)
        select at, run, agent, release, tenant, tool, outcome from jsonb_to_recordset(${dated(calls)}::text::jsonb)
          as c(at timestamptz, run text, agent text, release text, tenant text, tool text, outcome text)`;
      await sql`
        with ends as (select * from jsonb_to_recordset(${dated(ends)}::text::jsonb)
            as e(at timestamptz, run text, kind text, "waitedInVain" boolean)),
          asked as (
            insert into approvals (id, run, workflow_id, kind, state, key, summary, reason, taint, requester, requester_may,
              approvers, quorum, opened_at, deadline, on_expiry)
            select run, run, run, case kind when 'landed' then 'landing' else 'call' end,
              case kind when 'landed' then 'open' else 'expired' end, run, '', '', '', 'c', 'not', '{}', 1, at, at, 'reject'
            from ends where kind = 'landed' or "waitedInVain")
        update runs set state = 'ended', outcome = ends.kind, reason = 'handed_over', ended_at = ends.at
        from ends where runs.run = ends.run and ends.kind <> 'landed'`;
    },
    take: async (name, run) => {
      await sql`insert into breaker_probes select name, version, ${run} from breakers where name = ${name} on conflict do nothing`;
    },
    breakers: async () => (await listBreakers(sql)).map(({ breaker }) => breaker),
    look: async (nowMs) => {
      const changes = await governBreakers(sql, BREAKER_RULES, nowMs);
      if (changes.length === 0) return [];
      const now = new Map((await listBreakers(sql)).map(({ breaker }) => [breaker.name, breaker]));
      return changes.map(({ name, event }) => {
        const breaker = now.get(name);
        return { name, event, metric: breaker === undefined ? null : metricOf(breaker) };
      });
    },
  };
}

test('a simulated day in PostgreSQL: what should be held is held and comes back, and nothing else moves', async () => {
  const { moves, heldAtEnd, runs } = await playDay({
    governor: governorOn(database.sql),
    startMs: START_MS,
    seed: 7,
    stepMinutes: 3,
  });
  expect(dayFaults(moves), moves.map((one) => Object.values(one).join(' ')).join('\n')).toEqual([]);
  expect(runs).toBeGreaterThan(4_000);
  // Those that are pinned to the bad release wait for an operator, or until they are given up.
  expect(heldAtEnd).toBeLessThan(60);
  const audited = await database.sql<{ event: string; key: string }[]>`
    select event, key from audit where run = 'breakers' order by seq`;
  expect(audited.map(({ event, key }) => `${event} ${key}`)).toEqual(
    moves.map(({ event, name }) => `breaker_${event} ${name}`),
  );
}, 180_000);
