import type { Benchmark } from './benchmark.ts';
import type { Book } from './growth/book.ts';
import { chainOf } from './growth/chain.ts';
import { findingsOf, type Series } from './growth/findings.ts';
import { holdfast } from './growth/holdfast.ts';
import { type Reading, readBook, readInMemory } from './growth/reading.ts';
import { transcript } from './growth/transcript.ts';
import { alternate } from './rounds.ts';

// Two books of the same length of text: long pages, and many of them. 500 pages of 1,600 bytes are 200,000 tokens.
const LONG_PAGES = { name: '100 calls of 8 kB', calls: 100, pageBytes: 8_000 } as const;
const MANY_PAGES = { name: '500 calls, 200,000 tokens', calls: 500, pageBytes: 1_600 } as const;
const QUICK = { name: '20 calls of 8 kB', calls: 20, pageBytes: 8_000 } as const;

export const growth: Benchmark = {
  name: 'growth',
  question:
    'What does a long conversation cost, call by call, beside a loop that hands over its whole transcript?',
  measure: async ({ quick, seed, stack, progress }) => {
    const read = async (book: Book, how: { readonly rounds: number; readonly replays: number }) => {
      const inMemory: (readonly number[])[] = [];
      const readings = await alternate<Reading | null>(
        [
          ...[holdfast, transcript].map((reader) => ({
            name: reader.name,
            measure: () => readBook(stack, reader, book, { replays: how.replays, progress }),
          })),
          {
            name: 'no engine',
            measure: async () => {
              inMemory.push(await readInMemory(stack, book));
              return null;
            },
          },
        ],
        how.rounds,
        (round, name) => progress(`${book.name}, round ${round + 1} of ${how.rounds}: ${name}`),
      );
      const of = (name: string) => (readings.get(name) ?? []).filter((reading) => reading !== null);
      return {
        book,
        holdfast: of(holdfast.name),
        transcript: of(transcript.name),
        inMemory,
        chain: await chainOf(stack.temporalAddress, book.calls),
      } satisfies Series;
    };
    if (quick) return findingsOf([await read({ ...QUICK, seed }, { rounds: 1, replays: 2 })]);
    return findingsOf([
      await read({ ...LONG_PAGES, seed }, { rounds: 3, replays: 5 }),
      await read({ ...MANY_PAGES, seed }, { rounds: 2, replays: 10 }),
    ]);
  },
};
