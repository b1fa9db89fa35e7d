import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { BREAKER_RULES } from '../../src/core/breakerRules.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { readGovernor } from '../../src/store/breakers.ts';
import type { Sql } from '../../src/store/connection.ts';
import { governBreakers } from '../../src/store/governor.ts';
import { claimEffect } from '../../src/store/ledger.ts';
import { readReadings } from '../../src/store/readings.ts';
import { at, HOUR, MINUTE, moveBreaker, NOW, planting } from './breakerRows.ts';
import { KEYED, newInput } from './claimInputs.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
  await sql`insert into releases (hash, agent, body) values ('release', 'lab', '{}')`;
});
afterAll(() => database[Symbol.asyncDispose]());
afterEach(async () => {
  await sql`truncate breakers, breaker_probes, call_outcomes, cost_hours, model_attempts, approvals, notices cascade`;
  await sql`delete from runs`;
});

const readingsOf = async (name: string, nowMs = NOW) =>
  (await readReadings(sql, BREAKER_RULES, nowMs)).get(name) ?? [];

describe('readings', () => {
  test('calls of a tool that failed, in the window only, and of no other tool', async () => {
    for (let i = 0; i < 10; i++)
      await planting(sql).call(`r${i % 4}`, i < 6 ? 'broke' : 'answered', NOW - i * MINUTE);
    await planting(sql).call('old', 'broke', NOW - 11 * MINUTE);
    await planting(sql).call('later', 'broke', NOW + 1);
    await planting(sql).call('r0', 'broke', NOW, { tool: 'other' });
    await planting(sql).call('r0', 'denied', NOW);
    expect(await readingsOf('tool:note')).toEqual([
      { metric: 'toolErrors', part: null, bad: 6, of: 10, runs: 4 },
    ]);
    expect(await readingsOf('tool:other')).toEqual([
      { metric: 'toolErrors', part: null, bad: 1, of: 1, runs: 1 },
    ]);
    expect(await readingsOf('agent:lab')).toContainEqual({
      metric: 'denials',
      part: null,
      bad: 1,
      of: 13,
      runs: 1,
    });
  });

  test('an effect of which nobody knows what became of it has failed', async () => {
    const input = newInput();
    await claimEffect(sql, input, { ...KEYED, mode: 'never' }, true);
    await sql`update effects set state = 'unknown', settled_at = ${at(NOW)}::text::timestamptz where key = ${input.key}`;
    expect(await readingsOf('tool:note')).toEqual([
      { metric: 'toolErrors', part: null, bad: 1, of: 1, runs: 1 },
    ]);
    await sql`delete from effects where key = ${input.key}`;
  });

  test('a release is blamed for a tool only where the tool works elsewhere, and then the tool is not', async () => {
    for (let i = 0; i < 12; i++) await planting(sql).call(`n${i}`, 'broke', NOW - 2, { release: 'new' });
    expect(await readingsOf('release:new')).toEqual([]);
    for (let i = 0; i < 12; i++) await planting(sql).call(`o${i}`, 'answered', NOW - 2, { release: 'old' });
    expect(await readingsOf('release:new')).toEqual([
      { metric: 'toolErrors', part: 'note', bad: 12, of: 12, runs: 12 },
    ]);
    expect(await readingsOf('tool:note')).toMatchObject([{ bad: 12, of: 24 }]);
    await moveBreaker(sql, 'release:new', 'open', NOW - 1);
    expect(await readingsOf('tool:note')).toEqual([]);
  });

  test('what opened a breaker does not open it twice', async () => {
    for (let i = 0; i < 20; i++) await planting(sql).call(`r${i}`, 'broke', NOW - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW)).toEqual([
      { name: 'tool:note', event: 'opened', why: '20 of 20 calls failed (20 runs)' },
    ]);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + MINUTE)).toEqual([]);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + 5 * MINUTE)).toMatchObject([
      { event: 'half_open' },
    ]);
    for (let i = 0; i < 3; i++) await planting(sql).call(`p${i}`, 'answered', NOW + 5.5 * MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + 6 * MINUTE)).toMatchObject([{ event: 'closed' }]);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + 7 * MINUTE)).toEqual([]);
    expect((await readAudit(sql, 'breakers')).slice(-3).map((row) => [row.event, row.key])).toEqual([
      ['breaker_opened', 'tool:note'],
      ['breaker_half_open', 'tool:note'],
      ['breaker_closed', 'tool:note'],
    ]);
    expect(firstBrokenRow('breakers', await readAudit(sql, 'breakers'))).toBeNull();
    expect(await sql`select type from notices order by created_at`).toEqual([
      { type: 'breaker.opened' },
      { type: 'breaker.half_open' },
      { type: 'breaker.closed' },
    ]);
    expect(await readGovernor(sql)).toMatchObject({ ranAtMs: NOW + 7 * MINUTE });
  });

  test('conversations that went to people count; who was taken, or waited for people in vain, does not', async () => {
    for (let i = 0; i < 25; i++) {
      await planting(sql).run(`r${i}`, { tenant: 'acme' });
      await planting(sql).answer(`r${i}`, NOW - 10 * MINUTE);
    }
    for (const i of [0, 1, 2, 3, 4, 5, 6, 7])
      await planting(sql).end(`r${i}`, 'escalated', 'handed_over', NOW - 5 * MINUTE);
    await sql`select audit_append('r0', 'steer_handOver', '', '{}')`;
    await sql`
      insert into approvals (id, run, workflow_id, kind, state, key, summary, reason, taint, requester, requester_may,
        approvers, quorum, opened_at, deadline, on_expiry)
      select 'a' || n, 'r' || n, 'w', case n when 1 then 'pause' else 'call' end, 'expired', 'k', '', '', '', 'c', 'not', '{}', 1,
        ${at(NOW - HOUR)}::text::timestamptz, ${at(NOW)}::text::timestamptz, 'escalate' from generate_series(1, 2) n`;
    await sql`update runs set reason = 'outage' where run = 'r3'`;
    const expected = { metric: 'escalations', part: null, bad: 4, of: 25, runs: 4 };
    for (const name of ['fleet', 'agent:lab', 'release:release', 'tenant:acme'])
      expect(await readingsOf(name)).toContainEqual(expected);
  });

  test('limits that were hit, and models that failed; our own faults are none of the model', async () => {
    for (let i = 0; i < 12; i++) {
      await planting(sql).run(`r${i}`);
      await planting(sql).answer(`r${i}`, NOW - 1, {
        failure: i < 8 ? 'model_overloaded' : i === 8 ? 'model_bad_request' : null,
      });
    }
    await sql`
      insert into approvals (id, run, workflow_id, kind, state, key, summary, reason, taint, requester, requester_may,
        approvers, quorum, opened_at, deadline, on_expiry)
      values ('l1', 'r11', 'w', 'landing', 'open', 'k', '', '', '', 'c', 'not', '{}', 1,
        ${at(NOW - 1)}::text::timestamptz, now(), 'reject')`;
    expect(await readingsOf('model:m1')).toEqual([
      { metric: 'modelErrors', part: null, bad: 8, of: 11, runs: 8 },
    ]);
    expect(await readingsOf('agent:lab')).toContainEqual({
      metric: 'limitHits',
      part: null,
      bad: 1,
      of: 3,
      runs: 1,
    });
  });

  test('money of an hour against the same time on past days, less what was left unspent before', async () => {
    const hour = Math.floor(NOW / HOUR) * HOUR;
    for (let days = 1; days <= 3; days++)
      for (let back = 0; back < 5; back++)
        await sql`insert into cost_hours values ('agent:lab', ${at(hour - back * HOUR - days * 24 * HOUR)}::text::timestamptz, 2000000)`;
    for (let back = 1; back < 5; back++)
      await sql`insert into cost_hours values ('agent:lab', ${at(hour - back * HOUR)}::text::timestamptz, ${back === 3 ? 500_000 : 2_000_000})`;
    for (let i = 0; i < 8; i++) {
      await planting(sql).run(`r${i}`);
      await planting(sql).answer(`r${i}`, NOW - 20 * MINUTE - i, { cost: 1_000_000 });
    }
    expect(await readingsOf('agent:lab')).toContainEqual({
      metric: 'cost',
      part: null,
      bad: 8_000_000 - 1_500_000,
      of: 2_000_000,
      runs: 8,
    });
    expect(await governBreakers(sql, BREAKER_RULES, NOW)).toMatchObject([
      { name: 'agent:lab', event: 'opened', why: '$6.50 spent in an hour, usual are $2.00 (8 runs)' },
    ]);
    const [kept] =
      await sql`select micro_usd from cost_hours where name = 'agent:lab' and hour = ${at(hour)}::text::timestamptz`;
    expect(kept?.micro_usd).toBe(8_000_000);
  });

  test('two governors at once move a breaker once', async () => {
    for (let i = 0; i < 20; i++) await planting(sql).call(`r${i}`, 'broke', NOW - MINUTE);
    const changes = await Promise.all([1, 2, 3].map(() => governBreakers(sql, BREAKER_RULES, NOW)));
    expect(changes.flat()).toHaveLength(1);
    expect(await sql`select version, opens from breakers`).toEqual([{ version: 1, opens: 1 }]);
  });

  test('outcomes and hours that no reading asks for any more are forgotten', async () => {
    await planting(sql).call('r', 'answered', NOW - LIMITS.callOutcomesMs - 1);
    await planting(sql).call('r', 'answered', NOW - MINUTE);
    await sql`insert into cost_hours values ('fleet', ${at(NOW - LIMITS.costHoursMs - HOUR)}::text::timestamptz, 1)`;
    await governBreakers(sql, BREAKER_RULES, NOW);
    expect(await sql`select from call_outcomes`).toHaveLength(1);
    expect(await sql`select from cost_hours`).toHaveLength(0);
  });
});
