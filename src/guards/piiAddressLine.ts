import { BOXES, CAPITAL_NAMES, PARTICLES, PLAIN_WORDS, tellsStreet, UNITS } from './piiAddressWords.ts';
import { plainWord, type Token, tokensOf } from './piiTokens.ts';
import type { Span } from './spans.ts';

/** A text as tokens, asked by position. Beyond its ends there is nothing: empty texts, no words. */
export interface Line {
  readonly length: number;
  start(at: number): number;
  end(at: number): number;
  /** Empty for what is not there, and for what is known to be something else. */
  text(at: number): string;
  /** Folded, without marks; empty for what is not a word. */
  word(at: number): string;
  isBreak(at: number): boolean;
  isNumber(at: number): boolean;
  /** A number that a house may have. */
  isHouse(at: number): boolean;
  /** A word with a capital, or of a script that has none. */
  isCapital(at: number): boolean;
  /** A word that may be (part of) a name: as above, and any telling word in a line without capitals. */
  isName(at: number): boolean;
  /** A word, of whatever case, that is none of those that every sentence has. */
  isTelling(at: number): boolean;
  /** In a line without any capital. */
  isCaseless(at: number): boolean;
  /** A number or a word for streets stands at `at` or within `count` tokens behind it. */
  hasAnchor(at: number, count: number): boolean;
  isParticle(at: number): boolean;
  isAbbreviation(at: number): boolean;
  /** `Apt`, `Suite`, … with a number behind it. */
  isUnit(at: number): boolean;
  count(from: number, to: number, kind: Token['kind']): number;
  digits(from: number, to: number): number;
  some(from: number, to: number, holds: (at: number) => boolean): boolean;
  /** At most `chars` characters before, folded to one line in lower case, marks and breaks as one blank. */
  before(at: number, chars: number): string;
}

/** `d'Ouchy`: the capital stands behind an article. */
const ELIDED = /^\p{Ll}{1,4}['’]\p{Lu}/u;

function isCapitalToken({ kind, text }: Token): boolean {
  if (kind !== 'word') return false;
  const unit = text.charCodeAt(0);
  if (unit < 0x80 && !(unit >= 0x61 && unit <= 0x7a)) return true;
  const first = text[0] ?? '';
  const isLower = first === first.toLowerCase() && first !== first.toUpperCase();
  return !isLower || (/^.{1,4}['’]/.test(text) && ELIDED.test(text));
}

export function lineOf(text: string, taken: readonly Span[]): Line {
  const tokens = withoutTaken(tokensOf(text), taken);
  const words = tokens.map(({ kind, text: written }) => (kind === 'word' ? plainWord(written) : ''));
  const caseless = caselessLines(tokens);
  const anchors = anchorsOf(tokens, words);
  const kindAt = (at: number) => tokens[at]?.kind;
  const textAt = (at: number) => tokens[at]?.text ?? '';
  const wordAt = (at: number) => words[at] ?? '';

  const capitals = tokens.map(isCapitalToken);
  const houses = tokens.map(({ kind, text: written }) => kind === 'number' && /^\d{1,6}(?!\d)/.test(written));
  const isCapital = (at: number) => capitals[at] === true;
  const isHouse = (at: number) => houses[at] === true;
  // `OR 97201`: regions are written as words that mean something else in lower case.
  const isCapitalName = (at: number) =>
    /^(?:\p{Lu}|\p{Lu}{2,3})$/u.test(textAt(at)) ||
    (CAPITAL_NAMES.has(wordAt(at)) && (wordAt(at) !== 'the' || kindAt(at - 1) === 'number'));
  const isName = (at: number) => {
    if (isCapital(at)) return !PLAIN_WORDS.has(wordAt(at)) || isCapitalName(at);
    if (caseless[at] !== true || kindAt(at) !== 'word') return false;
    return !PLAIN_WORDS.has(wordAt(at)) || (CAPITAL_NAMES.has(wordAt(at)) && tellsStreet(wordAt(at + 1)));
  };
  const isUnit = (at: number) => {
    if (!UNITS.has(wordAt(at)) && !BOXES.has(wordAt(at))) return false;
    const next = /^[.#:]$/.test(textAt(at + 1)) ? at + 2 : at + 1;
    return kindAt(next) === 'number' || /^[A-Z]$/.test(textAt(next));
  };
  const some = (from: number, to: number, holds: (at: number) => boolean) => {
    for (let at = from; at < to; at++) if (holds(at)) return true;
    return false;
  };

  return {
    length: tokens.length,
    start: (at) => tokens[at]?.start ?? text.length,
    end: (at) => tokens[at]?.end ?? text.length,
    text: textAt,
    word: wordAt,
    isBreak: (at) => kindAt(at) === 'line',
    isNumber: (at) => kindAt(at) === 'number',
    isHouse,
    isCapital,
    isName,
    isTelling: (at) => kindAt(at) === 'word' && wordAt(at).length > 2 && !PLAIN_WORDS.has(wordAt(at)),
    isCaseless: (at) => caseless[at] === true,
    hasAnchor: (at, count) => (anchors[at] ?? Number.POSITIVE_INFINITY) <= at + count,
    isParticle: (at) => PARTICLES.has(wordAt(at)),
    isAbbreviation: (at) => kindAt(at) === 'word' && textAt(at).length <= 5 && wordAt(at) !== '',
    isUnit,
    count: (from, to, kind) => tokens.slice(from, to).filter((token) => token.kind === kind).length,
    digits: (from, to) =>
      tokens.slice(from, to).reduce((sum, token) => sum + token.text.replace(/\D/g, '').length, 0),
    some,
    before: (at, chars) => {
      const end = tokens[at]?.start ?? text.length;
      return text
        .slice(Math.max(0, end - chars), end)
        .toLowerCase()
        .replace(/['’]/g, '')
        .replace(/[^\p{L}\p{N}]+/gu, ' ');
    },
  };
}

/** For each token, where the next one stands that an address can be told by. */
function anchorsOf(tokens: readonly Token[], words: readonly string[]): readonly number[] {
  const anchors: number[] = new Array(tokens.length);
  let next = Number.POSITIVE_INFINITY;
  for (let at = tokens.length - 1; at >= 0; at--) {
    const word = words[at] ?? '';
    if (tokens[at]?.kind === 'number' || (word !== '' && tellsStreet(word))) next = at;
    anchors[at] = next;
  }
  return anchors;
}

/** What is known to be a number of another kind ends every address; it becomes an empty mark. */
function withoutTaken(tokens: readonly Token[], taken: readonly Span[]): readonly Token[] {
  if (taken.length === 0) return tokens;
  let next = 0;
  return tokens.map((token): Token => {
    while (next < taken.length && (taken[next]?.end ?? 0) <= token.start) next++;
    const span = taken[next];
    return span !== undefined && span.start < token.end ? { ...token, kind: 'mark', text: '' } : token;
  });
}

/** For each token, whether its line is written without any capital. */
function caselessLines(tokens: readonly Token[]): readonly boolean[] {
  const caseless: boolean[] = [];
  let from = 0;
  let capitals = false;
  const close = (to: number) => {
    for (let i = from; i < to; i++) caseless[i] = !capitals;
    from = to;
    capitals = false;
  };
  tokens.forEach((token, at) => {
    if (token.kind === 'line') close(at);
    else if (token.kind === 'word' && token.text !== token.text.toLowerCase()) capitals = true;
  });
  close(tokens.length);
  return caseless;
}
