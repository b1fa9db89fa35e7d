import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { sweepOnce } from '../../src/activities/sweep.ts';
import type { RunId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { NO_USAGE } from '../../src/core/messages.ts';
import { NOTHING } from '../../src/core/state.ts';
import { commitAnswer, openAttempt } from '../../src/store/answers.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { admitRun } from '../../src/store/breakers.ts';
import { setBudget } from '../../src/store/budgets.ts';
import type { Sql } from '../../src/store/connection.ts';
import { claimEffect, settleEffect } from '../../src/store/ledger.ts';
import { finishRun } from '../../src/store/records.ts';
import {
  approvalOf,
  eventsOf,
  insertRun,
  KEYED,
  lapse,
  NAMESPACE_ID,
  newInput,
  openApprovals,
  stateOf,
} from './claimInputs.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
  await sql`insert into releases (hash, agent, body) values ('release', 'lab', '{"queue":"desk"}')`;
  const cap = {
    kind: 'fleet',
    subject: '*',
    capMicroUsd: 1_000_000,
    atCap: 'land',
    degradeTo: null,
  } as const;
  await setBudget(sql, { ...cap, by: 'boss', reason: '' });
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await sql`update runs set ended_at = now() where ended_at is null`;
  await sql`delete from model_attempts`;
  await sql`delete from budget_windows`;
});

const RUNNING = async () => 'RUNNING';
const TERMINATED = async () => 'TERMINATED';

async function openCall(ref = newInput()) {
  const opened = await openAttempt(
    sql,
    ref,
    { step: 1, purpose: 'act', model: 'm', release: 'release' as never },
    { microUsd: 100, mostSpentMicroUsd: null, needsMicroUsd: 100, ttlMs: 1_000, grant: null },
  );
  if (opened.kind !== 'opened') throw new Error(opened.kind);
  return { ref, attempt: opened.attempt };
}

async function expire(run: string): Promise<void> {
  await sql`update model_attempts set expires_at = clock_timestamp() - interval '1 second' where run = ${run}`;
}

/** Nobody has touched the run, or looked at it, for long. */
async function leave(run: string): Promise<void> {
  await sql`
    update runs set updated_at = now() - interval '1 hour', looked_at = now() - interval '1 hour' where run = ${run}`;
}

async function fleet() {
  const [row] = await sql`select reserved, spent from budget_windows where scope = 'fleet'`;
  return row;
}

describe('reservations', () => {
  test('that expired are booked with all they had reserved; what may still come back is left alone', async () => {
    const lost = await openCall();
    await openCall();
    await expire(lost.ref.run);
    expect(await sweepOnce(sql, NAMESPACE_ID, RUNNING)).toMatchObject({ booked: 1, closed: 0, more: false });
    expect(await fleet()).toEqual({ reserved: 100, spent: 100 });
    const [run] = await sql`select cost_micro_usd as cost from runs where run = ${lost.ref.run}`;
    expect(run).toEqual({ cost: 100 });
    expect(await sweepOnce(sql, NAMESPACE_ID, RUNNING)).toMatchObject({ booked: 0 });
  });

  test('an answer that comes after all puts its real cost in their place', async () => {
    const { ref, attempt } = await openCall();
    await expire(ref.run);
    await sweepOnce(sql, NAMESPACE_ID, RUNNING);
    await commitAnswer(sql, ref, {
      step: 1,
      purpose: 'act',
      attempt,
      result: '{}',
      costMicroUsd: 7,
      usage: NO_USAGE,
      tokens: 1,
      requestId: null,
      runState: 'running',
      head: 'head' as never,
      nodes: [],
      blobs: [],
      notes: [],
      outcomes: [],
      before: [],
      release: 'r' as never,
    });
    expect(await fleet()).toEqual({ reserved: 0, spent: 7 });
  });

  test('a pass is bounded, says that there is more, and two at once book nothing twice', async () => {
    const ref = newInput();
    await insertRun(sql, ref);
    await sql`
      insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, expires_at)
      select ${ref.run}, n, 'act', 'open', 'm', 1, now() - interval '1 second'
      from generate_series(1, ${LIMITS.sweepRows + 50}) n`;
    const passes = await Promise.all([
      sweepOnce(sql, NAMESPACE_ID, RUNNING),
      sweepOnce(sql, NAMESPACE_ID, RUNNING),
    ]);
    expect(passes.reduce((sum, pass) => sum + pass.booked, 0)).toBe(LIMITS.sweepRows + 50);
    expect(passes.some((pass) => pass.more)).toBe(true);
    const [row] = await sql`select cost_micro_usd as cost from runs where run = ${ref.run}`;
    expect(row).toEqual({ cost: LIMITS.sweepRows + 50 });
  });
});

describe('a run whose workflow was terminated', () => {
  async function left() {
    const { ref } = await openCall();
    const asked = { ...ref, key: `${ref.run}/1/1` as typeof ref.key };
    const clean = { ...ref, key: `${ref.run}/1/2` as typeof ref.key };
    await claimEffect(sql, ref, KEYED, true);
    await lapse(sql, ref);
    await claimEffect(sql, clean, KEYED, true);
    await settleEffect(sql, clean.key, 1, { state: 'released', result: null, facts: {}, blob: null });
    await openApprovals(sql, [asked]);
    await leave(ref.run);
    return { ref, asked, clean };
  }

  test('ends as failed; requests are withdrawn, effects nobody knows of are unknown, and people get it', async () => {
    const { ref, asked, clean } = await left();
    expect(await sweepOnce(sql, NAMESPACE_ID, TERMINATED)).toMatchObject({ closed: 1 });
    const [run] = await sql`
      select state, outcome, reason, cost_micro_usd as cost, ended_at is not null as over from runs where run = ${ref.run}`;
    expect(run).toEqual({ state: 'ended', outcome: 'failed', reason: 'terminated', cost: 100, over: true });
    expect(await stateOf(sql, approvalOf(asked))).toBe('withdrawn');
    expect(await sql`select key, state from effects where run = ${ref.run} order by key`).toEqual([
      { key: ref.key, state: 'unknown' },
      { key: clean.key, state: 'void' },
    ]);
    expect(await sql`select state from model_attempts where run = ${ref.run}`).toEqual([
      { state: 'booked_unknown' },
    ]);
    expect(await fleet()).toEqual({ reserved: 0, spent: 100 });
    const [handOver] = await sql`select queue, evidence from handovers where run = ${ref.run}`;
    expect(handOver).toMatchObject({
      queue: 'desk',
      evidence: expect.stringContaining('nobody knows whether'),
    });
    const audit = await readAudit(sql, ref.run);
    expect(firstBrokenRow(ref.run, audit)).toBeNull();
    expect(audit.map((row) => row.event).slice(-4)).toEqual([
      'effect_unknown',
      'effect_void',
      'approval_withdrawn',
      'run_ended',
    ]);
    expect(JSON.parse(audit.at(-1)?.facts ?? '')).toMatchObject({
      reason: 'terminated',
      status: 'TERMINATED',
    });
  });

  test('what an attempt says late is evidence, never lost and never a second answer', async () => {
    const { ref } = await left();
    await sweepOnce(sql, NAMESPACE_ID, TERMINATED);
    const late = await settleEffect(sql, ref.key, 1, {
      state: 'applied',
      result: '{}',
      facts: {},
      blob: null,
    });
    expect(late).toMatchObject({ won: false, state: 'unknown' });
    expect(await sql`select kind from evidence where key = ${ref.key}`).toEqual([{ kind: 'late_applied' }]);
  });

  test('is left alone while an attempt may still act, and closed after it', async () => {
    const { ref, asked } = await left();
    await sql`update effects set lease_until = clock_timestamp() + interval '1 minute' where key = ${ref.key}`;
    expect(await sweepOnce(sql, NAMESPACE_ID, TERMINATED)).toMatchObject({ closed: 0 });
    expect(await stateOf(sql, approvalOf(asked))).toBe('open');
    await lapse(sql, ref);
    await leave(ref.run);
    expect(await sweepOnce(sql, NAMESPACE_ID, TERMINATED)).toMatchObject({ closed: 1 });
  });

  test('with nothing open it only ends: nobody is called', async () => {
    const ref = newInput();
    await insertRun(sql, ref, 'idle');
    await leave(ref.run);
    expect(await sweepOnce(sql, NAMESPACE_ID, async () => 'NOT_FOUND')).toMatchObject({ closed: 1 });
    expect(await eventsOf(sql, ref.run)).toEqual(['run_ended']);
    expect(await sql`select from handovers where run = ${ref.run}`).toHaveLength(0);
  });

  test.each(['RUNNING', 'CONTINUED_AS_NEW', 'SOMETHING_NEW'])('%s closes nothing', async (status) => {
    const { ref, asked } = await left();
    expect(await sweepOnce(sql, NAMESPACE_ID, async () => status)).toMatchObject({ closed: 0 });
    expect(await stateOf(sql, approvalOf(asked))).toBe('open');
    const [run] = await sql`select ended_at from runs where run = ${ref.run}`;
    expect(run).toEqual({ ended_at: null });
  });

  test('runs that were touched lately, or looked at lately, are not asked about; every one has its turn', async () => {
    const asked: string[] = [];
    const ask = async (workflowId: string) => {
      asked.push(workflowId);
      return 'RUNNING';
    };
    const fresh = newInput();
    await insertRun(sql, fresh);
    const refs = Array.from({ length: LIMITS.sweepRuns + 5 }, () => newInput());
    for (const ref of refs) {
      await insertRun(sql, ref);
      await leave(ref.run);
    }
    expect(await sweepOnce(sql, NAMESPACE_ID, ask)).toMatchObject({ more: true });
    expect(await sweepOnce(sql, NAMESPACE_ID, ask)).toMatchObject({ more: false });
    expect(new Set(asked)).toEqual(new Set(refs.map((ref) => ref.workflowId)));
    await sweepOnce(sql, NAMESPACE_ID, ask);
    expect(asked).toHaveLength(refs.length);
  });

  test('a worker that ends the run at the same moment does not end it twice', async () => {
    const ref = newInput();
    await insertRun(sql, ref);
    await leave(ref.run);
    await Promise.all([sweepOnce(sql, NAMESPACE_ID, TERMINATED), sweepOnce(sql, NAMESPACE_ID, TERMINATED)]);
    expect(await eventsOf(sql, ref.run)).toEqual(['run_ended']);
  });
});

describe('runs of another namespace', () => {
  const elsewhere = () => newInput({ namespaceId: 'another' });

  test('are left alone, although this engine does not know them, and keep no own run from its turn', async () => {
    const foreign = Array.from({ length: LIMITS.sweepRuns + 1 }, elsewhere);
    const own = newInput();
    for (const ref of [...foreign, own]) {
      await insertRun(sql, ref);
      await leave(ref.run);
    }
    const asked: string[] = [];
    const swept = await sweepOnce(sql, NAMESPACE_ID, async (workflowId) => {
      asked.push(workflowId);
      return 'NOT_FOUND';
    });
    expect(asked).toEqual([own.workflowId]);
    expect(swept).toMatchObject({ closed: 1, more: false });
    expect(await sql`select from runs where ended_at is null`).toHaveLength(foreign.length);
  });

  test('are known by the id that everything says which makes a row of a run', async () => {
    const [called, held, ended] = [elsewhere(), elsewhere(), elsewhere()];
    await openCall(called);
    await sql`insert into channels (agent, channel, release, moved_by) values ('lab', 'live', 'release', 'boss')`;
    await sql`insert into breakers (name, version, state, opens, override) values ('fleet', 1, 'closed', 0, 'open')`;
    expect(await admitRun(sql, held, 'live')).toMatchObject({ kind: 'held' });
    await sql`delete from breakers`;
    const nothingLeft = { decisions: [], head: null, append: NOTHING, handOver: null };
    await finishRun(
      sql,
      { ...ended, ...nothingLeft, outcome: 'cancelled', reason: 'asked', costMicroUsd: 0 },
      null,
    );
    for (const { run } of [called, held, ended])
      expect(await sql`select namespace_id from runs where run = ${run}`).toEqual([
        { namespace_id: 'another' },
      ]);
  });
});

test('old windows are forgotten, those of runs and of now are kept', async () => {
  await openCall({ ...newInput(), run: 'rkeep' as RunId });
  await sql`insert into budget_windows (scope, window_start) values ('fleet', now() - interval '60 days'), ('run:x', 'epoch')`;
  await sql`insert into rate_windows (scope, window_start, ends_at) values ('tool:x/minute', now(), now() - interval '2 hours')`;
  await sweepOnce(sql, NAMESPACE_ID, RUNNING);
  expect((await sql`select scope from budget_windows order by scope`).map((row) => row.scope)).toEqual([
    'fleet',
    'run:x',
  ]);
  expect(await sql`select from rate_windows`).toHaveLength(0);
});
