import { LIMITS } from '../core/limits.ts';
import type { Line } from './piiAddressLine.ts';
import { COUNTRIES } from './piiAddressWords.ts';

export interface Tail {
  /** The token after the address. */
  readonly to: number;
  /** It has a unit, a postcode or a country: what stands before it is an address. */
  readonly isStrong: boolean;
}

interface Part {
  readonly to: number;
  readonly isStrong: boolean;
}

/**
 * Carries an address on from the token `from`: unit, town, region, postcode, country, with commas or breaks between.
 * Towns on lines of their own count only if something follows that nothing but an address has.
 */
export function tailOf(line: Line, from: number): Tail {
  let to = from;
  let isStrong = false;
  let at = from;
  let hasBreak = false;
  let hasTown = false;
  let breaks = 0;
  while (at < from + LIMITS.addressTokens) {
    const gap = gapFrom(line, at);
    breaks = gap.breaks > 0 ? breaks + gap.breaks : breaks;
    hasBreak ||= gap.breaks > 0;
    if (breaks > 8) break;
    // A number right behind a number is no postcode.
    if (gap.to === at && line.isNumber(at) && line.isNumber(at - 1)) break;
    const part = partAt(line, gap.to, gap.breaks > 0 && !hasTown);
    if (part === null) break;
    at = part.to;
    hasTown ||= !part.isStrong;
    if (part.isStrong) {
      isStrong = true;
      hasBreak = false;
    }
    if (!hasBreak) to = at;
  }
  return { to, isStrong };
}

/** Over what may stand between two parts: commas, at most three breaks, marks that begin lines. */
function gapFrom(line: Line, from: number): { readonly to: number; readonly breaks: number } {
  let at = from;
  let breaks = 0;
  if (line.text(at) === '.' && line.isUnit(at + 1)) return { to: at + 1, breaks };
  if (line.text(at) === '.' && line.isBreak(at + 1)) at++;
  for (; at < from + 9; at++) {
    if (line.isBreak(at)) breaks++;
    else if (line.text(at) === ',') continue;
    else if (breaks === 0 || !/^[?*•|·>-]$/.test(line.text(at))) break;
  }
  return breaks > 3 ? { to: from, breaks: 0 } : { to: at, breaks };
}

function partAt(line: Line, at: number, isNewLine: boolean): Part | null {
  return (
    unitAt(line, at) ?? countryAt(line, at) ?? postcodeAt(line, at, isNewLine) ?? townAt(line, at, isNewLine)
  );
}

function unitAt(line: Line, at: number): Part | null {
  if (!line.isUnit(at)) return null;
  const number = /^[.#:]$/.test(line.text(at + 1)) ? at + 2 : at + 1;
  return { to: number + 1, isStrong: true };
}

function countryAt(line: Line, at: number): Part | null {
  if (!line.isName(at)) return null;
  let joined = '';
  let to = -1;
  for (let i = at; i < at + 5 && line.word(i) !== ''; i++) {
    joined += line.word(i);
    if (COUNTRIES.has(joined)) to = i + 1;
  }
  if (to < 0) return null;
  if (line.text(to) === '(' && line.text(to + 2) === ')') to += 3;
  return { to, isStrong: true };
}

/** 10115, 394 13, 7412 SL, SW1A 1AA, 12345-6789, with a prefix such as `D-` or `CZ`. */
export function postcodeEnd(line: Line, at: number): number | null {
  const text = line.text(at);
  if (!line.isNumber(at)) {
    const isOutward = /^[A-Z]{1,2}\d[A-Z\d]?$/.test(text);
    return isOutward && /^\d[A-Z]{2}$|^\d[A-Z]\d$/.test(line.text(at + 1)) ? at + 2 : null;
  }
  if (/^\d{3}$/.test(text) && /^\d{2,3}$/.test(line.text(at + 1))) return at + 2;
  if (/^\d{1,3}$/.test(text) && /^\d{4,6}$/.test(line.text(at + 1))) return at + 2;
  if (!/^\d{4,6}(?:-\d{3,4})?$/.test(text)) return null;
  return /^\d{4}$/.test(text) && /^[A-Z]{2}$/.test(line.text(at + 1)) ? at + 2 : at + 1;
}

/** On a line of its own, and no town above it, it must be alone there or stand before its town. */
function postcodeAt(line: Line, at: number, isNewLine: boolean): Part | null {
  const to = postcodeEnd(line, at);
  if (to === null || line.text(to) === ':') return null;
  const ends = line.word(to) === '' || line.isName(to);
  return !isNewLine || ends ? { to, isStrong: true } : null;
}

/** A town or a region: capitals with particles between, perhaps a district's number, perhaps a second name in brackets. */
function townAt(line: Line, from: number, isNewLine: boolean): Part | null {
  let to = from;
  let at = from;
  for (; at < from + 6; at++) {
    if (line.isUnit(at)) break;
    if (line.isName(at) || line.word(at) === 'nan') to = at + 1;
    else if (
      !(to > from && (line.isParticle(at) || (/^['.-]$/.test(line.text(at)) && line.isAbbreviation(at - 1))))
    )
      break;
  }
  if (to === from) return null;
  // A label, as in `Phone: …`, or the words of a sentence.
  if (line.text(to) === ':' || (isNewLine && line.word(to) !== '' && !line.isName(to))) return null;
  if (line.isNumber(to) && /^\d{1,2}$/.test(line.text(to)) && !line.isName(to + 1)) to++;
  if (line.text(to) === '(' && line.text(to + 2) === ')') to += 3;
  return { to, isStrong: false };
}
