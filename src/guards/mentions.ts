import { findAmounts, type WrittenAmount } from './amounts.ts';
import { findIdentifiers } from './mentionsIdentifiers.ts';
import { blank, fold, type Span } from './mentionsText.ts';

/**
 * `ending` is the last digits of something longer (`card ending in 2478`). Dates are found so that their digits are not
 * taken for something else.
 */
export type MentionKind = 'order' | 'identifier' | 'ending' | 'phone' | 'mail' | 'link' | 'amount' | 'date';

/** Something in a text that names one thing of the world, and so is either known or made up. */
export interface Mention {
  readonly kind: MentionKind;
  /** As written. */
  readonly text: string;
  /** Where in the text, as string indices. */
  readonly start: number;
  readonly end: number;
  /** For comparing: digits of a phone, lower-case letters and digits of an identifier, host and path of a link, `12.50` of an amount. */
  readonly value: string;
}

/** A mention before its place in the original text is known. */
export interface Found extends Span {
  readonly kind: MentionKind;
  readonly value: string;
}

const MONTHS =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\b\\.?';
const DAY = '\\d{1,2}(?:st|nd|rd|th|\\.)?';
const TOPS =
  'com|org|net|edu|gov|int|io|co|app|dev|ai|info|biz|shop|store|online|site|cloud|support|example|test|invalid|eu|uk|ca|au|de|ch|fr|es|nl|pl|se|dk|fi|jp|br';
const ADDRESS = '[^\\s<>"\'`|\\\\^{}\\[\\]]';

const LINK = new RegExp(
  `(?<![\\w@.-])(?:(?:[Hh][Tt]{2}[Pp][Ss]?|ftp):\\/\\/${ADDRESS}{1,2000}|[Ww]{3}\\.${ADDRESS}{3,2000}|(?:[A-Za-z0-9-]{1,63}\\.){1,6}(?:${TOPS})(?![\\w@-]|\\.[a-z])(?:[/?]${ADDRESS}{0,2000})?)`,
  'g',
);
const MAIL = /(?<![\w.+*%-])[\w.+*%-]{1,64}@(?:[a-z0-9*-]{1,63}\.){1,6}[a-z]{2,24}(?![\w])/gi;
const DATE = new RegExp(
  [
    '(?<![\\w-])\\d{4}[-/]\\d{2}[-/]\\d{2}(?:[T ]\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,9})?)?(?:Z|[+-]\\d{2}:?\\d{2})?)?(?![\\w-])',
    '(?<![\\w.-])\\d{1,2}([./-])\\d{1,2}\\1(?:\\d{4}|\\d{2})(?![\\w-]|\\.\\d)',
    `\\b${MONTHS} ${DAY}(?!\\d)(?:,? \\d{4}\\b)?`,
    `(?<![\\w.])${DAY} (?:of )?${MONTHS}(?:,? \\d{4}\\b)?`,
    '(?<![\\w:])\\d{1,2}:\\d{2}(?::\\d{2})?(?: ?[ap]\\.?m\\b)?(?![\\d:])',
  ].join('|'),
  'gi',
);
const MASK = '(?:(?:\\*{3,}|x{2,}|[•·]{2,})[ -]?|…|\\.{3})';
const ENDING = new RegExp(
  [
    `\\b(?:end(?:s|ing|ed)?|terminating|endend|endet)(?: (?:in|with|on|auf|mit))?:? ?["'(*]{0,3}${MASK}{0,4}(?=\\d)`,
    `\\b(?:last|final) (?:4|four|3|three|5|five|6|six)(?: digits)?(?: (?:of|on) (?:the|your|this) \\w{1,20})?(?: (?:are|is|being))?:? ?["'(*]{0,3}(?=\\d)`,
    `\\b(?:terminant par|terminad[ao] en|termina(?:n)? en|che termina con|endziffern|eindigt op|eindigend op):? ?["'(*]{0,3}(?=\\d)`,
    `(?<![\\w*])${MASK}{1,4}(?=\\d)`,
  ].join('|'),
  'gi',
);
/** Without one of these, `ending in 2027` tells a year. */
const HAS_DIGITS = /card|visa|master|amex|account|number|phone|iban|order|digits|\*|x{2}|[•·…]/i;
const PHONE =
  /(?<![\w.#-])(?:(?:\+|00)?\(?\d{1,4}(?:\) ?|[ ./-])(?:\(?\d{1,5}(?:\) ?|[ ./-])){0,5}\d{2,12}|\+\d{7,15}|1[ -]8\d\d[ -][A-Z0-9][A-Z0-9-]{5,11})(?![\w]|-\w|[.,]\d)/g;
const PHONE_WORD =
  /\b(?:phone|call|tel|telephone|telefon|t[eé]l[eé]fono|fax|hotline|dial|mobile|cell|whatsapp|text|sms|reach|line|ring)\b[^\n\d]{0,24}$/i;
const AMERICAN = /^(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}$/;

/** In order: what an earlier one takes, a later one does not see. */
const FINDERS = [findLinks, findMails, findDates, findPhones, findMoney, findEndings, findIdentifiers];

/** Every mention in a text, in order, none overlapping another. Linear in the text. */
export function findMentions(text: string): readonly Mention[] {
  const folded = fold(text);
  const found: Found[] = [];
  let rest = folded.text;
  for (const find of FINDERS) {
    const more = find(rest);
    found.push(...more);
    rest = blank(rest, more);
  }
  return found
    .sort((one, other) => one.start - other.start)
    .map(({ kind, value, ...at }) => {
      const start = folded.originalIndex(at.start);
      const end = folded.originalIndex(at.end);
      return { kind, text: text.slice(start, end), start, end, value };
    });
}

/** Links and mail addresses of a folded text: all that is compared as a whole. */
export function findAddresses(text: string): readonly Found[] {
  const links = findLinks(text);
  return [...links, ...findMails(blank(text, links))];
}

function findLinks(text: string): Found[] {
  return Array.from(text.matchAll(LINK), ({ 0: match, index }) => {
    const link = withoutTail(match);
    return { kind: 'link', start: index, end: index + link.length, value: addressOf(link) };
  });
}

/** `shop.com.They`: a host, and the first word of a sentence that follows without a space. */
const NEXT_SENTENCE = /^((?:[a-z]{3,5}:\/\/)?[a-z0-9.-]{1,253})\.[A-Z][a-z]{0,40}$/;

/** A sentence's punctuation and a bracket that was opened before the link are not part of it. */
function withoutTail(link: string): string {
  const cut = link.replace(/[.,;:!?'*_~]+$/, '').replace(NEXT_SENTENCE, '$1');
  return cut.endsWith(')') && !cut.includes('(') ? withoutTail(cut.slice(0, -1)) : cut;
}

/** Host and path, without what changes nothing: scheme, `www.`, query, fragment, port, a closing slash. */
export function addressOf(link: string): string {
  const [address = ''] = link.replace(/^[a-z]{3,5}:\/\//i, '').split(/[?#]/, 1);
  const slash = address.indexOf('/');
  const host = slash < 0 ? address : address.slice(0, slash);
  const path = slash < 0 ? '' : address.slice(slash).replace(/\/{1,9}$/, '');
  return (
    host
      .toLowerCase()
      .replace(/^www\./, '')
      .replace(/:\d{1,5}$/, '') + path
  );
}

function findMails(text: string): Found[] {
  return Array.from(text.matchAll(MAIL), ({ 0: match, index }) => ({
    kind: 'mail',
    start: index,
    end: index + match.length,
    value: match.toLowerCase().replace(/^[.%]+/, ''),
  }));
}

function findPhones(text: string): Found[] {
  return Array.from(text.matchAll(PHONE)).flatMap(({ 0: match, index }): Found[] => {
    const vanity = /[A-Z]/.test(match);
    const value = vanity ? match.toLowerCase().replace(/[ -]/g, '') : match.replace(/\D/g, '');
    const asPhone =
      vanity ||
      /^(?:\+|00\d)/.test(match) ||
      AMERICAN.test(match) ||
      PHONE_WORD.test(text.slice(Math.max(0, index - 40), index));
    if (!asPhone || value.length < 7 || value.length > 17) return [];
    return [{ kind: 'phone', start: index, end: index + match.length, value }];
  });
}

function findDates(text: string): Found[] {
  return Array.from(text.matchAll(DATE), ({ 0: match, index }) => ({
    kind: 'date',
    start: index,
    end: index + match.length,
    value: match.toLowerCase(),
  }));
}

function findMoney(text: string): Found[] {
  return findAmounts(text).map((amount) => ({
    kind: 'amount',
    start: amount.start,
    end: amount.end,
    value: amountValue(amount),
  }));
}

function amountValue({ values: [value] }: WrittenAmount): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value * 100 - Math.round(value * 100)) < 1e-6 ? value.toFixed(2) : value.toFixed(4);
}

function findEndings(text: string): Found[] {
  return Array.from(text.matchAll(ENDING)).flatMap(({ 0: match, index }): Found[] => {
    const start = index + match.length;
    const digits = /^\d{3,6}(?![\w*]|[.,]\d)/.exec(text.slice(start, start + 9))?.[0];
    if (
      digits === undefined ||
      (/^(?:19|20)\d\d$/.test(digits) && !HAS_DIGITS.test(text.slice(Math.max(0, index - 40), start)))
    )
      return [];
    return [{ kind: 'ending', start, end: start + digits.length, value: digits }];
  });
}
