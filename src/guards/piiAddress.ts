import { LIMITS } from '../core/limits.ts';
import { findBoxes, findCorner, findLabelled, findPostcode } from './piiAddressForms.ts';
import { type Line, lineOf } from './piiAddressLine.ts';
import { tailOf } from './piiAddressTail.ts';
import {
  CUE,
  endsAsStreet,
  mayEndAsStreet,
  NOT_STREETS,
  STREET_AFTER,
  STREET_BEFORE,
  STREET_SURE,
} from './piiAddressWords.ts';
import type { Span } from './spans.ts';

/**
 * Postal addresses. A text is read as words, numbers and marks; at each place a street with its number is tried, then
 * the forms that need none (boxes, corners, what a label announces). What was found is carried on over unit, town,
 * region, postcode and country. `taken` is known to be something else and ends an address.
 */
export function findAddresses(text: string, taken: readonly Span[]): readonly Span[] {
  const line = lineOf(text, taken);
  const found: Span[] = [];
  for (let at = 0; at < line.length; at++) {
    const place = placeAt(line, at);
    if (place === null) continue;
    found.push({ type: 'address', start: line.start(place.from), end: line.end(place.to - 1) });
    at = Math.max(at, place.to - 1);
  }
  return found;
}

/** Tokens `from` to `to`, exclusive. */
interface Place {
  readonly from: number;
  readonly to: number;
}

function placeAt(line: Line, at: number): Place | null {
  const other =
    findBoxes(line, at) ?? findCorner(line, at) ?? findPostcode(line, at) ?? findLabelled(line, at);
  if (other !== null) return other;
  const street = streetAt(line, at);
  if (street === null) return null;
  const tail = tailOf(line, street.to);
  const from = partnerBefore(line, at);
  if (!isAddress(line, { ...street, from }, tail.isStrong)) return null;
  const partner = partnerAfter(line, tail.to);
  return { from, to: partner === null ? tail.to : tailOf(line, partner).to };
}

interface Street extends Place {
  readonly numbersBefore: number;
  readonly numbersAfter: number;
  /** Where the name stands, numbers left out. */
  readonly nameFrom: number;
  readonly nameTo: number;
}

/** Numbers, a name, numbers: what every street looks like, and much else. */
function streetAt(line: Line, at: number): Street | null {
  const nameFrom = numbersEnd(line, at);
  const nameTo = nameEnd(line, nameFrom);
  if (nameTo === nameFrom) return null;
  const to = houseEnd(line, nameFrom, nameTo);
  return {
    from: at,
    to,
    nameFrom,
    nameTo,
    numbersBefore: line.count(at, nameFrom, 'number'),
    numbersAfter: line.count(nameTo, to, 'number'),
  };
}

function numbersEnd(line: Line, at: number): number {
  let end = at;
  while (end < at + 2 && line.isHouse(end)) end++;
  if (end > at && line.text(end) === ',' && STREET_BEFORE.has(line.word(end + 1))) end++;
  if (end > at && /^(?:bis|ter|quater)$/.test(line.word(end))) end++;
  return end;
}

/** Capitals, particles between them, words for streets in lower case, and a plain word beside these. */
function nameEnd(line: Line, from: number): number {
  let end = from;
  for (let at = from; at < from + 10; at++) {
    if (line.word(at) === '') {
      if (!closesAbbreviation(line, at)) break;
    } else if (line.isUnit(at)) break;
    else if (line.isName(at) || isStreetWord(line, at) || (at > from && isPlainName(line, at))) end = at + 1;
    else if (!line.isParticle(at)) break;
  }
  return end > from && closesAbbreviation(line, end) ? end + 1 : end;
}

/** `St.`, `C/`. */
function closesAbbreviation(line: Line, at: number): boolean {
  const mark = line.text(at);
  return (mark === '.' && line.isAbbreviation(at - 1)) || (mark === '/' && line.word(at - 1).length === 1);
}

/** Also in lower case; short words only where a point or a number follows. */
function isStreetWord(line: Line, at: number): boolean {
  const word = line.word(at);
  if (endsAsStreet(word) || (word.length >= 3 && (STREET_SURE.has(word) || STREET_BEFORE.has(word))))
    return true;
  if (!STREET_AFTER.has(word) && !STREET_BEFORE.has(word)) return false;
  return line.isHouse(at + 1) || (line.text(at + 1) === '.' && (line.isHouse(at + 2) || line.isName(at + 2)));
}

/** In lower case behind a capital, before a number or beside a word for streets: `Rue tachkent`, `Árpád fejedelem útja 3`. */
function isPlainName(line: Line, at: number): boolean {
  if (!line.isCapital(at - 1) || !line.isTelling(at)) return false;
  const before = line.word(at - 1);
  const isBehind = STREET_BEFORE.has(before) && !STREET_AFTER.has(before);
  return isBehind || line.isHouse(at + 1) || (isStreetWord(line, at + 1) && line.isHouse(at + 2));
}

/** Over the numbers after a name: `12`, `12 A`, `, 12`, `nr. 12`, `12.`. */
function houseEnd(line: Line, nameFrom: number, nameTo: number): number {
  let at = nameTo;
  if (line.text(at) === ',' && hasStreet(line, nameFrom, nameTo) && line.isHouse(at + 1)) at++;
  if (/^(?:nr|no|n|num|numero|nummer|c|cislo)$/.test(line.word(at)) || /^[#°]$/.test(line.text(at))) {
    at++;
    if (/^[.°º]$/.test(line.text(at))) at++;
  }
  if (!line.isHouse(at)) return nameTo;
  at++;
  if (/^[A-Za-z]$/.test(line.text(at)) && line.text(at) !== 'I' && !line.isUnit(at)) at++;
  return at;
}

function hasStreet(line: Line, from: number, to: number): boolean {
  return streetKind(line, from, to) !== 'none';
}

/** `sure`: the name says that it is a street. `maybe`: it may say so. */
function streetKind(line: Line, from: number, to: number): 'sure' | 'maybe' | 'none' {
  let kind: 'sure' | 'maybe' | 'none' = 'none';
  for (let at = from; at < to; at++) {
    const word = line.word(at);
    if (word === '') continue;
    const isAlone = to - from === 1 || (to - from === 2 && line.text(to - 1) === '.');
    if (endsAsStreet(word) && (line.isName(at) || line.isHouse(at + 1))) return 'sure';
    if (!isAlone && at > from && STREET_AFTER.has(word) && STREET_SURE.has(word)) return 'sure';
    if (!isAlone && at <= from + 1 && STREET_BEFORE.has(word) && STREET_SURE.has(word)) return 'sure';
    if (
      !isAlone &&
      (line.isName(at) || isStreetWord(line, at)) &&
      (STREET_AFTER.has(word) || STREET_BEFORE.has(word))
    )
      kind = 'maybe';
    if (mayEndAsStreet(word) && line.isName(at)) kind = 'maybe';
  }
  return kind;
}

function isAddress(line: Line, street: Street, hasStrongTail: boolean): boolean {
  const { from, nameFrom, nameTo, numbersBefore, numbersAfter, to } = street;
  if (line.text(to) === ':' || line.text(to) === '%') return false;
  const kind = streetKind(line, nameFrom, nameTo);
  const numbers = numbersBefore + numbersAfter;
  const isNamed = line.some(nameFrom, nameTo, (at) => line.isCapital(at) && line.word(at) !== 'i');
  const isCued = CUE.test(line.before(from, LIMITS.cueChars));
  if (kind === 'sure' && numbers > 0) return isNamed || isCued || hasStrongTail || numbersAfter > 0;
  if (kind !== 'none' && isNamed && isCued) return true;
  if (kind === 'sure' && isNamed && line.isCapital(lastWord(line, nameTo)))
    return ON_THE_WAY.test(line.before(from, 8));
  if (numbers === 0 || line.some(nameFrom, nameTo, (at) => line.isName(at) && NOT_STREETS.has(line.word(at))))
    return false;
  if (hasStrongTail) return true;
  if (kind === 'maybe' && isNamed && (numbers > 1 || numbersAfter > 0)) return true;
  if (
    isNamed &&
    numbersBefore > 0 &&
    numbersAfter > 0 &&
    !line.some(nameFrom, nameTo, (at) => isPlainName(line, at))
  )
    return line.digits(from, to) >= 3;
  if (!isCued) return false;
  return !line.isCaseless(nameFrom) || kind !== 'none' || (numbersAfter > 0 && line.word(to) === '');
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
