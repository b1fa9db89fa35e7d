import type { Line } from './piiAddressLine.ts';
import { endsAsStreet, mayEndAsStreet, STREET_AFTER, STREET_BEFORE, STREET_SURE } from './piiAddressWords.ts';

/** Where a street stands in a line of tokens, if one may begin at a place. Whether it is one is not decided here. */
export interface Street {
  readonly from: number;
  readonly to: number;
  readonly numbersBefore: number;
  readonly numbersAfter: number;
  /** Where the name stands, numbers left out. */
  readonly nameFrom: number;
  readonly nameTo: number;
}

/** Numbers, a name, numbers: what every street looks like, and much else. */
export function streetAt(line: Line, at: number): Street | null {
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
  while (end < at + 2 && line.isHouse(end) && !isDay(line, end, at)) end++;
  if (end > at && line.text(end) === ',' && STREET_BEFORE.has(line.word(end + 1))) end++;
  if (end > at && /^(?:bis|ter|quater)$/.test(line.word(end))) end++;
  return end;
}

/** Capitals, particles between them, words for streets in lower case, a plain word beside these, and days. */
function nameEnd(line: Line, from: number): number {
  let end = from;
  for (let at = from; at < from + 10; at++) {
    if (line.word(at) === '') {
      if (isDay(line, at, from)) end = at + 1;
      else if (!closesAbbreviation(line, at)) break;
    } else if (line.isUnit(at)) break;
    else if (line.isName(at) || isStreetWord(line, at) || isPlainName(line, at)) end = at + 1;
    else if (!line.isParticle(at) && !followsDay(line, at)) break;
    else if (followsDay(line, at)) end = at + 1;
  }
  return end > from && closesAbbreviation(line, end) ? end + 1 : end;
}

/** Streets are named after days: `17. listopadu 5`, `ul. 3 Maja 12`. */
function isDay(line: Line, at: number, from: number): boolean {
  if (!/^\d{1,2}$/.test(line.text(at))) return false;
  if (line.text(at + 1) === '.') return followsDay(line, at + 2);
  return (
    at > from &&
    line.isName(at + 1) &&
    (line.isHouse(at + 2) || line.isHouse(at + 3)) &&
    isStreetBefore(line, at)
  );
}

function isStreetBefore(line: Line, at: number): boolean {
  return STREET_BEFORE.has(line.word(line.text(at - 1) === '.' ? at - 2 : at - 1));
}

/** The month of such a day: a word with the number of the house behind it. */
export function followsDay(line: Line, at: number): boolean {
  if (line.text(at - 1) !== '.' || !/^\d{1,2}$/.test(line.text(at - 2))) return false;
  return line.isTelling(at) && line.isHouse(at + 1);
}

/** `St.`, `C/`. */
function closesAbbreviation(line: Line, at: number): boolean {
  const mark = line.text(at);
  const isShort = line.isAbbreviation(at - 1) || endsAsStreet(line.word(at - 1));
  return (
    (mark === '.' && (isShort || followsDay(line, at + 1))) ||
    (mark === '/' && line.word(at - 1).length === 1)
  );
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
export function isPlainName(line: Line, at: number): boolean {
  if (!line.isCapital(at - 1) || line.isName(at) || !line.isTelling(at)) return false;
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

export function hasStreet(line: Line, from: number, to: number): boolean {
  return streetKind(line, from, to) !== 'none';
}

/** `sure`: the name says that it is a street. `maybe`: it may say so. */
export type StreetKind = 'sure' | 'maybe' | 'none';

/** Longest street, with its numbers. */
export const STREET_TOKENS = 14;

export function streetKind(line: Line, from: number, to: number): StreetKind {
  const last = line.word(to - 1) === '' ? to - 2 : to - 1;
  let kind: StreetKind = 'none';
  for (let at = from; at < to; at++) {
    const word = line.word(at);
    if (word === '') continue;
    const isAlone = to - from === 1 || (to - from === 2 && line.text(to - 1) === '.');
    if (endsAsStreet(word) && (line.isName(at) || line.isHouse(at + 1))) return 'sure';
    if (!isAlone && at > from && STREET_AFTER.has(word) && STREET_SURE.has(word)) return 'sure';
    if (at < last && at <= from + 1 && STREET_BEFORE.has(word) && STREET_SURE.has(word)) return 'sure';
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
