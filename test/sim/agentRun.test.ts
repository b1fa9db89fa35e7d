import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { continueAsNew } from './driver.ts';
import { approve, openApprovals, resultOf, resultsAt } from './reading.ts';
import { carriedState, type Line, START_MS, simulate, toolDone, toolFailed, type World } from './world.ts';

const HOUR_MS = 3_600_000;
const ONCE = { input: { once: true } } as const;

describe('the loop', () => {
  test('a question is answered and the run ends', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    const result = resultOf(simulation);
    expect(result).toMatchObject({
      outcome: 'completed',
      reason: 'answered',
      answer: 'done',
      costMicroUsd: 2_000,
    });
    expect(world.ended).toHaveLength(1);
    expect(world.modelCalls[0]?.release).toBeNull();
    expect(world.modelCalls[1]?.release).not.toBeNull();
  });

  test('it stays with the model that gave its newest answer, last words aside, also in its next execution', async () => {
    const { simulation, world } = await simulate({
      lines: [
        { calls: [{ tool: 'look' }], model: 'first' },
        { calls: [{ tool: 'look' }], model: 'second' },
        { overLimit: 'cost' },
        { say: 'done' },
      ],
    });
    await simulation.runUntilIdle();
    expect(world.modelCalls.map(({ purpose, model }) => [purpose, model])).toEqual([
      ['act', null],
      ['act', 'first'],
      ['act', 'second'],
      ['land', 'second'],
    ]);
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(carriedState(simulation).model).toBe('second');
  });

  test('a step with one read costs two activities', async () => {
    const { simulation } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    const scheduled = simulation.commands.filter((command) => command.kind === 'scheduleActivity');
    expect(scheduled.map((command) => (command.body as { activityType: string }).activityType)).toEqual([
      'callModel',
      'runTool',
      'callModel',
      'endRun',
    ]);
  });

  test('every activity and timer has a summary', async () => {
    const { simulation } = await simulate({
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    const named = simulation.commands.filter(
      (command) => command.kind === 'scheduleActivity' || command.kind === 'startTimer',
    );
    expect(named.length).toBeGreaterThan(2);
    for (const command of named) expect(command.summary, JSON.stringify(command)).toBeTruthy();
  });

  test.each([
    ['end_turn', [{ say: 'hi', stop: 'end_turn' }], 'completed', 'answered'],
    ['stop_sequence', [{ say: 'hi', stop: 'stop_sequence' }], 'completed', 'answered'],
    [
      'max_tokens, then the rest',
      [{ say: 'one ', stop: 'max_tokens' }, { say: 'two' }],
      'completed',
      'answered',
    ],
    ['pause_turn', [{ say: 'thinking', stop: 'pause_turn' }, { say: 'hi' }], 'completed', 'answered'],
    ['refusal', [{ stop: 'refusal' }], 'refused', 'model_refused'],
    [
      'refusal in the middle of a call',
      [{ calls: [{ tool: 'look' }], stop: 'refusal' }],
      'refused',
      'model_refused',
    ],
    ['an empty answer, then one', [{}, { say: 'hi' }], 'completed', 'answered'],
    [
      'calls of a cut-off answer',
      [{ calls: [{ tool: 'look' }], stop: 'max_tokens' }, { say: 'hi' }],
      'completed',
      'answered',
    ],
  ] satisfies [string, Line[], string, string][])(
    'stop reason %s',
    async (_, lines: readonly Line[], outcome, reason) => {
      const { simulation, world } = await simulate({ ...ONCE, lines });
      await simulation.runUntilIdle();
      expect(resultOf(simulation)).toMatchObject({ outcome, reason });
      if (lines[0]?.say === 'one ') expect(world.modelCalls.at(-1)?.pieces).toBe(1);
      expect(world.ran).toHaveLength(0);
    },
  );

  test.each([
    ['model_context_window_exceeded', 'context', []],
    ['model_context_window_exceeded', 'context', [{ tool: 'look' }]],
    ['something_new', 'unknown_stop', []],
  ])('stop reason %s lands in our own words and asks to continue', async (stop, reason, calls) => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [{ stop, calls }] });
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(1);
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
    expect(world.modelCalls.filter((call) => call.purpose === 'land')).toHaveLength(0);
    await simulation.advanceBy(25 * HOUR_MS);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'partial', reason });
  });

  test('reads of a step run together, effects in call order, a read after an effect waits for it', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [
        {
          calls: [
            { tool: 'look', args: 'a' },
            { tool: 'look', args: 'b' },
            { tool: 'write', amount: 1, args: 'c' },
            { tool: 'look', args: 'd' },
            { tool: 'write', amount: 1, args: 'e' },
          ],
        },
        { say: 'done' },
      ],
    });
    await simulation.deliver();
    await simulation.advanceBy(101);
    expect(world.ran.map((call) => call.key.split('/')[2])).toEqual(['0', '1']);
    await simulation.runUntilIdle();
    expect(world.ran.map((call) => call.key.split('/')[2])).toEqual(['0', '1', '2', '3', '4']);
    expect(world.modelCalls[1]?.append.results.map((result) => result.callId)).toEqual([
      'call-1-0',
      'call-1-1',
      'call-1-2',
      'call-1-3',
      'call-1-4',
    ]);
  });

  test('a bad call is a result, not an error', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'nonsense', problem: 'There is no tool "nonsense".' }] }, { say: 'sorry' }],
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('completed');
    expect(resultsAt(world, 1)[0]).toContain('There is no tool "nonsense"');
  });

  test('every eighth user message carries the reminder', async () => {
    const { simulation, world } = await simulate({ lines: [{ say: 'ok' }] });
    await simulation.runUntilIdle();
    for (let i = 2; i <= 17; i++) {
      simulation.signal('message', { text: `message ${i}`, by: 'customer' });
      await simulation.runUntilIdle();
    }
    expect(world.modelCalls.map((call, i) => (call.append.remind ? i + 1 : 0)).filter(Boolean)).toEqual([
      8, 16,
    ]);
  });

  test('a message sent twice counts once', async () => {
    const { simulation, world } = await simulate({ lines: [{ say: 'ok' }] });
    await simulation.runUntilIdle();
    for (let i = 0; i < 3; i++) simulation.signal('message', { text: 'again', by: 'customer', id: 'm1' });
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(2);
  });
});

describe('limits', () => {
  test('the third same call is refused with a hint, the fourth lands the run', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look', args: 'same' }] }],
    });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(2);
    expect(resultsAt(world, 3)[0]).toContain('exactly this call before');
    expect(world.modelCalls.at(-1)?.purpose).toBe('land');
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
  });

  test('an applied effect in between makes the same call a new one', async () => {
    const look = { calls: [{ tool: 'look', args: 'same' }] };
    const write = (args: string) => ({ calls: [{ tool: 'write', args, amount: 1 }] });
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [look, look, write('1'), look, look, write('2'), look, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('completed');
    expect(world.ran).toHaveLength(7);
  });

  test.each([
    ['iterations', { iterationsPerTurn: 3 }],
    ['tool_calls', { toolCallsPerTurn: 3 }],
    ['active_time', { activeMsPerTurn: 400 }],
  ])(
    '%s: the model is warned, then writes its last words, and only Stop ends the run',
    async (reason, limits) => {
      const lines = Array.from({ length: 30 }, (_, i) => ({ calls: [{ tool: 'look', args: `${i}` }] }));
      const { simulation, world } = await simulate({ ...ONCE, lines, limits });
      await simulation.runUntilIdle();
      expect(world.modelCalls.at(-1)?.purpose).toBe('land');
      const [landing] = await openApprovals(simulation);
      expect(landing).toMatchObject({ kind: 'landing', state: { kind: 'open' } });
      simulation.signal('decide', { approval: landing?.id, kind: 'reject', by: 'boss', channel: 'test' });
      await simulation.runUntilIdle();
      expect(resultOf(simulation)).toMatchObject({ outcome: 'partial', reason });
    },
  );

  test('a notice comes when less than a fifth of a limit is left, once', async () => {
    const lines = [
      ...Array.from({ length: 11 }, (_, i) => ({ calls: [{ tool: 'look', args: `${i}` }] })),
      { say: 'done' },
    ];
    const { simulation, world } = await simulate({ ...ONCE, lines });
    await simulation.runUntilIdle();
    const noticed = world.modelCalls.map(
      (call) =>
        call.append.texts.filter((text) => text.kind === 'inline' && text.text.includes('steps in this turn'))
          .length,
    );
    expect(noticed.reduce((a, b) => a + b, 0)).toBe(1);
    expect(noticed[10]).toBe(1);
  });

  test('Continue gives the turn another helping and the run finishes', async () => {
    const lines = [
      ...Array.from({ length: 4 }, (_, i) => ({ calls: [{ tool: 'look', args: `${i}` }] })),
      { say: 'done' },
    ];
    const { simulation } = await simulate({ ...ONCE, lines, limits: { iterationsPerTurn: 3 } });
    await simulation.runUntilIdle();
    const [landing] = await openApprovals(simulation);
    approve(simulation, landing?.id ?? '');
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
  });

  test('out of tokens: nothing is spent, the landing speaks, a customer message does not lift it', async () => {
    const { simulation, world } = await simulate({ lines: [{ overLimit: 'tokens' }] });
    await simulation.runUntilIdle();
    expect(world.modelCalls.map((call) => call.purpose)).toEqual(['act', 'land']);
    simulation.signal('message', { text: 'go on', by: 'customer' });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
    expect(world.modelCalls).toHaveLength(2);
  });

  test('a tool that fails three times past iteration 3 hands over with a record', async () => {
    const lines = Array.from({ length: 10 }, (_, i) => ({ calls: [{ tool: 'look', args: `${i}` }] }));
    const { simulation, world } = await simulate({ ...ONCE, lines, tools: { look: toolFailed } });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'repeated_failures' });
    expect(world.ran).toHaveLength(6);
    expect(world.ended[0]?.handOver).toMatchObject({ queue: 'people', summary: 'look failed 3 times' });
  });

  test('the escalate tool ends the run as escalated, after its last answer', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'escalate' }] }, { say: 'a colleague will help' }],
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({
      outcome: 'escalated',
      reason: 'handed_over',
      answer: 'a colleague will help',
    });
    expect(world.ended[0]?.handOver?.queue).toBe('people');
  });
});

describe('approvals', () => {
  const gated = {
    lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
    limits: { approvalMs: 72 * HOUR_MS },
  };

  test('an approval waits for days at no cost and then runs the call', async () => {
    const patient = { kind: 'ask', reason: 'it changes something', remindAfterMs: [] } as const;
    const policy = [{ name: 'ask', match: { tiers: ['write_risky'] }, answer: patient }] as const;
    const { simulation, world } = await simulate({ ...ONCE, ...gated, policy });
    await simulation.runUntilIdle();
    const before = simulation.activations;
    await simulation.advanceBy(71 * HOUR_MS);
    expect(simulation.activations).toBe(before);
    const [record] = await openApprovals(simulation);
    expect(world.opened[0]?.records[0]?.id).toBe(record?.id);
    approve(simulation, record?.id ?? '');
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('completed');
    expect(world.ran[0]?.approval).toMatchObject({ id: record?.id, decision: { by: 'boss' } });
    expect(world.recorded).toMatchObject([{ approval: record?.id, state: 'approved' }]);
  });

  test('silence never approves', async () => {
    const { simulation, world } = await simulate({ ...ONCE, ...gated });
    await simulation.runUntilIdle();
    await simulation.advanceBy(73 * HOUR_MS);
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('nobody decided in time');
  });

  test('a rejection reaches the model with its reason', async () => {
    const { simulation, world } = await simulate({ ...ONCE, ...gated });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('decide', {
      approval: record?.id,
      kind: 'reject',
      by: 'boss',
      channel: 'test',
      reason: 'too much',
    });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('"too much"');
  });

  test('the requester, an unknown approval and a second decision are refused and audited', async () => {
    const { simulation, world } = await simulate({ ...gated });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const id = record?.id ?? '';
    const decide = (by: string, approval = id, kind = 'approve') => {
      const handle = simulation.update('decideNow', [{ approval, kind, by, channel: 'test' }]);
      return simulation.runUntilIdle().then(() => handle.result);
    };
    expect(await decide('customer')).toEqual({ kind: 'refused', why: 'own_request' });
    expect(await decide('boss', 'r00000000000000000000/1/0/1')).toEqual({
      kind: 'refused',
      why: 'unknown_approval',
    });
    expect(await decide('boss', id, 'reject')).toEqual({ kind: 'decided', state: 'rejected' });
    expect(await decide('boss')).toEqual({ kind: 'refused', why: 'already_decided' });
    simulation.signal('message', { text: 'and?', by: 'customer' });
    await simulation.runUntilIdle();
    expect(world.recorded.map((decision) => decision.state)).toEqual([
      'refused',
      'refused',
      'rejected',
      'refused',
    ]);
    expect(world.ran).toHaveLength(0);
  });

  test('a decision in time counts although the worker was down across the deadline', async () => {
    const arrivals: { approval: string; by: string; kind: string; arrivedAtMs: number }[] = [];
    const { simulation, world } = await simulate({ ...ONCE, ...gated, arrivals });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const deadlineMs = record?.deadlineMs ?? 0;
    arrivals.push({
      approval: record?.id ?? '',
      by: 'boss',
      kind: 'approve',
      arrivedAtMs: deadlineMs - 1,
    });
    approve(simulation, record?.id ?? '');
    await simulation.accumulateUntil(deadlineMs + HOUR_MS);
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(world.ran[0]?.approval?.decidedAtMs).toBe(deadlineMs - 1);
  });

  test('a decision after the deadline does not count, also when it comes together with the fired timer', async () => {
    const arrivals: { approval: string; by: string; kind: string; arrivedAtMs: number }[] = [];
    const { simulation, world } = await simulate({ ...ONCE, ...gated, arrivals });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const deadlineMs = record?.deadlineMs ?? 0;
    arrivals.push({ approval: record?.id ?? '', by: 'boss', kind: 'approve', arrivedAtMs: deadlineMs });
    await simulation.accumulateUntil(deadlineMs + HOUR_MS);
    approve(simulation, record?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('nobody decided in time');
    expect(world.recorded.map((decision) => decision.state)).toEqual(['refused', 'expired']);
  });

  test('all approvals of a step open together; effects run in call order, each when it is decided', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [
        {
          calls: [
            { tool: 'write', amount: 40, args: 'a' },
            { tool: 'write', amount: 50, args: 'b' },
          ],
        },
        { say: 'done' },
      ],
    });
    await simulation.runUntilIdle();
    const records = await openApprovals(simulation);
    expect(world.opened).toHaveLength(1);
    expect(records).toHaveLength(2);
    approve(simulation, records[1]?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    approve(simulation, records[0]?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran.map((call) => call.key.split('/')[2])).toEqual(['0', '1']);
  });

  test('a customer message withdraws what is open, and the model reads it', async () => {
    const { simulation, world } = await simulate({ ...gated });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'wait, keep it', by: 'customer' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('customer wrote something new');
    expect(world.modelCalls[1]?.append.texts).toMatchObject([{ text: 'wait, keep it' }]);
    expect(world.recorded).toMatchObject([{ state: 'withdrawn' }]);
  });

  test('an agent may queue the message instead', async () => {
    const { simulation, world } = await simulate({ ...gated, whileWaiting: 'queue' });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'and another thing', by: 'customer' });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    approve(simulation, record?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(world.modelCalls[1]?.append).toMatchObject({
      results: [{ isError: false }],
      texts: [{ text: 'and another thing' }],
    });
  });

  test('after a rejection later effects of the step are prepared again', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [
        {
          calls: [
            { tool: 'write', amount: 40, args: 'a' },
            { tool: 'write_too', amount: 1, args: 'b' },
          ],
        },
        { say: 'done' },
      ],
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('decide', { approval: record?.id, kind: 'reject', by: 'boss', channel: 'test' });
    await simulation.runUntilIdle();
    // Prepared again it has no amount any more, so now a person is asked.
    const [second] = await openApprovals(simulation);
    expect(second?.tool).toBe('write_too');
    approve(simulation, second?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran.map((call) => call.tool)).toEqual(['write_too']);
  });

  test('a yes to what has changed since does not stand, also for whoever repeats it', async () => {
    const { simulation } = await simulate({
      lines: [
        {
          calls: [
            { tool: 'write', amount: 40, args: 'a' },
            { tool: 'write_too', amount: 40, args: 'b' },
          ],
        },
        { say: 'done' },
      ],
    });
    await simulation.runUntilIdle();
    const [first, second] = await openApprovals(simulation);
    const yes = { approval: second?.id, kind: 'approve', by: 'boss', channel: 'test' };
    simulation.signal('decide', yes);
    await simulation.runUntilIdle();
    simulation.signal('decide', { ...yes, approval: first?.id, kind: 'reject' });
    await simulation.runUntilIdle();
    const again = simulation.update('decideNow', [yes]);
    await simulation.runUntilIdle();
    expect(again.result).toEqual({ kind: 'refused', why: 'already_decided' });
  });

  test('an unknown outcome stops the run at that call and asks a person', async () => {
    const unknown = () =>
      ({
        kind: 'completed',
        result: { kind: 'unknown', evidence: 'attempt 1 was lost', activeMs: 1 },
        takesMs: 5,
      }) as const;
    let tries = 0;
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'write', amount: 1 }] }, { say: 'done' }],
      tools: { write: (input) => (tries++ === 0 ? unknown() : toolDone(input)) },
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    expect(record?.kind).toBe('reconcile');
    expect(world.opened[0]?.evidence).toBe('attempt 1 was lost');
    simulation.signal('decide', {
      approval: record?.id,
      kind: 'answer',
      by: 'boss',
      channel: 'test',
      answer: { outcome: 'did_not' },
    });
    await simulation.runUntilIdle();
    expect(world.ran.map((call) => call.generation)).toEqual([1, 2]);
    expect(resultOf(simulation).outcome).toBe('completed');
  });
});

describe('steering', () => {
  const gated = { lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }] };

  test('a paused run holds an approved effect until it is resumed', async () => {
    const { simulation, world } = await simulate({ ...ONCE, ...gated });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    simulation.signal('pause', { by: 'operator', reason: 'let me look' });
    approve(simulation, record?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(simulation.searchAttributes.HoldfastState).toBe('paused');
    simulation.signal('resume', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a handover while an approval is open withdraws it and ends the run as escalated', async () => {
    const { simulation, world } = await simulate(gated);
    await simulation.runUntilIdle();
    simulation.signal('handOver', { by: 'operator', reason: 'I take this one' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
    expect(world.ended[0]?.handOver?.summary).toBe('I take this one');
    expect(world.recorded.map((decision) => decision.state)).toEqual(['steer_handOver', 'withdrawn']);
    expect(world.ran).toHaveLength(0);
  });

  test('a raised limit lets a landed run go on', async () => {
    const { simulation, world } = await simulate({ lines: [{ overLimit: 'tokens' }, { say: 'done' }] });
    await simulation.runUntilIdle();
    simulation.signal('raiseLimit', { by: 'operator', tokens: 1_000 });
    await simulation.runUntilIdle();
    expect(world.modelCalls.at(-1)?.extraTokens).toBe(1_000);
    expect(world.recorded.map(({ state }) => state)).toContain('withdrawn');
    expect(await openApprovals(simulation)).toEqual([]);
  });

  test('a flood of junk signals costs nothing and loses no decision', async () => {
    const { simulation, world } = await simulate({ ...ONCE, ...gated });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    for (let i = 0; i < 300; i++)
      simulation.signal(
        'decide',
        i % 2 ? 'junk' : { approval: record?.id, kind: 'approve', by: 'customer', channel: 'x' },
      );
    approve(simulation, record?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(world.recorded.filter((decision) => decision.state === 'approved')).toHaveLength(1);
    expect(world.recorded.length).toBeLessThanOrEqual(51);
  });
});

describe('failures', () => {
  test('an outage of twenty minutes kills no conversation', async () => {
    const down = { message: 'down', type: 'model_unavailable' };
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [...Array.from({ length: 30 }, () => ({ fails: down })), { say: 'back' }],
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(2 * 60_000);
    expect(simulation.searchAttributes.HoldfastState).toBe('outage');
    await simulation.advanceBy(30 * 60_000);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'back' });
    expect(new Set(world.modelCalls.map((call) => call.step))).toEqual(new Set([1]));
  });

  test('an outage of a day hands over, however often the run moves meanwhile', async () => {
    const { simulation } = await simulate({
      ...ONCE,
      crashEveryActivation: false,
      lines: [{ fails: { message: 'the key was revoked', type: 'model_auth', nonRetryable: true } }],
    });
    let current = simulation;
    while (current.nowMs < START_MS + LIMITS.outageMs + HOUR_MS) {
      await current.advanceBy(HOUR_MS);
      if (current.result.kind === 'completed') break;
      if (current.result.kind === 'continuedAsNew') current = await continueAsNew(current);
    }
    expect(current.chain.index).toBeGreaterThan(1);
    expect(resultOf(current)).toMatchObject({ outcome: 'escalated', reason: 'outage' });
    expect(current.nowMs - START_MS).toBeGreaterThanOrEqual(LIMITS.outageMs);
  });

  describe('during an outage', () => {
    const down: Line = { fails: { message: 'down', type: 'model_auth', nonRetryable: true } };

    async function inOutage(lines: readonly Line[] = [down]) {
      const { simulation, world } = await simulate({ lines });
      await simulation.runUntilIdle();
      await simulation.advanceBy(10 * 60_000);
      expect(simulation.searchAttributes.HoldfastState).toBe('outage');
      return { simulation, world, tries: world.modelCalls.length };
    }

    test.each([
      ['handOver', 'escalated', 'handed_over'],
      ['close', 'completed', 'closed'],
    ])('%s is heard at once, and what was to be said is on record', async (signal, outcome, reason) => {
      const { simulation, world, tries } = await inOutage();
      simulation.signal(signal, { by: 'operator' });
      await simulation.runUntilIdle();
      expect(resultOf(simulation)).toMatchObject({ outcome, reason });
      expect(world.modelCalls).toHaveLength(tries);
      expect(world.ended[0]?.append.texts).toMatchObject([{ text: 'hello' }]);
    });

    test('a pause stops the trying, and `resume` goes on with the same bytes', async () => {
      const { simulation, world, tries } = await inOutage([...Array(10).fill(down), { say: 'back' }]);
      simulation.signal('pause', { by: 'operator' });
      await simulation.runUntilIdle();
      await simulation.advanceBy(LIMITS.outageMs);
      expect(simulation.searchAttributes.HoldfastState).toBe('paused');
      expect(world.modelCalls).toHaveLength(tries);
      simulation.signal('resume', { by: 'operator' });
      await simulation.runUntilIdle();
      expect(world.modelCalls).toHaveLength(tries + 1);
      expect(world.modelCalls.at(-1)).toEqual(world.modelCalls[0]);
      expect(simulation.searchAttributes.HoldfastState).toBe('idle');
    });

    test('also where it is the last words that cannot be had', async () => {
      const { simulation } = await simulate({
        lines: [{ overLimit: 'tokens' }],
        landing: down,
      });
      await simulation.runUntilIdle();
      await simulation.advanceBy(10 * 60_000);
      simulation.signal('handOver', { by: 'operator' });
      await simulation.runUntilIdle();
      expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
    });
  });

  test('a run that the store has as ended is not tried again and again', async () => {
    const { simulation, world } = await simulate({
      lines: [{ fails: { message: 'the run has ended', type: 'model_cancelled', nonRetryable: true } }],
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(world.modelCalls).toHaveLength(1);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'failed', reason: 'already_ended' });
  });

  test('an unknown agent ends the run at once, with the reason', async () => {
    const { simulation } = await simulate({
      lines: [
        { fails: { message: 'no release of agent "test"', type: 'unknown_agent', nonRetryable: true } },
      ],
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'failed', reason: 'unknown_agent' });
  });

  test('a refused first call lands in our own words, although nothing is pinned yet', async () => {
    const { simulation } = await simulate({
      ...ONCE,
      lines: [{ fails: { message: 'bad', type: 'model_bad_request', nonRetryable: true } }],
    });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('landed');
    const [record] = await openApprovals(simulation);
    simulation.signal('decide', { approval: record?.id, kind: 'reject', by: 'boss', channel: 'test' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'partial', reason: 'model_failed' });
  });

  test('the start message comes before what was signalled while no worker was there', async () => {
    const { simulation, world } = await simulate({ lines: [{ say: 'ok' }] });
    simulation.signal('message', { text: 'second', by: 'customer' });
    await simulation.runUntilIdle();
    expect(world.modelCalls[0]?.append.texts).toMatchObject([{ text: 'hello' }, { text: 'second' }]);
  });

  test('a bug parks the run; retry goes on from its state', async () => {
    const bug = {
      kind: 'failed',
      failure: { message: 'unexpected TypeError', type: 'bug', nonRetryable: true },
      takesMs: 1,
    } as const;
    const { simulation, world } = await simulate({ ...ONCE, lines: [{ fails: bug.failure }, { say: 'hi' }] });
    await simulation.runUntilIdle();
    // The fix is other code: it must not have to replay how the run came here.
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    expect(next.searchAttributes.HoldfastState).toBe('bug');
    expect(world.modelCalls).toHaveLength(1);
    next.signal('retry', { by: 'operator' });
    await next.runUntilIdle();
    expect(resultOf(next)).toMatchObject({ outcome: 'completed', answer: 'hi' });
    expect(world.modelCalls).toHaveLength(2);
  });

  test('a run parked as a bug fails with its message after a day, and can be cancelled before', async () => {
    const lines: Line[] = [{ fails: { message: 'unexpected TypeError', type: 'bug', nonRetryable: true } }];
    const first = await simulate({ ...ONCE, lines });
    await first.simulation.runUntilIdle();
    const late = await continueAsNew(first.simulation);
    await late.runUntilIdle();
    await late.advanceBy(24 * HOUR_MS);
    expect(resultOf(late)).toMatchObject({ outcome: 'failed', reason: 'bug' });
    const second = await simulate({ ...ONCE, lines });
    await second.simulation.runUntilIdle();
    const stopped = await continueAsNew(second.simulation);
    await stopped.runUntilIdle();
    stopped.cancel();
    await stopped.runUntilIdle();
    expect(resultOf(stopped).outcome).toBe('cancelled');
    expect(second.world.ended).toHaveLength(1);
  });

  test('a read that cannot be done is a result that forbids guessing', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'sorry' }],
      tools: {
        look: () => ({
          kind: 'failed',
          failure: { message: 'x', type: 'store_unavailable', nonRetryable: true },
          takesMs: 5,
        }),
      },
    });
    await simulation.runUntilIdle();
    expect(resultsAt(world, 1)[0]).toContain('Could not look');
  });

  test('an effect whose activity failed is closed before anything is said about it', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'write', amount: 1 }] }, { say: 'sorry' }],
      tools: {
        write: () => ({ kind: 'failed', failure: { message: 'x', timeout: 'START_TO_CLOSE' }, takesMs: 5 }),
      },
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(world.closed).toHaveLength(1);
    expect(resultsAt(world, 1)[0]).toBe('not done');
  });

  const lost = { kind: 'failed', failure: { message: 'x', timeout: 'START_TO_CLOSE' }, takesMs: 5 } as const;

  test.each([
    ['a read', 'look', 'Could not look'],
    ['an effect', 'write', 'not done'],
  ])('%s that ends every worker that runs it is given up after a few of them', async (_, tool, told) => {
    let attempts = 0;
    const run = () => {
      attempts += 1;
      return lost;
    };
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool, amount: 1 }] }, { say: 'sorry' }],
      tools: { [tool]: run },
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(attempts).toBe(LIMITS.lostAttempts);
    expect(resultsAt(world, 1)[0]).toContain(told);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('one whose worker dies once is run again, and nobody hears of it', async () => {
    let attempts = 0;
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'done' }],
      tools: {
        look: (input) => {
          attempts += 1;
          return attempts < LIMITS.lostAttempts ? lost : toolDone(input);
        },
      },
    });
    await simulation.runUntilIdle();
    expect(attempts).toBe(LIMITS.lostAttempts);
    expect(resultsAt(world, 1)[0]).not.toContain('Could not look');
  });

  test('a model call that ends every worker that takes it parks as a bug, and `retry` goes on', async () => {
    const { simulation, world } = await simulate({
      ...ONCE,
      lines: [...Array(12).fill({ fails: { message: 'x', timeout: 'HEARTBEAT' } }), { say: 'done' }],
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(world.modelCalls).toHaveLength(LIMITS.modelAttempts * LIMITS.lostRounds);
    const next = await continueAsNew(simulation);
    next.signal('retry', { by: 'operator' });
    await next.runUntilIdle();
    expect(resultOf(next).outcome).toBe('completed');
  });

  test('cancelling while an approval is open ends the run as cancelled and withdraws it', async () => {
    const { simulation, world } = await simulate({ lines: [{ calls: [{ tool: 'write', amount: 40 }] }] });
    await simulation.runUntilIdle();
    simulation.cancel();
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.recorded.map((decision) => decision.state)).toEqual(['withdrawn']);
  });

  test('cancelling during an effect waits for its word', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'write', amount: 1 }] }],
      tools: { write: (input) => toolDone(input, 5_000) },
    });
    await simulation.deliver();
    await simulation.advanceBy(200);
    expect(world.ran).toHaveLength(1);
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(simulation.nowMs - START_MS).toBeGreaterThanOrEqual(5_000);
  });
});

describe('continue-as-new', () => {
  test('an open approval and a message that waits survive it', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
      input: { message: undefined as never },
      whileWaiting: 'queue',
    });
    const first = simulation.update('send', [{ text: 'please', by: 'customer', id: 'm1' }], { id: 'm1' });
    await simulation.runUntilIdle();
    expect(first.result).toMatchObject({ kind: 'waiting', approvals: [{ kind: 'call' }] });
    const [record] = await openApprovals(simulation);
    // A parked run never lets a sender hang: it says at once what it waits for.
    const second = simulation.update('send', [{ text: 'and this', by: 'customer', id: 'm2' }], { id: 'm2' });
    await simulation.runUntilIdle();
    expect(second.result).toMatchObject({ kind: 'waiting', approvals: [{ id: record?.id }] });
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(JSON.stringify(carriedState(simulation)).length).toBeLessThan(128 * 1024);
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    approve(next, record?.id ?? '');
    await next.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(world.modelCalls[1]?.append.texts).toMatchObject([{ text: 'and this' }]);
    const again = next.update('send', [{ text: 'and this', by: 'customer', id: 'm2' }], { id: 'm2-again' });
    await next.runUntilIdle();
    expect(again.result).toMatchObject({ kind: 'answered', text: 'done' });
    expect(world.modelCalls).toHaveLength(2);
    // A duplicate decision on the other side of the move changes nothing.
    approve(next, record?.id ?? '');
    await next.runUntilIdle();
    expect(world.ran).toHaveLength(1);
  });

  test('an open send is told that the run moved, asks again and gets its answer', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'done' }],
      input: { message: undefined as never },
    });
    const first = simulation.update('send', [{ text: 'please', by: 'customer', id: 'm1' }], { id: 'm1' });
    await simulation.deliver();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(first.result).toEqual({ kind: 'moved', messageId: 'm1' });
    const next = await continueAsNew(simulation);
    const again = next.update('send', [{ text: 'please', by: 'customer', id: 'm1' }], { id: 'm1-again' });
    await next.runUntilIdle();
    expect(again.result).toMatchObject({ kind: 'answered', text: 'done' });
    expect(world.modelCalls).toHaveLength(2);
    expect(world.ran).toHaveLength(1);
  });

  test('deadlines are absolute: time spent before the move counts', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(20 * HOUR_MS);
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    await next.advanceBy(5 * HOUR_MS);
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('nobody decided in time');
  });

  test('a conversation of many turns moves by itself and keeps its counters', async () => {
    const { simulation, world } = await simulate({
      crashEveryActivation: false,
      lines: [{ say: 'ok' }],
      limits: { tokensPerRun: 1_000_000 },
    });
    let current = simulation;
    await current.runUntilIdle();
    for (let i = 0; i < 400; i++) {
      current.signal('message', { text: `m${i}`, by: 'customer', id: `m${i}` });
      await current.runUntilIdle();
      if (current.result.kind === 'continuedAsNew') {
        current = await continueAsNew(current);
        await current.runUntilIdle();
      }
    }
    expect(current.chain.index).toBeGreaterThanOrEqual(1);
    const texts = world.modelCalls.flatMap((call) =>
      call.append.texts.map((text) => (text.kind === 'inline' ? text.text : '')),
    );
    expect(Array.from({ length: 400 }, (_, i) => `m${i}`).filter((text) => !texts.includes(text))).toEqual(
      [],
    );
    expect(world.modelCalls).toHaveLength(401);
    expect(await current.query('status')).toMatchObject({ iterations: 401, costMicroUsd: 401_000 });
  });
});

describe('who writes to a run', () => {
  test('is answered with everybody whose message joined the same turn, however many they are', async () => {
    const { simulation } = await simulate({
      lines: [{ say: 'done' }],
      input: { message: undefined as never },
    });
    const first = simulation.update('send', [{ text: 'please', by: 'customer', id: 'm0' }], { id: 'm0' });
    for (let i = 1; i <= 2 * LIMITS.rememberedReplies; i++)
      simulation.signal('message', { text: `and ${i}`, by: 'customer', id: `m${i}` });
    await simulation.runUntilIdle();
    expect(first.result).toEqual({ kind: 'answered', messageId: 'm0', text: 'done' });
    const again = simulation.update('send', [{ text: 'and 3', by: 'customer', id: 'm3' }], { id: 'm3' });
    await simulation.runUntilIdle();
    expect(again.result).toEqual({ kind: 'answered', messageId: 'm3', text: 'done' });
  });
});

describe('what is written while a run ends', () => {
  const texts = (world: World) =>
    world.ended.map(({ append }) => append.texts.map((text) => text.kind === 'inline' && text.text));

  test('stands behind the end, whether it comes before that is on record or while the last task is worked on', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [{ say: 'done' }] });
    await simulation.advanceBy(101);
    expect(simulation.pendingActivities).toMatchObject([{ activityType: 'endRun' }]);
    simulation.signal('message', { text: 'and this', by: 'customer' });
    await simulation.advanceBy(5);
    simulation.signalDuringNextTask('message', { text: 'and that', by: 'customer' });
    await simulation.runUntilIdle();
    expect(simulation.closesRefused).toBe(1);
    expect(texts(world)).toEqual([[], ['and this'], ['and that']]);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
  });

  test('without such words the end is told once', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [{ say: 'done' }] });
    await simulation.runUntilIdle();
    expect(world.ended).toHaveLength(1);
  });
});
