import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { RunId } from '../../src/core/ids.ts';
import { openAttempt } from '../../src/store/answers.ts';
import { admitRun } from '../../src/store/breakers.ts';
import type { Sql } from '../../src/store/connection.ts';
import { claimEffect, settleEffect } from '../../src/store/ledger.ts';
import { countToolCall, setRate } from '../../src/store/rates.ts';
import { effectTool, labAgent, readTool } from '../e2e/labAgent.ts';
import { type Bench, newCall, openBench, wordsOf } from './bench.ts';
import { eventsOf, KEYED, NAMESPACE_ID, newInput, ofTenant } from './claimInputs.ts';

const agent = labAgent([
  effectTool('note', undefined, { rate: { perRun: 2 } }),
  readTool('look', undefined, { rate: { perMinute: 1 } }),
  readTool('free'),
]);

let bench: Bench;
let sql: Sql;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
  sql = bench.sql;
  await sql`insert into releases (hash, agent, body) values ('release', 'lab', '{}')`;
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(async () => {
  await sql`delete from rates`;
  await sql`delete from rate_windows`;
});

const rate = (name: string, most: { perRun?: number; perMinute?: number; perDay?: number }) =>
  setRate(sql, { name, ...most, by: 'boss', reason: '' });

/** Windows turn as on the database's clock: what was counted was counted a minute before. */
async function passMinute(): Promise<void> {
  await sql`delete from rate_uses where scope like '%/minute'`;
  await sql`update rate_windows set window_start = window_start - interval '1 minute' where scope like '%/minute'`;
}

/** When the window of now turns. */
async function turns(unit: 'minute' | 'day'): Promise<number> {
  const [row] = await sql<{ ends: number }[]>`
    select (extract(epoch from date_trunc(${unit}, clock_timestamp(), 'UTC') + ${unit === 'day' ? '24 hours' : '1 minute'}::interval) * 1000)::bigint as ends`;
  return row?.ends ?? 0;
}

const ANNA = { id: 'anna', tenant: null, roles: [] };

describe('starts', () => {
  let runs = 0;
  const start = (user: string, tenant: string | null = null, run = `rstart${runs++}`) =>
    openAttempt(
      sql,
      {
        run: run as RunId,
        workflowId: `wf-${run}`,
        namespaceId: NAMESPACE_ID,
        agent: 'lab',
        requester: { id: user, tenant, roles: [] },
      },
      { step: 1, purpose: 'act', model: 'm', release: 'release' as never },
      { microUsd: 1, mostSpentMicroUsd: null, needsMicroUsd: 1, ttlMs: 1_000, grant: null },
    );

  test('of a user over the limit are refused, say when to come back, and leave nothing behind', async () => {
    await rate('starts:user', { perMinute: 2 });
    expect((await start('anna')).kind).toBe('opened');
    expect((await start('anna')).kind).toBe('opened');
    expect(await start('anna', null, 'rrefused')).toEqual({
      kind: 'refused_start',
      refused: { scope: 'starts:user:anna/minute', limit: 2, comeBackAtMs: await turns('minute') },
    });
    expect(await sql`select from runs where run = 'rrefused'`).toHaveLength(0);
    expect(await sql`select from model_attempts where run = 'rrefused'`).toHaveLength(0);
    expect((await start('ben')).kind).toBe('opened');
    await passMinute();
    expect((await start('anna')).kind).toBe('opened');
  });

  test('a run that has begun is not counted again, however often it calls its model', async () => {
    await rate('starts:user', { perMinute: 1 });
    for (let i = 0; i < 3; i++) expect((await start('anna', null, 'rbegun')).kind).toBe('opened');
  });

  test('runs that a breaker held are starts once it lets them in', async () => {
    await rate('starts:user', { perDay: 2 });
    await sql`
      insert into channels (agent, channel, release, moved_by) values ('lab', 'held', 'release', 'boss')`;
    await sql`insert into breakers (name, version, state, opens) values ('fleet', 1, 'open', 1)`;
    const waiting = Array.from({ length: 5 }, (_, i) => `rheld${i}`);
    const admit = (run: string) =>
      admitRun(
        sql,
        {
          run: run as RunId,
          workflowId: `wf-${run}`,
          namespaceId: NAMESPACE_ID,
          agent: 'lab',
          requester: ANNA,
        },
        'held',
      );
    for (const run of waiting) expect(await admit(run)).toMatchObject({ kind: 'held' });
    await sql`delete from breakers`;
    const kinds: string[] = [];
    for (const run of waiting) {
      expect(await admit(run)).toMatchObject({ kind: 'admitted' });
      // The second time is an attempt whose answer was lost.
      for (let i = 0; i < 2; i++) kinds.push((await start('anna', null, run)).kind);
    }
    expect(kinds).toEqual([...Array(4).fill('opened'), ...Array(6).fill('refused_start')]);
  });

  test('the later of two limits says when; what is refused by one is counted by none', async () => {
    await rate('starts:user', { perMinute: 1, perDay: 1 });
    await rate('starts:tenant', { perMinute: 5 });
    await start('anna', 'acme');
    expect(await start('anna', 'acme')).toMatchObject({ refused: { comeBackAtMs: await turns('day') } });
    const [row] = await sql`select uses from rate_windows where scope = 'starts:tenant:acme/minute'`;
    expect(row).toEqual({ uses: 1 });
  });

  test('a limit of its own comes before that of every one', async () => {
    await rate('starts:user', { perMinute: 1 });
    await rate('starts:user:acme/vip', { perMinute: 3 });
    for (let i = 0; i < 3; i++) expect((await start('vip', 'acme')).kind).toBe('opened');
    expect((await start('vip', 'acme')).kind).toBe('refused_start');
  });

  test('thirty at once: as many begin as may', async () => {
    await rate('starts:tenant', { perDay: 7 });
    const kinds = await Promise.all(Array.from({ length: 30 }, (_, i) => start(`u${i % 5}`, 'acme')));
    expect(kinds.filter(({ kind }) => kind === 'opened')).toHaveLength(7);
  });
});

describe('calls of a tool', () => {
  test('an effect over its rate is refused by its claim; nothing is written of it', async () => {
    await rate('tool:note', { perMinute: 1 });
    const first = newInput();
    expect((await claimEffect(sql, first, KEYED, true)).kind).toBe('run');
    const second = newInput({ requester: ofTenant('acme') });
    expect(await claimEffect(sql, second, KEYED, true)).toEqual({
      kind: 'rate_limited',
      limited: { scope: 'tool:note/minute', limit: 1, comeBackAtMs: await turns('minute') },
    });
    expect(await sql`select from effects where key = ${second.key}`).toHaveLength(0);
    expect(await eventsOf(sql, second.run)).toEqual([]);
    // What is on record already is not counted again.
    await settleEffect(sql, first.key, 1, { state: 'released', result: null, facts: {}, blob: null });
    expect((await claimEffect(sql, first, KEYED, true)).kind).toBe('run');
  });

  test('of the author and of the operator the tighter one counts', async () => {
    await rate('tool:look', { perMinute: 3, perRun: 5 });
    let calls = 0;
    const call = (run: string, own = {}) =>
      countToolCall(sql, { run, key: `${run}/1/${calls++}`, tool: 'look' }, own);
    expect(await call('r1', { perMinute: 1 })).toBeNull();
    expect(await call('r1', { perMinute: 1 })).toMatchObject({ limit: 1 });
    expect(await call('r1')).toBeNull();
    expect(await call('r1', { perRun: 2 })).toMatchObject({ scope: 'tool:look/run r1', comeBackAtMs: null });
    expect(await call('r2', { perRun: 2 })).toBeNull();
    expect(await call('r2')).toMatchObject({ limit: 3 });
  });

  test('a read over its rate is refused in words that say when; one without a rate writes nothing', async () => {
    const look = () => newCall(bench, agent, 'look');
    const run = async (input: Awaited<ReturnType<typeof look>>) =>
      wordsOf(bench, input, await bench.attempt((activities) => activities.runTool(input)));
    expect(await run(await look())).toBe('seen x');
    const until = new Date(await turns('minute')).toISOString();
    expect(await run(await look())).toBe(
      `Not run: this action is used too often (the limit is 1 a minute; a retry helps from ${until} on). Go on without it, or tell the customer.`,
    );
    expect(await run(await newCall(bench, agent, 'free'))).toBe('seen x');
    await passMinute();
    // A quick read is tried inside the workflow task, again when the task is repeated, and then as an activity.
    const again = await look();
    for (let i = 0; i < 3; i++) expect(await run(again)).toBe('seen x');
    expect(await run(await look())).toContain('used too often');
    expect(await sql`select from rate_windows where scope like 'tool:free%'`).toHaveLength(0);
  });

  test('an effect over the rate of its author is a refusal the model can act on', async () => {
    const input = await newCall(bench, agent, 'note');
    const answers: string[] = [];
    for (let n = 0; n < 3; n++) {
      const call = { ...input, key: `${input.run}/1/${n}` as typeof input.key };
      answers.push(
        await wordsOf(bench, input, await bench.attempt((activities) => activities.runTool(call))),
      );
    }
    expect(answers).toEqual([
      'done x',
      'done x',
      'Not run: this action is used too often (the limit is 2 a conversation; a retry will not help in this conversation). Go on without it, or tell the customer.',
    ]);
  });

  test('a rate that is no whole number is an error of the definition', () => {
    expect(() => readTool('look', undefined, { rate: { perDay: -1 } })).toThrow('rate.perDay -1');
  });
});
