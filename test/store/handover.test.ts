import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { callKey } from '../../src/core/ids.ts';
import { NOTHING } from '../../src/core/state.ts';
import { failed, success } from '../../src/tools/result.ts';
import { effectTool, labAgent } from '../e2e/labAgent.ts';
import { type Bench, newCall, openBench } from './bench.ts';

const agent = labAgent([
  effectTool('sent', () => success('sent')),
  effectTool('refused', () => failed('no such order')),
  effectTool(
    'lost',
    () => {
      throw new Error('the wire broke');
    },
    { replay: 'never' },
  ),
]);

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
});
afterAll(() => bench[Symbol.asyncDispose]());

test('a handover says "not done" only of what was not done; what nobody knows is said to be unknown', async () => {
  const input = await newCall(bench, agent, 'sent');
  const keys = ['sent', 'refused', 'lost'].map((tool, i) => ({ tool, key: callKey(input.run, 1, i) }));
  for (const { tool, key } of keys)
    await bench.attempt((activities) => activities.runTool({ ...input, tool, key }));
  const handOver = { summary: 'a person is wanted', evidence: 'operator boss', queue: 'lab' };
  await bench.attempt((activities) =>
    activities.endRun({
      ...input,
      outcome: 'escalated',
      reason: 'handed_over',
      decisions: [],
      head: null,
      append: NOTHING,
      handOver,
      costMicroUsd: 0,
    }),
  );
  const [row] = await bench.sql<{ done: string; not_done: string; evidence: string }[]>`
    select done, not_done, evidence from handovers where run = ${input.run}`;
  expect(JSON.parse(row?.done ?? '')).toEqual([`sent (${keys[0]?.key})`]);
  expect(JSON.parse(row?.not_done ?? '')).toEqual([`refused (${keys[1]?.key}): refused`]);
  expect(row?.evidence).toBe(`operator boss\nnobody knows whether this happened: lost (${keys[2]?.key})`);
});
