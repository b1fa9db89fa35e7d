import { expect, inject, test } from 'vitest';
import { type LinearReport, measureLinearity, problemsOf } from './linearRun.ts';

test('a run of 500 steps moves at least twice and a late step costs what an early one did', {
  timeout: 180_000,
}, async () => {
  const addresses = { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') };
  expect(problemsOf(await measureLinearity(addresses, 500), 500)).toEqual([]);
});

test('the report is refused when history grows, when nothing moved, and when a payload is large', () => {
  const good: LinearReport = {
    steps: 500,
    executions: 3,
    outcome: 'completed',
    ms: 1,
    historyBytes: 1,
    earlyBytesPerStep: 1_000,
    lateBytesPerStep: 1_050,
    largestPayloadBytes: 1_000,
    searchable: true,
  };
  expect(problemsOf(good, 500)).toEqual([]);
  const faults: readonly Partial<LinearReport>[] = [
    { lateBytesPerStep: 1_101 },
    { earlyBytesPerStep: Number.NaN },
    { executions: 2 },
    { steps: 499 },
    { outcome: 'partial' },
    { searchable: false },
    { largestPayloadBytes: 256 * 1024 + 1 },
  ];
  for (const fault of faults) expect(problemsOf({ ...good, ...fault }, 500)).toHaveLength(1);
});
