import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CallModelInput, CallModelResult } from '../../src/activities/types.ts';
import type { RunId } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { type Circuits, createCircuits } from '../../src/models/circuit.ts';
import { worstCaseMicroUsd } from '../../src/models/prices.ts';
import type { Step } from '../../src/models/scripted/conversation.ts';
import { forgetRecent } from '../../src/store/recent.ts';
import { call, effectTool, labAgent, readTool, say, script } from '../e2e/labAgent.ts';
import { type AttemptOptions, type Bench, openBench } from './bench.ts';
import { firstCall } from './firstCall.ts';

const FIRST = 'claude-sonnet-5-5';
const SECOND = 'claude-opus-5-5';
const CHAIN = [FIRST, SECOND];
const agent = labAgent([effectTool('note'), readTool('look')]);

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
});
afterAll(() => bench[Symbol.asyncDispose]());

function newRun(steps: readonly Step[]): CallModelInput {
  const input = firstCall();
  bench.model.add(script(input.run, steps));
  return input;
}

/** The step after an answer: its calls answered, or one more text. */
function nextStep(input: CallModelInput, answer: Answered): CallModelInput {
  const results = answer.calls.map(({ callId }) => ({
    callId,
    isError: false,
    content: { kind: 'inline', text: 'seen' } as const,
    counted: null,
  }));
  const texts = results.length > 0 ? [] : [{ kind: 'inline', text: 'go on', by: 'user' } as const];
  return {
    ...input,
    step: input.step + 1,
    head: answer.head,
    append: { results, texts, remind: false },
    release: answer.pinned?.hash ?? input.release,
    lastTotalTokens: answer.usage.inputTokens + answer.usage.outputTokens,
    model: answer.model,
  };
}

type Answered = Extract<CallModelResult, { kind: 'answered' }>;

const openCircuits = (): Circuits => createCircuits({ nowMs: () => performance.now(), random: () => 0 });
/** Circuits that keep every call from these models. */
function keptFrom(...models: readonly string[]): Circuits {
  const rest = openCircuits();
  return {
    ...rest,
    admit: (model) => (models.includes(model) ? { kind: 'wait', waitMs: 60_000 } : rest.admit(model)),
  };
}

interface Tried {
  readonly answer: Answered;
  readonly failures: readonly string[];
  readonly delaysMs: readonly (number | null)[];
}

/** Attempts as the engine makes them, but at once. */
async function attempts(input: CallModelInput, services: AttemptOptions['services'] = {}): Promise<Tried> {
  const failures: string[] = [];
  const delaysMs: (number | null)[] = [];
  const models = { small: CHAIN, standard: CHAIN, deep: CHAIN };
  for (let number = 1; number <= LIMITS.modelAttempts; number += 1) {
    try {
      const answer = await bench.attempt((activities) => activities.callModel(input), {
        number,
        services: { models, circuits: openCircuits(), ...services },
      });
      if (answer.kind !== 'answered') throw new Error(`the call ended as ${answer.kind}`);
      return { answer, failures, delaysMs };
    } catch (error) {
      if (!(error instanceof ApplicationFailure)) throw error;
      failures.push(error.type ?? '');
      delaysMs.push(error.nextRetryDelay === undefined ? null : Number(error.nextRetryDelay));
      if (error.nonRetryable) break;
    }
  }
  throw new Error(`no answer: ${failures.join(', ')}`);
}

async function booked(run: RunId) {
  return bench.sql<
    { model: string; state: string; failure: string | null; cost: number; reserved: number }[]
  >`
    select model, state, failure, cost_micro_usd as cost, reserved_micro_usd as reserved
    from model_attempts where run = ${run} order by id`;
}

describe('fallback', () => {
  test("after the bound of failures the next model is asked, without the first one's wait, and its price is reserved", async () => {
    const input = newRun([{ ...say('at last'), faults: [{ kind: 'http', status: 529, times: 2 }] }]);
    const { answer, failures, delaysMs } = await attempts(input);
    expect(failures).toEqual(['model_overloaded', 'model_overloaded']);
    expect(delaysMs[0]).toBeGreaterThanOrEqual(15_000);
    expect(delaysMs[1]).toBeNull();
    expect(answer.model).toBe(SECOND);
    const rows = await booked(input.run);
    expect(rows.map(({ model, state }) => [model, state])).toEqual([
      [FIRST, 'released'],
      [FIRST, 'released'],
      [SECOND, 'settled'],
    ]);
    const prompt = (reserved: number, model: string) =>
      reserved - worstCaseMicroUsd(model, 0, 4_096, new Date());
    expect(prompt(rows[2]?.reserved ?? 0, SECOND) / prompt(rows[0]?.reserved ?? 0, FIRST)).toBeCloseTo(2, 1);
  });

  test('the run stays with the model that answered, and a new run begins with the first', async () => {
    const input = newRun([
      { ...call('look'), faults: [{ kind: 'http', status: 503, times: 2 }] },
      say('done'),
    ]);
    const first = await attempts(input);
    expect(first.answer.model).toBe(SECOND);
    expect((await attempts(nextStep(input, first.answer))).answer.model).toBe(SECOND);
    expect((await attempts(newRun([say('hello')]))).answer.model).toBe(FIRST);
  });

  test('a key that is refused never leads to another model', async () => {
    const input = newRun([{ ...say('never'), faults: [{ kind: 'http', status: 401, times: 9 }] }]);
    await expect(attempts(input)).rejects.toThrow('no answer: model_auth');
    expect((await booked(input.run)).map(({ model }) => model)).toEqual([FIRST]);
  });

  test('a refusal is paid for and passed on once; the second one stands', async () => {
    const refusal: Step = { says: { text: 'No.', stopReason: 'refusal' } };
    const input = newRun([refusal]);
    const { answer, failures } = await attempts(input);
    expect(failures).toEqual(['model_refused']);
    expect([answer.stopReason, answer.model]).toEqual(['refusal', SECOND]);
    const rows = await booked(input.run);
    expect(rows.map(({ model, state, failure }) => [model, state, failure])).toEqual([
      [FIRST, 'settled', 'model_refused'],
      [SECOND, 'settled', null],
    ]);
    expect(answer.costMicroUsd).toBe(rows.reduce((sum, { cost }) => sum + cost, 0));
    for (const { cost } of rows) expect(cost).toBeGreaterThan(0);
  });

  test.each(['refusal', 'model_context_window_exceeded'])(
    'calls of an answer that is not kept (%s) are none: they could have no result',
    async (stopReason) => {
      const calls = [{ name: 'look', input: { what: 'x' } }];
      const input = newRun([{ says: { calls, stopReason } }]);
      const one = { small: [FIRST], standard: [FIRST], deep: [FIRST] };
      const { answer } = await attempts(input, { models: one });
      expect([answer.stopReason, answer.calls]).toEqual([stopReason, []]);
      expect(answer.head.seq).toBe(1);
    },
  );

  test('with one model a refusal stands at once', async () => {
    const input = newRun([{ says: { text: 'No.', stopReason: 'refusal' } }]);
    const one = { small: [FIRST], standard: [FIRST], deep: [FIRST] };
    const { answer, failures } = await attempts(input, { models: one });
    expect([failures, answer.stopReason]).toEqual([[], 'refusal']);
  });
});

describe('circuits and breakers', () => {
  test('an open circuit sends the call to the next model', async () => {
    const { answer, failures } = await attempts(newRun([say('hi')]), { circuits: keptFrom(FIRST) });
    expect([answer.model, failures]).toEqual([SECOND, []]);
  });

  test('when none is left no request is made, nothing is reserved, and the delay says how long', async () => {
    const input = newRun([say('hi')]);
    const before = bench.model.requests;
    const failure = await bench
      .attempt((activities) => activities.callModel(input), { services: { circuits: keptFrom(...CHAIN) } })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: 'model_circuit_open',
      nonRetryable: false,
      nextRetryDelay: 60_000,
    });
    expect(bench.model.requests).toBe(before);
    expect(await booked(input.run)).toEqual([]);
  });

  test('an answer that stands is brought home through an open circuit', async () => {
    const input = newRun([say('paid for')]);
    const { answer } = await attempts(input);
    expect((await attempts(input, { circuits: keptFrom(...CHAIN) })).answer).toEqual(answer);
  });

  test('a breaker of the whole system keeps calls from its model', async () => {
    const openBreakers = async () => new Set([`model:${FIRST}`, 'tool:note']);
    expect((await attempts(newRun([say('hi')]), { openBreakers })).answer.model).toBe(SECOND);
  });
});

describe('a call that a cap sends to a cheaper tier', () => {
  const SMALL = 'claude-haiku-5-5';
  const degraded = async (services: AttemptOptions['services'] = {}) => {
    const input = newRun([say('hi')]);
    await bench.sql`select set_budget('run', ${input.run}, 20000, 'degrade', 'small', 'boss', '')`;
    const before = bench.model.requests;
    const models = { small: [SMALL], standard: [FIRST], deep: [FIRST] };
    const result = await bench.attempt((activities) => activities.callModel(input), {
      services: { models, circuits: openCircuits(), ...services },
    });
    return { result, requests: bench.model.requests - before };
  };

  test('goes there', async () => {
    const { result } = await degraded();
    expect(result).toMatchObject({ kind: 'answered', model: SMALL });
  });

  test.each<[string, AttemptOptions['services']]>([
    ['a breaker', { openBreakers: async () => new Set([`model:${SMALL}`]) }],
    ['its circuit', { circuits: keptFrom(SMALL) }],
  ])('lands where %s keeps it from the only model of that tier', async (_, services) => {
    const { result, requests } = await degraded(services);
    expect(result).toMatchObject({ kind: 'over_budget', over: { atCap: 'land' } });
    expect(requests).toBe(0);
  });
});

describe('thinking', () => {
  const THOUGHTFUL: readonly Step[] = [
    { says: { thinking: 'let me look', calls: [{ name: 'look', input: { what: 'x' } }] } },
    { says: { thinking: 'and again', calls: [{ name: 'look', input: { what: 'y' } }] } },
    { says: { thinking: 'enough', calls: [{ name: 'look', input: { what: 'z' } }] } },
    say('done'),
  ];

  test('goes only to the model that thought it, there and back, and the chain keeps every byte', async () => {
    const input = newRun(THOUGHTFUL);
    const problems = bench.model.problems.length;
    const asked: string[] = [];
    let at = input;
    // First, second, second, and back to the first, whose own thinking is as it was.
    for (const kept of [SECOND, FIRST, FIRST, SECOND]) {
      const { answer, failures } = await attempts(at, { circuits: keptFrom(kept) });
      expect(failures).toEqual([]);
      asked.push(answer.model);
      at = nextStep(at, answer);
    }
    expect(asked).toEqual([FIRST, SECOND, SECOND, FIRST]);
    expect(bench.model.problems.slice(problems)).toEqual([]);
    const nodes = await bench.sql<{ body: string; model: string | null; role: string }[]>`
      select body, model, role from nodes where run = ${input.run} order by seq`;
    expect(nodes.map(({ role, model }) => [role, model])).toEqual(
      asked.flatMap((model) => [
        ['user', null],
        ['assistant', model],
      ]),
    );
    const thoughts = nodes.filter(({ body }) => body.includes('"signature"'));
    expect(thoughts).toHaveLength(3);
  });

  test('the scripted model sees thinking of another model, as the API would', async () => {
    const input = newRun(THOUGHTFUL);
    const { answer } = await attempts(input, { circuits: keptFrom(SECOND) });
    // As if the chain did not know who thought it.
    await bench.sql`update nodes set model = null where run = ${input.run}`;
    forgetRecent(bench.sql);
    await expect(attempts(nextStep(input, answer), { circuits: keptFrom(FIRST) })).rejects.toThrow(
      'model_bad_request',
    );
    expect(bench.model.problems.at(-1)).toContain('produced by another model');
  });

  test('and thinking that its own model misses', async () => {
    const input = newRun(THOUGHTFUL);
    const { answer } = await attempts(input, { circuits: keptFrom(SECOND) });
    await bench.sql`update nodes set model = ${SECOND} where run = ${input.run} and role = 'assistant'`;
    forgetRecent(bench.sql);
    await expect(attempts(nextStep(input, answer), { circuits: keptFrom(SECOND) })).rejects.toThrow(
      'model_bad_request',
    );
    expect(bench.model.problems.at(-1)).toContain('is not what was answered at step 0');
  });
});
