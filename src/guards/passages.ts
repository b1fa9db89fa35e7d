import { LIMITS } from '../core/limits.ts';
import { ideasOf } from './ideas.ts';
import { normalise } from './normal.ts';

/** A text as words in their order, with what each stands for, and where sentences begin. */
export interface Reading {
  readonly words: readonly string[];
  readonly ideas: Int32Array;
  /** Index of the first word of each sentence, and the number of words at the end. */
  readonly starts: readonly number[];
}

/** Words `from` to `to` (not included) of a reading: a piece that is judged by itself. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const WORD = /[\p{L}\p{M}\p{N}](?:['’]?[\p{L}\p{M}\p{N}]+)*/gu;
/** Records escape their line ends. */
const LINE_END = /[\r\n\u2028\u2029]+|(?:\\[nr])+/;
const SENTENCE_END = /[.!?;:…]+(?=\s|$)|[。！？]+|\s[-–—|]+\s|["“”„«»{}[\]()<>`]+/u;

export function read(text: string): Reading {
  const words: string[] = [];
  const starts: number[] = [];
  for (const line of text.split(LINE_END)) {
    if (line === '') continue;
    for (const sentence of normalise(line).split(SENTENCE_END)) {
      const found = sentence.match(WORD);
      if (found === null) continue;
      for (let from = 0; from < found.length; from += LIMITS.windowWords) starts.push(words.length + from);
      for (const word of found) words.push(word);
    }
  }
  starts.push(words.length);
  return { words, ideas: Int32Array.from(words, ideasOf), starts };
}

/**
 * Every sentence, every two and three sentences in a row that fit a window, and a short text as a whole. An order
 * hides behind harmless sentences, or comes in pieces.
 */
export function spansOf({ starts, words }: Reading): readonly Span[] {
  const spans: Span[] = [];
  for (let first = 0; first + 1 < starts.length; first++) {
    const from = starts[first] ?? 0;
    for (let last = first + 1; last <= first + 3 && last < starts.length; last++) {
      const to = starts[last] ?? 0;
      if (last === first + 1 || to - from <= LIMITS.windowWords) spans.push({ from, to });
    }
  }
  if (starts.length > 4 && words.length <= LIMITS.windowWords) spans.push({ from: 0, to: words.length });
  return spans;
}

/** One or two words in a record are names and values; without spaces between words, a run of letters is a sentence. */
export function mayBeOrder({ words }: Reading, { from, to }: Span): boolean {
  return (
    to - from >= 3 || words.slice(from, to).some((word) => word.length >= 4 && word.charCodeAt(0) > 0x2e7f)
  );
}
