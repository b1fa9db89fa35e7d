/** One word, number or mark of a text. */
export interface Token {
  readonly kind: 'word' | 'number' | 'mark' | 'line';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

type Kind = 'letter' | 'accent' | 'digit' | 'break' | 'blank' | 'mark';

/** By UTF-16 unit, filled as units are met: asking a pattern for each letter would cost more than all the rest. */
const KINDS: (Kind | undefined)[] = new Array(0x10000);

function kindOf(text: string, at: number): Kind | 'end' {
  if (at >= text.length) return 'end';
  const unit = text.charCodeAt(at);
  const known = KINDS[unit];
  if (known !== undefined) return known;
  const kind = kindOfUnit(text[at] ?? '');
  KINDS[unit] = kind;
  return kind;
}

function kindOfUnit(unit: string): Kind {
  if (/[0-9]/.test(unit)) return 'digit';
  if (/\p{L}/u.test(unit)) return 'letter';
  if (/\p{M}/u.test(unit)) return 'accent';
  if (/[\r\n]/.test(unit)) return 'break';
  return /\s/.test(unit) ? 'blank' : 'mark';
}

/**
 * Words with marks within (`Saint-Priest`, `d'Ouchy`, `P.O`), numbers with a fraction or a letter (`12/3`, `12A`),
 * breaks of lines, and every other mark by itself. Letters and digits mixed otherwise are one mark: an identifier.
 */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const kind = kindOf(text, at);
    if (kind === 'blank' || kind === 'accent') {
      at++;
      continue;
    }
    const token = tokenAt(text, at, kind);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function tokenAt(text: string, start: number, kind: Kind | 'end'): Token {
  if (kind === 'break') {
    const end = runEnd(text, start, (one) => one === 'break');
    return { kind: 'line', text: text.slice(start, end), start, end };
  }
  if (kind !== 'letter' && kind !== 'digit')
    return { kind: 'mark', text: text[start] ?? '', start, end: start + 1 };
  const run = runEnd(text, start, isOfWord);
  const plain = kind === 'letter' ? 'word' : kindOfDigits(text.slice(start, run));
  const letters = kind === 'letter' ? runEnd(text, start, isOfName) : run;
  // `address1` and `Suite5` are a word and a number, `UL9JzC7` is neither.
  if (letters >= start + 3 && /^\d{1,4}$/.test(text.slice(letters, run)))
    return { kind: 'word', text: text.slice(start, letters), start, end: letters };
  const hasDigits = letters < run;
  if (plain === 'mark' || hasDigits) return { kind: 'mark', text: text.slice(start, run), start, end: run };
  const end =
    plain === 'word' && kind === 'letter'
      ? wordEnd(text, run)
      : plain === 'number'
        ? numberEnd(text, run)
        : run;
  return { kind: plain, text: text.slice(start, end), start, end };
}

function isOfWord(kind: Kind | 'end'): boolean {
  return kind === 'letter' || kind === 'digit' || kind === 'accent';
}

function isOfName(kind: Kind | 'end'): boolean {
  return kind === 'letter' || kind === 'accent';
}

function runEnd(text: string, from: number, holds: (kind: Kind | 'end') => boolean): number {
  let at = from;
  while (holds(kindOf(text, at))) at++;
  return at;
}

/** `12`, `12A`, `5th`, or neither. */
function kindOfDigits(run: string): 'number' | 'word' | 'mark' {
  if (/^\d{1,20}\p{L}?$/u.test(run)) return 'number';
  return /^\d{1,4}(?:st|nd|rd|th)$/i.test(run) ? 'word' : 'mark';
}

/** Over further parts of a word, each behind one mark. */
function wordEnd(text: string, from: number): number {
  let end = from;
  for (let part = 0; part < 8 && /^['’.·-]$/.test(text[end] ?? ''); part++) {
    const next = runEnd(text, end + 1, isOfName);
    if (kindOf(text, end + 1) !== 'letter' || kindOf(text, next) === 'digit') break;
    end = next;
  }
  return end;
}

/** Over `/3` and `-14`. */
function numberEnd(text: string, from: number): number {
  if (!/^[/-]$/.test(text[from] ?? '') || kindOf(text, from - 1) !== 'digit') return from;
  const end = runEnd(text, from + 1, (kind) => kind === 'digit');
  return end > from + 1 && end <= from + 7 && !isOfWord(kindOf(text, end)) ? end : from;
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
  if (!/[^ -~]/.test(lower)) return lower;
  return lower
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[ßæœøłđðþı]/g, (letter) => WITHOUT_ACCENT[letter] ?? letter);
}

/** A folded word without the marks within: `P.O` is `po`, `O’Brien` is `obrien`. */
export function plainWord(word: string): string {
  const folded = fold(word);
  return /[^a-z0-9]/.test(folded) ? folded.replace(/[^\p{L}\p{N}]+/gu, '') : folded;
}
