import { expect, test, vi } from 'vitest';
import { lateWord } from '../../chaos/golden/beside.ts';

const WITHIN_MS = 1_000;

/** Work that takes this long, and where it stood at its bound. */
async function wordOf(tookMs: number, failure?: Error) {
  vi.useFakeTimers();
  try {
    const work = new Promise<void>((resolve, reject) =>
      setTimeout(() => (failure === undefined ? resolve() : reject(failure)), tookMs),
    );
    const word = lateWord(work, WITHIN_MS, async () => 'run-1 waits for callModel');
    // It is awaited below, once the clock has been moved: until then nobody listens.
    word.catch(() => undefined);
    await vi.advanceTimersByTimeAsync(tookMs);
    return await word;
  } finally {
    vi.useRealTimers();
  }
}

test('who is in time is not spoken of', async () => {
  expect(await wordOf(WITHIN_MS - 1)).toBeNull();
});

test('who takes longer is told of, with where it stood', async () => {
  expect(await wordOf(WITHIN_MS + 1)).toMatch(
    /longer than 1000 ms; it stood there:\nrun-1 waits for callModel/,
  );
});

test('who never ends is told of as well', async () => {
  await expect(wordOf(WITHIN_MS + 1, new Error('not ended'))).rejects.toThrow(
    /^not ended\nbeside it, .*\nrun-1 waits/,
  );
});
