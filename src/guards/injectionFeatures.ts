import { LIMITS } from '../core/limits.ts';
import { bit, IDEAS } from './ideas.ts';
import { type InjectionSignal, signalsOf } from './injectionSignals.ts';
import type { Reading, Span } from './passages.ts';

/**
 * What the learned score looks at: the words themselves (little, so that it does not learn texts by heart), which
 * ideas occur and follow each other (this carries over between languages), and the signals. All of it is hashed into
 * a fixed number of buckets, so that no word of any text is kept.
 */
export const BUCKETS = 1 << 14;

/** One span's buckets, each once: first those of words, then of ideas, then of signals and shapes. */
export interface Features {
  /** Valid until the next span is looked at; `count` says how many are used. */
  readonly buckets: Int32Array;
  readonly words: number;
  readonly ideas: number;
  readonly count: number;
  readonly signals: readonly InjectionSignal[];
}

/** Ideas at most this many words apart count as following each other. */
const REACH = 5;

const ALONE = IDEAS.map((idea) => bucket(idea, 3));
const FIRST = IDEAS.map((idea) => bucket(idea, 4));
const PAIRS = IDEAS.map((idea) => IDEAS.map((next) => bucket(`${idea} ${next}`, 5)));

/** Work space, since a span is done in one go: room for the words of a window and for all ideas, pairs and signals. */
const space = new Int32Array(LIMITS.windowWords + (IDEAS.length + 2) * IDEAS.length + 100);
const seen = new Int32Array(BUCKETS);
const MOST_ROUNDS = 2 ** 30;
let round = 0;
let used = 0;

function begin(): void {
  used = 0;
  round++;
  if (round < MOST_ROUNDS) return;
  seen.fill(0);
  round = 1;
}

function add(key: number): void {
  if (seen[key] === round) return;
  seen[key] = round;
  space[used++] = key;
}

/** Prepares one reading, so that its spans, which overlap, share the work. */
export function featureMaker(reading: Reading, marks: readonly InjectionSignal[]): (span: Span) => Features {
  const { ideas } = reading;
  const wordBuckets = Int32Array.from(reading.words, (word) => bucket(word, 1));
  return (span) => {
    begin();
    for (let at = span.from; at < span.to; at++) add(wordBuckets[at] ?? 0);
    const words = used;
    addIdeas(ideas, span);
    const ideaEnd = used;
    const signals = signalsOf(reading, span);
    for (const name of marks) add(bucket(name, 2));
    for (const name of signals) add(bucket(name, 2));
    for (const name of shapesOf(reading, span)) add(bucket(name, 2));
    return { buckets: space, words, ideas: ideaEnd, count: used, signals };
  };
}

function addIdeas(ideas: Int32Array, { from, to }: Span): void {
  let all = 0;
  for (let at = from; at < to; at++) {
    const here = ideas[at] ?? 0;
    if (here === 0) continue;
    all |= here;
    const end = Math.min(to, at + REACH + 1);
    for (let next = at + 1; next < end; next++) {
      const there = ideas[next] ?? 0;
      if (there !== 0) addPairs(here, there);
    }
  }
  for (let rest = all; rest !== 0; rest &= rest - 1) add(ALONE[lowest(rest)] ?? 0);
  for (let rest = ideas[from] ?? 0; rest !== 0; rest &= rest - 1) add(FIRST[lowest(rest)] ?? 0);
}

function addPairs(here: number, there: number): void {
  for (let rest = here; rest !== 0; rest &= rest - 1) {
    const row = PAIRS[lowest(rest)];
    for (let other = there; other !== 0; other &= other - 1) add(row?.[lowest(other)] ?? 0);
  }
}

function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function bucket(text: string, kind: number): number {
  let state = 0x811c9dc5 ^ kind;
  for (let at = 0; at < text.length; at++) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
  return (state ^ (state >>> 13)) & (BUCKETS - 1);
}

const POLITE = new Set(
  'please kindly can could would will you now then also bitte por favor пожалуйста 请'.split(' '),
);
const ASK = bit('ask');
const ORDER = bit('make', 'show', 'role', 'send', 'drop');
const PERSONAL = bit('mine', 'own');
const YOU = bit('you');
const REPLY = bit('reply');
const DROP = bit('drop');

/** How a sentence is built: a question, an order, and whether it is about the one who speaks or about the answer. */
function shapesOf({ words, ideas }: Reading, { from, to }: Span): readonly string[] {
  let start = from;
  while (start < from + 3 && start < to - 1 && POLITE.has(words[start] ?? '')) start++;
  const first = ideas[start] ?? 0;
  let all = 0;
  let aboutReply = false;
  for (let at = from; at < to; at++) {
    const here = ideas[at] ?? 0;
    all |= here;
    if (here & YOU && at + 1 < to && (ideas[at + 1] ?? 0) & REPLY) aboutReply = true;
  }
  const shapes: string[] = [];
  if (first & ASK && to - from >= 4)
    shapes.push(all & PERSONAL ? 'asks of itself' : all & YOU ? 'asks the reader' : 'asks');
  if (first & ASK && all & DROP) shapes.push('asks about dropping');
  if (first & ORDER) shapes.push(all & PERSONAL ? 'orders for itself' : 'orders');
  if (aboutReply) shapes.push('about the reply');
  return shapes;
}
