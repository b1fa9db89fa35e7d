import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_RUN_LIMITS, LIMITS, MAX_RUN_LIMITS, type RunLimits } from '../../../src/core/limits.ts';
import { pin, type Release, tighten } from '../../../src/core/release.ts';
import { HASH } from './builders.ts';

const NAMES = Object.keys(DEFAULT_RUN_LIMITS) as readonly (keyof RunLimits)[];
const limits = fc
  .tuple(...NAMES.map(() => fc.integer({ min: 1, max: 1_000_000 })))
  .map((values) => Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) as unknown as RunLimits);
const wanted = fc
  .tuple(limits, fc.subarray([...NAMES]))
  .map(([all, names]) => Object.fromEntries(names.map((name) => [name, all[name]])) as Partial<RunLimits>);

describe('a start only tightens', () => {
  type Tighten = typeof tighten;
  const neverLoosens = (rule: Tighten) =>
    fc.property(limits, wanted, (has, wants) => {
      const gets = rule(has, wants);
      expect(Object.keys(gets).sort()).toEqual([...NAMES].sort());
      for (const name of NAMES) {
        expect(gets[name]).toBeLessThanOrEqual(has[name]);
        expect(gets[name]).toBe(Math.min(has[name], wants[name] ?? Number.POSITIVE_INFINITY));
      }
      expect(rule(gets, wants)).toEqual(gets);
    });

  test('no limit is ever above the release, and each is what was wanted where that is less', () => {
    fc.assert(neverLoosens(tighten));
  });

  test('the property finds one that takes what was wanted', () => {
    const takes: Tighten = (has, wants) => ({ ...has, ...wants });
    expect(fc.check(neverLoosens(takes), { seed: 1 }).failed).toBe(true);
  });
});

test('what an agent gets by default lies within what it may ask for', () => {
  for (const name of NAMES) expect(DEFAULT_RUN_LIMITS[name]).toBeLessThanOrEqual(MAX_RUN_LIMITS[name]);
});

test('limits that depend on each other keep their order', () => {
  expect(LIMITS.payloadSoftBytes).toBeLessThan(LIMITS.payloadHardBytes);
  expect(LIMITS.resultExcerptBytes).toBeLessThan(LIMITS.inlineResultBytes);
  expect(LIMITS.inlineResultBytes).toBeLessThan(LIMITS.resultBytes);
  expect(LIMITS.readResultPageChars * 3).toBeLessThanOrEqual(LIMITS.inlineResultBytes);
  expect(LIMITS.repeatsRefused).toBeLessThan(LIMITS.repeatsLanding);
  expect(LIMITS.ownToolsWarning).toBeLessThan(LIMITS.ownToolsError);
  expect(LIMITS.toolTimeoutMaxMs + LIMITS.activityOverheadMs + LIMITS.leaseMarginMs).toBeLessThanOrEqual(
    LIMITS.toolRetryDelayMaxMs,
  );
});

test('what a run pins is the part that the workflow decides with, and no prompt', () => {
  const labels = {
    name: 'read_order',
    version: '1',
    category: 'orders',
    tier: 'read',
    reads: 'private',
    returns: 'trusted',
    touches: 'none',
    sensitive: [],
    replay: 'pure',
    handsOver: false,
    timeoutMs: 1_000,
    retries: 2,
    settlesWithinMs: null,
  } as const;
  const release: Release = {
    v: 1,
    agent: 'support',
    system: 'SECRET PROMPT',
    tools: [{ labels, description: 'LONG TEXT', inputSchema: {} }],
    permissions: { tiers: ['read'] },
    policy: [],
    limits: DEFAULT_RUN_LIMITS,
    modelTier: 'small',
    reminder: 'SECRET RULES',
    whileWaiting: 'queue',
    queue: 'front-desk',
  };
  const own = tighten(release.limits, { tokensPerRun: 5 });
  const pinned = pin(HASH, release, own);
  expect(pinned).toMatchObject({
    hash: HASH,
    tools: [labels],
    limits: { tokensPerRun: 5 },
    whileWaiting: 'queue',
  });
  expect(JSON.stringify(pinned)).not.toMatch(/SECRET|LONG TEXT/);
});
