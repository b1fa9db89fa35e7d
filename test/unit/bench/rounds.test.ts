import { describe, expect, test } from 'vitest';
import { alternate, median, quantile, ratioOf, ratioWords } from '../../../bench/rounds.ts';

describe('rounds', () => {
  test('the order turns with every round, so that each contender comes first as often as the others', async () => {
    const order: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => ({
      name,
      measure: async (round: number) => {
        order.push(`${name}${round}`);
        return round;
      },
    }));
    const measured = await alternate(contenders, 3);
    expect(order).toEqual(['a0', 'b0', 'c0', 'b1', 'c1', 'a1', 'c2', 'a2', 'b2']);
    expect([...measured]).toEqual([
      ['a', [0, 1, 2]],
      ['b', [0, 1, 2]],
      ['c', [0, 1, 2]],
    ]);
  });

  test('what is measured is never measured side by side', async () => {
    let underWay = 0;
    const contender = (name: string) => ({
      name,
      measure: async () => {
        underWay += 1;
        await Promise.resolve();
        const seen = underWay;
        underWay -= 1;
        return seen;
      },
    });
    const measured = await alternate([contender('a'), contender('b')], 2);
    expect([...measured.values()].flat()).toEqual([1, 1, 1, 1]);
  });

  test('each round says who is next', async () => {
    const said: string[] = [];
    const contender = (name: string) => ({ name, measure: async () => 0 });
    await alternate([contender('a'), contender('b')], 2, (round, name) => said.push(`${round} ${name}`));
    expect(said).toEqual(['0 a', '0 b', '1 b', '1 a']);
  });

  test('a contender that is planted slow is found, although the machine itself slows down meanwhile', async () => {
    // Every measurement takes longer than the one before it, by more than what is planted.
    let slowness = 100;
    const contender = (name: string, factor: number) => ({
      name,
      measure: async () => {
        slowness *= 1.1;
        return slowness * factor;
      },
    });
    const rounds = 20;
    const measured = await alternate([contender('quick', 1), contender('planted', 1.05)], rounds);
    const ratio = ratioOf(measured.get('planted') ?? [], measured.get('quick') ?? []).median;
    expect(ratio).toBeGreaterThan(1.04);
    expect(ratio).toBeLessThan(1.06);
    const even = await alternate([contender('quick', 1), contender('same', 1)], rounds);
    expect(ratioOf(even.get('same') ?? [], even.get('quick') ?? []).median).toBeCloseTo(1, 1);
  });
});

describe('figures', () => {
  test('the median is the middle, or the mean of the two in the middle', () => {
    expect(median([3])).toBe(3);
    expect(median([30, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9])).toBe(9.5);
  });

  test('numbers are put in order as numbers', () => {
    expect(median([10, 9, 100])).toBe(10);
    expect(quantile([10, 9, 100], 0.99)).toBe(100);
  });

  test('a quantile is a value that was measured', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(quantile(values, 0)).toBe(1);
    expect(quantile(values, 0.5)).toBe(51);
    expect(quantile(values, 0.95)).toBe(96);
    expect(quantile(values, 1)).toBe(100);
  });

  test('what was given stays as it was', () => {
    const values = [3, 1, 2];
    median(values);
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });

  test('of nothing there is no figure', () => {
    expect(() => median([])).toThrow('nothing');
    expect(() => quantile([], 0.5)).toThrow('nothing');
  });

  test('a ratio is taken round by round, and says how far apart the rounds are', () => {
    // The third round met a bad minute: both were slow in it.
    const ratio = ratioOf([20, 24, 900], [10, 10, 450]);
    expect(ratio).toEqual({ median: 2, smallest: 2, largest: 2.4 });
    expect(ratioWords(ratio)).toBe('2.00x (2.00 to 2.40)');
    expect(ratioOf([1], []).median).toBeNaN();
  });
});
