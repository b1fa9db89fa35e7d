import { LIMITS } from '../core/limits.ts';
import { digitsOf, type Match, matchesOf } from './piiNumbers.ts';
import type { Span } from './spans.ts';

/**
 * Digits in groups as people write telephone numbers: a plus or brackets, one mark between groups, an extension.
 * The groups are bounded, so that a text of digits costs no more than its length.
 */
const CANDIDATE =
  /(?<![\w.,/#@+-]|\d[ ])(?:\+ ?|\()?\d{1,15}\)?(?:(?: ?\(\d{1,5}\) ?|(?<=\))|[ .\-/\u00a0\u2011\u2013] ?)\d{1,12}){0,7}(?:[ ,]{0,2}(?:x|ext\.?|extension|#) ?\d{1,6})?(?![\w@]|[.,:/-]\d|%)/gi;

const EXTENSION = /[ ,]{0,2}(?:x|ext\.?|extension|#) ?\d{1,6}$/i;

/** Words that announce a telephone number, in the languages that customers write. */
const CUE_BEFORE = new RegExp(
  '(?:\\b(?:phones?|telephone|tele?|tlf|mobile?|mob|cell(?:ular|phone)?|fax|faks|call(?:s|ed|ing)?|dial(?:l?ed|l?ing)?|ring|' +
    'rang|reach(?:ed)?|contact|hotline|landline|whatsapp|signal|viber|sms|(?:office|desk|direct|home|work)(?=[ .]?:)|answer(?:ing|s)?|messages?|' +
    'texts?|texted|voice ?mail|pager|telefon\\w*|t[ée]l[ée]phone|tel[ée]fono|cellulare|m[óo]vil|celular|handy|mobil\\w*|gsm|' +
    'puhelin\\w*|komórka|anruf\\w*|rufnummer|appel\\w*|llam\\w*|chiam\\w*)\\b|☎|📞|📱)[^\\n\\d]{0,32}(?:\\n\\s{0,8})?$',
  'i',
);

const CUE_AFTER = /^ [("]?(?:office|fax|mobile|cell|home|work|desk|phone|direct|landline)\b/i;

/** Telephone numbers: those whose shape says so, and others that the words around them announce. */
export function findPhones(text: string): readonly Span[] {
  return matchesOf(text, CANDIDATE).flatMap((candidate): Span[] => {
    const whole = balanced(candidate);
    const phone = isAnnounced(text, whole) ? whole : phoneWithin(whole);
    return phone === null
      ? []
      : [{ type: 'phone', start: phone.start, end: phone.start + phone.found.length }];
  });
}

/** The longest part between blanks that has the shape of a number: a postcode or a count may stand beside it. */
function phoneWithin({ start, found }: Match): Match | null {
  if (!/\d{2}/.test(found)) return null;
  const starts = [0, ...matchesOf(found, /(?<=\d\)?) /g).map((blank) => blank.start + 1)];
  const ends = [
    found.length,
    ...matchesOf(found, /(?<=\d) /g)
      .map((blank) => blank.start)
      .reverse(),
  ];
  for (const from of starts)
    for (const to of ends)
      if (to > from && isPhone(found.slice(from, to)))
        return { start: start + from, found: found.slice(from, to) };
  return null;
}

/** Without a bracket that nothing closes. */
function balanced({ start, found }: Match): Match {
  const opens = found.includes('(');
  if (opens === found.includes(')')) return { start, found };
  return opens ? { start: start + 1, found: found.slice(1) } : { start, found: found.replace(/\)$/, '') };
}

const DATE =
  /^(?:(?:19|20)\d\d([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])([-./ ])(?:0?[1-9]|[12]\d|3[01])\2(?:(?:19|20)\d\d|\d\d))(?: \d{1,2})?$/;

/** Says nothing of telephones whatever stands around it: a date, years, a decimal, thousands. */
function isOther(number: string): boolean {
  return (
    DATE.test(number) ||
    /^(?:\d+\.|[1-9]\d*\/|\d{1,2}\/)\d+$/.test(number) ||
    /^\d{1,4}[-–]\d{1,4}$/.test(number)
  );
}

function isAnnounced(text: string, { start, found }: Match): boolean {
  const count = digitsOf(found.replace(EXTENSION, '')).length;
  if (count < 6 || count > 15 || isOther(found)) return false;
  const end = start + found.length;
  return (
    CUE_BEFORE.test(text.slice(Math.max(0, start - LIMITS.cueChars), start)) ||
    (/\d\D/.test(found) && CUE_AFTER.test(text.slice(end, end + 16)))
  );
}

/** True for shapes that little else has. Digits without any mark between them are never enough. */
function isPhone(found: string): boolean {
  const number = found.replace(EXTENSION, '');
  const digits = digitsOf(number);
  if (digits.length < 7 || digits.length > 15 || isOther(number)) return false;
  const groups = number.match(/\d+/g) ?? [];
  const lengths = groups.map((group) => group.length);
  if (number.startsWith('+')) return digits.length >= 8 && digits[0] !== '0';
  if (groups.length < 2) return false;
  if (/^\(0?\d{1,4}\)|^00\d/.test(number) || (number !== found && digits.length >= 10)) return true;
  return isNorthAmerican(number, lengths) || isTrunk(digits, lengths) || isUneven(digits, lengths);
}

/** 555-123-4567, with a country code or without. */
function isNorthAmerican(number: string, lengths: readonly number[]): boolean {
  return /^(?:0{0,2}1[ .-])?\d{3}([ .-])\d{3}\1\d{4}$/.test(number) && lengths.length <= 4;
}

/** 0490 75 40 81: a leading zero, then groups of two or more, in all as long as numbers within a country are. */
function isTrunk(digits: string, lengths: readonly number[]): boolean {
  if (!digits.startsWith('0') || digits.length < 8 || digits.length > 12) return false;
  return (lengths[0] ?? 0) >= 2 && lengths.slice(1).every((length) => length >= 2);
}

/** 69 987 88 37: three or more groups that are not thousands, not years and not a list of small numbers. */
function isUneven(digits: string, lengths: readonly number[]): boolean {
  if (lengths.length < 3 || digits.length < 8 || digits.length > 12) return false;
  const thousands = lengths.slice(1).every((length) => length === 3);
  const rest = lengths.slice(1);
  return !thousands && lengths.includes(3) && rest.every((length) => length >= 2 && length <= 4);
}
