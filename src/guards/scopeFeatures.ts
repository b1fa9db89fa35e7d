import { LIMITS } from '../core/limits.ts';
import { normalise } from './normal.ts';

/** Buckets and how often each was met in one text. */
export type Counts = ReadonlyMap<number, number>;

/** A text of unit length: buckets in no order, each once, and their values. */
export interface Vector {
  readonly buckets: Int32Array;
  readonly values: Float32Array;
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const PIECE = 4;
/** Scripts that write no spaces are cut into pieces of two. */
const UNSPACED = /[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]/;

/** Words, two words in a row, and pieces of words, hashed into `size` buckets (a power of two). */
export function countFeatures(text: string, size: number): Counts {
  const counts = new Map<number, number>();
  const add = (key: number) => counts.set(key & (size - 1), (counts.get(key & (size - 1)) ?? 0) + 1);
  const words = normalise(text.slice(0, LIMITS.routerChars)).match(WORD) ?? [];
  let before = '';
  for (const word of words) {
    add(hash(word, 0, word.length, 1));
    if (before !== '') add(hash(`${before} ${word}`, 0, before.length + 1 + word.length, 2));
    const padded = ` ${word} `;
    const piece = UNSPACED.test(word) ? 2 : PIECE;
    for (let at = 0; at + piece <= padded.length; at++) add(hash(padded, at, at + piece, 3));
    before = word;
  }
  return counts;
}

function hash(text: string, from: number, to: number, kind: number): number {
  let state = 0x811c9dc5 ^ kind;
  for (let at = from; at < to; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
  return (state ^ (state >>> 13)) >>> 0;
}

/** Rare features weigh more. A bucket that no example has is rarer than any, so unknown words shorten the known ones. */
export function rarity(all: readonly Counts[], size: number): Float32Array {
  const texts = new Float32Array(size);
  for (const counts of all) for (const bucket of counts.keys()) texts[bucket] = (texts[bucket] ?? 0) + 1;
  return texts.map((count) => Math.log(1 + all.length / Math.max(count, 0.5)));
}

export function vectorOf(counts: Counts, rare: Float32Array): Vector {
  const buckets = Int32Array.from(counts.keys());
  const values = Float32Array.from(counts, ([bucket, count]) => (1 + Math.log(count)) * (rare[bucket] ?? 0));
  let square = 0;
  for (const value of values) square += value * value;
  const length = Math.sqrt(square) || 1;
  return { buckets, values: values.map((value) => value / length) };
}
