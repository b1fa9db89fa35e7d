import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { continueAsNew } from './driver.ts';
import { openApprovals, resultOf } from './reading.ts';
import { simulate } from './world.ts';

const HELLO = { lines: [{ say: 'hello' }] } as const;
const DAY_MS = 86_400_000;
const nobodyKnows = () =>
  ({
    kind: 'completed',
    result: { kind: 'unknown', evidence: 'lost', activeMs: 1 },
    takesMs: 5,
  }) as const;
const OPERATOR = { by: 'operator', channel: 'test' };

/** A run whose request is open, in the task that hears its cancel. */
async function cancelledWhileAsking() {
  const { simulation, world } = await simulate({
    input: { once: true },
    lines: [{ calls: [{ tool: 'write', amount: 40 }] }],
  });
  await simulation.runUntilIdle();
  const [record] = await openApprovals(simulation);
  simulation.signal('cancel', OPERATOR);
  return { simulation, world, record };
}

describe('what is said while a run ends', () => {
  test('a decision is on record that comes while a cancelled run waits for what became of an effect', async () => {
    const { simulation, world } = await simulate({
      input: { once: true },
      lines: [{ calls: [{ tool: 'write', amount: 5 }] }],
      tools: { write: nobodyKnows },
      verifyMs: 400,
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('cancel', OPERATOR);
    await simulation.runUntilIdle();
    const word = { approval: record?.id, kind: 'answer', channel: 'test', answer: { outcome: 'did_not' } };
    simulation.signal('decide', { ...word, by: 'ann' });
    await simulation.advanceBy(399);
    // Verified only after the answer of ann has let the run end.
    simulation.signal('decide', { ...word, by: 'ben' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.recorded.map(({ state, facts }) => [state, facts.by, facts.why])).toEqual([
      ['steer_cancel', 'operator', undefined],
      ['answered', 'ann', undefined],
      ['refused', 'ben', 'already_decided'],
    ]);
  });

  test('a decision is on record that comes while the end is put on record', async () => {
    const { simulation, world, record } = await cancelledWhileAsking();
    while (world.ended.length === 0) await simulation.advanceBy(1);
    simulation.signal('decide', { approval: record?.id, kind: 'approve', by: 'boss', channel: 'test' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ran).toEqual([]);
    expect(world.recorded.map(({ state, facts }) => [state, facts.by])).toContainEqual(['refused', 'boss']);
  });

  test('decisions that never stop do not keep it from ending', async () => {
    const { simulation, world, record } = await cancelledWhileAsking();
    for (let n = 0; n < 1_000 && simulation.result.kind === 'running'; n += 1) {
      simulation.signal('decide', { approval: record?.id, kind: 'approve', by: `p${n}`, channel: 'test' });
      await simulation.advanceBy(1);
    }
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ended.length).toBeGreaterThan(1);
  });

  test.each([
    ['close', 'completed'],
    ['handOver', 'escalated'],
  ])(
    'a message after %s stands at the end of the conversation, and no model reads it',
    async (signal, outcome) => {
      const { simulation, world } = await simulate({ ...HELLO, verifyMs: 5 });
      while (world.modelCalls.length === 0) await simulation.advanceBy(1);
      simulation.signal(signal, OPERATOR);
      await simulation.advanceBy(6);
      simulation.signal('message', { text: 'one more thing', by: 'customer', id: 'late' });
      const sent = simulation.update('send', [{ text: 'and me', by: 'customer', id: 'later' }]);
      await simulation.runUntilIdle();
      expect(sent.rejected?.message).toContain('the run is ending');
      expect(resultOf(simulation).outcome).toBe(outcome);
      expect(world.modelCalls).toHaveLength(1);
      const texts = world.ended.flatMap(({ append }) =>
        append.texts.map((text) => 'text' in text && text.text),
      );
      expect(texts).toEqual(['one more thing']);
    },
  );
});

test('a run that is to move does not do so in a task that a replay will not see', async () => {
  const { simulation } = await simulate(HELLO);
  await simulation.runUntilIdle();
  simulation.suggestContinueAsNew = true;
  // Refused by its validator: nothing of it stands in the history.
  simulation.update('send', [{ text: 5 }]);
  await simulation.deliver();
  expect(simulation.result.kind).toBe('running');
  await simulation.crash();
  simulation.signal('lookAgain');
  await simulation.deliver();
  expect(simulation.result.kind).toBe('continuedAsNew');
});

test('long messages that wait are no larger for an activity than it may carry, at a move and at the end', async () => {
  const { simulation, world } = await simulate(HELLO);
  await simulation.runUntilIdle();
  simulation.signal('pause', OPERATOR);
  await simulation.runUntilIdle();
  const long = 'x'.repeat(90_000);
  for (let n = 0; n < 25; n += 1)
    simulation.signal('message', { text: `${n} ${long}`, by: 'customer', id: `long${n}` });
  await simulation.deliver();
  simulation.signal('cancel', OPERATOR);
  await simulation.runUntilIdle();
  expect(resultOf(simulation).outcome).toBe('cancelled');
  expect(world.kept.flat()).toHaveLength(25);
  const largest = Math.max(...world.kept.map((texts) => texts.join('').length));
  expect(largest).toBeLessThanOrEqual(LIMITS.keptPortionBytes);
  expect(JSON.stringify(world.ended).length).toBeLessThan(LIMITS.runStateBytes);
  expect(world.ended[0]?.append.texts).toHaveLength(25);
});

describe('a run that an error of our own stops for good', () => {
  const TWO = [
    {
      calls: [
        { tool: 'write', amount: 5 },
        { tool: 'write_too', amount: 5 },
      ],
    },
  ];

  async function stopped() {
    const { simulation, world } = await simulate({
      input: { once: true },
      lines: TWO,
      tools: { write: nobodyKnows },
      breaks: (activity) => activity === 'prepareCall',
    });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    expect(next.searchAttributes.HoldfastState).toBe('bug');
    return { simulation: next, world };
  }

  test('still asks what became of an effect, and people take over', async () => {
    const { simulation, world } = await stopped();
    const [record] = await openApprovals(simulation);
    expect(record?.kind).toBe('reconcile');
    await simulation.advanceBy(DAY_MS - 3_600_000);
    const happened = { kind: 'answer', answer: { outcome: 'happened', result: {} } };
    simulation.signal('decide', { ...happened, approval: record?.id, by: 'boss', channel: 'test' });
    await simulation.advanceBy(2 * 3_600_000);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'failed', reason: 'bug' });
    expect(world.resolved.map(({ said }) => said)).toEqual(['happened']);
    const [ended] = world.ended;
    expect(ended?.append.results.map(({ isError }) => isError)).toEqual([false, true]);
    expect(ended?.handOver?.summary).toContain('an error of its own');
  });

  test('ends also where its calls cannot be closed', async () => {
    const broken = { is: false };
    const { simulation, world } = await simulate({
      input: { once: true },
      lines: TWO,
      tools: { write: nobodyKnows },
      breaks: (activity) => broken.is && activity === 'recordDecisions',
    });
    await simulation.runUntilIdle();
    broken.is = true;
    simulation.signal('cancel', OPERATOR);
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ended[0]?.handOver?.summary).toContain('could not be closed');
  });

  test('a request that the store never got is stored once the run goes on', async () => {
    const broken = { is: true };
    const { simulation, world } = await simulate({
      input: { once: true },
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }],
      breaks: (activity) => broken.is && activity === 'openApprovals',
    });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    broken.is = false;
    next.signal('retry', OPERATOR);
    await next.runUntilIdle();
    expect(world.opened.flatMap(({ records }) => records.map(({ kind }) => kind))).toEqual(['call']);
  });

  test('stays parked with it where another one keeps it from moving', async () => {
    const { simulation } = await simulate({
      ...HELLO,
      lines: [{ fails: { message: 'first', type: 'bug', nonRetryable: true } }],
      breaks: (activity) => activity === 'keepTexts',
    });
    const long = 'x'.repeat(90_000);
    for (let n = 0; n < 3; n += 1)
      simulation.signal('message', { text: long, by: 'customer', id: `long${n}` });
    await simulation.runUntilIdle();
    expect(simulation.result.kind).toBe('running');
    expect(simulation.searchAttributes.HoldfastState).toBe('bug');
  });
});

test('an effect that a person said did not happen is closed before its call is called not run', async () => {
  let runs = 0;
  const { simulation, world } = await simulate({
    input: { once: true },
    lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
    tools: {
      write: () => {
        runs += 1;
        return runs === 1
          ? nobodyKnows()
          : ({ kind: 'completed', result: { kind: 'stale', activeMs: 1 }, takesMs: 5 } as const);
      },
    },
  });
  const decide = async (said: object) => {
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('decide', { ...said, approval: record?.id, by: 'boss', channel: 'test' });
    await simulation.runUntilIdle();
  };
  await decide({ kind: 'approve' });
  await decide({ kind: 'answer', answer: { outcome: 'did_not' } });
  expect(world.closed).toEqual([]);
  await decide({ kind: 'reject' });
  expect(world.closed).toHaveLength(1);
  expect(resultOf(simulation).outcome).toBe('completed');
});
