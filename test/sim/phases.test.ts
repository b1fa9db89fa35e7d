import { expect, test } from 'vitest';
import { simulate } from './world.ts';

const PHASES = [
  { name: 'look', tools: ['look'], until: ['look'] },
  { name: 'act', tools: ['look', 'write'] },
];

test('a tool that does not fit yet is refused by result; once its phase has come, it runs', async () => {
  const { simulation, world } = await simulate({
    lines: [
      { calls: [{ tool: 'write', args: 'a', amount: 1 }] },
      { calls: [{ tool: 'look' }] },
      { calls: [{ tool: 'write', args: 'a', amount: 1 }] },
      { say: 'done' },
    ],
    phases: PHASES,
    input: { once: true },
    crashEveryActivation: true,
  });
  await simulation.runUntilIdle();
  expect(world.ran.map((call) => call.tool)).toEqual(['look', 'write']);
  const [refused] = world.modelCalls[1]?.append.results ?? [];
  expect(refused).toMatchObject({ isError: true });
  expect(JSON.stringify(refused)).toContain('write does not fit now');
});
