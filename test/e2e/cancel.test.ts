import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import type { Fault } from '../../src/models/scripted/faults.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { RUN_ENDED, type RunEnds } from '../../src/store/runEnds.ts';
import { cancelSignal } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { labAgent, readTool, say, script } from './labAgent.ts';

/** The promise: from the signal until the model's server sees the connection closed. */
const PROMISED_MS = 2_000;

const NEVER_ANSWERS: Fault = { kind: 'slow', delayMs: 600_000 };
const FALLS_SILENT: Fault = { kind: 'hang', afterEvents: 4 };
/** Well over ten seconds for the whole answer. */
const DRIPS: Fault = { kind: 'slow', delayMs: 700, at: 'events' };

const CASES = [
  ['a call that has not answered yet', NEVER_ANSWERS, 0, 'booked_unknown'],
  ['a stream in the middle', DRIPS, 4, 'settled'],
] as const;

let lab: Lab;
/** On another database than the lab's: the lab's may let nobody in for a while. */
let admin: Sql;
let runs = 0;

const openOwnLab = (runEnds?: RunEnds) =>
  openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([readTool('look')])],
    ...(runEnds && { runEnds }),
  });

beforeAll(async () => {
  lab = await openOwnLab();
  admin = connect(inject('databaseUrl'), { maxConnections: 1 });
});
afterAll(async () => {
  await admin.end({ timeoutMs: 5_000 });
  await lab[Symbol.asyncDispose]();
});

/** A run whose model call the server holds. */
interface Held {
  readonly lab: Lab;
  readonly handle: Handle;
  /** The held request as the server sees it. */
  readonly request: () => { readonly events: number; readonly leftAtMs: number | null };
}

/** Resolves once that many events of the stream are out. */
async function hold(at: Lab, fault: Fault, events: number): Promise<Held> {
  const message = `cancelled ${runs++}`;
  at.model.add(script(message, [{ ...say('a long answer '.repeat(20)), faults: [{ ...fault, times: 10 }] }]));
  const place = at.model.sightings.length;
  const handle = await at.start({ agent: 'lab', message, once: true, requester: { id: 'customer' } });
  const request = () => at.model.sightings[place] ?? { events: -1, leftAtMs: null };
  await until('the model call', async () => request().events >= events);
  return { lab: at, handle, request };
}

/** How long after a moment the server saw the client leave. */
async function leftAfterMs(held: Held, fromMs: number, withinMs = PROMISED_MS): Promise<number> {
  const what = 'the server to see the connection closed';
  const tookMs = (await until(what, async () => held.request().leftAtMs, withinMs)) - fromMs;
  expect(tookMs).toBeLessThan(withinMs);
  return tookMs;
}

/** The attempts of a run once none is open, and what lists show. */
async function books({ lab: { sql }, handle }: Held) {
  const attempts = await until('the attempts to be closed', async () => {
    const rows = await sql<{ state: string; cost: number; reserved: number; failure: string }[]>`
      select m.state, m.cost_micro_usd as cost, m.reserved_micro_usd as reserved, m.failure
        from model_attempts m join runs using (run) where workflow_id = ${handle.workflowId} order by m.id`;
    return rows.every((one) => one.state !== 'open') && [...rows];
  });
  const [row] = await sql<{ state: string; outcome: string | null; cost: number }[]>`
    select state, outcome, cost_micro_usd as cost from runs where workflow_id = ${handle.workflowId}`;
  return { attempts, row };
}

/** One attempt, closed, at what is known of it; and the run shows the same cost. */
async function expectSpentOnce(held: Held, state: 'booked_unknown' | 'settled'): Promise<void> {
  const { attempts, row } = await books(held);
  expect(attempts).toMatchObject([{ state, failure: 'model_cancelled' }]);
  const { cost = 0, reserved = 0 } = attempts[0] ?? {};
  expect(cost).toBeGreaterThan(0);
  if (state === 'settled') expect(cost).toBeLessThan(reserved);
  else expect(cost).toBe(reserved);
  expect(row).toMatchObject({ state: 'ended', outcome: 'cancelled', cost });
}

/** Nothing arrives any more: another run is started and finished, and its request is the only one that came. */
async function expectNoFurtherRequest(at: Lab): Promise<void> {
  const message = `after ${runs++}`;
  at.model.add(script(message, [say('done')]));
  const before = at.model.requests;
  const other = await at.start({ agent: 'lab', message, once: true, requester: { id: 'customer' } });
  expect(await other.result()).toMatchObject({ outcome: 'completed' });
  expect(at.model.requests).toBe(before + 1);
  expect(at.model.problems).toEqual([]);
}

describe('cancelling during a model call closes the connection within 2 s and spends nothing more', () => {
  test.each(CASES)('%s, by signal', async (name, fault, events, state) => {
    const held = await hold(lab, fault, events);
    const fromMs = Date.now();
    await held.handle.signal(cancelSignal, { by: 'boss' });
    console.log(`${name}: closed ${await leftAfterMs(held, fromMs)} ms after the signal`);
    expect(await held.handle.result()).toMatchObject({ outcome: 'cancelled' });
    await expectNoFurtherRequest(lab);
    await expectSpentOnce(held, state);
  });

  test.each(CASES)("%s, by the engine's own cancel", async (name, fault, events, state) => {
    const held = await hold(lab, fault, events);
    const fromMs = Date.now();
    await held.handle.cancel();
    console.log(`${name}: closed ${await leftAfterMs(held, fromMs)} ms after the engine's cancel`);
    expect(await held.handle.result()).toMatchObject({ outcome: 'cancelled' });
    await expectNoFurtherRequest(lab);
    await expectSpentOnce(held, state);
  });
});

const databaseName = () => new URL(lab.config.databaseUrl).pathname.slice(1);

const listeners = () => admin<{ pid: number }[]>`
  select pid from pg_stat_activity where datname = ${databaseName()} and query = ${`listen "${RUN_ENDED}"`}`;

async function cutListener(): Promise<void> {
  const found = await listeners();
  expect(found).toHaveLength(1);
  for (const { pid } of found) await admin`select pg_terminate_backend(${pid}::int)`;
}

describe('a worker whose listener is cut', () => {
  test.each(CASES)('listens again in time: %s', async (name, fault, events, state) => {
    const held = await hold(lab, fault, events);
    await cutListener();
    const fromMs = Date.now();
    await held.handle.signal(cancelSignal, { by: 'boss' });
    console.log(`${name}, listener cut: closed ${await leftAfterMs(held, fromMs)} ms after the signal`);
    expect(await held.handle.result()).toMatchObject({ outcome: 'cancelled' });
    await expectNoFurtherRequest(lab);
    await expectSpentOnce(held, state);
  });

  test('looks up what it missed as soon as it listens again', async () => {
    const held = await hold(lab, NEVER_ANSWERS, 0);
    // The listener cannot come back while nobody may connect; the connections of the pool are open and go on.
    await admin.unsafe(`alter database ${databaseName()} allow_connections false`);
    await cutListener();
    await until('the listener to be gone', async () => (await listeners()).length === 0);
    await held.handle.signal(cancelSignal, { by: 'boss' });
    expect(await held.handle.result()).toMatchObject({ outcome: 'cancelled' });
    expect(held.request().leftAtMs).toBeNull();
    const fromMs = Date.now();
    await admin.unsafe(`alter database ${databaseName()} allow_connections true`);
    console.log(`an end that was missed: closed ${await leftAfterMs(held, fromMs)} ms after it was let in`);
    await expectNoFurtherRequest(lab);
    await expectSpentOnce(held, 'booked_unknown');
  });
});

describe('a worker that is never notified', () => {
  /** As behind a pooler that does not pass notifications on. */
  const DEAF: RunEnds = {
    watch: () => ({ signal: new AbortController().signal, release: () => undefined }),
    listen: async () => undefined,
    stop: async () => undefined,
  };

  test('is told with its next heartbeat, also of a run that was terminated', async () => {
    await using deaf = await openOwnLab(DEAF);
    const cancelled = await hold(deaf, FALLS_SILENT, 4);
    const terminated = await hold(deaf, FALLS_SILENT, 4);
    const fromMs = Date.now();
    await cancelled.handle.signal(cancelSignal, { by: 'boss' });
    await terminated.handle.terminate('a test');
    expect(await cancelled.handle.result()).toMatchObject({ outcome: 'cancelled' });
    for (const [how, held] of Object.entries({ cancelled, terminated })) {
      const tookMs = await leftAfterMs(held, fromMs, LIMITS.modelBeatMs + PROMISED_MS);
      console.log(`${how}, by heartbeat: closed after ${tookMs} ms`);
    }
    await expectNoFurtherRequest(deaf);
    await expectSpentOnce(cancelled, 'settled');
    expect((await books(terminated)).attempts).toMatchObject([
      { state: 'settled', failure: 'model_cancelled' },
    ]);
  });
});
