import { LIMITS } from '../core/limits.ts';
import { findAmounts, findAmountsWithCurrency, MONEY_NAME, NUMBER, readNumber, toCents } from './amounts.ts';
import { blank } from './mentionsText.ts';

/** Numbers of what a run has been given, as far as amounts may come from them. */
export interface SeenMoney {
  /** Every number, ascending, in major units. */
  readonly values: Float64Array;
  /** Numbers that are amounts, in cents, distinct, the latest first. */
  readonly amounts: readonly number[];
  /** Amounts that follow each other under one name in one text, like the prices of an order's items. In cents. */
  readonly lists: readonly (readonly number[])[];
  /** 8 of `8 %` and of `"tax_rate": 0.08`. */
  readonly percents: readonly number[];
  /** Amounts that people or the agent spoke of, in cents. */
  readonly spoken: ReadonlySet<number>;
}

const SCAN = new RegExp(
  `(?:"([^"\\\\]{1,64})"\\s{0,3}:\\s{0,3}"?)?(?<![\\w.,#])[-+]?(${NUMBER})(?!\\w)(\\s?(?:%|percent))?`,
  'g',
);
const RATE_NAME = /rate|percent|pct|discount|tax|vat/i;
const MINOR_NAME = /cents|minor/i;

/** From folded texts: those given, in order, and those that people or the agent spoke. */
export function collectMoney(given: readonly string[], spoken: readonly string[]): SeenMoney {
  const values = new Set<number>();
  const latest = new Set<number>();
  const lists = new Map<string, readonly number[]>();
  const percents = new Set<number>();
  for (const text of given) {
    const found = readMoney(text);
    for (const value of found.values) values.add(value);
    for (const percent of found.percents) percents.add(percent);
    for (const all of found.lists.values()) {
      const list = all.slice(0, LIMITS.groundingListAmounts);
      putLast(latest, list);
      lists.delete(list.join());
      lists.set(list.join(), list);
    }
  }
  return {
    values: Float64Array.from(values).sort(),
    amounts: [...latest].slice(-LIMITS.groundingAmounts).reverse(),
    lists: [...lists.values()].slice(-LIMITS.groundingLists),
    percents: [...percents].filter((one) => one > 0 && one <= 100).slice(-LIMITS.groundingPercents),
    spoken: new Set(spoken.flatMap((text) => findAmounts(text).map((amount) => toCents(amount.values[0])))),
  };
}

function putLast(set: Set<number>, values: readonly number[]): void {
  for (const value of values) {
    set.delete(value);
    set.add(value);
  }
}

interface TextMoney {
  readonly values: readonly number[];
  readonly percents: readonly number[];
  /** By name; amounts without one are a list as well. In cents. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
}

function readMoney(text: string): TextMoney {
  const values: number[] = [];
  const percents: number[] = [];
  const lists = new Map<string, number[]>();
  const addAmount = (cents: number, name: string) => {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [cents]);
    else list.push(cents);
  };
  const withCurrency = findAmountsWithCurrency(text);
  for (const amount of withCurrency) {
    values.push(...amount.values);
    addAmount(toCents(amount.values[0]), '');
  }
  for (const [, name, written = '', percent] of blank(text, withCurrency).matchAll(SCAN)) {
    const { values: readings, step } = readNumber(written);
    const [value] = readings;
    if (percent !== undefined) {
      percents.push(value);
      continue;
    }
    values.push(...readings);
    if (name === undefined) {
      if (step === 0.01) addAmount(toCents(value), '');
    } else if (MINOR_NAME.test(name)) {
      values.push(value / 100);
      addAmount(value, name);
    } else if (MONEY_NAME.test(name)) {
      // Some services count in cents and do not say so.
      if (Number.isInteger(value)) values.push(value / 100);
      addAmount(toCents(value), name);
    }
    if (name !== undefined && RATE_NAME.test(name) && value <= 100)
      percents.push(value < 1 ? value * 100 : value);
  }
  return { values, percents, lists };
}

/** Whether a number of the ascending `values` lies within `tolerance` of the value. */
export function hasNear(values: Float64Array, value: number, tolerance: number): boolean {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value - tolerance) low = middle + 1;
    else high = middle;
  }
  const next = values[low];
  return next !== undefined && next <= value + tolerance;
}
