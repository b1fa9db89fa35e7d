import { LIMITS } from '../core/limits.ts';
import type { SensitiveKind } from '../core/provenance.ts';
import { plain } from './folding.ts';
import type { Reading } from './reading.ts';

// How a value may be written, as something to look for. What stands around a hit decides whether it is the value, or a
// part of something longer.

export interface Needle {
  readonly form: keyof Reading;
  readonly what: string | RegExp;
  /** Whether a hit is the whole value, by the characters right before and right after it. */
  readonly isWhole: (before: string, after: string) => boolean;
}

/** Characters of the surroundings that are looked at. */
const AROUND = 24;

export function says(reading: Reading, needles: readonly Needle[]): boolean {
  return needles.some((needle) => isIn(reading[needle.form](), needle));
}

function isIn(text: string, { what, isWhole }: Needle): boolean {
  let from = 0;
  for (let hits = 0; hits < LIMITS.tracedHits; hits++) {
    const [at, length] = next(text, what, from);
    if (at < 0) return false;
    const end = at + length;
    if (isWhole(text.slice(Math.max(0, at - AROUND), at), text.slice(end, end + AROUND))) return true;
    from = at + 1;
  }
  return false;
}

function next(text: string, what: string | RegExp, from: number): readonly [at: number, length: number] {
  if (typeof what === 'string') return [text.indexOf(what, from), what.length];
  what.lastIndex = from;
  const match = what.exec(text);
  return match === null ? [-1, 0] : [match.index, match[0].length];
}

/** Every notation in which a source says exactly this value. */
export function strictly(kind: SensitiveKind, text: string): readonly Needle[] {
  if (text === '') return [];
  switch (kind) {
    case 'amount':
      return amount(text) ?? name(text);
    case 'url':
      return url(text) ?? name(text);
    case 'path':
      return path(text);
    case 'recipient':
      return [...name(text), ...spaced(text)];
    default:
      return kind satisfies never;
  }
}

/** Any disguise of it: other case, look-alike letters, marks between the characters. `text` is folded already. */
export function loosely(kind: SensitiveKind, text: string): readonly Needle[] {
  // A number with something between its digits is another number.
  if (kind === 'amount' && amount(text) !== null) return [];
  const bare = kind === 'url' ? text.replace(/^[a-z][a-z0-9+.-]*:\/\/(www\.)?/, '') : text;
  const characters = [...bare].filter((one) => /[\p{L}\p{N}]/u.test(one)).slice(0, DISGUISED_CHARS);
  if (characters.length < DISGUISED_MIN) return [];
  // Plain classes: those of Unicode take longer to be compiled than a conversation to be read.
  const what = new RegExp(characters.join('[^a-z0-9]{0,4}'), 'g');
  return [{ form: 'alike', what, isWhole: () => true }];
}

/** Shorter ones are part of everything; of longer ones the beginning is enough. */
const DISGUISED_MIN = 4;
const DISGUISED_CHARS = 200;

/** Scripts without spaces between words: there, any neighbour may be another word. */
const SPACELESS =
  '[\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}]';
const BEGINS_SPACELESS = new RegExp(`^${SPACELESS}`, 'u');
const ENDS_SPACELESS = new RegExp(`${SPACELESS}$`, 'u');
const LETTER = `(?!${SPACELESS})[\\p{L}\\p{N}_]`;
/** A letter, or one that a mark ties to it: `bob` is neither in `bobby`, nor in `eve@bob`, nor in `bob.smith`. */
const TIED_BEFORE = new RegExp(`${LETTER}[.+\\-/\\\\&~]?$|[@~]$`, 'u');
const TIED_AFTER = new RegExp(`^[.+\\-/\\\\&~]?${LETTER}|^@`, 'u');

/** A value that says itself in words: as it is, or as its reader takes it, in any case and over any white space. */
function name(text: string): readonly Needle[] {
  const isWhole = (before: string, after: string) =>
    (BEGINS_SPACELESS.test(text) || !TIED_BEFORE.test(before)) &&
    (ENDS_SPACELESS.test(text) || !TIED_AFTER.test(after));
  const exact: Needle = { form: 'raw', what: text, isWhole };
  // Something hidden or disguised in the value is something that nobody said.
  if (plain(text) !== text) return [exact];
  const words = text.toLowerCase().split(/\s+/);
  return [exact, { form: 'lower', what: joined(words, '\\s+'), isWhole }];
}

function joined(parts: readonly string[], between: string): string | RegExp {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : new RegExp(parts.map(escaped).join(between), 'g');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/** Accounts and telephone numbers: the same characters with other marks between them. */
function spaced(text: string): readonly Needle[] {
  const bare = text.toLowerCase().replace(/^(?:\+|00)/, '');
  if (!/^[a-z0-9 ()./-]+$/.test(bare)) return [];
  const characters = [...bare].filter((one) => /[a-z0-9]/.test(one));
  const digits = characters.filter((one) => /[0-9]/.test(one)).length;
  if (digits < 6 || digits * 2 < characters.length) return [];
  const isWhole = (before: string, after: string) =>
    !/[\p{L}\p{N}_@]$|\d[./-]$/u.test(before.replace(/(?:\+|00)$/, '')) && !TIED_AFTER.test(after);
  return [{ form: 'lower', what: new RegExp(characters.join('[ ()./-]{0,2}'), 'g'), isWhole }];
}

const NUMBER = /^([-+]?)\s?(?:\p{Sc}|[A-Z]{3})?\s?(\d{1,15})(?:\.(\d{1,12}))?\s?(?:\p{Sc}|[A-Z]{3})?$/u;

/**
 * `1234.5` is also `1,234.50`, `1.234,50`, `1 234.5` and `$1234.50`, but neither part of a number, a date or an id, nor
 * a percentage. Null where the value is no single number.
 */
function amount(text: string): readonly Needle[] | null {
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = whole.replace(/^0+(?=\d)/, '');
  const grouped = digits.replace(/\d(?=(?:\d{3})+$)/g, (one) => `${one}[., '\u2019]?`);
  const cents = fraction.replace(/0+$/, '');
  const rest = cents === '' ? '(?:[.,]0{1,2})?' : `[.,]${cents}0{0,2}`;
  const minus = sign === '-' ? '-\\s?(?:[$€£¥]|[A-Z]{3})?\\s?' : '';
  return [{ form: 'plain', what: new RegExp(`${minus}${grouped}${rest}`, 'g'), isWhole: isWholeNumber }];
}

function isWholeNumber(before: string, after: string): boolean {
  const currency = /(?<![\p{L}\p{N}])[A-Z]{3}$/u.test(before);
  const tied = /[\p{L}\p{N}_#]$|\d[.,'\u2019 ]$|[\p{L}\p{N}][-/]$/u.test(before);
  return (currency || !tied) && !/^(?:[\p{N}_]|[.,'\u2019]\d| \d{3}(?!\d)|\s?%|[-/]\d|\p{L}{4})/u.test(after);
}

const ADDRESS =
  /^(?:https?:\/\/)?(?:www\.)?([^\s/?#@]+\.[^\s/?#@]+?)(\/[^\s?#]*?[^\s?#/])?\/*(\?[^\s#]*)?(?:#\S*)?$/i;

/** Host, path and query as they are; with or without scheme, `www.`, fragment and a slash at the end. */
function url(text: string): readonly Needle[] | null {
  const match = ADDRESS.exec(text);
  if (match === null || plain(text) !== text) return null;
  const [, host = '', rest = '', query = ''] = match;
  const isWhole = (before: string, after: string) =>
    !/[\p{L}\p{N}_.@/\\-]$/u.test(before.replace(/(?:https?:\/\/)?(?:www\.)?$/, '')) &&
    !/^(?:\/?[\p{L}\p{N}_=&%@~+\\-]|\/[^\s"'<>)\]},.;!?]|:\d|\/?[?.][\p{L}\p{N}])/u.test(after);
  return [{ form: 'lower', what: `${host}${rest}${query}`.toLowerCase(), isWhole }];
}

/** As it is, letter case too; with either slash, and with or without `./` before it. */
function path(text: string): readonly Needle[] {
  const isWhole = (before: string, after: string) =>
    !/[\p{L}\p{N}_~./\\-]$/u.test(before.replace(/(?<!\.)\.[\\/]$/, '')) &&
    !/^(?:[\\/]?[\p{L}\p{N}_~-]|\.[\p{L}\p{N}])/u.test(after);
  const exact: Needle = { form: 'raw', what: text, isWhole };
  const slashed = text.replace(/\\+/g, '/');
  if (plain(slashed) !== slashed) return [exact];
  const parts = slashed.replace(/^\.\//, '').split(/\/+/);
  return [exact, { form: 'plain', what: joined(parts, '[\\\\/]+'), isWhole }];
}
