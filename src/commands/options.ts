import { InvalidArgumentError } from 'commander';
import { isObject, type JsonObject } from '../core/json.ts';

// Parsers of option values. What they throw becomes one line that names the option.

export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to)
      throw new InvalidArgumentError(`"${text}" is not a whole number from ${from} to ${to}.`);
    return value;
  };
}

/** `name=value` with a whole number, repeated or separated by commas; names are checked with the start. */
export function limitPairs(
  text: string,
  before: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const pairs = text.split(',').map((pair) => {
    const match = /^([A-Za-z]\w*)=(\d+)$/.exec(pair.trim());
    if (match === null)
      throw new InvalidArgumentError(`"${pair}" is not name=number, such as tokensPerRun=20000.`);
    return [match[1], Number(match[2])] as const;
  });
  return { ...before, ...Object.fromEntries(pairs) };
}

export function jsonObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value as JsonObject;
  } catch {
    // Said below, for both.
  }
  throw new InvalidArgumentError(`"${text.slice(0, 80)}" is not a JSON object.`);
}

/** Dollars as people write them, at most six decimals, in micro-dollars. */
export function microDollars(text: string): number {
  if (!/^\d{1,6}(\.\d{1,6})?$/.test(text))
    throw new InvalidArgumentError(`"${text}" is not an amount in dollars, such as 0.50.`);
  return Math.round(Number(text) * 1_000_000);
}

export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`"${text}" is none of ${words.join(', ')}.`);
    return found;
  };
}

/** An option that may be given several times. */
export function repeated(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** Money as people write it: 12.50. */
export function amountValue(text: string): number {
  if (!/^-?[0-9]{1,15}(\.[0-9]{1,6})?$/.test(text))
    throw new InvalidArgumentError(`"${text}" is not an amount, such as 12.50.`);
  return Number(text);
}

export function currencyCode(text: string): string {
  if (!/^[A-Z]{3}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a currency, such as USD.`);
  return text;
}

/** A moment with its zone, in milliseconds since 1970. */
export function isoTime(text: string): number {
  const ms = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(ms))
    throw new InvalidArgumentError(`"${text}" is not a time with its zone, such as 2026-03-01T09:30:00Z.`);
  return ms;
}
