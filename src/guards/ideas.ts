import { LIMITS } from '../core/limits.ts';
import { type Idea, UNSPACED, WORDS } from './injectionWords.ts';
import { normalise } from './normal.ts';

/** Ideas of a word as bits, in the order of `IDEAS`. */
export const IDEAS = Object.keys(WORDS) as readonly Idea[];

export function bit(...ideas: readonly Idea[]): number {
  return ideas.reduce((bits, idea) => bits | (1 << IDEAS.indexOf(idea)), 0);
}

/** Endings that a star covers are looked up by the shorter form, at least this long. */
const SHORTEST_STEM = 3;

const whole = new Map<string, number>();
const stems = new Map<string, number>();
let longestStem = 0;

for (const idea of IDEAS) {
  for (const word of WORDS[idea].split(/\s+/)) {
    const table = word.endsWith('*') ? stems : whole;
    const key = normalise(word.replace('*', ''));
    table.set(key, (table.get(key) ?? 0) | bit(idea));
    if (table === stems) longestStem = Math.max(longestStem, key.length);
  }
}

/** Words met lately: a record repeats its own. */
const known = new Map<string, number>();

/** Every idea that a word of a normalised text stands for. */
export function ideasOf(word: string): number {
  const before = known.get(word);
  if (before !== undefined) return before;
  if (known.size >= LIMITS.knownWords) known.clear();
  const bits = lookUp(word);
  known.set(word, bits);
  return bits;
}

function lookUp(word: string): number {
  let bits = whole.get(word) ?? 0;
  const end = Math.min(word.length, longestStem);
  for (let length = SHORTEST_STEM; length <= end; length++) bits |= stems.get(word.slice(0, length)) ?? 0;
  if (word.charCodeAt(0) > 0x2e7f) bits |= ideasUnspaced(word);
  return bits;
}

function ideasUnspaced(run: string): number {
  let bits = 0;
  for (const idea of IDEAS) if (UNSPACED[idea]?.test(run)) bits |= bit(idea);
  return bits;
}
