import { isIP } from 'node:net';
import { LIMITS } from '../core/limits.ts';
import type { Span } from './spans.ts';

/** First digits of the networks, with the lengths that they issue. */
const NETWORKS: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^5[1-5]/, [16]],
  [/^2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)/, [16]],
  [/^220[0-4]/, [16, 17, 18, 19]],
  [/^3[47]/, [15]],
  [/^3(?:0[0-5]|09|6|8|9)/, [14, 15, 16, 17, 18, 19]],
  [/^35/, [16, 17, 18, 19]],
  [/^(?:2131|1800)/, [15]],
  [/^6(?:011|4[4-9]|5)/, [16, 17, 18, 19]],
  [/^(?:62|8[12])/, [16, 17, 18, 19]],
  [/^(?:50|5[6-8]|6)/, [12, 13, 14, 15, 16, 17, 18, 19]],
  [/^9792/, [16]],
];

/** Words that announce a card, in the languages that customers write. */
const CARD_CUE =
  /\b(?:cards?|cc|pan|visa|master ?card|maestro|amex|american express|diners|discover|jcb|debit|credit|kredit\w*|\w*karten?\w*|carte|tarjeta|carta|cart[ãa]o|kaart|kort\w*|karta)\b/i;

/** Payment cards: digits, in groups or not, that a network issues and whose last one checks (Luhn). */
export function findCards(text: string): readonly Span[] {
  return digitRuns(text)
    .flatMap(cardsOf)
    .filter(({ start, end }) => {
      const length = digitsOf(text.slice(start, end)).length;
      if (length >= 14 && length <= 16 && !/[\p{L}_-]/u.test(text[start - 1] ?? '')) return true;
      // One number in ten passes the check: lengths that few cards have, and parts of identifiers, need a word.
      return CARD_CUE.test(text.slice(Math.max(0, start - LIMITS.cueChars), start));
    });
}

/** Digits in groups, with one blank or dash between them. */
function digitRuns(text: string): readonly (readonly Match[])[] {
  const runs: Match[][] = [];
  let end = -2;
  for (const group of matchesOf(text, /(?<![\d.,])\d{1,19}(?!\d)/g)) {
    const run = runs.at(-1);
    const near = group.start === end + 1 && /[ -]/.test(text[end] ?? '');
    if (near && run !== undefined) run.push(group);
    else runs.push([group]);
    end = group.start + group.found.length;
  }
  return runs;
}

function cardsOf(run: readonly Match[]): readonly Span[] {
  const found: Span[] = [];
  for (let first = 0; first < run.length; first++) {
    const last = lastOfCard(run, first);
    const [from, to] = [run[first], run[last]];
    if (from === undefined || to === undefined) continue;
    found.push({ type: 'card', start: from.start, end: to.start + to.found.length });
    first = last;
  }
  return found;
}

/** Which group ends the card that begins with the group `first`, or -1. */
function lastOfCard(run: readonly Match[], first: number): number {
  let digits = '';
  for (let last = first; last < run.length; last++) {
    digits += run[last]?.found ?? '';
    if (digits.length > 19) return -1;
    if (digits.length >= 12 && isIssued(digits) && passesLuhn(digits)) return last;
  }
  return -1;
}

function isIssued(digits: string): boolean {
  return NETWORKS.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

/** Length of an account number by country, from the registry of the standard (ISO 13616). */
const IBAN_LENGTHS = lengthsOf(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30',
);

function lengthsOf(list: string): ReadonlyMap<string, number> {
  return new Map(list.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));
}

const IBAN_START = /(?<![A-Za-z0-9])[A-Za-z]{2}[ -]?\d{2}(?=[ -]?[A-Za-z0-9])/g;

/** Bank accounts: right length for the country, and either the check digits fit or the text calls it an IBAN. */
export function findIbans(text: string): readonly Span[] {
  return matchesOf(text, IBAN_START).flatMap(({ start, found }): Span[] => {
    const length = IBAN_LENGTHS.get(found.slice(0, 2).toUpperCase());
    if (length === undefined) return [];
    const end = endOfGroups(text, start, length);
    if (end === null) return [];
    const plain = text.slice(start, end).replace(/[ -]/g, '').toUpperCase();
    const named = /\biban\b/i.test(text.slice(Math.max(0, start - LIMITS.cueChars), start));
    return named || passesMod97(plain) ? [{ type: 'iban', start, end }] : [];
  });
}

/** Where `count` letters and digits end that start at `start`, single blanks or dashes between allowed. */
function endOfGroups(text: string, start: number, count: number): number | null {
  let left = count;
  let at = start;
  for (; left > 0; at++) {
    const unit = text[at] ?? '';
    if (/[A-Za-z0-9]/.test(unit)) left--;
    else if (!/[ -]/.test(unit) || !/[A-Za-z0-9]/.test(text[at + 1] ?? '')) return null;
  }
  return /[A-Za-z0-9]/.test(text[at] ?? '') ? null : at;
}

function passesMod97(iban: string): boolean {
  let rest = 0;
  for (const unit of iban.slice(4) + iban.slice(0, 4))
    for (const digit of String(Number.parseInt(unit, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

const SSN_DASHED = /(?<![\d-])\d{3}([- ])\d{2}\1\d{4}(?![\d-]?\d)/g;
const SSN_NAMED =
  /(?:\bssns?\b|\bitin\b|\bsocial[ -]security)[^\d\n]{0,40}(\d{3}[-. ]?\d{2}[-. ]?\d{4})(?!\d)/gi;

/** Numbers of the social security and of tax payers of the United States. */
export function findSsns(text: string): readonly Span[] {
  const dashed = matchesOf(text, SSN_DASHED)
    .filter(({ found }) => !/^(?:000|666)|^\d{3}.00|0000$/.test(found))
    .map(({ start, found }): Span => ({ type: 'ssn', start, end: start + found.length }));
  const named = [...text.matchAll(SSN_NAMED)].map((match): Span => {
    const end = match.index + match[0].length;
    return { type: 'ssn', start: end - (match[1] ?? '').length, end };
  });
  return [...dashed, ...named];
}

const IP4 = /(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d|-\w)/g;
const IP6 = /(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,39}(?:\.\d{1,3}){0,3}(?![\w:])/g;

/** Internet addresses, but for those that are every machine's own and say nothing about anybody. */
export function findIps(text: string): readonly Span[] {
  return [...matchesOf(text, IP4), ...matchesOf(text, IP6)].flatMap(({ start, found }): Span[] => {
    if (isIP(found) === 0 || /^(?:127\.|0\.0\.0\.0$|255\.255\.|::1?$)/.test(found)) return [];
    if (/\b(?:v|version|release)[ :]*$/i.test(text.slice(Math.max(0, start - 10), start))) return [];
    return [{ type: 'ip', start, end: start + found.length }];
  });
}

export interface Match {
  readonly start: number;
  readonly found: string;
}

export function matchesOf(text: string, pattern: RegExp): readonly Match[] {
  return [...text.matchAll(pattern)].map((match) => ({ start: match.index, found: match[0] }));
}

export function digitsOf(text: string): string {
  return text.replace(/\D+/g, '');
}
