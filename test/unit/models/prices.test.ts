import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../../../src/core/messages.ts';
import { NO_USAGE, promptTokens } from '../../../src/core/messages.ts';
import type { PriceEntry } from '../../../src/models/prices.ts';
import {
  assertPriced,
  costMicroUsd,
  isPriced,
  PRICES,
  worstCaseMicroUsd,
} from '../../../src/models/prices.ts';
import { modelsOf, resolveChains } from '../../../src/models/tiers.ts';

const AT = new Date('2026-11-20T12:00:00Z');
const MODELS = Object.keys(PRICES);
const KINDS = Object.keys(NO_USAGE) as readonly (keyof Usage)[];

const anyModel = fc.constantFrom(...MODELS);
const tokens = fc.oneof(fc.nat(5), fc.nat(2_000_000), fc.constantFrom(99_999, 100_000, 100_001));
const anyUsage: fc.Arbitrary<Usage> = fc.record({
  inputTokens: tokens,
  outputTokens: tokens,
  cacheWrite5mTokens: tokens,
  cacheWrite1hTokens: tokens,
  cacheReadTokens: tokens,
});
const anyDay = fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2028, 0, 1) }).map((ms) => new Date(ms));

describe('the table agrees with the published prices', () => {
  const million = (kind: keyof Usage): Usage => ({ ...NO_USAGE, [kind]: 1_000_000 });
  test.each([
    ['claude-opus-5-5', [4, 20, 5, 8, 0.2]],
    ['claude-sonnet-5-5', [2, 10, 2.5, 4, 0.1]],
    ['claude-haiku-5-5', [0.5, 2.5, 0.625, 1, 0.05]],
    ['claude-fable-5-1', [10, 50, 12.5, 20, 0.25]],
    ['claude-mythos-5', [10, 50, 12.5, 20, 1]],
    ['claude-sonnet-4-5-20250929', [3, 15, 3.75, 6, 0.3]],
    ['claude-haiku-4-5', [1, 5, 1.25, 2, 0.1]],
  ])('%s', (model, usd) => {
    const kinds = [
      'inputTokens',
      'outputTokens',
      'cacheWrite5mTokens',
      'cacheWrite1hTokens',
      'cacheReadTokens',
    ] as const;
    // A million output tokens alone are no prompt, so Haiku 5.5's output is priced by its lower tier: checked below.
    const expected = usd.map((price) => price * 1_000_000);
    const actual = kinds.map((kind) =>
      kind === 'outputTokens' && model === 'claude-haiku-5-5'
        ? costMicroUsd(model, { ...million(kind), inputTokens: 200_000 }, AT) - 100_000
        : costMicroUsd(model, million(kind), AT),
    );
    expect(actual).toEqual(expected);
  });

  test('every entry is well formed: days in order, tiers in order and open at the end, no price of 0', () => {
    for (const entries of Object.values(PRICES)) expect(problemsOf(entries)).toEqual([]);
    const rates = { input: 1, output: 1, cacheWrite5m: 1, cacheWrite1h: 1, cacheRead: 0 };
    expect(
      problemsOf([{ from: '2026-1-1', tiers: [{ upToPromptTokens: 5, microUsdPerMillion: rates }] }]),
    ).toEqual(['day 2026-1-1', 'tiers 5', 'rate 0']);
  });

  test('every default model has a price', () => {
    expect(assertPriced(modelsOf(resolveChains({})), { allowUnpriced: false })).toEqual([]);
  });
});

describe('cost', () => {
  test('is a whole number, never 0 for any usage, and 0 for none', () => {
    fc.assert(
      fc.property(anyModel, anyUsage, anyDay, (model, usage, at) => {
        const cost = costMicroUsd(model, usage, at);
        expect(Number.isSafeInteger(cost)).toBe(true);
        expect(cost > 0).toBe(Object.values(usage).some((count) => count > 0));
      }),
    );
  });

  test('never falls when any count grows', () => {
    fc.assert(
      fc.property(
        anyModel,
        anyUsage,
        fc.constantFrom(...KINDS),
        fc.nat(200_000),
        anyDay,
        (model, usage, kind, more, at) => {
          const grown = { ...usage, [kind]: usage[kind] + more };
          expect(costMicroUsd(model, grown, at)).toBeGreaterThanOrEqual(costMicroUsd(model, usage, at));
        },
      ),
    );
  });

  test('never passes the worst case for its size', () => {
    fc.assert(
      fc.property(anyModel, anyUsage, anyDay, (model, usage, at) => {
        const worst = worstCaseMicroUsd(model, promptTokens(usage), usage.outputTokens, at);
        expect(costMicroUsd(model, usage, at)).toBeLessThanOrEqual(worst);
      }),
    );
  });

  test('is rounded up once, not for each kind', () => {
    const usage = { ...NO_USAGE, inputTokens: 1, outputTokens: 1, cacheReadTokens: 1 };
    expect(costMicroUsd('claude-haiku-5-5', usage, AT)).toBe(1);
    expect(costMicroUsd('claude-haiku-5-5', { ...NO_USAGE, cacheReadTokens: 1 }, AT)).toBe(1);
  });

  test('of Haiku 5.5 above 100,000 prompt tokens takes the higher price for the whole request, cached ones included', () => {
    const at = (cacheReadTokens: number) =>
      costMicroUsd(
        'claude-haiku-5-5',
        { ...NO_USAGE, inputTokens: 50_000, outputTokens: 1000, cacheReadTokens },
        AT,
      );
    expect(at(50_000)).toBe(5000 + 500 + 500);
    expect(at(50_001)).toBe(25_000 + 2500 + 2501);
  });

  test('of Sonnet 5.5 changes with the day, in UTC', () => {
    const read = { ...NO_USAGE, cacheReadTokens: 1_000_000 };
    const on = (day: string) => costMicroUsd('claude-sonnet-5-5', read, new Date(day));
    expect(on('2026-10-06T23:59:59.999Z')).toBe(200_000);
    expect(on('2026-10-07T00:00:00Z')).toBe(100_000);
    expect(on('2026-10-07T00:30:00+02:00')).toBe(200_000);
    expect(on('1970-01-01T00:00:00Z')).toBe(200_000);
  });

  test('of senseless counts is refused', () => {
    for (const inputTokens of [-1, 0.5, Number.NaN])
      expect(() => costMicroUsd('claude-opus-5', { ...NO_USAGE, inputTokens }, AT)).toThrow(RangeError);
  });
});

describe('a model without a price', () => {
  const usage = { ...NO_USAGE, inputTokens: 1000 };
  test.each(['claude-fable-5-2', 'claude-mythos-5-2', 'gpt', '', 'toString', '__proto__'])(
    '%j is refused by name',
    (model) => {
      expect(isPriced(model)).toBe(false);
      expect(() => costMicroUsd(model, usage, AT)).toThrow(`no price is known for ${model},`);
      expect(() => worstCaseMicroUsd(model, 1, 1, AT)).toThrow(/models\/prices\.ts/);
      expect(() => assertPriced(['claude-opus-5', model], { allowUnpriced: false })).toThrow(
        /no price is known/,
      );
    },
  );

  test('is named instead where that is allowed, and counted at the dearest rate, never at 0', () => {
    expect(assertPriced(['claude-opus-5', 'x', 'x'], { allowUnpriced: true })).toEqual(['x']);
    const dearest = costMicroUsd('x', usage, AT, { unpriced: 'dearest' });
    for (const model of MODELS) expect(dearest).toBeGreaterThanOrEqual(costMicroUsd(model, usage, AT));
  });
});

function problemsOf(entries: readonly PriceEntry[]): readonly string[] {
  return entries.flatMap(({ from, tiers }, i) => {
    const before = entries[i - 1]?.from ?? '';
    const limits = tiers.map((tier) => tier.upToPromptTokens ?? Number.POSITIVE_INFINITY);
    const ordered =
      limits.every((limit, j) => limit > (limits[j - 1] ?? 0)) && limits.at(-1) === Number.POSITIVE_INFINITY;
    const rates = tiers.flatMap((tier) => Object.values(tier.microUsdPerMillion));
    return [
      ...(/^\d{4}-\d\d-\d\d$/.test(from) && from > before ? [] : [`day ${from}`]),
      ...(ordered ? [] : [`tiers ${limits.join()}`]),
      ...rates.filter((rate) => !Number.isSafeInteger(rate) || rate <= 0).map((rate) => `rate ${rate}`),
    ];
  });
}
