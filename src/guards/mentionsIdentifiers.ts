import type { Found } from './mentions.ts';

const TOKEN = /#?[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*/g;
/** `#W2378156_items` is about #W2378156. */
const TRAILING_WORDS = /(?:_[a-z]{2,}|-[a-z]{3,})+$/;
/** How far back a word that announces an identifier is looked for. */
const CUE_CHARS = 48;

const OPENING = '["\')*]{0,4} ?(?:is|are|was|ist|est|es)? ?[:#=]? ?["\'(*#]{0,4}$';
/** `order number`, `"ticket_id": `, `ref. `: what follows is an identifier even when it is short. */
const NAMED = new RegExp(
  `(?:\\b|_)(?:number|no\\.|nr\\.?|ids?|code|reference|ref\\.?|nummer|num[eé]ro|n[uú]mero|PNR)${OPENING}`,
  'i',
);
/** Codes that everybody knows. */
const PUBLIC =
  /\b(?:error|status|exit|http|country|area|dialling|dress|colou?r|room|page|version|model)[ _-](?:number|no\.|id|code)\W{0,8}$/i;
/** `order W123`, `case 48213`: a thing that has an identifier, and then something that looks like one. */
const THING = new RegExp(
  `\\b(?:order|booking|reservation|invoice|ticket|case|claim|transaction|payment|refund|return|shipment|tracking|parcel|account|customer|user|member|contract|policy|card|item|product|receipt|RMA|SKU|bestellung|rechnung|commande|pedido)${OPENING}`,
  'i',
);
const VOUCHER =
  /\b(?:booking|confirmation|reservation|record|promo(?:tion)?|coupon|discount|voucher|gift(?: card)?|access|tracking) ?(?:code|reference|number|locator|id)["')*]{0,4} ?(?:is|:|=)? ?["'(*]{0,4}$/i;
const POSTAL =
  /\b(?:zip|postal|post|postcode|plz)(?:[ _]?code)?["')*]{0,4} ?(?:is|:|=)? ?["'(*]{0,4}$|, [A-Z]{2},? $/i;

/** Standards and products that carry numbers and are no one's identifier. */
const STANDARD =
  /^(?:iso|iec|ieee|rfc|din|en|ansi|astm|utf|sha|aes|rsa|cve|mil|usb|ipx?|wpa|hdmi|lte|covid|iphone|windows)[-_]?\d/i;
/** A number with its unit: 20000mAh, 1080p, 10000lm. */
const MEASURE = /^\d{1,6}[A-Za-z]{1,4}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const IBAN = /(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)/g;
const IN_GROUPS = /(?<![\w.-])\d{3,5}(?:[ -]\d{3,5}){2,5}(?:[ -]\d{1,4})?(?![\w]|-\w|[.,]\d)/g;
const NETWORK = /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g;

/** Letters and digits only, lower case: how identifiers are compared. */
export function compact(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Identifiers in a folded text from which links, mails, phones, dates and amounts are blanked out. */
export function findIdentifiers(text: string): Found[] {
  const found: Found[] = [];
  let from = 0;
  const grouped = [IBAN, IN_GROUPS, NETWORK]
    .flatMap((pattern) => Array.from(text.matchAll(pattern)))
    .sort((one, other) => one.index - other.index);
  for (const { 0: match, index } of grouped) {
    if (index < from) continue;
    found.push(...findTokens(text, from, index), identifier('identifier', match, index));
    from = index + match.length;
  }
  found.push(...findTokens(text, from, text.length));
  return found;
}

function identifier(kind: 'order' | 'identifier', text: string, start: number): Found {
  return { kind, start, end: start + text.length, value: compact(text) };
}

function findTokens(text: string, from: number, to: number): Found[] {
  const found: Found[] = [];
  for (const { 0: joined, index } of text.slice(from, to).matchAll(TOKEN)) {
    const token = UUID.test(joined) ? joined : joined.replace(TRAILING_WORDS, '');
    const start = from + index;
    const before = text.slice(Math.max(0, start - CUE_CHARS), start);
    const kind = kindOf(token, before);
    if (kind !== null) found.push(identifier(kind, token, start));
  }
  return found;
}

function kindOf(token: string, before: string): 'order' | 'identifier' | null {
  const digits = token.replace(/\D/g, '').length;
  if (token.startsWith('#')) return digits >= 3 ? 'order' : null;
  if (digits === 0) return /^[A-Z]{5,10}$/.test(token) && VOUCHER.test(before) ? 'identifier' : null;
  if (/\d[.,]$/.test(before)) return null;
  if (!looksLikeOne(token, digits) && !isAnnounced(token, digits, before)) return null;
  return /\b(?:order|bestell\w*|commande|pedido)\b[^.\n]{0,12}$/i.test(before) ? 'order' : 'identifier';
}

/** Without any word around it. */
function looksLikeOne(token: string, digits: number): boolean {
  if (/^\d+$/.test(token)) return digits >= 6 && !/0000$/.test(token);
  if (MEASURE.test(token) || STANDARD.test(token)) return false;
  if (UUID.test(token)) return true;
  if (token.includes('_')) return digits >= 3;
  if (token.includes('-')) return joinedByHyphens(token.split('-'), digits);
  return digits >= 5 || (token.length >= 8 && switches(token) >= 3);
}

/** `TX-99812` is an identifier; `10000-lumen` and `24-hour` are a number and a word. */
function joinedByHyphens(parts: readonly string[], digits: number): boolean {
  const ordinary = parts.every((part) => /^(?:\d+|[A-Za-z]?[a-z]+)$/.test(part) || MEASURE.test(part));
  if (ordinary) return parts.some((part) => /^\d{6,}$/.test(part) && !/0000$/.test(part));
  return digits >= 4;
}

/** How often letters and digits take turns, as they do in random keys and not in words. */
function switches(token: string): number {
  return token.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0;
}

function isAnnounced(token: string, digits: number, before: string): boolean {
  if (POSTAL.test(before)) return /^\d{5}(?:-\d{4})?$/.test(token);
  if (digits < 3 || PUBLIC.test(before)) return false;
  if (NAMED.test(before)) return true;
  const mixed = /[A-Za-z]/.test(token) && !MEASURE.test(token) && !/^\d+-[a-z]+$/.test(token);
  return THING.test(before) && (mixed || digits >= 5);
}
