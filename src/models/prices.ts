import type { Usage } from '../core/messages.ts';
import { promptTokens as promptTokensOf } from '../core/messages.ts';

/** List prices in micro-USD per million tokens, which is also USD per million tokens times 1,000,000. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
}

export interface PriceTier {
  /** The tier holds up to this many prompt tokens, inclusive; null is without end. It prices the whole request. */
  readonly upToPromptTokens: number | null;
  readonly microUsdPerMillion: Rates;
}

export interface PriceEntry {
  /** First day (UTC) of this price, `YYYY-MM-DD`. A call before the first entry is priced by the first entry. */
  readonly from: string;
  readonly tiers: readonly PriceTier[];
}

export interface PriceOptions {
  /** For a model that is not in the table: throw (the default), or take the dearest rate the table knows. Never 0. */
  readonly unpriced?: 'refuse' | 'dearest';
}

function usd(input: number, output: number, write5m: number, write1h: number, read: number): Rates {
  const micro = (price: number) => Math.round(price * 1_000_000);
  return {
    input: micro(input),
    output: micro(output),
    cacheWrite5m: micro(write5m),
    cacheWrite1h: micro(write1h),
    cacheRead: micro(read),
  };
}

function flat(from: string, rates: Rates): readonly PriceEntry[] {
  return [{ from, tiers: [{ upToPromptTokens: null, microUsdPerMillion: rates }] }];
}

/** Models whose day of release does not matter here carry this day. */
const EARLIEST = '2025-01-01';
const FABLE_5_1 = flat(EARLIEST, usd(10, 50, 12.5, 20, 0.25));
const FABLE_5 = flat(EARLIEST, usd(10, 50, 12.5, 20, 1));
const OPUS = flat(EARLIEST, usd(5, 25, 6.25, 10, 0.5));
const SONNET_4 = flat(EARLIEST, usd(3, 15, 3.75, 6, 0.3));

/**
 * The vendor's list prices as published in September to November 2026, standard speed and default region. Fable 5.2
 * and Mythos 5.2 are missing because no price was published; a missing model is refused, never free.
 * When a price changes, add an entry with its first day: old usage keeps its old price.
 */
export const PRICES: Readonly<Record<string, readonly PriceEntry[]>> = {
  'claude-fable-5-1': FABLE_5_1,
  'claude-mythos-5-1': FABLE_5_1,
  'claude-fable-5': FABLE_5,
  'claude-mythos-5': FABLE_5,
  'claude-opus-5-5': flat('2026-09-22', usd(4, 20, 5, 8, 0.2)),
  'claude-opus-5': OPUS,
  'claude-opus-4-8': OPUS,
  'claude-opus-4-7': OPUS,
  'claude-opus-4-6': OPUS,
  'claude-opus-4-5': OPUS,
  'claude-sonnet-5-5': [
    ...flat('2026-09-28', usd(2, 10, 2.5, 4, 0.2)),
    ...flat('2026-10-07', usd(2, 10, 2.5, 4, 0.1)),
  ],
  'claude-sonnet-5': flat(EARLIEST, usd(2, 10, 2.5, 4, 0.2)),
  'claude-sonnet-4-6': SONNET_4,
  'claude-sonnet-4-5': SONNET_4,
  'claude-haiku-5-5': [
    {
      from: '2026-10-07',
      tiers: [
        { upToPromptTokens: 100_000, microUsdPerMillion: usd(0.1, 0.5, 0.125, 0.2, 0.01) },
        { upToPromptTokens: null, microUsdPerMillion: usd(0.5, 2.5, 0.625, 1, 0.05) },
      ],
    },
  ],
  'claude-haiku-4-5': flat(EARLIEST, usd(1, 5, 1.25, 2, 0.1)),
};

/** What a call cost at list price, in whole micro-USD, rounded up. Throws for a model without a price unless told otherwise. */
export function costMicroUsd(model: string, usage: Usage, at: Date, options: PriceOptions = {}): number {
  const rates = ratesFor(model, promptTokensOf(usage), at, options);
  return price([
    [usage.inputTokens, rates.input],
    [usage.outputTokens, rates.output],
    [usage.cacheWrite5mTokens, rates.cacheWrite5m],
    [usage.cacheWrite1hTokens, rates.cacheWrite1h],
    [usage.cacheReadTokens, rates.cacheRead],
  ]);
}

/** The most a call of this size can cost: every prompt token at the dearest kind. For reservations, before the call. */
export function worstCaseMicroUsd(
  model: string,
  promptTokens: number,
  outputTokens: number,
  at: Date,
  options: PriceOptions = {},
): number {
  const rates = ratesFor(model, promptTokens, at, options);
  const dearest = Math.max(rates.input, rates.cacheWrite5m, rates.cacheWrite1h, rates.cacheRead);
  return price([
    [promptTokens, dearest],
    [outputTokens, rates.output],
  ]);
}

export function isPriced(model: string): boolean {
  return entriesOf(model) !== null;
}

/**
 * For the start of a worker: throws when a configured model has no price. With `allowUnpriced` it returns the names
 * instead, for a warning; the caller then passes `unpriced: 'dearest'` when it counts their cost.
 */
export function assertPriced(
  models: readonly string[],
  options: { readonly allowUnpriced: boolean },
): readonly string[] {
  const unpriced = [...new Set(models)].filter((model) => !isPriced(model));
  const [first] = unpriced;
  if (first !== undefined && !options.allowUnpriced) throw unpricedError(unpriced.join(', '));
  return unpriced;
}

function ratesFor(model: string, promptTokens: number, at: Date, options: PriceOptions): Rates {
  const entries = entriesOf(model);
  if (entries !== null) return tierRates(entryAt(entries, at), promptTokens);
  if (options.unpriced === 'dearest') return dearestRates();
  throw unpricedError(model);
}

/** A snapshot name (`…-20250929`) has the price of its model. */
function entriesOf(model: string): readonly PriceEntry[] | null {
  const name = model.replace(/-20\d{6}$/, '');
  return Object.hasOwn(PRICES, name) ? (PRICES[name] ?? null) : null;
}

function entryAt(entries: readonly PriceEntry[], at: Date): PriceEntry {
  const day = at.toISOString().slice(0, 10);
  const entry = entries.findLast((candidate) => candidate.from <= day) ?? entries[0];
  if (entry === undefined) throw new RangeError('the price table holds a model without an entry; add one');
  return entry;
}

function tierRates(entry: PriceEntry, promptTokens: number): Rates {
  const tier = entry.tiers.find(
    ({ upToPromptTokens }) => upToPromptTokens === null || promptTokens <= upToPromptTokens,
  );
  if (tier === undefined)
    throw new RangeError(
      `the prices from ${entry.from} end before ${promptTokens} prompt tokens; the last tier must be null`,
    );
  return tier.microUsdPerMillion;
}

function dearestRates(): Rates {
  const all = Object.values(PRICES)
    .flat()
    .flatMap((entry) => entry.tiers.map((tier) => tier.microUsdPerMillion));
  const most = (kind: keyof Rates) => Math.max(...all.map((rates) => rates[kind]));
  return {
    input: most('input'),
    output: most('output'),
    cacheWrite5m: most('cacheWrite5m'),
    cacheWrite1h: most('cacheWrite1h'),
    cacheRead: most('cacheRead'),
  };
}

/** Summed in BigInt, since a long conversation's tokens times a price can pass 2^53, and rounded up once at the end. */
function price(parts: readonly (readonly [tokens: number, microUsdPerMillion: number])[]): number {
  let total = 0n;
  for (const [tokens, rate] of parts) {
    if (!Number.isSafeInteger(tokens) || tokens < 0)
      throw new RangeError(
        `${tokens} is not a number of tokens (a whole number, 0 or more); count them again before pricing`,
      );
    total += BigInt(tokens) * BigInt(rate);
  }
  return Number((total + 999_999n) / 1_000_000n);
}

function unpricedError(models: string): RangeError {
  return new RangeError(
    `no price is known for ${models}, and spend cannot be limited without one. Add it to PRICES in models/prices.ts, or configure a model that is listed there.`,
  );
}
