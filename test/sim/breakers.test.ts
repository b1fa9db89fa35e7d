import { describe, expect, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { continueAsNew } from './driver.ts';
import { resultOf } from './reading.ts';
import { START_MS, simulate, toolDone } from './world.ts';

const ONCE = { input: { once: true } } as const;
const MINUTE_MS = 60_000;
const HELD = { held: { untilMs: START_MS + 5 * MINUTE_MS, whileBroken: 'wait' } } as const;
const DONE = { say: 'done' } as const;

describe('a breaker keeps a run from beginning', () => {
  test('it waits, says so, and begins when it is told to look again', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [HELD, DONE] });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('held');
    expect(await simulation.currentDetails()).toContain('the breaker "agent:test" to close');
    expect(world.modelCalls).toHaveLength(1);
    await simulation.advanceBy(LIMITS.lookAgainMs);
    simulation.signal('lookAgain');
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(2);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
  });

  test('a wake that was lost is caught by its own clock', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [HELD, DONE] });
    await simulation.advanceBy(5 * MINUTE_MS + LIMITS.breakerHalfOpenMs + 1_000);
    expect(world.modelCalls).toHaveLength(2);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a flood of signals costs a look every five seconds and no more', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [HELD] });
    await simulation.runUntilIdle();
    for (let i = 0; i < 200; i++) {
      simulation.signal('lookAgain');
      await simulation.advanceBy(100);
    }
    // Twenty seconds.
    expect(world.modelCalls.length).toBeLessThanOrEqual(5);
    expect(world.modelCalls.length).toBeGreaterThanOrEqual(4);
  });

  test('what the customer writes meanwhile joins the first turn; retry wakes it, and a pause waits on', async () => {
    const { simulation, world } = await simulate({ lines: [HELD, DONE] });
    await simulation.runUntilIdle();
    simulation.signal('message', { text: 'and hurry', by: 'customer' });
    simulation.signal('pause', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('paused');
    simulation.signal('retry', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.modelCalls).toHaveLength(1);
    simulation.signal('resume', { by: 'operator' });
    await simulation.runUntilIdle();
    expect(world.modelCalls.at(-1)?.append.texts.map((ref) => ref.kind === 'inline' && ref.text)).toEqual([
      'hello',
      'and hurry',
    ]);
  });

  test('it keeps waiting through continue-as-new, and can be closed, taken over and cancelled', async () => {
    const { simulation, world } = await simulate({ ...ONCE, lines: [HELD, HELD, DONE] });
    await simulation.runUntilIdle();
    simulation.signal('upgrade', { by: 'operator' });
    await simulation.runUntilIdle();
    const next = await continueAsNew(simulation);
    await next.runUntilIdle();
    expect(next.searchAttributes.HoldfastState).toBe('held');
    expect(world.modelCalls).toHaveLength(2);
    await next.advanceBy(LIMITS.lookAgainMs);
    next.signal('lookAgain');
    await next.runUntilIdle();
    expect(resultOf(next).outcome).toBe('completed');

    for (const [signal, outcome] of [
      ['close', 'completed'],
      ['cancel', 'cancelled'],
      ['handOver', 'escalated'],
    ] as const) {
      const { simulation: other } = await simulate({ lines: [HELD] });
      await other.runUntilIdle();
      other.signal(signal, { by: 'operator' });
      await other.runUntilIdle();
      expect([signal, resultOf(other).outcome]).toEqual([signal, outcome]);
    }
  });

  test('an agent may refuse instead; and after seven days everybody is refused', async () => {
    const refuse = { held: { ...HELD.held, whileBroken: 'refuse' } } as const;
    const { simulation } = await simulate({ lines: [refuse] });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({
      outcome: 'refused',
      reason: 'breaker_open',
      answer: expect.stringContaining('come back after 2026-01-05 09:05 UTC'),
    });
    const { simulation: patient, world } = await simulate({ lines: [HELD] });
    await patient.advanceBy(LIMITS.heldMs + LIMITS.heldRetryMs);
    // So many looks move it to another execution; what it has waited goes with it.
    const last = await continueAsNew(patient);
    await last.advanceBy(LIMITS.heldRetryMs);
    expect(resultOf(last)).toMatchObject({ outcome: 'refused', reason: 'breaker_open' });
    expect(world.modelCalls.length).toBeLessThan(7 * 24 + 10);
  });
});

describe('a breaker holds an effect', () => {
  test('it looks again when it is told, at most every five seconds, and acts once', async () => {
    let open = true;
    const write = (input: RunToolInput) =>
      open
        ? ({
            kind: 'completed',
            result: { kind: 'held', name: 'breaker:tool:write', activeMs: 1 },
            takesMs: 5,
          } as const)
        : toolDone(input);
    const lines = [{ calls: [{ tool: 'write', amount: 5 }] }, DONE];
    const { simulation, world } = await simulate({ ...ONCE, lines, tools: { write } });
    await simulation.runUntilIdle();
    expect(await simulation.currentDetails()).toContain('the breaker "tool:write" to close');
    for (let i = 0; i < 200; i++) {
      simulation.signal('lookAgain');
      await simulation.advanceBy(100);
    }
    expect(world.ran.length).toBeLessThanOrEqual(5);
    expect(world.ran.length).toBeGreaterThanOrEqual(4);
    open = false;
    await simulation.advanceBy(2 * LIMITS.lookAgainMs);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('a kill switch does not hear it: that is lifted by people', async () => {
    const held = () =>
      ({ kind: 'completed', result: { kind: 'held', name: 'tool:write', activeMs: 1 }, takesMs: 5 }) as const;
    const lines = [{ calls: [{ tool: 'write', amount: 5 }] }, DONE];
    const { simulation, world } = await simulate({ ...ONCE, lines, tools: { write: held } });
    await simulation.runUntilIdle();
    await simulation.advanceBy(MINUTE_MS);
    simulation.signal('lookAgain');
    await simulation.advanceBy(MINUTE_MS);
    expect(world.ran).toHaveLength(1);
  });
});
