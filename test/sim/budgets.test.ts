import { describe, expect, test } from 'vitest';
import type { CallModelInput, CallModelResult } from '../../src/activities/types.ts';
import type { AtCap } from '../../src/core/budget.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { continueAsNew } from './driver.ts';
import { approve, openApprovals, resultOf } from './reading.ts';
import { START_MS, simulate } from './world.ts';

const HOUR_MS = 3_600_000;
const ONCE = { once: true } as const;
const OPENS_MS = START_MS + HOUR_MS;

function over(atCap: AtCap, more: { readonly unanswered?: boolean } = {}): CallModelResult {
  const scope = atCap === 'wait' ? 'fleet' : 'user:customer';
  const window = { startMs: START_MS, untilMs: OPENS_MS, degradeTo: null };
  return { kind: 'over_budget', pinned: null, over: { scope, atCap, ...window, unanswered: false, ...more } };
}

/** The cap stands until the window turns, or until a person has allowed more. */
function until(atCap: AtCap, more: { readonly unanswered?: boolean } = {}) {
  return (input: CallModelInput, nowMs: number) =>
    nowMs < OPENS_MS && input.grant === undefined ? over(atCap, more) : null;
}

const texts = (input: CallModelInput | undefined) =>
  input?.append.texts.map((text) => (text.kind === 'inline' ? text.text : '')) ?? [];

describe('at a cap: land', () => {
  test('our own words where not even the landing fits; yes tries again, and nothing more is allowed', async () => {
    const { simulation, world } = await simulate({
      lines: [{ say: 'done' }],
      input: ONCE,
      cap: until('land'),
    });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
    expect(world.modelCalls.map(({ purpose }) => purpose)).toEqual(['act', 'land']);
    await simulation.advanceBy(HOUR_MS);
    approve(simulation, (await openApprovals(simulation))[0]?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.modelCalls.at(-1)?.grant).toBeUndefined();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', reason: 'answered' });
  });

  test('its landing is a model call of its own where that fits', async () => {
    const { simulation, world } = await simulate({
      lines: [{ say: 'done' }],
      cap: (input, nowMs) => (input.purpose === 'land' ? null : until('land')(input, nowMs)),
    });
    await simulation.runUntilIdle();
    expect(texts(world.modelCalls[1]).join()).toContain('The budget that pays for this conversation');
    expect(world.opened[0]?.records[0]?.summary).toContain('past its limit (budget)');
  });

  test('a customer who writes after the window has turned is answered', async () => {
    const { simulation, world } = await simulate({ lines: [{ say: 'done' }], cap: until('land') });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    simulation.signal('message', { text: 'and now?', by: 'customer' });
    await simulation.runUntilIdle();
    // The first message has reached no model before.
    expect(texts(world.modelCalls.at(-1))).toEqual(['hello', 'and now?']);
    expect(simulation.searchAttributes.HoldfastState).toBe('idle');
    expect(await openApprovals(simulation)).toEqual([]);
  });
});

describe('a landing for which there is no model', () => {
  test('results that no model has read are read once the customer goes on', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'done' }],
      limits: { iterationsPerTurn: 1 },
      cap: (input) => (input.purpose === 'land' ? over('land') : null),
    });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
    simulation.signal('message', { text: 'and?', by: 'customer' });
    await simulation.runUntilIdle();
    const last = world.modelCalls.at(-1);
    expect(last?.purpose).toBe('act');
    expect(last?.append.results.map(({ callId }) => callId)).toEqual(['call-1-0']);
    expect(texts(last).at(-1)).toBe('and?');
  });

  test('two of them in a row are two requests', async () => {
    const { simulation, world } = await simulate({ lines: [{ say: 'done' }], cap: () => over('land') });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'hello?', by: 'customer' });
    await simulation.runUntilIdle();
    const ids = world.opened.flatMap(({ records }) => records.map(({ id }) => id));
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('the limit of the run', () => {
  test.each([
    [true, ['hello']],
    [false, ['hello', expect.stringContaining('last message')]],
  ])('where an attempt may still answer (%s), what it was asked stays as it is', async (unanswered, said) => {
    const { simulation, world } = await simulate({ lines: [{ overLimit: 'cost', unanswered }] });
    await simulation.runUntilIdle();
    expect(world.modelCalls.map(({ purpose }) => purpose)).toEqual(['act', 'land']);
    expect(texts(world.modelCalls[1])).toEqual(said);
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
  });
});

describe('who writes again and again while the turn waits for its budget', () => {
  async function flood(text: string, messages: number) {
    const { simulation, world } = await simulate({
      lines: [{ say: 'done' }],
      cap: until('wait'),
      crashEveryActivation: false,
      limits: { tokensPerRun: 1_000_000 },
    });
    await simulation.runUntilIdle();
    for (let i = 0; i < messages; i++) {
      simulation.signal('message', { text: `${i} ${text}`, by: 'customer' });
      await simulation.runUntilIdle();
    }
    return { simulation, world };
  }

  test.each([
    ['many', '', LIMITS.turnMessages],
    ['long ones', 'x'.repeat(4_000), 9],
  ])(
    '%s: the turn takes in what fits, the rest waits, what is too much is refused, and all that waits is answered',
    async (_, text, joined) => {
      const { simulation, world } = await flood(text, 120);
      expect(world.modelCalls.length).toBeLessThanOrEqual(joined + 1);
      expect(texts(world.modelCalls.at(-1))).toHaveLength(joined);
      const dropped = 120 + 1 - joined - LIMITS.inboxMessages;
      expect(await simulation.query('status')).toMatchObject({
        queuedMessages: LIMITS.inboxMessages,
        dropped,
      });
      const sent = simulation.update('send', [{ text: 'and?', by: 'customer' }]);
      await simulation.deliver();
      expect(sent.rejected).toMatchObject({ type: 'bad_message' });
      await simulation.advanceBy(2 * HOUR_MS);
      expect(simulation.searchAttributes.HoldfastState).toBe('idle');
      expect(await simulation.query('status')).toMatchObject({ queuedMessages: 0 });
    },
  );
});

describe('at a cap: ask', () => {
  async function asked() {
    const { simulation, world } = await simulate({
      lines: [{ say: 'done' }],
      input: ONCE,
      cap: until('ask'),
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    expect(record).toMatchObject({
      kind: 'landing',
      summary: 'Go up to $0.5000 over the budget user:customer?',
    });
    return { simulation, world, id: record?.id ?? '' };
  }

  test('yes allows this run one helping more of this cap, by name', async () => {
    const { simulation, world, id } = await asked();
    approve(simulation, id);
    await simulation.runUntilIdle();
    expect(world.modelCalls.at(-1)?.grant).toEqual({
      scope: 'user:customer',
      startMs: START_MS,
      microUsd: world.limits.costMicroUsdPerRun,
      approval: id,
      by: 'boss',
    });
    // The run's own limit is another matter.
    expect(world.modelCalls.at(-1)?.extraCostMicroUsd).toBe(0);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('no, and silence, end it as partial', async () => {
    const rejected = await asked();
    rejected.simulation.signal('decide', { approval: rejected.id, kind: 'reject', by: 'boss' });
    await rejected.simulation.runUntilIdle();
    expect(resultOf(rejected.simulation)).toMatchObject({ outcome: 'partial', reason: 'budget' });
    const silent = await asked();
    await silent.simulation.advanceBy(silent.world.limits.approvalMs + HOUR_MS);
    expect(resultOf(silent.simulation)).toMatchObject({ outcome: 'partial', reason: 'budget' });
  });

  test('the customer cannot talk the request away, nor can a raised limit of the run', async () => {
    const { simulation, world } = await asked();
    simulation.signal('message', { text: 'go on', by: 'customer' });
    simulation.signal('raiseLimit', { by: 'operator', costMicroUsd: 1_000 });
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(2);
    expect(await openApprovals(simulation)).toHaveLength(1);
  });
});

describe('at a cap: wait', () => {
  async function waiting(more: { readonly unanswered?: boolean } = {}) {
    const { simulation, world } = await simulate({ lines: [{ say: 'done' }], cap: until('wait', more) });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('budget');
    return { simulation, world };
  }

  test('the card says for what and until when; it goes on by itself once the window has turned', async () => {
    const { simulation, world } = await waiting();
    expect(await simulation.currentDetails()).toContain(
      'the budget fleet to open again at 2026-01-05T10:00:00',
    );
    await simulation.advanceBy(HOUR_MS - 1_000);
    expect(world.modelCalls).toHaveLength(1);
    await simulation.advanceBy(LIMITS.budgetSpreadMs + 2_000);
    expect(world.modelCalls).toHaveLength(2);
    expect(simulation.searchAttributes.HoldfastState).toBe('idle');
  });

  test('also over a move to a new execution', async () => {
    const { simulation, world } = await waiting();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    expect(next.searchAttributes.HoldfastState).toBe('budget');
    await next.advanceBy(HOUR_MS + LIMITS.budgetSpreadMs);
    expect(next.searchAttributes.HoldfastState).toBe('idle');
    expect(world.modelCalls).toHaveLength(3);
  });

  test('a message makes it look again, and is asked with the rest; its sender is told that it waits', async () => {
    const { simulation, world } = await waiting();
    const sent = simulation.update('send', [{ text: 'anybody there?', by: 'customer', id: 'second' }]);
    await simulation.runUntilIdle();
    expect(sent.result).toMatchObject({ kind: 'waiting', messageId: 'second' });
    expect(texts(world.modelCalls[1])).toEqual(['hello', 'anybody there?']);
    expect(simulation.searchAttributes.HoldfastState).toBe('budget');
  });

  test('where an earlier attempt may still answer, the call stays as it is, and the sender is told all the same', async () => {
    const { simulation, world } = await waiting({ unanswered: true });
    const sent = simulation.update('send', [{ text: 'anybody there?', by: 'customer', id: 'second' }]);
    await simulation.runUntilIdle();
    expect(sent.result).toMatchObject({ kind: 'waiting' });
    expect(world.modelCalls).toHaveLength(1);
    await simulation.advanceBy(HOUR_MS + LIMITS.budgetSpreadMs);
    expect(texts(world.modelCalls[1])).toEqual(['hello']);
    expect(texts(world.modelCalls[2])).toEqual(['anybody there?']);
  });

  test.each([
    ['retry', { by: 'operator' }, 'budget', 2],
    ['raiseLimit', { by: 'operator', costMicroUsd: 5 }, 'budget', 2],
    ['pause', { by: 'operator' }, 'paused', 1],
  ] as const)('%s is heard at once', async (signal, said, phase, calls) => {
    const { simulation, world } = await waiting();
    simulation.signal(signal, said);
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe(phase);
    expect(world.modelCalls).toHaveLength(calls);
  });

  test.each([
    ['cancel', 'cancelled'],
    ['handOver', 'escalated'],
  ] as const)('%s ends it at once', async (signal, outcome) => {
    const { simulation, world } = await waiting();
    simulation.signal(signal, { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe(outcome);
    expect(world.modelCalls).toHaveLength(1);
  });

  test('a clock of the database that is behind is asked again, not without a pause', async () => {
    const { simulation, world } = await simulate({
      lines: [{ say: 'done' }],
      cap: (_, nowMs) => (nowMs < OPENS_MS + 60_000 ? over('wait') : null),
    });
    await simulation.advanceBy(HOUR_MS + 5 * LIMITS.budgetSpreadMs);
    expect(simulation.searchAttributes.HoldfastState).toBe('idle');
    expect(world.modelCalls.length).toBeLessThan(60);
  });
});

test('a start that comes too fast ends as refused, and says when to come back', async () => {
  const { simulation, world } = await simulate({
    lines: [{ say: 'done' }],
    cap: () => ({
      kind: 'refused_start',
      refused: { scope: 'starts:user:customer/minute', limit: 3, comeBackAtMs: START_MS + 60_000 },
    }),
  });
  await simulation.runUntilIdle();
  expect(resultOf(simulation)).toMatchObject({
    outcome: 'refused',
    reason: 'rate_limited',
    answer:
      'Too many conversations were started: the limit is 3 a minute. Come back at 2026-01-05T09:01:00.000Z.',
  });
  expect(world.ended).toHaveLength(1);
});
