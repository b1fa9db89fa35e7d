import { blank, type Span } from './mentionsText.ts';

/** What a written amount says. Values are in the currency's major unit (12.5 = $12.50), never negative. */
export interface AmountReading {
  /** What it may mean, the likelier first: `1.234` is 1234 or 1.234. */
  readonly values: readonly [number, ...number[]];
  /** The last place it states: 0.01 of `$1.20`, 1 of `$5`, 100 of `$1.2k`. */
  readonly step: number;
}

/** An amount of money and where it stands in a text. */
export interface WrittenAmount extends AmountReading, Span {}

/** Digits with their separators: 1,234.56; 1.234,56; 1 234,56; 1'234.50; 1,00,000. */
export const NUMBER =
  "(?:\\d{1,3}(?:,\\d{2,3}){1,6}(?:\\.\\d{1,20})?|\\d{1,3}(?:\\.\\d{3}){1,6}(?:,\\d{1,20})?|\\d{1,3}(?:[ ']\\d{3}){1,6}(?:[.,]\\d{1,20})?|\\d{1,20}(?:[.,]\\d{1,20})?)(?![.,]?\\d)";

const SIGN = '(?:(?<![A-Za-z])(?:US|CA|AU|NZ|HK|SG|MX|NT|A|C|R|S))?\\$|[€£¥₹₩₽₺₴₫฿₪₱₦₿]';
const LETTER_SIGN = '(?<![A-Za-z])(?:zł|Kč|kr\\.?|Rs\\.?|Fr\\.)';
const CODES =
  'USD|EUR|GBP|JPY|CHF|CAD|AUD|NZD|CNY|RMB|INR|BRL|MXN|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|ZAR|SGD|HKD|TWD|KRW|AED|SAR|ILS|THB|IDR|MYR|VND|RUB|UAH|ARS|CLP|NGN|EGP';
/** Before a number these are mostly something else. */
const CODES_AFTER = `${CODES}|TRY|PHP|COP`;
const WORDS =
  'dollars?|bucks|euros?|pounds? sterling|quid|yen|yuan|rupees?|rubles?|pesos?|francs?|kron(?:or|er|e|a)|z[lł]oty(?:ch)?|reais';
const MINOR = '¢|(?:cents?|pence|centimes?|c[eé]ntimos?)\\b';
const SCALE = '(?:(?:k|m| ?(?:mn|bn|mio\\.?|thousand|million|billion))(?![A-Za-z]))?';

const BEFORE = new RegExp(
  `(?:${SIGN}|${LETTER_SIGN}|(?<![A-Za-z])(?:${CODES})) ?[-+]? ?(?:\\$ ?)?(${NUMBER})(${SCALE})(?:,--?|\\.--?)?`,
  'gi',
);
const AFTER = new RegExp(
  `(?<![\\w.,])(${NUMBER})(${SCALE})(?:,--?)?[ -]?(?:${SIGN}|(?:zł|Kč|kr|Rs)(?![A-Za-z])|(?:${CODES_AFTER}|${WORDS})\\b|(${MINOR}))`,
  'gi',
);

const MONEY_WORDS =
  'price|amount|total|cost|fee|refund|balance|charge|difference|paid|payment|due|credit|deposit|tax|discount|preis|betrag|summe|kosten|prix|montant|precio|importe|prezzo|importo';
/** A name that says its number is money: `unit_price`, `Refund total`, `amountDue`. */
export const MONEY_NAME = new RegExp(`(?:${MONEY_WORDS}|saving|owed|paid)`, 'i');
/** No currency, but a word of money before it and two decimals, or a member of JSON with such a name. */
const NAMED = new RegExp(
  `(?:"\\w{0,40}(?:${MONEY_WORDS})\\w{0,40}"\\s{0,3}:\\s{0,3}"?[-+]?(?=${NUMBER})|\\b(?:${MONEY_WORDS})(?:s|es)?(?: [a-z]{1,12}){0,2}(?: ?[:=(-]){0,2} ?[-+]?(?=\\d[\\d,.' ]{0,14}[.,]\\d\\d(?!\\d)))(${NUMBER})(?![\\w%]| ?%| ?percent)`,
  'gi',
);

const UNNAMED = new RegExp(
  `(?<![\\w.,#])(?=\\d[\\d,.' ]{0,14}[.,]\\d\\d(?!\\d))(${NUMBER})(?![\\w%]| ?%)`,
  'g',
);

/** Every amount in a folded text, in order. */
export function findAmounts(text: string): readonly WrittenAmount[] {
  const withCurrency = findAmountsWithCurrency(text);
  const named = matches(blank(text, withCurrency), NAMED);
  return inOrder([...withCurrency, ...named]);
}

/** Only those that are written with their currency. */
export function findAmountsWithCurrency(text: string): readonly WrittenAmount[] {
  const before = matches(text, BEFORE);
  return inOrder([...before, ...matches(blank(text, before), AFTER)]);
}

/** Numbers with two decimals that nothing calls an amount. */
export function findUnnamedAmounts(text: string): readonly WrittenAmount[] {
  return matches(text, UNNAMED);
}

function inOrder(amounts: WrittenAmount[]): readonly WrittenAmount[] {
  return amounts.sort((one, other) => one.start - other.start);
}

function matches(text: string, pattern: RegExp): WrittenAmount[] {
  return Array.from(text.matchAll(pattern), (match) => {
    const [whole, number = '', scale = '', minor] = match;
    const end = match.index + whole.length;
    // What names an amount without a currency is no part of it.
    const start = pattern === NAMED ? end - number.length : match.index;
    return { start, end, ...readNumber(number, factorOf(scale, minor !== undefined)) };
  });
}

function factorOf(scale: string, minor: boolean): number {
  if (minor) return 0.01;
  switch (scale.trim().charAt(0).toLowerCase()) {
    case 'k':
    case 't':
      return 1_000;
    case 'm':
      return 1_000_000;
    case 'b':
      return 1_000_000_000;
    default:
      return 1;
  }
}

/** An amount that stands alone, with its currency or without. */
export function readAmount(text: string): AmountReading {
  return findAmountsWithCurrency(text)[0] ?? readNumber(text);
}

/** What digits with separators mean. A single separator before three digits is read both ways. */
export function readNumber(written: string, factor = 1): AmountReading {
  const digits = written.replace(/[ ']/g, '');
  const last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
  const whole = () => Number(digits.replace(/[.,]/g, '')) * factor;
  if (last < 0) return { values: [whole()], step: factor };
  const decimals = digits.length - last - 1;
  const fraction = () =>
    Number(`${digits.slice(0, last).replace(/[.,]/g, '')}.${digits.slice(last + 1)}`) * factor;
  const separator = digits.charAt(last);
  const repeated = digits.indexOf(separator) !== last;
  if (repeated) return { values: [whole()], step: factor };
  const mixed = /[.,]/.test(digits.slice(0, last));
  const step = factor * 10 ** -decimals;
  if (mixed || decimals !== 3 || digits.startsWith('0')) return { values: [fraction()], step };
  return { values: [whole(), fraction()], step: factor };
}

export function toCents(value: number): number {
  return Math.round(value * 100);
}
