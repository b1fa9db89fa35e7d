import { LIMITS } from './limits.ts';

// Money of an hour, and what of it is more than usual. Pure.

/** What was spent under a name before, by whole hours of the clock, in micro-dollars. */
export interface CostHistory {
  /** This hour of the day on past days, the hour before it, and so on back; days on which nothing was spent are left out. */
  readonly usual: readonly (readonly number[])[];
  /** The same hours today: this one (not over, and not looked at), the one before it, and so on back. */
  readonly today: readonly number[];
  /** The hours before this one, of a day and more, without those in which nothing was spent. */
  readonly trailing: readonly number[];
}

export interface CostReading {
  /** Spent in the sixty minutes up to now, less what the hours before had left unspent. */
  readonly bad: number;
  /** What is usual for these sixty minutes: 0 where nobody can say. */
  readonly of: number;
}

/**
 * Usual is the middle of the same time on past days, where there are enough of them, else the mean of the hours before.
 * What was held back, or waited for people, is spent later: hours that spent less than usual are taken off, so that
 * waiting is no runaway (B1). `intoHour`: the share of this hour that is over.
 */
export function readCost(history: CostHistory, spent: number, intoHour: number): CostReading {
  const at = (back: number) => usualOf(history, back);
  const usual = at(0) * intoHour + at(1) * (1 - intoHour);
  const unspent = (back: number) => Math.max(0, at(back) - (history.today[back] ?? 0));
  const left = history.today.reduce(
    (sum, _, back) => sum + (back === 0 ? 0 : back === 1 ? intoHour * unspent(1) : unspent(back)),
    0,
  );
  return { bad: Math.max(0, Math.round(spent - left)), of: Math.round(usual) };
}

function usualOf({ usual, trailing }: CostHistory, back: number): number {
  const days = usual[back] ?? [];
  if (days.length >= LIMITS.baselineDays) return median(days);
  if (trailing.length < LIMITS.baselineHours) return 0;
  return trailing.reduce((sum, one) => sum + one, 0) / trailing.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number) => sorted[i] ?? 0;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}
