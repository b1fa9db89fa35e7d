import { describe, expect, test } from 'vitest';
import { fitLine, measureSteadiness, type Samples, unsteady } from '../../chaos/campaigns/steadiness.ts';
import { randomOf } from '../../hostile/random.ts';

const LENGTH_MS = 1_000_000;
const FLAT = { riseShare: 0.05, connections: 22, spread: 4 };
const MB = 1_024 * 1_024;

/** A worker that warms up, wobbles, and is otherwise flat. */
function samples(change: {
  readonly leakMb?: number;
  readonly heapMb?: number;
  readonly connections?: number;
}): Samples {
  const random = randomOf(7);
  const xs = Array.from({ length: 200 }, (_, i) => (i * LENGTH_MS) / 200);
  const warm = (x: number) => Math.min(1, x / (LENGTH_MS / 4));
  return {
    lengthMs: LENGTH_MS,
    rss: xs.map((x) => ({
      x,
      y: (300 + 100 * warm(x) + 20 * random.next() + ((change.leakMb ?? 0) * x) / LENGTH_MS) * MB,
    })),
    connections: xs.map((x) => ({
      x,
      y: 10 + random.below(3) + (x > LENGTH_MS / 2 ? (change.connections ?? 0) : 0),
    })),
    heap: { middle: 80 * MB, end: (80 + (change.heapMb ?? 0)) * MB },
  };
}

const problems = (change: Parameters<typeof samples>[0]) =>
  unsteady(measureSteadiness(samples(change)), FLAT).join('\n');

test('the line of least squares', () => {
  const points = [1, 2, 3, 4].map((x) => ({ x, y: 5 + 2 * x }));
  expect(fitLine(points)).toEqual({ slope: 2, middle: 10 });
  expect(() => fitLine(points.slice(0, 1))).toThrow('make no line');
});

describe('steady', () => {
  test('is what warms up and wobbles', () => {
    expect(problems({})).toBe('');
    expect(problems({ heapMb: 4, connections: 2 })).toBe('');
  });

  test.each([
    ['memory that leaks 100 MB over the run', { leakMb: 100 }, /memory rose by 1\d\.\d %/],
    ['a heap that holds more and more', { heapMb: 12 }, /the heap rose by 15\.0 %/],
    ['connections that are not given back', { connections: 6 }, /connections rose from 12 to 18/],
    ['more connections than the pool has', { connections: 14 }, /there were 26 connections, 22 is the limit/],
  ])('is not %s', (_, change, problem) => {
    expect(problems(change)).toMatch(problem);
  });
});
