import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { BREAKER_RULES } from '../../src/core/breakerRules.ts';
import { forceBreaker, judgeBreaker, newBreaker, releaseBreaker, standing } from '../../src/core/breakers.ts';
import { readAudit } from '../../src/store/audit.ts';
import { admitRun, findBreaker, openBreakers, writeBreaker } from '../../src/store/breakers.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { governBreakers } from '../../src/store/governor.ts';
import { claimEffect, closeEffectRow } from '../../src/store/ledger.ts';
import { takeHeldByBreakers } from '../../src/store/waking.ts';
import { at, HOUR, MINUTE, moveBreaker, NOW, planting } from './breakerRows.ts';
import { eventsOf, insertRun, KEYED, lapse, NAMESPACE_ID, newInput, ofTenant } from './claimInputs.ts';
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

const move = (name: string, to: 'open' | 'half_open' | 'closed') => moveBreaker(sql, name, to);

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
      await pool.end({ timeoutMs: 5_000 });
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
    const ids = async (limit: number, namespace = NAMESPACE_ID) =>
      (await takeHeldByBreakers(sql, namespace, limit)).map(({ run }) => run);
    expect(await ids(10)).toEqual([]);
    await move('agent:lab', 'half_open');
    expect((await ids(10)).sort()).toEqual([held[0]?.run, held[1]?.run].sort());
    await move('agent:lab', 'closed');
    // Nobody here could wake those of another.
    expect(await ids(3, 'another')).toEqual([]);
    expect(await ids(3)).toHaveLength(3);
    expect(await ids(3)).toHaveLength(1);
    expect(await ids(3)).toEqual([]);
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
    for (let i = 0; i < 20; i++) await planting(sql).call(`r${i}`, 'broke', NOW - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW)).toEqual([]);
    expect(await standsAs('tool:note')).toBe('closed');
    for (let i = 0; i < 20; i++) await planting(sql).call(`s${i}`, 'broke', NOW + HOUR - MINUTE);
    expect(await governBreakers(sql, BREAKER_RULES, NOW + HOUR)).toMatchObject([{ event: 'released' }]);
    for (let i = 0; i < 20; i++) await planting(sql).call(`t${i}`, 'broke', NOW + HOUR + 1);
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
    await pool.end({ timeoutMs: 5_000 });
  }
});
