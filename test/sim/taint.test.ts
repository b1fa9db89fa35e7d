import { describe, expect, test } from 'vitest';
import type { PreparedCall } from '../../src/core/calls.ts';
import { CLEAN } from '../../src/core/taint.ts';
import { continueAsNew } from './driver.ts';
import { approve, openApprovals, resultOf, resultsAt } from './reading.ts';
import { carriedState, simulate, toolDone, type WorldOptions } from './world.ts';

// What a run was exposed to stays with it, and decides about what it does later.

const ALLOW_ALL = [{ name: 'all', match: {}, answer: { kind: 'allow' } }] as const;
const to = (
  from: PreparedCall['origins'][number]['from'],
  tool: string | null = null,
): PreparedCall['origins'] => [{ field: 'to', kind: 'recipient', from, tool }];
const write = (origins: PreparedCall['origins']) => ({ tool: 'write', args: 'x', amount: 5, origins });
const world = (options: WorldOptions) =>
  simulate({
    policy: ALLOW_ALL,
    labels: { look: { returns: 'untrusted', reads: 'private' } },
    ...options,
    input: { ...options.input },
  });

describe('a call whose argument only a stranger said', () => {
  test('parks with the reason, runs after a yes, and its record keeps where the value came from', async () => {
    const { simulation, world: facts } = await world({
      input: { once: true },
      lines: [{ calls: [{ tool: 'look' }] }, { calls: [write(to('untrusted', 'look'))] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    expect(facts.ran.map(({ tool }) => tool)).toEqual(['look']);
    const [record] = facts.opened[0]?.records ?? [];
    expect(record).toMatchObject({
      rule: 'tainted-argument',
      origins: to('untrusted', 'look'),
      taint: { untrustedSeen: true, privateRead: true, suspicious: false },
    });
    expect(record?.reason).toContain('recipient "to" came only from the result of look');
    approve(simulation, (await openApprovals(simulation))[0]?.id ?? '');
    await simulation.runUntilIdle();
    expect(facts.ran.map(({ tool }) => tool)).toEqual(['look', 'write']);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('what the customer said goes through under the same policy', async () => {
    const { simulation, world: facts } = await world({
      input: { once: true },
      lines: [{ calls: [{ tool: 'look' }] }, { calls: [write(to('user'))] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    expect(facts.opened).toEqual([]);
    expect(facts.ran.map(({ tool }) => tool)).toEqual(['look', 'write']);
  });
});

describe('flags', () => {
  test('rise with the result, survive continue-as-new, and decide there', async () => {
    const { simulation, world: facts } = await world({
      lines: [
        { calls: [{ tool: 'look' }] },
        { say: 'read' },
        { calls: [write(to('unknown'))] },
        { say: 'done' },
      ],
      tools: {
        look: (input) => {
          const done = toolDone(input);
          if (done.kind !== 'completed') throw new Error('a tool that fails');
          const result = done.result as { outcome: object };
          return { ...done, result: { ...result, outcome: { ...result.outcome, suspicious: true } } };
        },
      },
    });
    await simulation.runUntilIdle();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(carriedState(simulation).taint).toEqual({
      untrustedSeen: true,
      privateRead: true,
      suspicious: true,
    });
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    next.signal('message', { text: 'now write', by: 'customer', id: 'm2' });
    await next.runUntilIdle();
    expect(facts.opened[0]?.records[0]).toMatchObject({
      rule: 'tainted-argument',
      taint: { untrustedSeen: true, privateRead: true, suspicious: true },
    });
    expect(facts.ran.map(({ tool }) => tool)).toEqual(['look']);
  });

  test('a value that nobody said is no reason to ask while nothing untrusted was read', async () => {
    const { simulation, world: facts } = await world({
      input: { once: true },
      lines: [{ calls: [{ tool: 'look_too' }] }, { calls: [write(to('unknown'))] }, { say: 'done' }],
    });
    await simulation.runUntilIdle();
    expect(facts.opened).toEqual([]);
    expect(facts.ran).toHaveLength(2);
  });

  test('a call that was refused has read nothing', async () => {
    const { simulation } = await world({
      policy: [{ name: 'no', match: {}, answer: { kind: 'deny', reason: 'No.' } }],
      lines: [{ calls: [{ tool: 'look' }] }, { say: 'no' }],
    });
    await simulation.runUntilIdle();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(carriedState(simulation).taint).toEqual(CLEAN);
  });

  test('a rule can deny what comes after something suspicious', async () => {
    const rules = [
      { name: 'careful', match: { suspicious: true }, answer: { kind: 'deny', reason: 'Not now.' } },
      ...ALLOW_ALL,
    ] as const;
    const { simulation, world: facts } = await world({
      input: { once: true },
      policy: rules,
      labels: {},
      lines: [{ calls: [{ tool: 'look' }] }, { calls: [write([])] }, { say: 'done' }],
      tools: {
        look: () => ({
          kind: 'completed',
          takesMs: 5,
          result: {
            kind: 'done',
            outcome: { kind: 'ran', status: 'success', ref: 'b'.repeat(64), bytes: 1, suspicious: true },
            applied: false,
            activeMs: 1,
          },
        }),
      },
    });
    await simulation.runUntilIdle();
    expect(facts.ran.map(({ tool }) => tool)).toEqual(['look']);
    expect(resultsAt(facts, 2)[0]).toContain('Not now.');
  });
});

test('an edit of one argument leaves the others where they came from', async () => {
  const { simulation, world: facts } = await world({
    input: { once: true },
    lines: [{ calls: [{ tool: 'look' }] }, { calls: [write(to('untrusted', 'look'))] }, { say: 'done' }],
  });
  await simulation.runUntilIdle();
  const [record] = await openApprovals(simulation);
  simulation.signal('decide', {
    approval: record?.id ?? '',
    kind: 'edit',
    arguments: { what: 'less' },
    by: 'boss',
    channel: 'test',
  });
  await simulation.runUntilIdle();
  // The activity was given the origins and said that they are the same: the person is asked about what stayed.
  expect(facts.ran.map(({ tool }) => tool)).toEqual(['look']);
  expect((await openApprovals(simulation))[0]).toMatchObject({ rule: 'tainted-argument' });
});
