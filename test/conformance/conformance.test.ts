import { describe, expect, inject, test } from 'vitest';
import { expectedApprovals } from './oracle.ts';
import { playAll } from './playAll.ts';
import { readRetailData } from './retailData.ts';

const data = readRetailData();
if (data === null && process.env.CI === 'true')
  throw new Error(
    'the recorded conversations (../shared/data/retail) are not here, and CI=true demands them',
  );
if (data === null)
  console.warn('LEFT OUT: conformance; the recorded conversations (../shared/data/retail) are not here');

describe.runIf(data !== null)('conformance', () => {
  test('all recorded conversations run end to end as they were recorded', { timeout: 300_000 }, async () => {
    if (data === null) return;
    const played = await playAll({
      addresses: { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') },
      data,
    });
    expect(played.flatMap((one) => one.problems.map((problem) => `${one.id}: ${problem}`))).toEqual([]);
    expect(played).toHaveLength(74);
    expect(played.reduce((sum, one) => sum + one.calls, 0)).toBe(564);
  });

  test('the oracle asks for both failed writes', () => {
    if (data === null) return;
    const failed = data.recordings.flatMap((recording) =>
      expectedApprovals(data.shop, recording.calls).filter((call) => call.isError),
    );
    expect(failed).toHaveLength(2);
  });
});
