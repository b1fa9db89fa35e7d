import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/core/limits.ts';
import { type Line, simulate } from './world.ts';

const REPAIR: Line = {
  say: 'Your order #W0 is on its way.',
  stopped: { kind: 'repair', instruction: 'Nobody has named #W0.', why: 'grounding: an order number' },
};
const BLOCK: Line = {
  say: 'Here is the key.',
  stopped: { kind: 'block', reply: 'I cannot say that.', why: 'secrets: a key' },
};

async function once(lines: readonly Line[]) {
  const simulated = await simulate({ lines, input: { once: true }, crashEveryActivation: true });
  await simulated.simulation.runUntilIdle();
  const { result } = simulated.simulation;
  if (result.kind !== 'completed') throw new Error(`the run is ${result.kind}`);
  return { ...simulated, ended: result.value as { outcome: string; reason: string; answer?: string } };
}

describe('an answer that was not let through', () => {
  test('goes back to the model with the reason, and the one after it goes out', async () => {
    const { world, ended } = await once([REPAIR, { say: 'I have to look that up.' }]);
    expect(ended).toMatchObject({ outcome: 'completed', answer: 'I have to look that up.' });
    expect(JSON.stringify(world.modelCalls[1]?.append)).toContain('Nobody has named #W0.');
  });

  test('goes back so often and no further; then people take over, and it never went out', async () => {
    const { world, ended } = await once(Array.from({ length: 10 }, () => REPAIR));
    expect(world.modelCalls).toHaveLength(1 + LIMITS.repairsPerTurn);
    expect(ended).toMatchObject({ outcome: 'escalated', reason: 'answer_kept_back' });
    expect(ended.answer).not.toContain('#W0');
    expect(world.ended[0]?.handOver?.summary).toContain('grounding: an order number');
  });

  test('is kept back for good where a guard blocks: the customer reads the reply, people take over', async () => {
    const { world, ended } = await once([BLOCK]);
    expect(ended).toEqual(expect.objectContaining({ outcome: 'escalated', answer: 'I cannot say that.' }));
    expect(world.modelCalls).toHaveLength(1);
  });

  test('last words of a landing that are not let through are said in our own words', async () => {
    const { simulation, world } = await simulate({
      lines: [{ calls: [{ tool: 'look' }] }, REPAIR],
      limits: { iterationsPerTurn: 1 },
      input: { once: true },
    });
    await simulation.runUntilIdle();
    expect(world.opened.flatMap((one) => one.records).map((record) => record.kind)).toEqual(['landing']);
    expect(world.modelCalls).toHaveLength(2);
  });
});
