import { CancelledFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CallModelInput } from '../../src/activities/types.ts';
import type { RunId } from '../../src/core/ids.ts';
import { connect } from '../../src/store/connection.ts';
import { RUN_ENDED, watchRunEnds } from '../../src/store/runEnds.ts';
import { until } from '../e2e/lab.ts';
import { labAgent, readTool, say, script } from '../e2e/labAgent.ts';
import { type AttemptOptions, type Bench, openBench } from './bench.ts';
import { openDatabase } from './database.ts';
import { firstCall } from './firstCall.ts';

/** A call whose answer never comes: nothing but an abort can end it. */
const NEVER = { kind: 'hang' } as const;
const agent = labAgent([readTool('look')]);

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
});
afterAll(() => bench[Symbol.asyncDispose]());

function newStep(): CallModelInput {
  const input = firstCall();
  bench.model.add(script(input.run, [say('an answer that is long enough to arrive in several pieces')]));
  return input;
}

const ask = (input: CallModelInput, options: AttemptOptions = {}) =>
  bench.attempt((activities) => activities.callModel(input), options);

/** How a call ended, as a value, so that nothing is unhandled while the test does something else. */
const endOf = (input: CallModelInput, options: AttemptOptions = {}) =>
  ask(input, options).then(
    () => 'answered',
    (error: unknown) => error,
  );

const end = (input: CallModelInput) =>
  bench.attempt((activities) =>
    activities.endRun({
      ...input,
      outcome: 'cancelled',
      reason: 'cancelled',
      decisions: [],
      handOver: null,
      costMicroUsd: 0,
    }),
  );

async function books(run: RunId) {
  const attempts = await bench.sql<
    { state: string; cost: number; reserved: number; usage: string | null; failure: string | null }[]
  >`
    select state, cost_micro_usd as cost, reserved_micro_usd as reserved, usage, failure
      from model_attempts where run = ${run} order by id`;
  const [row] = await bench.sql<{ state: string; cost: number }[]>`
    select state, cost_micro_usd as cost from runs where run = ${run}`;
  return { attempts, row };
}

const CANCELLED = { type: 'model_cancelled', nonRetryable: true };

describe('a run that has ended spends nothing more', () => {
  test('a late attempt reserves nothing and asks nobody', async () => {
    const input = newStep();
    await end(input);
    const before = bench.model.requests;
    await expect(ask(input)).rejects.toMatchObject({
      ...CANCELLED,
      message: expect.stringContaining('has ended'),
    });
    expect(bench.model.requests).toBe(before);
    expect(await books(input.run)).toEqual({ attempts: [], row: { state: 'ended', cost: 0 } });
  });

  test('a late attempt books the one before it that never came back, and the run shows its cost', async () => {
    const input = newStep();
    const dies = async (point: string) => {
      if (point === 'model:before-call') throw new Error('killed');
    };
    await expect(ask(input, { crashPoint: dies })).rejects.toMatchObject({ type: 'bug' });
    await end(input);
    await expect(ask(input, { number: 2 })).rejects.toMatchObject(CANCELLED);
    const { attempts, row } = await books(input.run);
    expect(attempts).toMatchObject([{ state: 'booked_unknown', cost: attempts[0]?.reserved }]);
    expect(row).toEqual({ state: 'ended', cost: attempts[0]?.reserved });
  });

  test('an answer that stands is given again, also after the end', async () => {
    const input = newStep();
    const first = await ask(input);
    await end(input);
    expect(await ask(input, { number: 2 })).toEqual(first);
  });

  test('an end between reservation and request: nothing is sent, and nothing is paid', async () => {
    const input = newStep();
    const before = bench.model.requests;
    // The listener hears of it some time after the commit, so the call goes on once it has.
    const heard = bench.runEnds.watch(input.run);
    const crashPoint = async (point: string) => {
      if (point !== 'model:before-call') return;
      await end(input);
      await until('the notification', async () => heard.signal.aborted);
    };
    await expect(ask(input, { crashPoint })).rejects.toMatchObject(CANCELLED);
    heard.release();
    expect(bench.model.requests).toBe(before);
    expect(await books(input.run)).toMatchObject({
      attempts: [{ state: 'released', cost: 0, failure: 'model_cancelled' }],
      row: { state: 'ended', cost: 0 },
    });
  });

  test('an end at about the same time as the call: it is refused or aborted, and never goes on', async () => {
    const seen = { refused: 0, aborted: 0 };
    for (let round = 0; round < 80; round++) {
      const input = newStep();
      const before = bench.model.requests;
      bench.model.inject(NEVER);
      // Each look gives one of the two a little more of a start.
      const shift = (round % 16) - 10;
      const ending = shift < 0 ? end(input) : null;
      for (let looks = shift; looks < 0; looks++) await bench.sql`select 1`;
      const outcome = endOf(input);
      for (let looks = 0; looks < shift; looks++) await bench.sql`select 1`;
      await (ending ?? end(input));
      expect(await outcome).toMatchObject(CANCELLED);
      const { attempts } = await books(input.run);
      expect(attempts.filter((one) => one.state === 'open')).toEqual([]);
      seen[attempts.length === 0 ? 'refused' : 'aborted']++;
      expect(bench.model.requests - before).toBeLessThanOrEqual(attempts.length);
      // The fault waits for a request: a call that sent none leaves it to the next one.
      if (bench.model.requests === before) expect(await endAndAbort(newStep())).toMatchObject(CANCELLED);
    }
    console.log('ends at about the same time as the call:', seen);
    expect(seen.refused).toBeGreaterThan(0);
    expect(seen.aborted).toBeGreaterThan(0);
  });
});

/** A call in flight meets the end of its run. */
async function endAndAbort(input: CallModelInput): Promise<unknown> {
  const before = bench.model.requests;
  const outcome = endOf(input);
  await until('the request', async () => bench.model.requests > before);
  await end(input);
  return outcome;
}

describe('the end of a run aborts its model call', () => {
  test('a call that said nothing yet is booked at its worst case', async () => {
    const input = newStep();
    bench.model.inject({ kind: 'slow', delayMs: 600_000 });
    expect(await endAndAbort(input)).toMatchObject(CANCELLED);
    await until('the server to see it', async () => bench.model.sightings.at(-1)?.leftAtMs);
    const { attempts, row } = await books(input.run);
    expect(attempts).toMatchObject([{ state: 'booked_unknown', usage: null, failure: 'model_cancelled' }]);
    expect(attempts[0]?.cost).toBe(attempts[0]?.reserved);
    expect(attempts[0]?.cost).toBeGreaterThan(0);
    expect(row).toEqual({ state: 'ended', cost: attempts[0]?.cost });
  });

  test('a stream in the middle is booked with the usage it had reported', async () => {
    const input = newStep();
    bench.model.inject({ kind: 'hang', afterEvents: 4 });
    const outcome = endOf(input);
    const before = bench.model.sightings.length;
    await until('the stream', async () => bench.model.sightings[before]?.events === 4);
    await end(input);
    expect(await outcome).toMatchObject(CANCELLED);
    const { attempts, row } = await books(input.run);
    expect(attempts).toMatchObject([{ state: 'settled', failure: 'model_cancelled' }]);
    expect(JSON.parse(attempts[0]?.usage ?? 'null')).toMatchObject({ outputTokens: 1 });
    expect(attempts[0]?.cost).toBeGreaterThan(0);
    expect(attempts[0]?.cost).toBeLessThan(attempts[0]?.reserved ?? 0);
    expect(row).toEqual({ state: 'ended', cost: attempts[0]?.cost });
  });

  test('and no other: calls of other runs go on', async () => {
    const [one, other] = [newStep(), newStep()];
    bench.model.inject({ kind: 'slow', delayMs: 300, at: 'events', times: 2 });
    const before = bench.model.requests;
    const outcomes = [endOf(one), endOf(other)];
    await until('both requests', async () => bench.model.requests === before + 2);
    await end(one);
    expect(await Promise.all(outcomes)).toMatchObject([CANCELLED, 'answered']);
  });

  test('the engine cancels: the engine is told so, and the books are the same', async () => {
    const input = newStep();
    const controller = new AbortController();
    bench.model.inject(NEVER);
    const before = bench.model.requests;
    const outcome = endOf(input, { signal: controller.signal });
    await until('the request', async () => bench.model.requests > before);
    controller.abort();
    expect(await outcome).toBeInstanceOf(CancelledFailure);
    expect((await books(input.run)).attempts).toMatchObject([
      { state: 'booked_unknown', failure: 'model_cancelled' },
    ]);
  });
});

describe('a listener whose connection is lost', () => {
  test('looks up what it missed when it listens again', async () => {
    await using database = await openDatabase(inject('databaseUrl'));
    const { sql } = database;
    const admin = connect(inject('databaseUrl'), { maxConnections: 1 });
    const name = new URL(database.url).pathname.slice(1);
    const ends = watchRunEnds(sql);
    await ends.listen();
    const [lost, kept] = [ends.watch('lost'), ends.watch('kept')];
    const listeners = () =>
      sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = ${name} and query = ${`listen "${RUN_ENDED}"`}`;
    // Nobody may connect, so the listener stays away while a run ends; connections that are open go on.
    await admin.unsafe(`alter database ${name} allow_connections false`);
    for (const { pid } of await listeners()) await sql`select pg_terminate_backend(${pid}::int)`;
    await until('the listener to be gone', async () => (await listeners()).length === 0);
    await sql.begin(async (tx) => {
      await tx`insert into runs (run, workflow_id, agent, requester, state, ended_at)
        values ('lost', 'w', 'a', 'r', 'ended', now()), ('kept', 'w', 'a', 'r', 'running', null)`;
      await tx`select pg_notify(${RUN_ENDED}, 'lost')`;
    });
    expect(lost.signal.aborted).toBe(false);
    const fromMs = performance.now();
    await admin.unsafe(`alter database ${name} allow_connections true`);
    await until('the look-up', async () => lost.signal.aborted, 5_000);
    console.log(
      `a missed end was found ${Math.round(performance.now() - fromMs)} ms after the database let us in`,
    );
    expect(kept.signal.aborted).toBe(false);
    await sql`select pg_notify(${RUN_ENDED}, 'kept')`;
    await until('the notification', async () => kept.signal.aborted, 5_000);
    await ends.stop();
    await admin.end();
  });

  test('a call that was released is forgotten', async () => {
    await using database = await openDatabase(inject('databaseUrl'));
    const ends = watchRunEnds(database.sql);
    await ends.listen();
    const [over, running] = [ends.watch('one'), ends.watch('one')];
    over.release();
    await database.sql`select pg_notify(${RUN_ENDED}, 'one')`;
    await until('the notification', async () => running.signal.aborted, 5_000);
    expect(over.signal.aborted).toBe(false);
    await ends.stop();
  });
});
