/** One word, number or mark of a text. `word` is folded: lower case, without accents, without marks within. */
export interface Token {
  readonly kind: 'word' | 'number' | 'mark' | 'line';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words with marks within, numbers with a letter or a fraction, breaks of lines, and every other mark by itself. */
const TOKEN =
  /(?<word>\d{1,4}(?:st|nd|rd|th)(?![\p{L}\d])|\p{L}[\p{L}\p{M}]*(?:['’.·-]\p{L}[\p{L}\p{M}]*){0,8}['’]?)|(?<number>\d{1,20}(?:[/-]\d{1,6})?\p{L}?(?![\p{L}\p{M}]))|(?<line>[\r\n]+)|(?<mark>\d+|[^\s\p{L}\d])/gu;

export function tokensOf(text: string): readonly Token[] {
  return [...text.matchAll(TOKEN)].map((match): Token => {
    const { word, number, line } = match.groups ?? {};
    const kind =
      word !== undefined ? 'word' : number !== undefined ? 'number' : line !== undefined ? 'line' : 'mark';
    return { kind, text: match[0], start: match.index, end: match.index + match[0].length };
  });
}

const WITHOUT_ACCENT: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

/** Lower case without accents, so that `Müller`, `MULLER` and `muller` are the same word. */
export function fold(word: string): string {
  const lower = word.toLowerCase();
  if (/^[a-z0-9]*$/.test(lower)) return lower;
  return lower
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ßæœøłđðþı]/g, (letter) => WITHOUT_ACCENT[letter] ?? letter);
}

/** A folded word without the marks within: `P.O` is `po`, `O’Brien` is `obrien`. */
export function plainWord(word: string): string {
  return fold(word).replace(/[^\p{L}\p{N}]+/gu, '');
}
