import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { CallModelInput, CallModelResult } from '../../src/activities/types.ts';
import type { RunId } from '../../src/core/ids.ts';
import type { Guards } from '../../src/guards/subjects.ts';
import { effectTool, labAgent, say, script } from '../e2e/labAgent.ts';
import { type Bench, openBench } from './bench.ts';
import { firstCall } from './firstCall.ts';

/** A guard that lets through what a small model says yes to. */
const guards: Guards = {
  input: [
    {
      name: 'asks',
      timeoutMs: 10_000,
      check: async ({ text, ask }) => {
        const word = await ask({ system: 'One word.', text: `scope: ${text}` });
        return word === 'no'
          ? { kind: 'block', why: `it said ${word}`, reply: 'Not here.' }
          : { kind: 'pass' };
      },
    },
  ],
  output: [],
  answer: [],
};

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({
    serverUrl: inject('databaseUrl'),
    agents: [labAgent([effectTool('note')], { guards })],
  });
});
afterAll(() => bench[Symbol.asyncDispose]());

async function ask(input: CallModelInput) {
  const result: CallModelResult = await bench.attempt((activities) => activities.callModel(input));
  if (result.kind !== 'answered') throw new Error(`the model call ended as ${result.kind}`);
  return result;
}

async function books(run: RunId) {
  const attempts = await bench.sql<{ purpose: string; state: string; cost: number; model: string }[]>`
    select purpose, state, cost_micro_usd as cost, model from model_attempts where run = ${run} order by id`;
  const [row] = await bench.sql<
    { cost: number }[]
  >`select cost_micro_usd as cost from runs where run = ${run}`;
  return { attempts, cost: row?.cost };
}

describe('a question of a guard to a small model', () => {
  test('is reserved and settled like any call, and is the run’s money', async () => {
    bench.model.add(script('scope: a fair question', [say('yes')]));
    bench.model.add(script('a fair question', [say('a fair answer')]));
    const input = firstCall('a fair question');
    const result = await ask(input);
    expect(result.answer?.text).toBe('a fair answer');
    const { attempts, cost } = await books(input.run);
    expect(attempts).toMatchObject([
      { purpose: 'guard-1', state: 'settled', model: 'claude-haiku-5-5' },
      { purpose: 'act', state: 'settled' },
    ]);
    for (const attempt of attempts) expect(attempt.cost).toBeGreaterThan(0);
    const sum = attempts.reduce((all, attempt) => all + attempt.cost, 0);
    expect({ run: cost, told: result.costMicroUsd }).toEqual({ run: sum, told: sum });
  });

  test('that is answered with no keeps the message from the large one', async () => {
    bench.model.add(script('scope: something else', [say('no')]));
    const input = firstCall('something else');
    const result = await ask(input);
    expect(result.answer?.text).toBe('Not here.');
    const { attempts, cost } = await books(input.run);
    expect(attempts.map(({ purpose, state }) => `${purpose} ${state}`)).toEqual([
      'guard-1 settled',
      'act settled',
    ]);
    expect(attempts[1]?.cost).toBe(0);
    expect(result.costMicroUsd).toBe(cost);
  });

  test('that gets no clear word, or no answer, leaves the guard to itself and is booked', async () => {
    bench.model.add(script('scope: vague', [say('well, perhaps')]));
    bench.model.add(script('vague', [say('fine')]));
    expect((await ask(firstCall('vague'))).answer?.text).toBe('fine');
    // Nobody has written what the small model says to this one: it is refused.
    bench.model.add(script('unanswered', [say('fine too')]));
    const input = firstCall('unanswered');
    expect((await ask(input)).answer?.text).toBe('fine too');
    expect((await books(input.run)).attempts[0]).toMatchObject({ purpose: 'guard-1' });
  });

  test('that was turned away is booked as a model call that was: with nothing', async () => {
    const limited = { kind: 'http', status: 429, times: 1 } as const;
    bench.model.add(script('scope: turned away', [{ ...say('yes'), faults: [limited] }]));
    bench.model.add(script('turned away', [say('fine')]));
    const input = firstCall('turned away');
    const result = await ask(input);
    const { attempts, cost } = await books(input.run);
    expect(attempts).toMatchObject([
      { purpose: 'guard-1', state: 'released', cost: 0 },
      { purpose: 'act', state: 'settled' },
    ]);
    expect({ run: cost, told: result.costMicroUsd }).toEqual({
      run: attempts[1]?.cost,
      told: attempts[1]?.cost,
    });
  });

  test('is not asked of a model that a breaker keeps calls from', async () => {
    bench.model.add(script('scope: forbidden', [say('no')]));
    bench.model.add(script('forbidden', [say('fine')]));
    const input = firstCall('forbidden');
    const openBreakers = async () => new Set(['model:claude-haiku-5-5']);
    const result = await bench.attempt((activities) => activities.callModel(input), {
      services: { openBreakers },
    });
    expect(result).toMatchObject({ kind: 'answered', answer: { text: 'fine' } });
    expect((await books(input.run)).attempts.map(({ purpose }) => purpose)).toEqual(['act']);
  });

  test('is not asked where the run has no money left for it', async () => {
    const input = firstCall('a poor question', { wantedLimits: { costMicroUsdPerRun: 1 } });
    const result: CallModelResult = await bench.attempt((activities) => activities.callModel(input));
    expect(result).toMatchObject({ kind: 'over_limit', limit: 'cost' });
    expect((await books(input.run)).attempts).toEqual([]);
  });
});
