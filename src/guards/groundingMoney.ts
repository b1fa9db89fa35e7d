import { LIMITS } from '../core/limits.ts';
import { findAmounts, findAmountsWithCurrency, MONEY_NAME, NUMBER, readNumber, toCents } from './amounts.ts';
import type { Source } from './groundingSources.ts';
import { remembering } from './memo.ts';
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
  /** Amounts that the user or the agent spoke of, in cents. */
  readonly spoken: ReadonlySet<number>;
  /** How many of something there are, by the user or a result. */
  readonly counts: ReadonlySet<number>;
}

const NUMBERS = new RegExp(`(?<![\\w.,#])(${NUMBER})(?!\\w)(\\s?(?:%|percent))?`, 'g');
const RATE_NAME = /rate|percent|pct|discount|tax|vat/i;
const COUNT_NAME =
  /quantity|qty|count|units?$|nights|days|weeks|months|years|seats|pieces|people|persons|guests|passengers|times|number_?of|instal/i;
const COUNT_WORDS = 'two three four five six seven eight nine ten eleven twelve'.split(' ');
const COUNT = new RegExp(
  `(?<![\\w.,$€£#-])\\d{1,4}(?:(?= ?x\\b)|(?![\\w%]|[.,]\\d))|\\b(?:${COUNT_WORDS.join('|')})\\b`,
  'gi',
);
/** Numbers that name a thing and are no amount. */
const ID_NAME = /(?:^|_)(?:id|zip|code|year|number|phone)$|(?:Id|Code|Number)$/;
const NAME_CHARS = 64;
const MINOR_NAME = /cents|minor/i;

const spokenIn = remembering((text) => findAmounts(text).map((amount) => toCents(amount.values[0])));
const moneyIn = remembering(readMoney);

/** From folded sources, in order. */
export function collectMoney(sources: readonly Source[]): SeenMoney {
  const values = new Set<number>();
  const latest = new Set<number>();
  const lists = new Map<string, readonly number[]>();
  const percents = new Set<number>();
  const spoken = new Set<number>();
  const counts = new Set<number>();
  for (const { by, text } of sources) {
    if (by === 'user' || by === 'assistant') for (const cents of spokenIn(text)) spoken.add(cents);
    if (by === 'assistant') continue;
    if (by === 'user') for (const count of countsIn(text)) counts.add(count);
    const found = moneyIn(text);
    for (const value of found.values) values.add(value);
    for (const percent of found.percents) percents.add(percent);
    for (const count of found.counts) counts.add(count);
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
    spoken,
    counts,
  };
}

/** Whole numbers that may count something: `3 nights`, `two lamps`. */
export function countsIn(text: string): readonly number[] {
  return Array.from(text.matchAll(COUNT), ([written]) => {
    const word = COUNT_WORDS.indexOf(written.toLowerCase());
    return word < 0 ? Number(written) : word + 2;
  }).filter(isCount);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 1 && value <= LIMITS.groundingCount;
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
  readonly counts: readonly number[];
  /** By name; amounts without one are a list as well. In cents. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
}

function readMoney(text: string): TextMoney {
  const values: number[] = [];
  const percents: number[] = [];
  const counts: number[] = [];
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
  for (const { 1: written = '', 2: percent, index } of blank(text, withCurrency).matchAll(NUMBERS)) {
    const { values: readings, step } = readNumber(written);
    const [value] = readings;
    if (percent !== undefined) {
      percents.push(value);
      continue;
    }
    const name = nameBefore(text, index);
    if (name !== null && ID_NAME.test(name)) continue;
    values.push(...readings);
    if (name === null) {
      if (step === 0.01) addAmount(toCents(value), '');
    } else if (MINOR_NAME.test(name)) {
      values.push(value / 100);
      addAmount(value, name);
    } else if (MONEY_NAME.test(name)) {
      // Some services count in cents and do not say so.
      if (Number.isInteger(value)) values.push(value / 100);
      addAmount(toCents(value), name);
    }
    if (name !== null && COUNT_NAME.test(name) && isCount(value)) counts.push(value);
    if (name !== null && RATE_NAME.test(name) && value <= 100) percents.push(value < 1 ? value * 100 : value);
  }
  return { values, percents, counts, lists };
}

/** What a number is the value of: `"price": 5`, `price: 5`, `'price': '5'`. */
function nameBefore(text: string, index: number): string | null {
  const colon = skipBack(text, index - 1, (character) => `"'-+ `.includes(character));
  if (text.charAt(colon) !== ':') return null;
  const last = skipBack(text, colon - 1, (character) => `"' `.includes(character));
  const first = skipBack(text, last, (character) => /\w/.test(character)) + 1;
  return first > last ? null : text.slice(first, last + 1);
}

/** The last index from `from` down, at most a name's length away, whose character is not skipped. */
function skipBack(text: string, from: number, isSkipped: (character: string) => boolean): number {
  let at = from;
  while (at >= 0 && from - at < NAME_CHARS && isSkipped(text.charAt(at))) at--;
  return at;
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
