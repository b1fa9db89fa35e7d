import { describe, expect, test } from 'vitest';
import type { InsideTask, RunToolInput } from '../../src/activities/types.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { openApprovals, resultOf, resultsAt } from './reading.ts';
import { type Line, START_MS, simulate, toolDone, type WorldOptions } from './world.ts';

const QUICK = { look: { quick: true, timeoutMs: 1_000 } } as const;
const LOOK: Line = { calls: [{ tool: 'look' }] };
const DONE: Line = { say: 'done' };

type Simulated = Awaited<ReturnType<typeof simulate>>['simulation'];
const [ACTIVITY, LOCAL] = ['scheduleActivity', 'scheduleLocalActivity'];
/** One that was told that its task may have been done before, and did nothing. */
const REFUSED = 'refused';
const kinds = (simulation: Simulated) =>
  simulation.commands
    .filter(({ kind }) => kind === ACTIVITY || kind === LOCAL)
    .map(({ kind, body }) => (isAgain(body) ? REFUSED : kind));

function isAgain(body: unknown): boolean {
  const [, inside] = (body as { readonly arguments: readonly unknown[] }).arguments;
  return (inside as InsideTask | undefined)?.again === true;
}

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
    expect(kinds(simulation)).toEqual([ACTIVITY, REFUSED, ACTIVITY, ACTIVITY, LOCAL, ACTIVITY, ACTIVITY]);
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

describe('what people say to a parked run', () => {
  const PARKS: Line = { calls: [{ tool: 'write', amount: 40 }] };
  const decided = async (
    options: Partial<WorldOptions>,
    before: (simulation: Simulated) => void = () => undefined,
    signed: JsonObject = {},
  ) => {
    const { simulation, world } = await simulate({ input: { once: true }, lines: [PARKS, DONE], ...options });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    if (record === undefined) throw new Error('nothing is open');
    const asked = kinds(simulation).length;
    before(simulation);
    simulation.signal('decide', {
      approval: record.id,
      kind: 'approve',
      by: 'boss',
      channel: 'test',
      ...signed,
    });
    await simulation.runUntilIdle();
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
    expect(world.ran).toHaveLength(1);
    return { kinds: kinds(simulation).slice(asked), world };
  };

  test('is verified inside the workflow task that hears it', async () => {
    const { kinds: all, world } = await decided({});
    expect(all.slice(0, 2)).toEqual([LOCAL, ACTIVITY]);
    expect(world.verified).toHaveLength(1);
  });

  test('what the directory does not answer at once is asked by an activity, until it does', async () => {
    const { kinds: all, world } = await decided({ verifyFails: (attempt) => attempt < 4 });
    expect(all.slice(0, 2)).toEqual([LOCAL, ACTIVITY]);
    expect(world.verified).toHaveLength(4);
  });

  // Few events lie between a vote and the next one, and fewest when that is an update.
  test.each([
    ['a signal', 1, 'signal'],
    ['an update', 1, 'update'],
    ['the second signal', 2, 'signal'],
    ['the second update', 2, 'update'],
  ] as const)('one whose verification ends its worker is counted: %s', async (_, quorum, via) => {
    const { simulation, world } = await simulate({
      input: { once: true },
      policy: [{ name: 'ask', match: {}, answer: { kind: 'ask', reason: 'it changes something', quorum } }],
      lines: [PARKS, DONE],
      verifyEndsWorker: (attempt) => attempt >= quorum && attempt < quorum + 4,
    });
    await simulation.runUntilIdle();
    const [record] = await openApprovals(simulation);
    const body = { approval: record?.id ?? '', kind: 'approve', channel: 'test' };
    if (quorum > 1) simulation.signal('decide', { ...body, by: 'first' });
    await simulation.runUntilIdle();
    const asked = kinds(simulation).length;
    if (via === 'update') simulation.update('decideNow', [{ ...body, by: 'boss' }]);
    else simulation.signal('decide', { ...body, by: 'boss' });
    await simulation.runUntilIdle();
    expect(kinds(simulation).slice(asked, asked + 2)).toEqual([REFUSED, ACTIVITY]);
    expect(simulation.localsLost).toBe(1);
    expect(world.verified).toHaveLength(quorum + 4);
    expect(resultOf(simulation)).toMatchObject({ outcome: 'completed', answer: 'done' });
  });

  test('a task that may have been done before verifies nothing inside itself', async () => {
    const { kinds: all } = await decided({}, (simulation) => {
      // As many events as a workflow task leaves whose worker was lost.
      for (let i = 0; i < 3; i += 1) simulation.signal('lookAgain');
    });
    expect(all.slice(0, 2)).toEqual([REFUSED, ACTIVITY]);
  });

  test('one that has expired by now is looked up in a history that already tells of its task', async () => {
    const [atMs, expiresAtMs] = [START_MS - 2_000, START_MS - 1_000];
    const { kinds: all } = await decided({}, undefined, { atMs, expiresAtMs });
    expect(all.slice(0, 2)).toEqual([REFUSED, ACTIVITY]);
  });
});
