/** A text as patterns can read it, and where each of its characters stood in the original. */
export interface Folded {
  readonly text: string;
  /** Index in the original of a character of `text`; of its length, the length of the original. */
  readonly originalIndex: (index: number) => number;
}

/** First digit of ten in scripts and styles that people write numbers in. */
const ZEROS = [
  0x660, 0x6f0, 0x966, 0x9e6, 0xe50, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
] as const;
/** Not the long dash: it stands between words. */
const DASHES = /[\u2010-\u2013\u2043\u2212\ufe58\ufe63\uff0d]/;
const BLANKS = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/;
const SINGLE_QUOTES = /[\u2018\u2019\u201b\u02bc]/;
const DOUBLE_QUOTES = /[\u201c-\u201f\u00ab\u00bb]/;
const UNSEEN = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]/;

/** Digits of other scripts, dashes, blanks and quotes become their plain forms; characters nobody sees are dropped. */
export function fold(text: string): Folded {
  if (isPlain(text)) return { text, originalIndex: (index) => index };
  let folded = '';
  const origins: number[] = [];
  let origin = 0;
  for (const character of text) {
    const plain = plainForm(character);
    for (let i = 0; i < plain.length; i++) origins.push(origin + (plain === character ? i : 0));
    folded += plain;
    origin += character.length;
  }
  return { text: folded, originalIndex: (index) => origins[index] ?? text.length };
}

function isPlain(text: string): boolean {
  return !/[\u0080-\uffff]/.test(text);
}

function plainForm(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return character;
  const zero = ZEROS.find((first) => code >= first && code < first + 10);
  if (zero !== undefined) return String(code - zero);
  if (DASHES.test(character)) return '-';
  if (BLANKS.test(character)) return ' ';
  if (SINGLE_QUOTES.test(character)) return "'";
  if (DOUBLE_QUOTES.test(character)) return '"';
  if (UNSEEN.test(character)) return '';
  // Full-width forms of ASCII.
  if (code > 0xff00 && code < 0xff5f) return String.fromCharCode(code - 0xfee0);
  return character;
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
