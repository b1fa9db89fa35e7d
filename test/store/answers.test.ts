import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CallModelInput, CallModelResult } from '../../src/activities/types.ts';
import type { RunId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Head } from '../../src/core/state.ts';
import { loadChain } from '../../src/store/chain.ts';
import { promoteRelease, publishRelease, releaseHash } from '../../src/store/releases.ts';
import { effectTool, labAgent, say, script } from '../e2e/labAgent.ts';
import { type AttemptOptions, type Bench, openBench } from './bench.ts';
import { firstCall } from './firstCall.ts';

const agent = labAgent([effectTool('note')]);

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A first step whose opening is its own, so that its answers can be changed between two attempts. */
function newStep(): { readonly input: CallModelInput; readonly answers: (text: string) => void } {
  const input = firstCall();
  return { input, answers: (text) => bench.model.add(script(input.run, [say(text)])) };
}

type Answered = Extract<CallModelResult, { kind: 'answered' }>;

async function ask(input: CallModelInput, options: AttemptOptions = {}): Promise<Answered> {
  const result = await bench.attempt((activities) => activities.callModel(input), options);
  if (result.kind !== 'answered') throw new Error(`the model call ended as ${result.kind}`);
  return result;
}

async function books(run: RunId) {
  const attempts = await bench.sql<{ state: string; cost: number; reserved: number }[]>`
    select state, cost_micro_usd as cost, reserved_micro_usd as reserved from model_attempts where run = ${run} order by id`;
  const [row] = await bench.sql<
    { state: string; cost: number; tokens: number; head: string; step: number }[]
  >`
    select state, cost_micro_usd as cost, tokens, head, step from runs where run = ${run}`;
  return { attempts, row };
}

/** Stops an attempt at a point until it is let go, and says when it got there. */
function gate(at: string) {
  let arrive: () => void = () => undefined;
  let open: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const crashPoint = async (point: string) => {
    if (point !== at) return;
    arrive();
    await opened;
  };
  return { crashPoint, arrived, open: () => open() };
}

describe('the first stored answer is the answer', () => {
  test('two attempts race: one answer stands for both, the other is an orphan with its cost booked', async () => {
    const { input, answers } = newStep();
    const slow = gate('model:after-call');
    answers('the slow answer');
    const first = ask(input, slow);
    await slow.arrived;
    answers('the fast answer');
    const second = await ask(input, { number: 2 });
    slow.open();
    expect(await first).toEqual(second);
    expect(second.answer?.text).toBe('the fast answer');
    const { attempts, row } = await books(input.run);
    expect(attempts.map((one) => one.state)).toEqual(['orphan', 'settled']);
    for (const { cost } of attempts) expect(cost).toBeGreaterThan(0);
    expect(row?.cost).toBe(attempts.reduce((sum, one) => sum + one.cost, 0));
    expect(row?.head).toBe(second.head.node);
    // The orphan is kept as a node that nobody points to.
    const texts = (await loadChain(bench.sql, input.run, second.head)).map((node) => node.body);
    expect(texts.join()).not.toContain('the slow answer');
    expect(
      await bench.sql`select from nodes where run = ${input.run} and body like '%the slow answer%'`,
    ).toHaveLength(1);
  });

  test('eight attempts at once: one answer, one settled attempt, and every call is on the books', async () => {
    const { input, answers } = newStep();
    answers('one of eight');
    const before = bench.model.requests;
    const results = await Promise.all(Array.from({ length: 8 }, () => ask(input)));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    const { attempts, row } = await books(input.run);
    expect(attempts).toHaveLength(bench.model.requests - before);
    expect(attempts.filter((one) => one.state === 'settled')).toHaveLength(1);
    expect(attempts.filter((one) => one.state !== 'settled' && one.state !== 'orphan')).toEqual([]);
    expect(row?.cost).toBe(attempts.reduce((sum, one) => sum + one.cost, 0));
  });

  test('a retry after the commit returns the stored answer without a call and without a new attempt', async () => {
    const { input, answers } = newStep();
    answers('paid for once');
    const first = await ask(input);
    const before = [bench.model.requests, (await books(input.run)).attempts.length];
    expect(await ask(input, { number: 2 })).toEqual(first);
    expect([bench.model.requests, (await books(input.run)).attempts.length]).toEqual(before);
  });

  test('also when the channel has moved in between: the run keeps the release of its answer', async () => {
    const { input, answers } = newStep();
    answers('of the first release');
    const first = await ask(input);
    const next = labAgent([effectTool('note')], { limits: { iterationsPerTurn: 3 } });
    await publishRelease(bench.sql, next.release);
    const move = { agent: 'lab', channel: 'live', by: 'boss' };
    await promoteRelease(bench.sql, { ...move, release: releaseHash(next.release) });
    const again = await ask(input, { number: 2 });
    await promoteRelease(bench.sql, { ...move, release: releaseHash(agent.release) });
    expect(again.pinned?.hash).toBe(releaseHash(agent.release));
    expect(again).toEqual(first);
  });
});

test('a store that keeps a call waiting uses up nothing of the time of its turn', async () => {
  const { input, answers } = newStep();
  answers('the store was slow');
  // Real time, in the database: that it is told apart from work is what is shown.
  const slowMs = 1_000;
  // What a call reserves is a new row; nothing that comes before writes to this table.
  let slow: Promise<unknown> | null = null;
  await new Promise<void>((locked) => {
    slow = bench.sql.begin(async (tx) => {
      await tx`lock table model_attempts in share mode`;
      locked();
      await tx`select pg_sleep(${slowMs / 1_000})`;
    });
  });
  const fromMs = performance.now();
  const { activeMs } = await ask(input);
  await slow;
  expect(performance.now() - fromMs).toBeGreaterThan(slowMs * 0.9);
  expect(activeMs).toBeLessThan(slowMs / 2);
});

describe('what was paid for is booked', () => {
  test.each(['model:before-call', 'model:after-call'])(
    'a predecessor that died at %s is booked with what it had reserved',
    async (at) => {
      const { input, answers } = newStep();
      answers('at the second try');
      const dies = async (point: string) => {
        if (point === at) throw new Error('killed');
      };
      await expect(ask(input, { crashPoint: dies })).rejects.toMatchObject({ type: 'bug' });
      const result = await ask(input, { number: 2 });
      const { attempts, row } = await books(input.run);
      expect(attempts.map((one) => one.state)).toEqual(['booked_unknown', 'settled']);
      expect(attempts[0]?.cost).toBe(attempts[0]?.reserved);
      expect(result.costMicroUsd).toBe((attempts[0]?.cost ?? 0) + (attempts[1]?.cost ?? 0));
      expect(row?.cost).toBe(result.costMicroUsd);
    },
  );

  test('a call that failed before it was billed costs nothing', async () => {
    const { input, answers } = newStep();
    answers('after a failure');
    bench.model.inject({ kind: 'http', status: 529 });
    await expect(ask(input)).rejects.toMatchObject({ type: 'model_overloaded', nonRetryable: false });
    const result = await ask(input, { number: 2 });
    const { attempts } = await books(input.run);
    expect(attempts.map((one) => [one.state, one.cost])).toEqual([
      ['released', 0],
      ['settled', result.costMicroUsd],
    ]);
  });

  test('an answer that is cut off in the middle was billed: the run pays for it', async () => {
    const { input, answers } = newStep();
    answers('after a cut');
    bench.model.inject({ kind: 'cut', afterEvents: 3 });
    await expect(ask(input)).rejects.toMatchObject({ nonRetryable: false });
    const result = await ask(input, { number: 2 });
    const { attempts } = await books(input.run);
    expect(attempts[0]?.cost).toBeGreaterThan(0);
    expect(result.costMicroUsd).toBe((attempts[0]?.cost ?? 0) + (attempts[1]?.cost ?? 0));
  });

  test('an answer that comes after the run has ended is booked, and does not reopen it', async () => {
    const { input, answers } = newStep();
    const slow = gate('model:after-call');
    answers('too late');
    const late = ask(input, slow);
    await slow.arrived;
    await bench.attempt((activities) =>
      activities.endRun({
        ...input,
        outcome: 'cancelled',
        reason: 'cancelled',
        decisions: [],
        handOver: null,
        costMicroUsd: 0,
      }),
    );
    slow.open();
    await late;
    const { row, attempts } = await books(input.run);
    expect(row).toMatchObject({ state: 'ended', cost: attempts[0]?.cost });
  });

  test('what is written while the end is put on record stands behind it, once and in order', async () => {
    const { input, answers } = newStep();
    answers('the last answer');
    const { head } = await ask(input);
    const end = (from: Head | null, ...texts: readonly string[]) => {
      const said = texts.map((text) => ({ kind: 'inline', text, by: 'user' }) as const);
      const append = { results: [], texts: said, remind: false };
      const how = { outcome: 'completed', reason: 'idle', decisions: [], handOver: null, costMicroUsd: 0 };
      return bench.attempt((activities) => activities.endRun({ ...input, ...how, head: from, append }));
    };
    const first = await end(head, 'one');
    const second = await end(first.head, 'two');
    // Attempts of before that come late.
    await end(head, 'one');
    await end(first.head, 'two');
    const nodes = await bench.sql<{ seq: number; head: boolean }[]>`
      select n.seq, n.hash = r.head as head from nodes n join runs r using (run)
      where n.run = ${input.run} and n.seq > ${head.seq} order by n.seq`;
    expect(nodes.map((node) => ({ ...node }))).toEqual([
      { seq: first.head?.seq ?? 0, head: false },
      { seq: second.head?.seq ?? 0, head: true },
    ]);
  });
});

describe('a worker without the code of a pinned tool', () => {
  const other = labAgent([effectTool('note', undefined, { version: '2' })]);
  const calls = script('call the tool', [{ says: { calls: [{ name: 'note', input: { what: 'x' } }] } }]);

  test('leaves the model call to another worker before anything is paid', async () => {
    bench.model.add(calls);
    const input = {
      ...newStep().input,
      append: { results: [], texts: [inline('call the tool')], remind: false },
    };
    const before = bench.model.requests;
    await expect(ask(input, { agents: [other] })).rejects.toMatchObject({
      type: 'release_not_here',
      nextRetryDelay: LIMITS.releaseRetryMs,
      nonRetryable: false,
    });
    expect(bench.model.requests).toBe(before);
    const result = await ask(input, { number: 2 });
    expect(result.calls).toMatchObject([{ tool: 'note', problem: null }]);
  });

  test('and if there is no other, the conversation goes on and the call is refused by result', async () => {
    bench.model.add(calls);
    const input = {
      ...newStep().input,
      append: { results: [], texts: [inline('call the tool')], remind: false },
    };
    const result = await ask(input, { agents: [other], number: LIMITS.modelAttempts });
    expect(result.calls).toMatchObject([{ tool: 'note', problem: expect.stringContaining('not available') }]);
  });

  function inline(text: string) {
    return { kind: 'inline', text, by: 'user' } as const;
  }
});
