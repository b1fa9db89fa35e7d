/** Where a run's words came from, as the judge keeps them. */
export interface Heard {
  /** Said by the user, or read from a source that strangers cannot write to. */
  readonly trusted: readonly string[];
  /** Read from where a stranger may have written. */
  readonly strangers: readonly string[];
}

/** True when a value stands in what strangers wrote and nowhere else. What stands nowhere was made up: not theirs. */
export function cameOnlyFromStrangers(value: unknown, { trusted, strangers }: Heard): boolean {
  return isIn(value, strangers) && !isIn(value, trusted);
}

function isIn(value: unknown, texts: readonly string[]): boolean {
  if (typeof value === 'number') return texts.some((text) => numbersOf(text).includes(value));
  if (typeof value !== 'string') return false;
  const wanted = plain(value);
  return wanted !== '' && texts.some((text) => holdsWord(plain(text), wanted));
}

function numbersOf(text: string): readonly number[] {
  return [...text.matchAll(/\d+(?:[.,]\d+)*/g)].map(([found]) => Number(found.replaceAll(',', '')));
}

/** Not inside another word: "an" does not stand in "want". */
function holdsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text[at + word.length] ?? ' ';
    if (!/[\p{L}\p{N}]/u.test(before) && !/[\p{L}\p{N}]/u.test(after)) return true;
  }
  return false;
}

/** As people read it: letter case, width, spaces and what cannot be seen make no difference. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .toLowerCase();
}
