import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  BREAKER_RULES,
  forceBreaker,
  judgeBreaker,
  newBreaker,
  type Reading,
  releaseBreaker,
  standing,
} from '../../src/core/breakers.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { admitRun, findBreaker, openBreakers, readGovernor, writeBreaker } from '../../src/store/breakers.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { governBreakers } from '../../src/store/governor.ts';
import { claimEffect, closeEffectRow } from '../../src/store/ledger.ts';
import { readReadings } from '../../src/store/readings.ts';
import { takeHeldByBreakers } from '../../src/store/waking.ts';
import { eventsOf, insertRun, KEYED, lapse, newInput, ofTenant } from './claimInputs.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
  await sql`insert into releases (hash, agent, body) values ('release', 'lab', '{}')`;
  await sql`insert into channels (agent, channel, release, moved_by) values ('lab', 'live', 'release', 'a test')`;
});
afterAll(() => database[Symbol.asyncDispose]());
afterEach(async () => {
  await sql`truncate breakers, breaker_probes, call_outcomes, cost_hours, model_attempts, approvals, notices cascade`;
  await sql`delete from runs`;
});

const NOW = Date.parse('2030-03-05T12:30:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const READING: Reading = { metric: 'toolErrors', part: null, bad: 9, of: 10, runs: 5 };
const at = (ms: number) => new Date(ms).toISOString();

/** Moves a breaker as the governor would. */
async function move(name: string, to: 'open' | 'half_open' | 'closed', nowMs = NOW): Promise<void> {
  const before = (await findBreaker(sql, name)) ?? { breaker: newBreaker(name), version: 0 };
  const why = { kind: 'reading', reading: READING } as const;
  const times = { sinceMs: nowMs, untilMs: nowMs + 5 * MINUTE };
  const state =
    to === 'closed'
      ? ({ kind: 'closed', sinceMs: nowMs } as const)
      : to === 'open'
        ? ({ kind: 'open', ...times, why } as const)
        : ({ kind: 'half_open', ...times, probes: 2, taken: 0, why } as const);
  const event = to === 'open' ? 'opened' : to;
  expect(
    await writeBreaker(sql, before, { breaker: { ...before.breaker, state }, event, why }, 'holdfast'),
  ).toBe(true);
}

const standsAs = async (name: string) => {
  const found = await findBreaker(sql, name);
  return found === null ? null : standing(found.breaker);
};

describe('an open breaker holds effects, and refuses none', () => {
  test.each(['fleet', 'agent:lab', 'release:release', 'tool:note', 'tenant:acme'])('%s', async (name) => {
    const input = newInput({ requester: ofTenant('acme') });
    await insertRun(sql, input);
    await move(name, 'open');
    for (let i = 0; i < 3; i++)
      expect(await claimEffect(sql, input, KEYED, true)).toEqual({ kind: 'held', name: `breaker:${name}` });
    expect(await sql`select from effects where key = ${input.key}`).toHaveLength(0);
    expect(await eventsOf(sql, input.run)).toEqual(['effect_held']);
    expect(await sql`select held_by from runs where run = ${input.run}`).toEqual([
      { held_by: `breaker:${name}` },
    ]);
    await move(name, 'closed');
    expect(await claimEffect(sql, input, KEYED, true)).toMatchObject({ kind: 'run', fence: 1 });
  });

  test('others go on, and a breaker of a model holds nothing here', async () => {
    for (const name of ['agent:other', 'tool:other', 'tenant:other', 'release:other', 'model:note'])
      await move(name, 'open');
    expect(await claimEffect(sql, newInput(), KEYED, true)).toMatchObject({ kind: 'run' });
  });

  test('what an attempt may have done is neither asked about nor forgotten', async () => {
    const lost = newInput();
    await claimEffect(sql, lost, KEYED, true);
    await lapse(sql, lost);
    await move('tool:note', 'open');
    expect(await claimEffect(sql, lost, KEYED, true)).toMatchObject({ kind: 'held' });
    await move('tool:note', 'closed');
    expect(await claimEffect(sql, lost, KEYED, true)).toMatchObject({ kind: 'run', fence: 2, doubt: true });
    await lapse(sql, lost);
    await move('tool:note', 'open');
    // Whoever gives it up does not call it "not run".
    expect(await closeEffectRow(sql, lost, KEYED)).toEqual({ kind: 'unknown' });
  });

  test('half-open lets so many through, each once, and no more when they come at the same time', async () => {
    await move('tool:note', 'half_open');
    const inputs = Array.from({ length: 12 }, () => newInput());
    const pool = connect(database.url, { maxConnections: 8 });
    try {
      const claims = await Promise.all(inputs.map((input) => claimEffect(pool, input, KEYED, true)));
      expect(claims.filter(({ kind }) => kind === 'run')).toHaveLength(2);
      const first = inputs[claims.findIndex(({ kind }) => kind === 'run')] ?? newInput();
      await lapse(sql, first);
      // Its second attempt is no second probe.
      expect((await claimEffect(sql, first, KEYED, true)).kind).toBe('run');
    } finally {
      await pool.end({ timeout: 5 });
    }
    // Half-open again: others may try.
    await move('tool:note', 'open');
    await move('tool:note', 'half_open');
    expect((await claimEffect(sql, newInput(), KEYED, true)).kind).toBe('run');
  });

  test('what one breaker holds is no probe of another', async () => {
    await move('agent:lab', 'half_open');
    await move('tool:note', 'open');
    for (let i = 0; i < 5; i++) expect((await claimEffect(sql, newInput(), KEYED, true)).kind).toBe('held');
    expect(await sql`select from breaker_probes`).toHaveLength(0);
  });
});

describe('new runs', () => {
  test('wait while a breaker of theirs is open, are in the lists, and a repeated try is told once', async () => {
    const ref = newInput({ requester: ofTenant('acme') });
    expect(await admitRun(sql, ref, 'live')).toEqual({ kind: 'admitted', release: 'release' });
    await move('tenant:acme', 'open');
    for (let i = 0; i < 3; i++)
      expect(await admitRun(sql, ref, 'live')).toEqual({
        kind: 'held',
        release: 'release',
        name: 'breaker:tenant:acme',
        untilMs: NOW + 5 * MINUTE,
      });
    expect(await sql`select state, held_by, release from runs where run = ${ref.run}`).toEqual([
      { state: 'held', held_by: 'breaker:tenant:acme', release: null },
    ]);
    expect(await eventsOf(sql, ref.run)).toEqual(['run_held']);
    expect(await admitRun(sql, newInput({ requester: ofTenant('other') }), 'live')).toMatchObject({
      kind: 'admitted',
    });
    expect(await admitRun(sql, newInput(), 'nowhere')).toEqual({ kind: 'admitted', release: null });
    // One that has begun is not asked again.
    await sql`update runs set release = 'release' where run = ${ref.run}`;
    expect(await admitRun(sql, ref, 'live')).toMatchObject({ kind: 'admitted' });
  });

  test('asking costs no transaction id while nothing is open', async () => {
    const xid = async () => Number((await sql`select pg_current_xact_id()::text as id`)[0]?.id);
    const before = await xid();
    for (let i = 0; i < 5; i++) await admitRun(sql, newInput(), 'live');
    expect((await xid()) - before).toBe(1);
  });

  test('a run that was let in acts without being another probe', async () => {
    await move('agent:lab', 'half_open');
    const [one, two, three] = [newInput(), newInput(), newInput()];
    expect((await admitRun(sql, one, 'live')).kind).toBe('admitted');
    expect((await admitRun(sql, two, 'live')).kind).toBe('admitted');
    expect((await admitRun(sql, three, 'live')).kind).toBe('held');
    expect((await claimEffect(sql, one, KEYED, true)).kind).toBe('run');
    expect((await claimEffect(sql, three, KEYED, true)).kind).toBe('held');
  });

  test('are woken, the longest held first: all of them once it is closed, as many as may try while it is half-open', async () => {
    const held = Array.from({ length: 6 }, () => newInput());
    await move('agent:lab', 'open');
    for (const [i, ref] of held.entries()) {
      await admitRun(sql, ref, 'live');
      await sql`update runs set updated_at = ${at(NOW + i)}::text::timestamptz where run = ${ref.run}`;
    }
    const ids = async (limit: number) => (await takeHeldByBreakers(sql, limit)).map(({ run }) => run);
    expect(await ids(10)).toEqual([]);
    await move('agent:lab', 'half_open');
    expect((await ids(10)).sort()).toEqual([held[0]?.run, held[1]?.run].sort());
    await move('agent:lab', 'closed');
    expect(await ids(3)).toHaveLength(3);
    expect(await ids(3)).toHaveLength(1);
    expect(await ids(3)).toEqual([]);
  });
});

/** Rows as runs leave them. */
const plant = {
  run: (run: string, more: { agent?: string; release?: string; tenant?: string | null } = {}) =>
    sql`insert into runs (run, workflow_id, agent, release, requester, tenant, state)
      values (${run}, ${run}, ${more.agent ?? 'lab'}, 'release', 'c', ${more.tenant ?? null}, 'running') on conflict do nothing`,
  call: (run: string, outcome: string, atMs: number, more: { tool?: string; release?: string } = {}) =>
    sql`insert into call_outcomes (at, run, agent, release, tenant, tool, outcome) values (${at(atMs)}::text::timestamptz,
      ${run}, 'lab', ${more.release ?? 'release'}, 'acme', ${more.tool ?? 'note'}, ${outcome})`,
  answer: (
    run: string,
    atMs: number,
    more: { cost?: number; failure?: string | null; model?: string } = {},
  ) =>
    sql`insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, cost_micro_usd, failure, expires_at, closed_at)
      values (${run}, 1, 'act', ${more.failure ? 'released' : 'settled'}, ${more.model ?? 'm1'}, 0, ${more.cost ?? 0},
        ${more.failure ?? null}, now(), ${at(atMs)}::text::timestamptz)`,
  end: (run: string, outcome: string, reason: string, atMs: number) =>
    sql`update runs set state = 'ended', outcome = ${outcome}, reason = ${reason}, ended_at = ${at(atMs)}::text::timestamptz
      where run = ${run}`,
};

const readingsOf = async (name: string, nowMs = NOW) =>
  (await readReadings(sql, BREAKER_RULES, nowMs)).get(name) ?? [];

describe('readings', () => {
  test('calls of a tool that failed, in the window only, and of no other tool', async () => {
    for (let i = 0; i < 10; i++)
      await plant.call(`r${i % 4}`, i < 6 ? 'broke' : 'answered', NOW - i * MINUTE);
    await plant.call('old', 'broke', NOW - 11 * MINUTE);
    await plant.call('later', 'broke', NOW + 1);
    await plant.call('r0', 'broke', NOW, { tool: 'other' });
    await plant.call('r0', 'denied', NOW);
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
    for (let i = 0; i < 12; i++) await plant.call(`n${i}`, 'broke', NOW - 2, { release: 'new' });
    expect(await readingsOf('release:new')).toEqual([]);
    for (let i = 0; i < 12; i++) await plant.call(`o${i}`, 'answered', NOW - 2, { release: 'old' });
    expect(await readingsOf('release:new')).toEqual([
      { metric: 'toolErrors', part: 'note', bad: 12, of: 12, runs: 12 },
    ]);
    expect(await readingsOf('tool:note')).toMatchObject([{ bad: 12, of: 24 }]);
    await move('release:new', 'open', NOW - 1);
    expect(await readingsOf('tool:note')).toEqual([]);
  });

  test('what opened a breaker does not open it twice', async () => {
    for (let i = 0; i < 20; i++) await plant.call(`r${i}`, 'broke', NOW - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW)).toEqual([
      { name: 'tool:note', event: 'opened', why: '20 of 20 calls failed (20 runs)' },
    ]);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + MINUTE)).toEqual([]);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + 5 * MINUTE)).toMatchObject([
      { event: 'half_open' },
    ]);
    for (let i = 0; i < 3; i++) await plant.call(`p${i}`, 'answered', NOW + 5.5 * MINUTE);
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
      await plant.run(`r${i}`, { tenant: 'acme' });
      await plant.answer(`r${i}`, NOW - 10 * MINUTE);
    }
    for (const i of [0, 1, 2, 3, 4, 5, 6, 7])
      await plant.end(`r${i}`, 'escalated', 'handed_over', NOW - 5 * MINUTE);
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
      await plant.run(`r${i}`);
      await plant.answer(`r${i}`, NOW - 1, {
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
      await plant.run(`r${i}`);
      await plant.answer(`r${i}`, NOW - 20 * MINUTE - i, { cost: 1_000_000 });
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
    for (let i = 0; i < 20; i++) await plant.call(`r${i}`, 'broke', NOW - MINUTE);
    const changes = await Promise.all([1, 2, 3].map(() => governBreakers(sql, BREAKER_RULES, NOW)));
    expect(changes.flat()).toHaveLength(1);
    expect(await sql`select version, opens from breakers`).toEqual([{ version: 1, opens: 1 }]);
  });

  test('outcomes and hours that no reading asks for any more are forgotten', async () => {
    await plant.call('r', 'answered', NOW - LIMITS.callOutcomesMs - 1);
    await plant.call('r', 'answered', NOW - MINUTE);
    await sql`insert into cost_hours values ('fleet', ${at(NOW - LIMITS.costHoursMs - HOUR)}::text::timestamptz, 1)`;
    await governBreakers(sql, BREAKER_RULES, NOW);
    expect(await sql`select from call_outcomes`).toHaveLength(1);
    expect(await sql`select from cost_hours`).toHaveLength(0);
  });
});

describe('an operator', () => {
  test('forces a breaker open and takes the word back; both are told', async () => {
    const opened = await holdfast(sql, [
      'breakers',
      'open',
      'tool:note',
      '--by',
      'olga',
      '--reason',
      'looks wrong',
      '--for',
      '2h',
    ]);
    expect(opened.out).toMatch(/^tool:note is open by olga, until /);
    const input = newInput();
    expect((await claimEffect(sql, input, KEYED, true)).kind).toBe('held');
    expect((await readAudit(sql, input.run)).map(({ facts }) => JSON.parse(facts))).toMatchObject([
      { switch: 'breaker:tool:note', by: 'olga', reason: 'looks wrong' },
    ]);
    const listed = await holdfast(sql, ['breakers', '--json']);
    expect(JSON.parse(listed.out)).toMatchObject({
      breakers: [{ name: 'tool:note', state: 'open', forcedBy: 'olga', why: 'looks wrong' }],
    });
    expect((await holdfast(sql, ['breakers'])).out).toContain('looks wrong');
    expect((await holdfast(sql, ['breakers', 'auto', 'tool:note', '--by', 'olga'])).out).toContain(
      'half open',
    );
    expect((await claimEffect(sql, input, KEYED, true)).kind).toBe('run');
    expect(await holdfast(sql, ['breakers', 'auto', 'tool:note', '--by', 'olga'])).toMatchObject({
      exit: 'notFound',
    });
    expect(
      (await readAudit(sql, 'breakers')).slice(-2).map(({ event, facts }) => [event, JSON.parse(facts).by]),
    ).toEqual([
      ['breaker_forced', 'olga'],
      ['breaker_released', 'olga'],
    ]);
    expect(await sql`select type from notices order by created_at`).toEqual([
      { type: 'breaker.opened' },
      { type: 'breaker.half_open' },
    ]);
  });

  test('forces one closed: what is read does not matter until the time is over', async () => {
    const before = { breaker: newBreaker('tool:note'), version: 0 };
    const override = {
      stands: 'closed',
      untilMs: NOW + HOUR,
      by: 'olga',
      reason: 'known, harmless',
    } as const;
    await writeBreaker(sql, before, forceBreaker(before.breaker, override), 'olga');
    for (let i = 0; i < 20; i++) await plant.call(`r${i}`, 'broke', NOW - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW)).toEqual([]);
    expect(await standsAs('tool:note')).toBe('closed');
    for (let i = 0; i < 20; i++) await plant.call(`s${i}`, 'broke', NOW + HOUR - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + HOUR)).toMatchObject([{ event: 'released' }]);
    for (let i = 0; i < 20; i++) await plant.call(`t${i}`, 'broke', NOW + HOUR + 1);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + HOUR + MINUTE)).toMatchObject([
      { event: 'opened' },
    ]);
  });

  test('a name, a time or a word that cannot be meant is refused', async () => {
    const by = ['--by', 'olga', '--reason', 'x'];
    expect(await holdfast(sql, ['breakers', 'open', 'tools:note', ...by])).toMatchObject({ exit: 'usage' });
    expect(await holdfast(sql, ['breakers', 'open', 'tool:note', ...by, '--for', '90d'])).toMatchObject({
      exit: 'usage',
    });
    expect(await holdfast(sql, ['breakers', 'open', 'tool:note', '--by', 'olga'])).toMatchObject({
      exit: 'usage',
    });
    expect(await sql`select from breakers`).toHaveLength(0);
  });

  test('a judgement of what has changed since changes nothing', async () => {
    await move('fleet', 'open');
    const found = await findBreaker(sql, 'fleet');
    if (found === null) throw new Error('no breaker');
    await move('fleet', 'half_open');
    const stale = judgeBreaker(found.breaker, [], BREAKER_RULES, NOW + HOUR);
    expect(await writeBreaker(sql, found, stale, 'holdfast')).toBe(false);
    expect(releaseBreaker(found.breaker, BREAKER_RULES, NOW).event).toBeNull();
  });
});

test('those who choose a model know the open breakers, seconds old at most', async () => {
  const pool = connect(database.url, { maxConnections: 1 });
  try {
    await move('model:m1', 'open');
    await move('model:m2', 'half_open');
    expect([...(await openBreakers(pool))]).toEqual(['model:m1']);
    await move('model:m3', 'open');
    expect([...(await openBreakers(pool))]).toEqual(['model:m1']);
  } finally {
    await pool.end({ timeout: 5 });
  }
});
