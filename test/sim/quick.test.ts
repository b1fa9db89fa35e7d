import { describe, expect, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import { resultOf, resultsAt } from './reading.ts';
import { type Line, simulate, toolDone } from './world.ts';

const QUICK = { look: { quick: true, timeoutMs: 1_000 } } as const;
const LOOK: Line = { calls: [{ tool: 'look' }] };
const DONE: Line = { say: 'done' };

type Simulated = Awaited<ReturnType<typeof simulate>>['simulation'];
const kinds = (simulation: Simulated) =>
  simulation.commands
    .map(({ kind }) => kind)
    .filter((kind) => kind === 'scheduleActivity' || kind === 'scheduleLocalActivity');
const [ACTIVITY, LOCAL] = ['scheduleActivity', 'scheduleLocalActivity'];

describe('quick reads', () => {
  test('run inside the workflow task, all of a step in one', async () => {
    const { simulation, world } = await simulate({
      input: { once: true },
      labels: QUICK,
      lines: [
        LOOK,
        {
          calls: [
            { tool: 'look', args: 'a' },
            { tool: 'look', args: 'b' },
          ],
        },
        LOOK,
        DONE,
      ],
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
    expect(kinds(simulation)).toEqual([
      ...[ACTIVITY, LOCAL],
      ...[ACTIVITY, LOCAL, LOCAL],
      ...[ACTIVITY, LOCAL],
      ...[ACTIVITY, ACTIVITY],
    ]);
    expect(world.ran).toHaveLength(4);
  });

  test('one that does not come at once is read as an activity, with the tries of any read', async () => {
    let tries = 0;
    const fails = (input: RunToolInput) => {
      tries += 1;
      return tries < 3
        ? ({
            kind: 'failed',
            failure: { type: 'tool_failed', message: 'away', nonRetryable: false },
            takesMs: 5,
          } as const)
        : toolDone(input);
    };
    const { simulation } = await simulate({
      input: { once: true },
      labels: QUICK,
      lines: [LOOK, DONE],
      tools: { look: fails },
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed' });
    expect(kinds(simulation)).toEqual([ACTIVITY, LOCAL, ACTIVITY, ACTIVITY, ACTIVITY]);
    expect(tries).toBe(3);
  });

  test('a task that may have been done before runs nothing inside itself', async () => {
    const { simulation } = await simulate({
      input: { once: true },
      labels: QUICK,
      lines: [{ ...LOOK, takesMs: 1_000 }, LOOK, DONE],
    });
    await simulation.deliver();
    // Three events more than are expected: so many does a workflow task leave whose worker was lost.
    for (let i = 0; i < 3; i += 1) simulation.signal('lookAgain');
    await simulation.runUntilIdle();
    expect(kinds(simulation)).toEqual([ACTIVITY, ACTIVITY, ACTIVITY, LOCAL, ACTIVITY, ACTIVITY]);
  });

  test.each([
    ['at once', [{ tool: 'look' }]],
    ['after an effect', [{ tool: 'write', amount: 1 }, { tool: 'look' }]],
    ['beside a request', [{ tool: 'write', amount: 40 }, { tool: 'look' }]],
  ])('one that ends its worker %s is counted, and given up', async (_, calls) => {
    const { simulation, world } = await simulate({
      input: { once: true },
      labels: QUICK,
      lines: [{ calls }, DONE],
      tools: { look: () => ({ kind: 'ends_worker' }) },
    });
    await simulation.runUntilIdle();
    await simulation.advanceBy(2 * 86_400_000);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
    expect(resultsAt(world, 1).at(-1)).toContain('Could not look');
  });

  test('an effect of the same step is an activity as ever, and the next read is quick again', async () => {
    const { simulation } = await simulate({
      input: { once: true },
      labels: QUICK,
      policy: [{ name: 'all', match: {}, answer: { kind: 'allow' } }],
      lines: [{ calls: [{ tool: 'look' }, { tool: 'write' }] }, LOOK, DONE],
    });
    await simulation.runUntilIdle();
    expect(kinds(simulation)).toEqual([ACTIVITY, LOCAL, ACTIVITY, ACTIVITY, LOCAL, ACTIVITY, ACTIVITY]);
  });
});
