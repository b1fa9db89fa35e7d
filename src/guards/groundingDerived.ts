import { LIMITS } from '../core/limits.ts';
import type { SeenMoney } from './groundingMoney.ts';

// Amounts that nobody gave but that follow from given ones. Everything is in whole cents, so that sums are exact. What
// may be added up is kept near: amounts of the answer itself, of one list, or amounts that were spoken of. With every
// seen amount against every other, nearly any number would be a sum of something.

/** Amounts that a derived one may come from. */
export interface Bases {
  /** Known amounts of the answer that stand before this one, in order. */
  readonly before: readonly number[];
  /** Known amounts anywhere in the answer, distinct. */
  readonly answer: readonly number[];
  /** Seen amounts that the conversation is about, distinct. */
  readonly spoken: readonly number[];
  /** Sums within one seen list, and of whole lists. */
  readonly sums: ReadonlySet<number>;
  readonly totals: readonly number[];
  /** How many of something there are, by the answer, the user or a result. */
  readonly counts: ReadonlySet<number>;
}

export function isDerived(cents: number, bases: Bases, money: SeenMoney): boolean {
  if (cents === 0) return true;
  const { before, answer, spoken, sums, totals, counts } = bases;
  return (
    sums.has(cents) ||
    isPair(cents, [...answer, ...spoken]) ||
    isChange(cents, totals, answer) ||
    isNetSum(cents, before.slice(-LIMITS.groundingSummands)) ||
    isSum(cents, before.slice(-LIMITS.groundingListItems), LIMITS.groundingSummands) ||
    isRegularSum(cents, before) ||
    isSum(cents, spoken.slice(0, LIMITS.groundingListItems), LIMITS.groundingSummands) ||
    [...answer, ...money.amounts].some((amount) => isShare(cents, amount, money.percents)) ||
    money.amounts.some((amount) => isMultiple(cents, amount, counts))
  );
}

/** The sum or the difference of two. */
function isPair(cents: number, amounts: readonly number[]): boolean {
  const all = new Set(amounts);
  return amounts.some((amount) => all.has(cents + amount) || all.has(cents - amount));
}

/** A total after something was added or taken away: a new balance, an order's new total. */
function isChange(cents: number, totals: readonly number[], changes: readonly number[]): boolean {
  return totals.some((total) => changes.some((change) => Math.abs(total - cents) === change));
}

/** Charges and refunds set off against each other. */
function isNetSum(cents: number, amounts: readonly number[], from = 0, sum = 0): boolean {
  const next = amounts[from];
  if (next === undefined) return Math.abs(sum) === cents;
  return (
    isNetSum(cents, amounts, from + 1, sum) ||
    isNetSum(cents, amounts, from + 1, sum + next) ||
    isNetSum(cents, amounts, from + 1, sum - next)
  );
}

/** The sum of any of the amounts, `most` at most. */
function isSum(cents: number, amounts: readonly number[], most: number, from = 0): boolean {
  if (cents === 0) return true;
  const next = amounts[from];
  if (next === undefined || cents < 0 || most === 0) return false;
  return isSum(cents - next, amounts, most - 1, from + 1) || isSum(cents, amounts, most, from + 1);
}

/** The sum of every one, every second, every third… of the last amounts: the column of a table that is written out. */
function isRegularSum(cents: number, before: readonly number[]): boolean {
  for (let stride = 1; stride <= LIMITS.groundingStrides; stride++)
    for (let skipped = 0; skipped < stride; skipped++) {
      let sum = 0;
      for (let i = before.length - 1 - skipped; i >= 0 && sum < cents; i -= stride) sum += before[i] ?? 0;
      if (sum === cents) return true;
    }
  return false;
}

/** A percentage of an amount, or the amount with it added or taken off. */
function isShare(cents: number, amount: number, percents: readonly number[]): boolean {
  return percents.some((percent) => {
    const share = (amount * percent) / 100;
    return [share, amount + share, amount - share].some((one) => Math.abs(one - cents) <= 0.5);
  });
}

/** So many times an amount, or one of so many equal parts of it, where somebody says how many. */
function isMultiple(cents: number, amount: number, counts: ReadonlySet<number>): boolean {
  if (counts.has(cents / amount)) return true;
  const parts = Math.round(amount / cents);
  return counts.has(parts) && Math.abs(amount / parts - cents) <= 0.5;
}

/** Sums within lists: of any few of a short list, of neighbours in a longer one, and of the whole. */
export function sumsOf(lists: readonly (readonly number[])[]): ReadonlySet<number> {
  const sums = new Set<number>();
  const addSums = (list: readonly number[], most: number, from: number, sum: number) => {
    if (sum > 0) sums.add(sum);
    if (most === 0) return;
    for (let i = from; i < list.length; i++) addSums(list, most - 1, i + 1, sum + (list[i] ?? 0));
  };
  for (const list of lists) {
    sums.add(list.reduce((sum, one) => sum + one, 0));
    if (list.length <= LIMITS.groundingListItems) {
      addSums(list, LIMITS.groundingSummands, 0, 0);
      continue;
    }
    for (let from = 0; from < list.length; from++) {
      let sum = 0;
      for (const one of list.slice(from, from + LIMITS.groundingSummands)) {
        sum += one;
        sums.add(sum);
      }
    }
  }
  return sums;
}
