import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Report } from '../../chaos/campaigns/campaign.ts';
import { r4c } from '../../chaos/campaigns/r4cRolesKilled.ts';
import { possible } from '../../chaos/campaigns/r27DiskFull.ts';
import { isGreen, textOf, verdictOf } from '../../chaos/campaigns/report.ts';

const HELD: Report = {
  faults: 1,
  runs: 1,
  effects: 1,
  lost: 0,
  duplicated: 0,
  recoveryMs: [],
  problems: [],
  vacuous: [],
  figures: {},
};
const LEFT: Report = { ...HELD, leftOut: ['half of it: there is no mount'] };

afterEach(() => vi.unstubAllEnvs());

describe('the verdict', () => {
  test.each<[verdict: string, report: Report, quick: boolean, full: boolean]>([
    ['held', HELD, true, true],
    ['held', { ...HELD, leftOut: [] }, true, true],
    ['left out', LEFT, true, false],
    ['BROKEN', { ...LEFT, problems: ['V1'] }, false, false],
    ['BROKEN', { ...LEFT, vacuous: ['no fault'] }, false, false],
  ])('%s', (verdict, report, quick, full) => {
    expect(verdictOf(report)).toBe(verdict);
    expect([isGreen(report, { quick: true }), isGreen(report, { quick: false })]).toEqual([quick, full]);
  });

  test('is in the table with the reason, and what was left out is never counted as held', () => {
    const text = textOf([HELD, LEFT].map((report) => ({ campaign: r4c, report, ms: 1_000 })));
    expect(text.split('\n')[2]).toMatch(/left out$/);
    expect(text).toContain('  - left out: half of it: there is no mount\n');
    expect(text).toMatch(/\n1 held, 1 left out, 0 BROKEN\n$/);
  });
});

describe('left out, with what to do', () => {
  test('the production server that nobody has built', async () => {
    vi.stubEnv('XDG_CACHE_HOME', mkdtempSync(join(tmpdir(), 'holdfast-')));
    const never = () => {
      throw new Error('nothing may be started');
    };
    const report = await r4c.run({ quick: true, seed: 1, dir: '', addresses: never, progress: never });
    expect(verdictOf(report)).toBe('left out');
    expect(report.leftOut?.join()).toMatch(/is not built; "npm run chaos -- --only R4c" builds it/);
  });

  test('full tables where nothing can be mounted', () => {
    const scenes = [
      { what: 'tables', ms: 1 },
      { what: 'log', ms: 1 },
    ] as const;
    expect(possible(scenes, 'tmpfs')).toEqual({ scenes, leftOut: [] });
    expect(possible(scenes, 'file size limit')).toEqual({
      scenes: [scenes[1]],
      leftOut: [expect.stringMatching(/^tables that are full, 1 of 2 faults: .* run it as root/)],
    });
  });
});
