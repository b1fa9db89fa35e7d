import { describe, expect, test } from 'vitest';
import { knownFor } from '../../../src/store/knownFor.ts';
import { Bounded } from '../../../src/store/recent.ts';

describe('what a worker remembers', () => {
  test('is bounded in bytes, and what was used longest ago goes first', () => {
    const cache = new Bounded<string>(100);
    cache.set('a', 'A', 40);
    cache.set('b', 'B', 40);
    expect(cache.get('a')).toBe('A');
    cache.set('c', 'C', 40);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
  });

  test('a value that is larger than everything may be is not kept, and pushes nothing out', () => {
    const cache = new Bounded<string>(100);
    cache.set('a', 'A', 100);
    cache.set('b', 'B', 101);
    expect([cache.get('a'), cache.get('b')]).toEqual(['A', undefined]);
  });

  test('a value that is forgotten makes room', () => {
    const cache = new Bounded<string>(100);
    cache.set('a', 'A', 60);
    cache.delete('a');
    cache.delete('a');
    cache.set('b', 'B', 60);
    cache.set('c', 'C', 40);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([undefined, 'B', 'C']);
  });

  test('a value that is set again counts once', () => {
    const cache = new Bounded<string>(100);
    for (let i = 0; i < 10; i += 1) cache.set('a', `${i}`, 60);
    cache.set('b', 'B', 40);
    expect([cache.get('a'), cache.get('b')]).toEqual(['9', 'B']);
  });
});

describe('a look that is remembered for a while', () => {
  test('everybody gets what was seen, until it is too old', async () => {
    let looks = 0;
    const known = knownFor(60_000, async () => ++looks);
    expect(await Promise.all([known(), known()])).toEqual([1, 1]);
    const stale = knownFor(0, async () => ++looks);
    expect([await stale(), await stale()]).toEqual([2, 3]);
  });

  test('one that failed is not', async () => {
    let looks = 0;
    const known = knownFor(60_000, async () => {
      looks += 1;
      if (looks === 1) throw new Error('away');
      return looks;
    });
    await expect(known()).rejects.toThrow('away');
    expect(await known()).toBe(2);
  });
});
