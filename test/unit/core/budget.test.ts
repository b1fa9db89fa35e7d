import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allowance,
  dueNotices,
  fits,
  isRunLimit,
  landingNotice,
  modelCannotLand,
  ownWords,
  turnLimitReached,
} from '../../../src/core/budget.ts';
import { DEFAULT_RUN_LIMITS } from '../../../src/core/limits.ts';
import { NO_USAGE } from '../../../src/core/messages.ts';
import { type LandingReason, NOTHING, newState, openTurn, type RunState } from '../../../src/core/state.ts';
import { RUN } from './builders.ts';

const limits = {
  ...DEFAULT_RUN_LIMITS,
  iterationsPerTurn: 10,
  toolCallsPerTurn: 20,
  activeMsPerTurn: 1_000,
  tokensPerRun: 500,
  costMicroUsdPerRun: 100,
};
const turn = openTurn(['m1'], NOTHING);
const state: RunState = newState(RUN, {
  agent: 'support',
  channel: 'live',
  message: null,
  policy: [],
  requester: { id: 'c', tenant: null, roles: [] },
  once: false,
  limits: {},
  context: null,
});
const REASONS: readonly LandingReason[] = [
  'iterations',
  'tool_calls',
  'active_time',
  'tokens',
  'cost',
  'repeats',
  'truncated',
  'empty',
  'context',
  'unknown_stop',
  'model_failed',
  'failures',
  'budget',
];

describe('a turn is over when one of its limits is used up, not before', () => {
  test.each([
    [{}, null],
    [{ iterations: 9, toolCalls: 19, activeMs: 999 }, null],
    [{ iterations: 10 }, 'iterations'],
    [{ toolCalls: 20 }, 'tool_calls'],
    [{ toolCalls: 25 }, 'tool_calls'],
    [{ activeMs: 1_000 }, 'active_time'],
  ])('%j: %s', (used, reason) => {
    expect(turnLimitReached({ ...turn, ...used }, limits)).toBe(reason);
  });
});

test('what people added counts, for the run and not for one call', () => {
  const raised = { ...state, extraTokens: 50, extraCostMicroUsd: 7 };
  expect(allowance(raised, limits)).toEqual({
    tokens: 550,
    costMicroUsd: 107,
    maxOutputTokens: limits.maxOutputTokens,
  });
});

describe('notices', () => {
  test('come when less than a fifth is left, and say how much', () => {
    expect(dueNotices(state, turn, limits)).toEqual([]);
    expect(dueNotices(state, { ...turn, iterations: 8 }, limits)).toEqual([]);
    const [notice, ...others] = dueNotices(state, { ...turn, iterations: 9 }, limits);
    expect(others).toEqual([]);
    expect(notice).toMatchObject({ name: 'iterations' });
    expect(notice?.text).toContain('Only 1 of 10 steps');
  });

  test('are given once a turn for each limit, for all that are due at once', () => {
    const used = { ...state, usage: { ...NO_USAGE, inputTokens: 450 }, costMicroUsd: 120 };
    const late = { ...turn, iterations: 10, toolCalls: 19, activeMs: 900 };
    const due = dueNotices(used, late, limits);
    expect(due.map(({ name }) => name)).toEqual([
      'iterations',
      'tool_calls',
      'active_time',
      'tokens',
      'cost',
    ]);
    expect(due[4]?.text).toContain('Only 0 of 100');
    const told = { ...late, notices: due.map(({ name }) => name) };
    expect(dueNotices(used, told, limits)).toEqual([]);
  });

  test('a raised limit is what counts', () => {
    const used = { ...state, usage: { ...NO_USAGE, outputTokens: 450 }, extraTokens: 500 };
    expect(dueNotices(used, turn, limits)).toEqual([]);
  });
});

describe('reserving the worst case', () => {
  type Fits = typeof fits;
  const neverOver = (rule: Fits) =>
    fc.property(
      fc.nat(2_000),
      fc.record({ call: fc.nat(300), landing: fc.nat(300) }),
      fc.infiniteStream(fc.nat(300)),
      (limit, worst, real) => {
        let used = 0;
        for (let i = 0; i < 50 && rule(used, limit, worst); i++)
          used += Math.min(worst.call, [...real.take(1)][0] ?? 0);
        // Whatever was spent, the landing that was kept in reserve still fits, if it ever did.
        if (worst.landing <= limit) expect(used + worst.landing).toBeLessThanOrEqual(limit);
        expect(used).toBeLessThanOrEqual(limit);
      },
    );

  test('a run that asks before each call never goes over its limit, and can always land', () => {
    fc.assert(neverOver(fits), { numRuns: 1_000 });
    expect(fits(40, 100, { call: 40, landing: 20 })).toBe(true);
    expect(fits(41, 100, { call: 40, landing: 20 })).toBe(false);
  });

  test('the property finds a reservation that forgets the landing, or the call', () => {
    const forgetful: readonly Fits[] = [
      (used, limit, { call }) => used + call <= limit,
      (used, limit, { landing }) => used + landing <= limit,
      (used, limit) => used < limit,
    ];
    for (const rule of forgetful)
      expect(fc.check(neverOver(rule), { numRuns: 2_000, seed: 1 }).failed).toBe(true);
  });
});

describe('every reason to land has words', () => {
  test.each(REASONS)('%s: for the model and for the customer', (reason) => {
    const told = landingNotice(reason);
    expect(told).toMatch(/^<notice>\n.+\n<\/notice>$/s);
    expect(told).toMatch(/what was done, what was not/);
    expect(told).toMatch(/tool/);
    const said = ownWords(reason);
    expect(said).toMatch(
      /^I have to stop here for now\. [A-Z].+\. Nothing further will be done until someone continues/,
    );
    expect(said).not.toMatch(/\byou(r)?\b/i);
  });

  test('a customer can write on after the limits of a turn; the limits of a run need a person', () => {
    expect(REASONS.filter(isRunLimit)).toEqual(['tokens', 'cost', 'context', 'model_failed']);
    expect(REASONS.filter(modelCannotLand)).toEqual(['empty', 'context', 'unknown_stop', 'model_failed']);
  });
});
