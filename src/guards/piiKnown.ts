import { LIMITS } from '../core/limits.ts';
import { digitsOf, matchesOf } from './piiNumbers.ts';
import { fold } from './piiTokens.ts';
import type { Span, SpanType } from './spans.ts';

/** What the requester's record says about a person. What stands here is found wherever it appears. */
export interface Known {
  readonly names?: readonly string[];
  readonly mails?: readonly string[];
  readonly phones?: readonly string[];
  readonly addresses?: readonly string[];
}

/** Parts of names that are words of other meaning too: they count only beside the rest of the name. */
const COMMON = new Set(
  (
    'van von der den des del dos das della bin ibn abu and the mrs miss mister sir dame madam lord lady doctor prof phd ' +
    'will mark may june april august rose grace hope faith joy bill rob pat sue art chase grant drew dawn ' +
    'summer autumn winter king queen prince price page rich young long short small little black white brown green gray grey ' +
    'gold silver stone wood woods field hill lake river rivers park forest bush berry cherry olive iris ivy lily daisy ' +
    'violet ruby amber pearl crystal star sky rain snow storm day west east north south english french german norman ' +
    'baker cook carpenter mason smith miller taylor fisher hunter gardener potter porter carter bishop pope abbot dean judge ' +
    'major general marshall case love best good hall house home church street lane bridge ford cross banks bond cash ' +
    'penny dollar bell ball cole may max min sunny angel christian jean guy chance charity prudence patience ' +
    'last first new old sales order support customer client user agent admin test name none null unknown guest'
  ).split(' '),
);

/** Words that are a name far more often than the trade, the colour or the month that they also mean. */
const STILL_NAMES = new Set('smith taylor mason carter marshall norman cole hunter potter'.split(' '));

interface Word {
  readonly folded: string;
  readonly start: number;
  readonly end: number;
}

interface Sequence {
  readonly words: readonly string[];
  readonly type: SpanType;
}

/** Everything of the record that the text holds, whole or in part. */
export function findKnown(text: string, known: Known): readonly Span[] {
  const names = entriesOf(known.names).map((name) => wordsOf(name).map(({ folded }) => folded));
  const addresses = entriesOf(known.addresses).map((address) => wordsOf(address).map(({ folded }) => folded));
  const wanted = names.length + addresses.length > 0;
  const words = wanted ? wordsOf(text) : [];
  return [
    ...findSequences(text, words, [
      ...names.map((name): Sequence => ({ type: 'name', words: name })),
      ...addresses.filter(isTelling).map((address): Sequence => ({ type: 'address', words: address })),
    ]),
    ...findParts(text, words, names),
    ...findWritten(text, entriesOf(known.names).filter(hasNoBlanks), 'name'),
    ...findWritten(text, entriesOf(known.mails), 'mail'),
    ...findNumbers(text, entriesOf(known.phones)),
  ];
}

function entriesOf(entries: readonly string[] | undefined): readonly string[] {
  return (entries ?? []).slice(0, LIMITS.knownEntries).map((entry) => entry.slice(0, LIMITS.knownEntryChars));
}

/** A postcode or a short word alone would be found in places that have nothing to do with the person. */
function isTelling(address: readonly string[]): boolean {
  return address.length >= 2 || (address[0]?.length ?? 0) >= 5;
}

function wordsOf(text: string): readonly Word[] {
  return matchesOf(text, /[\p{L}\p{M}]+|\d+/gu).map(({ start, found }) => ({
    folded: fold(found),
    start,
    end: start + found.length,
  }));
}

/** All words of an entry, in order, whatever marks and breaks stand between them. */
function findSequences(
  text: string,
  words: readonly Word[],
  sequences: readonly Sequence[],
): readonly Span[] {
  const byFirst = new Map<string, Sequence[]>();
  for (const sequence of sequences) {
    const first = sequence.words[0];
    // One word alone is a matter of parts, where common words are known.
    if (first === undefined || (sequence.type === 'name' && sequence.words.length < 2)) continue;
    const sharing = byFirst.get(first);
    if (sharing === undefined) byFirst.set(first, [sequence]);
    else if (sharing.length < LIMITS.knownEntries) sharing.push(sequence);
  }
  return words.flatMap((word, at) =>
    (byFirst.get(word.folded) ?? []).flatMap((sequence): Span[] => {
      if (!sequence.words.every((one, i) => words[at + i]?.folded === one)) return [];
      const isSentence =
        sequence.type === 'name' && !sequence.words.some(isTellingPart) && !isCapital(text, word);
      if (isSentence) return [];
      const end = words[at + sequence.words.length - 1]?.end ?? word.end;
      return [{ type: sequence.type, start: word.start, end }];
    }),
  );
}

/** Telling parts of a name, with the common words and initials of the same name that stand right beside them. */
function findParts(
  text: string,
  words: readonly Word[],
  names: readonly (readonly string[])[],
): readonly Span[] {
  const telling = new Map<string, ReadonlySet<string>>();
  for (const name of names)
    for (const part of name)
      if (isTellingPart(part)) telling.set(part, new Set([...name, ...(telling.get(part) ?? [])]));
  const alone = new Set(
    names.flatMap(([one, more]) => (one !== undefined && more === undefined ? [one] : [])),
  );
  return words.flatMap((word, at): Span[] => {
    const name = telling.get(word.folded);
    if (name === undefined) {
      const isName = alone.has(word.folded) && isCapital(text, word) && !opensSentence(text, word);
      return isName ? [{ type: 'name', start: word.start, end: word.end }] : [];
    }
    const before = words[at - 1];
    const after = words[at + 1];
    const start =
      before && name.has(before.folded) && areBeside(text, before, word) ? before.start : word.start;
    const end = after && name.has(after.folded) && areBeside(text, word, after) ? after.end : word.end;
    return [{ type: 'name', start, end }];
  });
}

function isTellingPart(part: string): boolean {
  if (/\d/.test(part)) return false;
  // Scripts without case write whole names in two signs.
  if (!/[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u.test(part)) return part.length >= 2;
  return part.length >= LIMITS.knownWordChars && (!COMMON.has(part) || STILL_NAMES.has(part));
}

function isCapital(text: string, word: Word): boolean {
  const first = text[word.start] ?? '';
  return first !== first.toLowerCase();
}

function opensSentence(text: string, word: Word): boolean {
  const before = text.slice(Math.max(0, word.start - 8), word.start);
  return /(?:^|[.!?\n:"“])\s{0,4}$/.test(before) && !/\b(?:mr|mrs|ms|dr|prof|sr|\p{L})\.\s$/iu.test(before);
}

function areBeside(text: string, one: Word, other: Word): boolean {
  const between = text.slice(one.end, other.start);
  return between.length <= 3 && /^[\s.,'’_-]*$/.test(between);
}

/** Of a script that sets no blanks between words: a name may stand anywhere in a sentence. */
function hasNoBlanks(name: string): boolean {
  return /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]{2,}$/u.test(
    name,
  );
}

/** Each entry as it is written, in capitals or not, also within a word. */
function findWritten(text: string, entries: readonly string[], type: SpanType): readonly Span[] {
  if (entries.length === 0) return [];
  const lower = lowerSameLength(text);
  return entries.flatMap((entry) => {
    const wanted = lowerSameLength(entry.trim());
    const found: Span[] = [];
    if (wanted.length < 2) return found;
    for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length))
      found.push({ type, start: at, end: at + wanted.length });
    return found;
  });
}

/** A few capitals become two characters in lower case, and would move all that follows. */
function lowerSameLength(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  return text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
}

/** The digits of a known number, however they are grouped, with its country code or without. */
function findNumbers(text: string, phones: readonly string[]): readonly Span[] {
  const wanted = phones.map(digitsOf).filter((digits) => digits.length >= 6);
  if (wanted.length === 0) return [];
  return matchesOf(text, /\+?\(?\d(?:[ .()/-]{0,3}\d){5,19}/g).flatMap(({ start, found }): Span[] => {
    const digits = digitsOf(found);
    const same = wanted.some((phone) => sharesEnd(phone, digits));
    return same ? [{ type: 'phone', start, end: start + found.length }] : [];
  });
}

/** One ends as the other does, but for a country code and a leading zero. */
function sharesEnd(one: string, other: string): boolean {
  const [long, short] = one.length >= other.length ? [one, other] : [other, one];
  const tail = short.replace(/^0+/, '');
  return tail.length >= 6 && long.length - tail.length <= 5 && long.endsWith(tail);
}
