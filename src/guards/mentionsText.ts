/** A text as patterns can read it, and where each of its characters stood in the original. */
export interface Folded {
  readonly text: string;
  /** Index in the original of a character of `text`; of its length, the length of the original. */
  readonly originalIndex: (index: number) => number;
}

/** First digit of ten in scripts and styles that people write numbers in. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6] as const;

type Range = readonly [first: number, last: number];
/** Without the long dash, which stands between words. */
const DASHES: readonly Range[] = [
  [0x2010, 0x2013],
  [0x2043, 0x2043],
  [0x2212, 0x2212],
  [0xfe58, 0xfe58],
  [0xfe63, 0xfe63],
];
const BLANKS: readonly Range[] = [
  [0xa0, 0xa0],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
];
const SINGLE_QUOTES: readonly Range[] = [
  [0x2018, 0x2019],
  [0x201b, 0x201b],
  [0x2bc, 0x2bc],
];
const DOUBLE_QUOTES: readonly Range[] = [
  [0x201c, 0x201f],
  [0xab, 0xab],
  [0xbb, 0xbb],
];
const UNSEEN: readonly Range[] = [
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
];
const PLAIN_FORMS: ReadonlyMap<number, string> = new Map([
  ...ZEROS.flatMap((zero) =>
    Array.from({ length: 10 }, (_, digit) => [zero + digit, String(digit)] as const),
  ),
  // Full-width forms of ASCII.
  ...all([[0xff01, 0xff5e]]).map((code) => [code, String.fromCharCode(code - 0xfee0)] as const),
  ...all(DASHES).map((code) => [code, '-'] as const),
  ...all(BLANKS).map((code) => [code, ' '] as const),
  ...all(SINGLE_QUOTES).map((code) => [code, "'"] as const),
  ...all(DOUBLE_QUOTES).map((code) => [code, '"'] as const),
  ...all(UNSEEN).map((code) => [code, ''] as const),
]);

function all(ranges: readonly Range[]): readonly number[] {
  return ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

/** Digits of other scripts, dashes, blanks and quotes become their plain forms; characters nobody sees are dropped. */
export function fold(text: string): Folded {
  /** Where the folded text begins to run behind the original, and by how much from there on. */
  const lags: { readonly from: number; readonly by: number }[] = [];
  let lag = 0;
  const folded = text.replace(/[\u{80}-\u{10ffff}]/gu, (character, index: number) => {
    const plain = PLAIN_FORMS.get(character.codePointAt(0) ?? 0) ?? character;
    if (plain.length !== character.length) {
      const from = index - lag + plain.length;
      lag += character.length - plain.length;
      lags.push({ from, by: lag });
    }
    return plain;
  });
  const originalIndex = (index: number) => {
    let low = 0;
    let high = lags.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lags[middle]?.from ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return index + (lags[low - 1]?.by ?? 0);
  };
  return { text: folded, originalIndex };
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The text with the spans (ascending, apart from each other) overwritten, so that no later pattern reads them again. */
export function blank(text: string, spans: readonly Span[]): string {
  let kept = '';
  let from = 0;
  for (const { start, end } of spans) {
    kept += text.slice(from, start) + '\0'.repeat(end - start);
    from = end;
  }
  return from === 0 ? text : kept + text.slice(from);
}

/** Escapes of JSON inside a text become what they stand for, at any depth, also where the JSON was cut off. */
export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text
    .replace(/\\+u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/\\+[nrtbf]/g, ' ')
    .replace(/\\+(["/])/g, '$1');
}
