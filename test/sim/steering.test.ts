import { describe, expect, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { continueAsNew } from './driver.ts';
import { approve, openApprovals, resultOf, resultsAt } from './reading.ts';
import { simulate, toolDone } from './world.ts';

const HOUR_MS = 3_600_000;
const ONCE = { input: { once: true } } as const;
const SMALL = { lines: [{ calls: [{ tool: 'write', amount: 5 }] }, { say: 'done' }], ...ONCE };

describe('pause', () => {
  test('stops before the next effect, also while reads of the same step still run', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }, { tool: 'write', amount: 5 }] }, { say: 'done' }],
    });
    while (world.modelCalls.length === 0) await simulation.advanceBy(1);
    await simulation.advanceBy(110);
    simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran.map(({ tool }) => tool)).toEqual(['look']);
    expect(simulation.searchAttributes.HoldfastState).toBe('paused');
    simulation.signal('resume', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran.map(({ tool }) => tool)).toEqual(['look', 'write']);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  async function longPause() {
    const { simulation, world } = await simulate(SMALL);
    simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    await simulation.advanceBy(LIMITS.pauseMs - HOUR_MS);
    expect(await openApprovals(simulation)).toEqual([]);
    await simulation.advanceBy(2 * HOUR_MS);
    const [record] = await openApprovals(simulation);
    expect(record).toMatchObject({ kind: 'pause', onExpiry: 'escalate' });
    return { simulation, world, id: record?.id ?? '' };
  }

  test('becomes a question after seven days; yes lets the run go on', async () => {
    const { simulation, world, id } = await longPause();
    approve(simulation, id);
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('becomes a question after seven days; no ends it', async () => {
    const { simulation, world, id } = await longPause();
    simulation.signal('decide', { approval: id, kind: 'reject', by: 'boss' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(resultOf(simulation).outcome).toBe('cancelled');
  });

  test('becomes a question after seven days; silence hands over and starts nothing', async () => {
    const { simulation, world } = await longPause();
    await simulation.advanceBy(LIMITS.pauseMs);
    expect(world.ran).toHaveLength(0);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
  });

  test('resume still works while the question is open, and withdraws it', async () => {
    const { simulation, world } = await longPause();
    simulation.signal('resume', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.recorded.map(({ state }) => state)).toContain('withdrawn');
    expect(resultOf(simulation).outcome).toBe('completed');
  });
});

describe('a pause of an idle conversation', () => {
  test.each(['resume', 'yes'])('is no idle time: after %s it waits for the next message', async (how) => {
    const { simulation, world } = await simulate({ lines: [{ say: 'hello' }] });
    await simulation.runUntilIdle();
    simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    await simulation.advanceBy(LIMITS.pauseMs + HOUR_MS);
    if (how === 'resume') simulation.signal('resume', { by: 'operator' });
    else approve(simulation, (await openApprovals(simulation))[0]?.id ?? '');
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('idle');
    simulation.signal('message', { text: 'still here', by: 'customer' });
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(2);
    await simulation.advanceBy(world.limits.idleMs + HOUR_MS);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', reason: 'idle' });
  });
});

describe('a kill switch', () => {
  function switched(until: { lifted: boolean }) {
    return (input: RunToolInput) =>
      until.lifted
        ? toolDone(input)
        : ({
            kind: 'completed',
            result: { kind: 'held', name: 'tool:write', activeMs: 1 },
            takesMs: 5,
          } as const);
  }

  test('holds the effect and says so; retry wakes it once the switch is lifted', async () => {
    const state = { lifted: false };
    const { simulation, world } = await simulate({ ...SMALL, tools: { write: switched(state) } });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('held');
    expect(await simulation.currentDetails()).toContain('tool:write');
    simulation.signal('retry', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(2);
    expect(simulation.result.kind).toBe('running');
    state.lifted = true;
    simulation.signal('retry', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(3);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a slow timer catches a wake-up that was missed', async () => {
    const state = { lifted: false };
    const { simulation, world } = await simulate({ ...SMALL, tools: { write: switched(state) } });
    await simulation.runUntilIdle();
    state.lifted = true;
    await simulation.advanceBy(LIMITS.heldRetryMs + 1_000);
    expect(world.ran).toHaveLength(2);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a held run keeps its approval through continue-as-new and needs no second one', async () => {
    const state = { lifted: false };
    const lines = [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }];
    const { simulation, world } = await simulate({ ...ONCE, lines, tools: { write: switched(state) } });
    await simulation.runUntilIdle();
    approve(simulation, (await openApprovals(simulation))[0]?.id ?? '');
    await simulation.runUntilIdle();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    state.lifted = true;
    await next.advanceBy(LIMITS.heldRetryMs + 1_000);
    expect(world.ran.at(-1)?.approval?.decision.by).toBe('boss');
    expect(world.opened).toHaveLength(1);
    expect(resultOf(next).outcome).toBe('completed');
  });

  test('it is given up after seven days, and the model is told', async () => {
    const { simulation, world } = await simulate({ ...SMALL, tools: { write: switched({ lifted: false }) } });
    await simulation.runUntilIdle();
    await simulation.advanceBy(LIMITS.heldMs + HOUR_MS);
    expect(resultsAt(world, 1)[0]).toContain('switched off');
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a new message of the customer gives it up at once', async () => {
    const { simulation, world } = await simulate({
      lines: SMALL.lines,
      tools: { write: switched({ lifted: false }) },
    });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'never mind', by: 'customer' });
    await simulation.runUntilIdle();
    expect(resultsAt(world, 1)[0]).toContain('switched off');
    expect(world.modelCalls[1]?.append.texts).toMatchObject([{ text: 'never mind' }]);
  });
});

describe('cancel', () => {
  test('while an approval is open: every call of the step has its result at the end of the conversation', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }, { tool: 'write', amount: 40 }, { tool: 'write_too', amount: 5 }] }],
    });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'wait', by: 'customer', id: 'm2' });
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ran.map(({ tool }) => tool)).toEqual(['look']);
    const [ended] = world.ended;
    expect(ended?.append.results.map(({ callId }) => callId)).toEqual(['call-1-0', 'call-1-1', 'call-1-2']);
    expect(ended?.append.texts).toMatchObject([{ text: 'wait' }]);
    expect(ended?.head).not.toBeNull();
  });

  const lost = () =>
    ({
      kind: 'failed',
      failure: { message: 'lost', type: 'tool_failed', nonRetryable: true },
      takesMs: 5_000,
    }) as const;

  test.each([
    [{ outcome: 'happened', result: { id: 1 } }, 'happened'],
    [{ outcome: 'did_not' }, 'did_not'],
    [{ outcome: 'give_up' }, 'give_up'],
    [null, 'give_up'],
  ])(
    'during an effect nobody knows about: the question stays until it is answered (%j)',
    async (answer, said) => {
      const { simulation, world } = await simulate({
        ...SMALL,
        tools: { write: lost },
        closing: () => ({ kind: 'unknown', evidence: 'a lost attempt', activeMs: 1 }),
      });
      while (world.ran.length === 0) await simulation.advanceBy(50);
      simulation.signal('cancel', { by: 'operator' });
      await simulation.runUntilIdle();
      const [record] = await openApprovals(simulation);
      expect(record?.kind).toBe('reconcile');
      expect(simulation.result.kind).toBe('running');
      expect(simulation.searchAttributes.HoldfastState).toBe('unknown');
      if (answer === null) await simulation.advanceBy(25 * HOUR_MS);
      else simulation.signal('decide', { approval: record?.id, kind: 'answer', by: 'boss', answer });
      await simulation.runUntilIdle();
      expect(world.resolved.map((one) => one.said)).toEqual([said]);
      expect(resultOf(simulation).outcome).toBe('cancelled');
      expect(world.ended[0]?.append.results).toHaveLength(1);
      expect(world.ran).toHaveLength(1);
    },
  );

  test('while its request is being opened: it is on record who cancelled, and nothing starts', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }],
    });
    while (world.opened.length === 0) await simulation.advanceBy(1);
    const [record] = world.opened[0]?.records ?? [];
    simulation.signal('cancel', { by: 'operator' });
    simulation.signal('decide', { approval: record?.id, kind: 'approve', by: 'boss', channel: 'test' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ran).toEqual([]);
    expect(world.closed).toEqual([]);
    expect(world.recorded.map(({ state, facts }) => [state, facts.by])).toEqual([
      ['steer_cancel', 'operator'],
      ['approved', 'boss'],
    ]);
  });

  test('while a refusal is being recorded: it is recorded once', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }],
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const no = { approval: record?.id, kind: 'approve', by: 'customer', channel: 'test' };
    simulation.signal('decide', no);
    while (world.recorded.length === 0) await simulation.advanceBy(1);
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.recorded.map(({ state, facts }) => [state, facts.by])).toEqual([
      ['refused', 'customer'],
      ['steer_cancel', 'operator'],
      ['withdrawn', 'holdfast'],
    ]);
  });

  test('a held effect is closed before it is called not run', async () => {
    const held = () =>
      ({ kind: 'completed', result: { kind: 'held', name: 'fleet', activeMs: 1 }, takesMs: 5 }) as const;
    const { simulation, world } = await simulate({ ...SMALL, tools: { write: held } });
    await simulation.runUntilIdle();
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.closed).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('cancelled');
  });
});

describe('what is said to a run that does not move', () => {
  const LANDED = { lines: [{ overLimit: 'tokens' }] } as const;
  const IDLE = { lines: [{ say: 'hello' }] } as const;
  const unsigned = ({ n }: { readonly n: number }) => ({ n, kind: 'refused', why: 'unsigned' }) as const;

  test.each([
    ['landed', LANDED],
    ['idle', IDLE],
    ['paused', IDLE],
  ])('is on record at once, also where it is refused: %s', async (state, options) => {
    const { simulation, world } = await simulate({ ...options, verify: unsigned });
    await simulation.runUntilIdle();
    if (state === 'paused') simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    const before = world.recorded.length;
    for (const by of ['eve', 'mallory']) {
      simulation.signal('close', { by });
      await simulation.runUntilIdle();
    }
    const said = world.recorded.slice(before).map(({ facts }) => [facts.by, facts.why]);
    expect(said).toEqual([
      ['eve', 'unsigned'],
      ['mallory', 'unsigned'],
    ]);
    expect(simulation.searchAttributes.HoldfastState).toBe(state);
  });
});

describe('what lists say of a run', () => {
  test.each([
    ['a request', { lines: [{ calls: [{ tool: 'write', amount: 40 }] }] }, 'waiting'],
    ['a limit', { lines: [{ overLimit: 'tokens' }] }, 'landed'],
    ['a message', { lines: [{ say: 'hello' }] }, 'idle'],
  ] as const)('that waits for %s is told again after a pause', async (_, options, phase) => {
    const { simulation, world } = await simulate(options);
    await simulation.runUntilIdle();
    const before = world.told.length;
    simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    simulation.signal('resume', { by: 'operator' });
    await simulation.runUntilIdle();
    // A landed run stands still anyhow: there a pause begins with the answer.
    expect(world.told.slice(before)).toEqual(phase === 'landed' ? [] : ['paused', phase]);
    expect(simulation.searchAttributes.HoldfastState).toBe(phase);
  });

  test('that moved while it waited is what it is now', async () => {
    const { simulation } = await simulate({ lines: [{ say: 'hello' }, { say: 'again', takesMs: 60_000 }] });
    await simulation.runUntilIdle();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    next.signal('message', { id: 'm', text: 'go on', by: 'customer' });
    await next.advanceBy(1_000);
    expect(next.searchAttributes.HoldfastState).toBe('running');
    await next.runUntilIdle();
    expect(next.searchAttributes.HoldfastState).toBe('idle');
  });
});

describe('an error of ours while it is verified who says so', () => {
  const gated = { lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }], ...ONCE };

  test('loses no decision: it is verified again, and counts', async () => {
    const { simulation, world } = await simulate({ ...gated, verifyBug: (attempt) => attempt <= 2 });
    await simulation.runUntilIdle();
    approve(simulation, (await openApprovals(simulation))[0]?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toEqual([]);
    await simulation.advanceBy(LIMITS.verifyAgainMs);
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('leaves no sender hanging, neither a move nor the end', async () => {
    const { simulation, world } = await simulate({ ...gated, verifyBug: () => true });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const yes = { approval: record?.id, kind: 'approve', by: 'boss', channel: 'test' };
    const first = simulation.update('decideNow', [yes], { id: 'first' });
    await simulation.runUntilIdle();
    await simulation.advanceBy(LIMITS.decideNowMs);
    expect(first.status).toMatchObject({ kind: 'failed', failure: { type: 'not_verified' } });
    simulation.update('decideNow', [yes], { id: 'second' });
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ran).toEqual([]);
  });
});

describe('hand-over', () => {
  test('a cleared effect that has not started does not start any more', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }, { tool: 'write', amount: 5 }] }, { say: 'done' }],
    });
    while (world.modelCalls.length === 0) await simulation.advanceBy(1);
    await simulation.advanceBy(110);
    simulation.signal('handOver', { by: 'operator', reason: 'mine' });
    await simulation.runUntilIdle();
    expect(world.ran.map(({ tool }) => tool)).toEqual(['look']);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
    expect(world.ended[0]?.handOver?.notStarted).toEqual(['write']);
  });

  test('who asks for it again erases nothing: the first summary and what did not start stay', async () => {
    const unknown = () =>
      ({
        kind: 'completed',
        result: { kind: 'unknown', evidence: 'lost', activeMs: 1 },
        takesMs: 5,
      }) as const;
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [
        {
          calls: [
            { tool: 'write', amount: 5 },
            { tool: 'write_too', amount: 5 },
          ],
        },
      ],
      policy: [{ name: 'all', match: { tiers: ['write_risky'] }, answer: { kind: 'allow' } }],
      tools: { write: unknown },
    });
    await simulation.runUntilIdle();
    for (const reason of ['mine', 'no, mine']) {
      simulation.signal('handOver', { by: 'operator', reason });
      await simulation.runUntilIdle();
    }
    const [record] = await openApprovals(simulation);
    const answer = { outcome: 'give_up' };
    simulation.signal('decide', { approval: record?.id, kind: 'answer', by: 'boss', answer });
    await simulation.runUntilIdle();
    expect(world.ended[0]?.handOver).toMatchObject({ summary: 'mine', notStarted: ['write_too'] });
  });

  test('what a person said did not happen is put on record, and is not run again after a hand-over', async () => {
    const unknown = () =>
      ({
        kind: 'completed',
        result: { kind: 'unknown', evidence: 'lost', activeMs: 1 },
        takesMs: 5,
      }) as const;
    const { simulation, world } = await simulate({ ...SMALL, tools: { write: unknown } });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('pause', { by: 'operator' });
    const answer = { outcome: 'did_not' };
    simulation.signal('decide', { approval: record?.id, kind: 'answer', by: 'boss', answer });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('paused');
    simulation.signal('handOver', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(world.resolved.map(({ said }) => said)).toEqual(['did_not']);
    expect(resultOf(simulation).outcome).toBe('escalated');
  });

  test('a landed run can be closed: it ends as partial, and nobody is asked any more', async () => {
    const { simulation, world } = await simulate({ lines: [{ overLimit: 'tokens' }] });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('close', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'partial', reason: 'tokens' });
    expect(world.recorded).toContainEqual(
      expect.objectContaining({ approval: record?.id, state: 'withdrawn' }),
    );
  });

  test('a landed run can be handed over', async () => {
    const { simulation } = await simulate({ lines: [{ overLimit: 'tokens' }] });
    await simulation.runUntilIdle();
    simulation.signal('handOver', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('escalated');
  });
});
