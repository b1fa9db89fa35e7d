import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { HoldfastError } from '../../src/client.ts';
import { callKey } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { claimEffect, closeEffectRow, settleEffect } from '../../src/store/ledger.ts';
import { heldRuns, liftSwitch, listSwitches, setSwitch } from '../../src/store/switches.ts';
import { waitMs } from '../../src/store/waking.ts';
import { until } from '../e2e/lab.ts';
import {
  approved,
  decide,
  eventsOf,
  insertRun,
  KEYED,
  lapse,
  newInput,
  ofTenant,
  openApprovals,
} from './claimInputs.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterAll(() => database[Symbol.asyncDispose]());
afterEach(async () => {
  await sql`delete from switches`;
});

/** Waits for the gate as long as a test has time. */
function impatient(store: Sql): Sql {
  const statement = (strings: TemplateStringsArray, ...values: readonly number[]) =>
    store(strings, ...values.map((value) => (value === LIMITS.gateWaitMs ? 20 : value)));
  return Object.assign(statement, store) as never;
}

const boss = (name: string) => ({ name, by: 'boss', reason: 'a test' });

describe('a kill switch holds, it does not refuse', () => {
  test.each(['fleet', 'agent:lab', 'tool:note', 'tenant:acme'])(
    '%s: nothing is written about the effect, and once it is lifted the same call runs',
    async (name) => {
      const input = newInput({ requester: ofTenant('acme') });
      await setSwitch(sql, boss(name));
      for (let i = 0; i < 3; i++)
        expect(await claimEffect(sql, input, KEYED, true)).toEqual({ kind: 'held', name });
      expect(await sql`select from effects where key = ${input.key}`).toHaveLength(0);
      // A run that waits for days does not fill the audit with its tries.
      expect(await eventsOf(sql, input.run)).toEqual(['effect_held']);
      await liftSwitch(sql, boss(name));
      expect(await claimEffect(sql, input, KEYED, true)).toMatchObject({ kind: 'run', fence: 1 });
      expect(await eventsOf(sql, input.run)).toEqual(['effect_held', 'effect_claimed']);
    },
  );

  test('each setting of it is told once, and by whom and why', async () => {
    const input = newInput();
    for (const by of ['anna', 'ben']) {
      await setSwitch(sql, { name: 'tool:note', by, reason: `because of ${by}` });
      await claimEffect(sql, input, KEYED, true);
      await claimEffect(sql, input, KEYED, true);
    }
    const audit = await readAudit(sql, input.run);
    expect(audit.map((row) => JSON.parse(row.facts))).toMatchObject([
      { switch: 'tool:note', by: 'anna', reason: 'because of anna' },
      { switch: 'tool:note', by: 'ben', reason: 'because of ben' },
    ]);
  });

  test('another agent, another tool and another tenant go on', async () => {
    for (const name of ['agent:other', 'tool:other', 'tenant:other']) await setSwitch(sql, boss(name));
    for (const requester of [ofTenant('acme'), newInput().requester])
      expect(await claimEffect(sql, newInput({ requester }), KEYED, true)).toMatchObject({ kind: 'run' });
  });

  test('an approval is not used up while the call is held', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await setSwitch(sql, boss('fleet'));
    expect((await claimEffect(sql, approved(input), KEYED, true)).kind).toBe('held');
    await liftSwitch(sql, boss('fleet'));
    expect((await claimEffect(sql, approved(input), KEYED, true)).kind).toBe('run');
  });

  test('what was done before it is not called "not run"; what may have been done is unknown', async () => {
    const done = newInput();
    await claimEffect(sql, done, KEYED, true);
    await settleEffect(sql, done.key, 1, { state: 'applied', result: '{"a":1}', facts: {}, blob: null });
    const lost = newInput();
    await claimEffect(sql, lost, KEYED, true);
    await lapse(sql, lost);
    await setSwitch(sql, boss('fleet'));
    expect(await claimEffect(sql, done, KEYED, true)).toEqual({
      kind: 'settled',
      state: 'applied',
      result: '{"a":1}',
    });
    expect(await claimEffect(sql, lost, KEYED, true)).toEqual({ kind: 'unknown' });
  });

  test('whoever gives up closes the call: then nothing does it after all when the switch is lifted', async () => {
    const input = newInput();
    await setSwitch(sql, boss('fleet'));
    await claimEffect(sql, input, KEYED, true);
    expect(await closeEffectRow(sql, input, KEYED)).toEqual({ kind: 'void' });
    await liftSwitch(sql, boss('fleet'));
    expect(await claimEffect(sql, input, KEYED, true)).toEqual({ kind: 'void' });
  });

  test('a name that no claim would ever look for cannot be set', async () => {
    await expect(setSwitch(sql, boss('tools:note'))).rejects.toThrow('switches_name_check');
    await expect(setSwitch(sql, boss('tool:'))).rejects.toThrow('switches_name_check');
  });
});

describe('from the commit of a switch no new effect starts', () => {
  /** Claims in a transaction that stays open until `end` is called. */
  async function openClaim(): Promise<{ readonly key: string; readonly end: () => Promise<unknown> }> {
    const input = newInput();
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let claimed: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => {
      claimed = resolve;
    });
    const work = sql.begin(async (tx) => {
      expect((await claimEffect(tx as unknown as Sql, input, KEYED, true)).kind).toBe('run');
      claimed();
      await ended;
    });
    await Promise.race([ready, work]);
    return {
      key: input.key,
      end: () => {
        end();
        return work;
      },
    };
  }

  const waiting = async () =>
    (
      await sql`
        select from pg_locks l join pg_database d on d.oid = l.database
        where not l.granted and l.locktype = 'advisory' and d.datname = current_database()`
    ).length;

  test('it waits for the claims that were let through, and every later one is held', async () => {
    const early = await openClaim();
    let returned = false;
    const setting = setSwitch(sql, boss('tool:note')).then(() => {
      returned = true;
    });
    await until('the switch waits', async () => (await waiting()) === 1);
    const later = claimEffect(sql, newInput(), KEYED, true);
    await until('the later claim waits behind it', async () => (await waiting()) === 2);
    expect(returned).toBe(false);
    await early.end();
    await setting;
    expect(await sql`select from effects where key = ${early.key}`).toHaveLength(1);
    expect(await later).toEqual({ kind: 'held', name: 'tool:note' });
  });

  test('a gate that stands open would be noticed', async () => {
    const [row] = await sql<{ body: string }[]>`select pg_get_functiondef('pass_gate'::regproc) as body`;
    const body = row?.body ?? '';
    expect(body).toContain('perform pg_advisory_xact_lock_shared(7263012);');
    await sql.unsafe(body.replace('perform pg_advisory_xact_lock_shared(7263012);', ''));
    try {
      const early = await openClaim();
      // It does not wait: a claim that was let through comes on record only after the switch has returned.
      await setSwitch(sql, boss('tool:note'));
      expect(await sql`select from effects where key = ${early.key}`).toHaveLength(0);
      await early.end();
    } finally {
      await sql.unsafe(body);
    }
  });

  test('a claim that began before the switch and waited for its run does see it', async () => {
    const input = newInput();
    let claim: Promise<unknown> = Promise.resolve();
    await sql.begin(async (tx) => {
      await tx`select lock_run(${input.run})`;
      claim = claimEffect(sql, input, KEYED, true);
      await until('the claim waits for its run', async () => (await waiting()) === 1);
      await setSwitch(sql, boss('tool:note'));
    });
    expect(await claim).toEqual({ kind: 'held', name: 'tool:note' });
  });

  test('claims of different runs do not wait for each other', async () => {
    const early = await openClaim();
    expect((await claimEffect(sql, newInput(), KEYED, true)).kind).toBe('run');
    await early.end();
  });

  test('a claim that hangs keeps a switch waiting for so long only; then nothing is set and claims go on', async () => {
    const early = await openClaim();
    await expect(sql`select set_switch('fleet', 'boss', 'a test', 20)`).rejects.toMatchObject({
      code: '55P03',
    });
    expect(await listSwitches(sql)).toEqual([]);
    expect((await claimEffect(sql, newInput(), KEYED, true)).kind).toBe('run');
    await early.end();
  });

  test('stop says so, and not that the database cannot be reached: nobody may believe that it is set', async () => {
    const early = await openClaim();
    const [stop, revoke] = [
      await holdfast(impatient(sql), ['stop', '--all', '--by', 'anna', '--reason', 'now']),
      await holdfast(impatient(sql), ['rules', 'revoke', '1', '--by', 'anna']),
    ];
    for (const { exit, message } of [stop, revoke]) {
      expect(exit).toBe('busy');
      expect(message).toMatch(/claims in progress .* nothing was changed, try again now/);
    }
    expect(await listSwitches(sql)).toEqual([]);
    await early.end();
  });

  test('in a storm of claims: all that ran were claimed before it, all after it are held', async () => {
    const pools = Array.from({ length: 4 }, () => connect(database.url, { maxConnections: 5 }));
    try {
      const inputs = Array.from({ length: 400 }, () => newInput({ tool: 'storm' }));
      const storm = inputs.map((input, i) => claimEffect(pools[i % 4] ?? sql, input, KEYED, true));
      await Promise.race(storm);
      await setSwitch(sql, boss('tool:storm'));
      const after = await claimEffect(sql, newInput({ tool: 'storm' }), KEYED, true);
      const kinds = (await Promise.all(storm)).map((claim) => claim.kind);
      expect(after.kind).toBe('held');
      expect(new Set(kinds)).toEqual(new Set(['run', 'held']));
      const [times] = await sql<{ ran: number; since: number; held: number }[]>`
        select max(a.at_us) filter (where a.event = 'effect_claimed') as ran,
          min(a.at_us) filter (where a.event = 'effect_held') as held,
          (select (extract(epoch from set_at) * 1000000)::bigint from switches where name = 'tool:storm') as since
        from audit a where a.key = any(${inputs.map((input) => input.key)}::text[])`;
      expect(times?.ran).toBeLessThan(times?.since ?? 0);
      expect(times?.held).toBeGreaterThan(times?.since ?? 0);
    } finally {
      await Promise.all(pools.map((pool) => pool.end({ timeoutMs: 5_000 })));
    }
  });

  test('claims, settles, decisions, switches and revocations at once never deadlock', async () => {
    const pool = connect(database.url, { maxConnections: 10 });
    try {
      const amount = { value: 5, currency: 'USD' };
      const work = Array.from({ length: 40 }, async (_, i) => {
        const input = newInput({ classes: i % 2 === 0 ? ['a:1', 'b:1'] : ['b:1', 'a:1'] });
        await insertRun(pool, input);
        const calls = [0, 1].map((n) => ({ ...input, key: callKey(input.run, 1, n) }));
        await openApprovals(pool, calls, { payee: `p${i}`, amount });
        const [first, second] = calls;
        if (first === undefined || second === undefined) throw new Error('two calls');
        const learn = { by: 'boss', identity: 'signed', learn: { days: 5 } };
        await Promise.all([
          decide(pool, second, 'approved', learn),
          claimEffect(pool, approved(first, learn), KEYED, true),
        ]);
        return settleEffect(pool, first.key, 1, {
          state: 'applied',
          result: '{}',
          facts: {},
          blob: null,
        }).catch((error: unknown) => String(error));
      });
      const switching = (async () => {
        for (let i = 0; i < 20; i++) {
          await setSwitch(pool, boss('agent:nobody'));
          await pool`select revoke_rule(id, 'boss', '', 10000) from learned_rules where revoked_at is null limit 1`;
          await liftSwitch(pool, boss('agent:nobody'));
        }
      })();
      const [settled] = await Promise.all([Promise.all(work), switching]);
      expect(settled).toEqual(settled.map(() => expect.objectContaining({ won: true })));
    } finally {
      await pool.end({ timeoutMs: 5_000 });
    }
  });

  test('who set and lifted it, and why, is a whole chain of its own', async () => {
    await setSwitch(sql, { name: 'tool:note', by: 'anna', reason: 'refunds look wrong' });
    expect(await liftSwitch(sql, { name: 'tool:note', by: 'ben', reason: 'mended' })).toBe(true);
    expect(await liftSwitch(sql, { name: 'tool:note', by: 'ben', reason: 'mended' })).toBe(false);
    const audit = await readAudit(sql, 'switches');
    expect(firstBrokenRow('switches', audit)).toBeNull();
    expect(audit.slice(-2).map((row) => [row.event, row.key, JSON.parse(row.facts)])).toEqual([
      ['switch_set', 'tool:note', { by: 'anna', reason: 'refunds look wrong' }],
      ['switch_lifted', 'tool:note', { by: 'ben', reason: 'mended' }],
    ]);
  });
});

describe('holdfast stop', () => {
  const BY = ['--by', 'anna', '--reason', 'refunds look wrong'];

  test('sets one switch and says how to lift it; --list shows it', async () => {
    const set = await holdfast(sql, ['stop', '--tool', 'note', ...BY]);
    expect(set.out).toContain('stopped tool:note');
    expect(set.out).toContain("holdfast stop --tool 'note' --off");
    expect(await listSwitches(sql)).toMatchObject([
      { name: 'tool:note', setBy: 'anna', reason: 'refunds look wrong' },
    ]);
    expect((await holdfast(sql, ['stop', '--list'])).out).toMatch(/tool:note .* anna +refunds look wrong/);
    expect((await holdfast(sql, ['stop', '--all', ...BY])).out).toContain('stopped fleet');
  });

  test('warns of a name that nothing has, and sets it all the same', async () => {
    await sql`insert into releases (hash, agent, body) values ('h1', 'lab',
      '{"tools":[{"labels":{"name":"note"}}]}')`;
    await insertRun(sql, newInput({ requester: ofTenant('acme') }));
    for (const [flag, name] of [
      ['--tool', 'note'],
      ['--agent', 'lab'],
      ['--tenant', 'acme'],
    ] as const) {
      expect((await holdfast(sql, ['stop', flag, name, ...BY])).notes).toBe('');
      expect((await holdfast(sql, ['stop', flag, `${name}x`, ...BY])).notes).toContain('check the name');
    }
    expect(await listSwitches(sql)).toHaveLength(6);
  });

  test('lifting wakes the runs it may have held, and no others', async () => {
    await sql`update runs set state = 'running'`;
    const acme = newInput({ requester: ofTenant('acme') });
    const other = newInput({ requester: ofTenant('other'), agent: 'second' });
    const idle = newInput({ requester: ofTenant('acme') });
    await insertRun(sql, acme, 'held');
    await insertRun(sql, other, 'held');
    await insertRun(sql, idle, 'idle');
    await holdfast(sql, ['stop', '--tenant', 'acme', ...BY]);
    const lifted = await holdfast(sql, ['stop', '--tenant', 'acme', '--off', ...BY]);
    expect(lifted.woken).toEqual([
      { workflowId: acme.workflowId, by: 'anna', reason: 'tenant:acme was lifted: refunds look wrong' },
    ]);
    expect(lifted.out).toContain('lifted tenant:acme: 1 held runs woken');
    expect((await heldRuns(sql, 'agent:second', '')).map((run) => run.run)).toEqual([other.run]);
    expect(await heldRuns(sql, 'fleet', '')).toHaveLength(2);
    expect(await heldRuns(sql, 'tool:note', acme.run)).toHaveLength(1);
    expect(await listSwitches(sql)).toEqual([]);
  });

  test('a run that has ended is counted; a server that is away is told, and the switch is lifted all the same', async () => {
    await sql`update runs set state = 'running'`;
    for (let i = 0; i < 3; i++) await insertRun(sql, newInput(), 'held');
    let n = 0;
    await holdfast(sql, ['stop', '--all', ...BY]);
    const lifted = await holdfast(sql, ['stop', '--all', '--off', ...BY], () => {
      n++;
      if (n === 1) throw new HoldfastError('ended', 'it has ended');
      if (n === 3) throw new HoldfastError('unreachable', 'Temporal is away');
    });
    expect(lifted.out).toContain('lifted fleet: 1 held runs woken, 1 had ended');
    expect(lifted.notes).toContain('not all held runs were told (Temporal is away)');
    expect(lifted.notes).toContain(`within ${LIMITS.heldRetryMs / 60_000} minutes`);
    expect(await listSwitches(sql)).toEqual([]);
  });

  test('the rate of waking is bounded, and what a pause missed is not caught up with', async () => {
    expect(waitMs(Number.POSITIVE_INFINITY)).toBe(0);
    expect(waitMs(20)).toBe(1_000 / LIMITS.wakesPerSecond - 20);
    expect(waitMs(5_000)).toBe(0);
    await sql`update runs set state = 'running'`;
    for (let i = 0; i < 4; i++) await insertRun(sql, newInput(), 'held');
    await holdfast(sql, ['stop', '--all', ...BY]);
    const timesMs: number[] = [];
    await holdfast(sql, ['stop', '--all', '--off', ...BY], () => timesMs.push(performance.now()));
    const gapsMs = timesMs.slice(1).map((time, i) => time - (timesMs[i] ?? time));
    expect(gapsMs).toHaveLength(3);
    // Timers of Node may fire a millisecond early.
    for (const gapMs of gapsMs) expect(gapMs).toBeGreaterThan(1_000 / LIMITS.wakesPerSecond - 3);
  });

  test.each([
    [['stop', ...BY], 'usage', 'not none'],
    [['stop', '--tool', 'a', '--all', ...BY], 'usage', 'not tool:a and fleet'],
    [['stop', '--tool', 'a', '--by', 'anna'], 'usage', '--by and --reason are needed'],
    [['stop', '--tool', ' ', ...BY], 'usage', '1 to 200 characters'],
    [['stop', '--list', '--all'], 'usage', '--list stands alone'],
    [['stop', '--tool', 'a', '--off', ...BY], 'notFound', 'tool:a is not stopped'],
  ])('%j is refused in words', async (words, exit, message) => {
    const said = await holdfast(sql, words);
    expect(said.exit).toBe(exit);
    expect(said.message).toContain(message);
    expect(await listSwitches(sql)).toEqual([]);
  });
});
