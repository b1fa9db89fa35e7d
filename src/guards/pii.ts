import { LIMITS } from '../core/limits.ts';
import { findAddresses } from './piiAddress.ts';
import { findKnown, type Known } from './piiKnown.ts';
import { findCards, findIbans, findIps, findSsns, matchesOf } from './piiNumbers.ts';
import { findPhones } from './piiPhones.ts';
import { mergeSpans, type Span, withoutEscapes } from './spans.ts';

export type { Known } from './piiKnown.ts';

/**
 * Where a text holds personal data. What has check digits or a shape of its own is found anywhere; telephone numbers
 * and addresses by their shape and by the words around them; names only if `known` gives them.
 */
export function findPii(text: string, known: Known = {}): readonly Span[] {
  const plain = withoutEscapes(text).replace(/\\{1,15}(?=["'])/g, (written) => ' '.repeat(written.length));
  const hasDigits = /\d/.test(plain);
  const exact = [
    ...findMails(plain),
    ...findKnown(plain, known),
    ...(hasDigits ? [...findCards(plain), ...findIbans(plain), ...findSsns(plain)] : []),
    ...findIps(plain),
  ];
  const numbers = mergeSpans(exact.filter(({ type }) => type !== 'name' && type !== 'address'));
  const phones = (hasDigits ? findPhones(plain) : []).filter((phone) => !overlaps(numbers, phone));
  const [doubtful, sure] = split(phones, (phone) => mayBeHouses(plain, phone));
  const addresses = findAddresses(plain, mergeSpans([...numbers, ...sure]));
  const kept = doubtful.filter((phone) => !overlaps(addresses, phone));
  return mergeSpans([...exact, ...sure, ...kept, ...addresses]);
}

/** Two numbers before a word are a telephone number or stand before a street: `0269 2202 Rissik Street`. */
function mayBeHouses(text: string, { start, end }: Span): boolean {
  return /^\d{1,6} \d{1,6}$/.test(text.slice(start, end)) && /^ \p{L}/u.test(text.slice(end, end + 3));
}

function split<T>(items: readonly T[], holds: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}

function overlaps(spans: readonly Span[], { start, end }: Span): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle]?.end ?? 0) <= start) low = middle + 1;
    else high = middle;
  }
  const span = spans[low];
  return span !== undefined && span.start < end;
}

const BEFORE_AT = new RegExp(`[\\p{L}\\p{N}\\p{M}.!#$%&'*+/=?^_{|}~-]{1,${LIMITS.mailLocalChars}}$`, 'u');
const AFTER_AT =
  /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,62})\.){1,8}(?:xn--[a-z0-9-]{1,59}|\p{L}[\p{L}\p{M}]{1,62})/u;

/** Mail addresses, also of other scripts, and with the sign as addresses of pages carry it (`%40`). */
function findMails(text: string): readonly Span[] {
  return matchesOf(text, /@|%40/g).flatMap(({ start: at, found: sign }): Span[] => {
    const before = BEFORE_AT.exec(text.slice(Math.max(0, at - LIMITS.mailLocalChars), at))?.[0] ?? '';
    const local = before.replace(/^[^\p{L}\p{N}]+/u, '').replace(/^.*[=?&/]/, '');
    const from = at + sign.length;
    const domain = AFTER_AT.exec(text.slice(from, from + LIMITS.mailDomainChars))?.[0] ?? '';
    if (local === '' || domain === '') return [];
    return [{ type: 'mail', start: at - local.length, end: from + domain.length }];
  });
}
