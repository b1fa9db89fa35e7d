import { collectMoney, type SeenMoney } from './groundingMoney.ts';
import type { Source } from './groundingSources.ts';
import { remembering } from './memo.ts';
import { findAddresses } from './mentions.ts';
import { compact } from './mentionsIdentifiers.ts';
import { fold, unescaped } from './mentionsText.ts';

/** Everything a run has been given, for looking up what an answer states. */
export interface Seen {
  /** Without what nobody sees, to look for a word of letters. */
  readonly texts: readonly string[];
  /** Words with digits in them, without separators, in lower case. */
  readonly words: ReadonlySet<string>;
  /** Runs of digits that stood alone. */
  readonly numbers: ReadonlySet<string>;
  /** Runs of digits alone or inside of identifiers. */
  readonly digits: ReadonlySet<string>;
  /** The last four of everything that ends in four digits or more. */
  readonly endings: ReadonlySet<string>;
  /** Digits of phone numbers, and what is left of them without the first few: with and without a country code. */
  readonly phones: ReadonlySet<string>;
  readonly phoneTails: ReadonlySet<string>;
  readonly mails: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
  readonly pages: ReadonlySet<string>;
  readonly money: SeenMoney;
}

/** Fewer digits than this do not tell one phone from another. */
export const PHONE_TAIL_DIGITS = 7;
const ENDING_DIGITS = 4;
/** Of a compound word, from its end. */
const PARTS = 8;
/** With a digit in it. */
const WORD =
  /(?<![A-Za-z0-9]|[A-Za-z0-9][_-]{1,2})(?=[A-Za-z_-]{0,64}\d)[A-Za-z0-9]+(?:[_-]{1,2}[A-Za-z0-9]+)*/g;
const DIGITS_IN_GROUPS = /(?<!\w)[+(]{0,2}\d{1,5}(?:(?:\) ?|[ ./-])\(?\d{1,12}){1,7}(?!\w)/g;
const LETTERS_IN_GROUPS = /(?<!\w)[A-Z]{2}\d{2}(?: [A-Z0-9]{1,4}){2,9}(?!\w)/g;

const foldedText = remembering((text) => fold(unescaped(text)).text);

/** What stands in one text, as it was written. */
const namesIn = remembering((text) => ({
  words: Array.from(text.matchAll(WORD), ([word]) => word),
  digits: Array.from(text.matchAll(DIGITS_IN_GROUPS), ([group]) => group.replace(/\D/g, '')),
  letters: Array.from(text.matchAll(LETTERS_IN_GROUPS), ([group]) => compact(group)),
  addresses: findAddresses(text),
}));

/** Reads all sources once. */
export function seen(sources: readonly Source[]): Seen {
  const words = new Set<string>();
  const numbers = new Set<string>();
  const digits = new Set<string>();
  const endings = new Set<string>();
  const phones = new Set<string>();
  const phoneTails = new Set<string>();
  const mails = new Set<string>();
  const hosts = new Set<string>();
  const pages = new Set<string>();

  const addDigits = (run: string) => {
    digits.add(run);
    if (run.length >= ENDING_DIGITS) endings.add(run.slice(-ENDING_DIGITS));
  };
  const addNumber = (run: string) => {
    numbers.add(run);
    addDigits(run);
    if (run.length < PHONE_TAIL_DIGITS || run.length > 17) return;
    phones.add(run);
    // The zero before an area code gives way to a country code.
    phones.add(run.replace(/^0+/, ''));
    for (let from = 0; run.length - from >= PHONE_TAIL_DIGITS; from++) phoneTails.add(run.slice(from));
  };
  const addWord = (word: string) => {
    const parts = word.split(/[_-]/);
    words.add(compact(word));
    // `gift_card_123` is also known as `card_123`.
    for (let from = Math.max(1, parts.length - PARTS); from < parts.length - 1; from++)
      words.add(parts.slice(from).join('').toLowerCase());
    for (const part of parts) {
      words.add(part.toLowerCase());
      if (/^\d+$/.test(part)) {
        if (parts.length === 1) addNumber(part);
        else addDigits(part);
      } else for (const [run] of part.matchAll(/\d{3,}/g)) addDigits(run);
    }
  };

  const folded = sources.map(({ by, text }) => ({ by, text: foldedText(text) }));
  const given = folded.filter(({ by }) => by !== 'assistant').map(({ text }) => text);
  for (const text of given) {
    const found = namesIn(text);
    for (const word of found.words) addWord(word);
    for (const group of found.digits) addNumber(group);
    for (const group of found.letters) words.add(group);
    for (const { kind, value } of found.addresses) {
      if (kind === 'mail') mails.add(value);
      else {
        pages.add(value);
        hosts.add(value.split('/', 1)[0] ?? value);
      }
    }
  }
  const money = collectMoney(folded);
  return { texts: given, words, numbers, digits, endings, phones, phoneTails, mails, hosts, pages, money };
}
