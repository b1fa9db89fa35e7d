import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../src/core/limits.ts';
import { afterAttempt } from '../../../src/notices/backoff.ts';

const HOUR_MS = 3_600_000;
const retry = { kind: 'retry', why: 'answered 503' } as const;

function waitOf(attempt: number, random: number, afterMs?: number): number {
  const end = afterAttempt(
    { ...retry, ...(afterMs !== undefined && { afterMs }) },
    { attempt, triedForMs: 0 },
    random,
  );
  if (end.kind !== 'waiting') throw new Error(`it was ${end.kind}`);
  return end.waitMs;
}

describe('a delivery that failed is tried again', () => {
  test('the wait is anywhere between its least and a bound that doubles up to an hour', () => {
    expect([1, 2, 3, 4].map((attempt) => waitOf(attempt, 0.999_999))).toEqual([
      5_000, 10_000, 20_000, 40_000,
    ]);
    expect(waitOf(30, 1)).toBe(HOUR_MS);
    expect(waitOf(100_000, 1)).toBe(HOUR_MS);
    expect(waitOf(30, 0.25)).toBe(HOUR_MS / 4);
    expect(waitOf(30, 0)).toBe(LIMITS.noticeBackoffMinMs);
  });

  test('what the other side asked for is the least, within a bound', () => {
    expect(waitOf(1, 0, 120_000)).toBe(120_000);
    expect(waitOf(30, 0.5, 120_000)).toBe(HOUR_MS / 2);
    expect(waitOf(1, 0, 365 * 24 * HOUR_MS)).toBe(6 * HOUR_MS);
    expect(waitOf(1, 0, -5)).toBe(LIMITS.noticeBackoffMinMs);
  });

  test('for three days, then it is given up with its last words', () => {
    const at = (triedForMs: number) => afterAttempt(retry, { attempt: 90, triedForMs }, 0.5).kind;
    expect(at(71 * HOUR_MS)).toBe('waiting');
    expect(at(71.6 * HOUR_MS)).toBe('given_up');
    expect(afterAttempt(retry, { attempt: 90, triedForMs: 73 * HOUR_MS }, 0)).toEqual({
      kind: 'given_up',
      why: 'answered 503',
    });
  });

  test('played for three days it makes some hundred attempts, neither few nor many', () => {
    const random = generator(7);
    let triedForMs = 0;
    let attempts = 0;
    for (;;) {
      attempts++;
      const end = afterAttempt(retry, { attempt: attempts, triedForMs }, random());
      if (end.kind !== 'waiting') break;
      triedForMs += end.waitMs;
    }
    expect(triedForMs).toBeGreaterThan(70 * HOUR_MS);
    expect(attempts).toBeGreaterThan(100);
    expect(attempts).toBeLessThan(250);
  });
});

/** A small generator (mulberry32), so that the numbers are the same at every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
