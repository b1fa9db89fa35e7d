import { LIMITS } from '../core/limits.ts';
import { formAt, type Place } from './piiAddressForms.ts';
import { type Line, lineOf } from './piiAddressLine.ts';
import { type Tail, tailOf } from './piiAddressTail.ts';
import { NOT_STREETS, PLACE_CUE, SEND_CUE } from './piiAddressWords.ts';
import {
  followsDay,
  hasStreet,
  isPlainName,
  STREET_TOKENS,
  type Street,
  type StreetKind,
  streetAt,
  streetKind,
} from './piiStreet.ts';
import type { Span } from './spans.ts';

/**
 * Postal addresses. A text is read as words, numbers and marks; at each place a street with its number is tried, then
 * the forms that need none (boxes, corners, what a label announces). What was found is carried on over unit, town,
 * region, postcode and country. `taken` is known to be something else and ends an address.
 */
export function findAddresses(text: string, taken: readonly Span[]): readonly Span[] {
  const line = lineOf(text, taken);
  const found: Span[] = [];
  let at = 0;
  while (at < line.length) {
    const place = formAt(line, at) ?? streetPlaceAt(line, at);
    if (place.kind === 'address')
      found.push({ type: 'address', start: line.start(place.from), end: line.end(place.to - 1) });
    at = Math.max(at + 1, place.to);
  }
  return found;
}

function streetPlaceAt(line: Line, at: number): Place {
  if (!line.hasAnchor(at, STREET_TOKENS)) return nothing(at);
  const street = streetAt(line, at);
  if (street === null) return nothing(at);
  const kind = streetKind(line, street.nameFrom, street.nameTo);
  const hasNumber = street.numbersBefore + street.numbersAfter > 0;
  // Without a number nothing better begins within the same name.
  const none = nothing(hasNumber ? at : street.nameTo - 2);
  if (kind === 'none' && !hasNumber) return none;
  const tail = tailOf(line, street.to);
  const from = partnerBefore(line, at);
  if (!isAddress(line, { ...street, from }, kind, tail)) return none;
  const partner = partnerAfter(line, tail.to);
  return { kind: 'address', from, to: partner === null ? tail.to : tailOf(line, partner).to };
}

function nothing(at: number): Place {
  return { kind: 'nothing', from: at, to: at + 1 };
}

function isAddress(line: Line, street: Street, kind: StreetKind, tail: Tail): boolean {
  const { from, nameFrom, nameTo, numbersBefore, numbersAfter, to } = street;
  // A time, a verse, a label, a share.
  if (line.text(to) === '%' || (line.text(to) === ':' && (kind !== 'sure' || line.isNumber(to + 1))))
    return false;
  const numbers = numbersBefore + numbersAfter;
  const isNamed = line.some(
    nameFrom,
    nameTo,
    (at) => (line.isCapital(at) && line.word(at) !== 'i') || followsDay(line, at),
  );
  const isCalled = /^(?:street|road|avenue|st)$/.test(line.word(to));
  const before = line.before(from, LIMITS.cueChars);
  const isPlaced = isCalled || PLACE_CUE.test(before);
  const isCued = isPlaced || (SEND_CUE.test(before) && line.digits(from, to) >= 2);
  if (kind === 'sure' && numbers > 0)
    return isNamed || isCued || tail.isStrong || numbersAfter > 0 || hasPlainStreet(line, nameFrom, nameTo);
  if (kind !== 'none' && isNamed && isPlaced) return true;
  if (kind === 'sure' && isNamed && line.isCapital(lastWord(line, nameTo))) return ON_THE_WAY.test(before);
  if (numbers === 0) return false;
  const isOther = line.some(nameFrom, nameTo, (at) => line.isName(at) && NOT_STREETS.has(line.word(at)));
  if (isOther && !(isPlaced && numbersAfter > 0)) return false;
  if (tail.isStrong) return true;
  if (kind === 'maybe' && isNamed && (numbers > 1 || numbersAfter > 0)) return true;
  const isPlain = line.some(nameFrom, nameTo, (at) => isPlainName(line, at));
  if (isNamed && numbersBefore > 0 && numbersAfter > 0 && (!isPlain || tail.to > to))
    return line.digits(from, to) >= (tail.to > to ? 3 : 4);
  if (!isCued) return false;
  if (!line.isCaseless(nameFrom) || kind !== 'none') return true;
  return numbersAfter > 0 && (isCalled || line.word(to) === '');
}

/** `44 grey street`, but neither `10 minute drive` nor `2 way street`. */
function hasPlainStreet(line: Line, from: number, to: number): boolean {
  if (line.word(from) === 'way') return false;
  return line.some(from, to, (at) => /^(?:street|road|avenue|lane|boulevard|rue)$/.test(line.word(at)));
}

const ON_THE_WAY = /\b(?:on|at|along|near|off|from|to) $/;

function lastWord(line: Line, to: number): number {
  return line.word(to - 1) === '' ? to - 2 : to - 1;
}

/** The first street of a crossing: `Leon and Eyrarodda 66`. Gives where it begins, or `at`. */
function partnerBefore(line: Line, at: number): number {
  if (!isAnd(line, at - 1)) return at;
  let from = at;
  for (let i = at - 2; i >= at - 6 && (line.isCapital(i) || (from < at && line.isHouse(i))); i--) from = i;
  return from;
}

/** The second street of a crossing: where it ends, or null. */
function partnerAfter(line: Line, at: number): number | null {
  const street = isAnd(line, at) ? streetAt(line, at + 1) : null;
  if (street === null || !line.isCapital(street.nameFrom)) return null;
  const isStreet =
    hasStreet(line, street.nameFrom, street.nameTo) || street.numbersBefore + street.numbersAfter > 0;
  return isStreet ? street.to : null;
}

function isAnd(line: Line, at: number): boolean {
  return /^(?:and|und|et|y|e|og|och|ja|i)$/.test(line.word(at)) || line.text(at) === '&';
}
