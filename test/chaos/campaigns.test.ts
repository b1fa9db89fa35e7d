import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CAMPAIGNS } from './campaigns/index.ts';

// What `npm run chaos -- --quick` plays, a test for each campaign.

const SEED = 20_261_121;
const CAMPAIGN_MS = 240_000;

test.each(CAMPAIGNS)('$id: $promise', { timeout: CAMPAIGN_MS }, async ({ id, run }) => {
  const dir = join(import.meta.dirname, '../../.holdfast/chaos-test', id);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const report = await run({
    quick: true,
    seed: SEED,
    dir,
    progress: (line) => console.log(`${id}: ${line}`),
  });
  expect(report.problems).toEqual([]);
  expect(report.vacuous).toEqual([]);
});

test('every campaign has a name of its own', () => {
  expect(new Set(CAMPAIGNS.map(({ id }) => id)).size).toBe(CAMPAIGNS.length);
});
