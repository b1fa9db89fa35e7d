import { describe, expect, test } from 'vitest';
import { findAmounts, findAmountsWithCurrency, readNumber } from '../../../src/guards/amounts.ts';

const firstOf = (text: string) => findAmounts(text)[0]?.values[0];

describe('amounts are read in the notations that people use', () => {
  test.each([
    ['$1,234.56', 1234.56],
    ['1.234,56 €', 1234.56],
    ['€12,50', 12.5],
    ['USD 12', 12],
    ['usd 12.30', 12.3],
    ['12 dollars', 12],
    ['12 Dollars', 12],
    ['a 40-dollar fee', 40],
    ["CHF 1'234.50", 1234.5],
    ['1 234,56 EUR', 1234.56],
    ['₹1,00,000', 100_000],
    ['Rs. 500', 500],
    ['kr 99', 99],
    ['120 kr', 120],
    ['US$12', 12],
    ['R$ 35,90', 35.9],
    ['12,- €', 12],
    ['-$5', 5],
    ['$-5.25', 5.25],
    ['($7.00)', 7],
    ['50 cents', 0.5],
    ['75¢', 0.75],
    ['$5k', 5_000],
    ['$1.2 million', 1_200_000],
    ['3,5 Mio. €', 3_500_000],
    ['$0.0123', 0.0123],
  ])('%s', (text, value) => {
    expect(findAmounts(text)).toHaveLength(1);
    expect(firstOf(text)).toBeCloseTo(value, 6);
  });

  test.each([
    ['Refund total: 12.50', 12.5],
    ['the new price is 19.99 now', 19.99],
    ['"price_difference": 13', 13],
    ['"refund_amount": -27.46,', 27.46],
    ['Betrag: 8,40', 8.4],
  ])('without a currency, where a word of money says so: %s', (text, value) => {
    expect(firstOf(text)).toBeCloseTo(value, 6);
  });

  test.each([
    'a discount of 12.50 %',
    'rated 4.75 by 120 people',
    'PHP 8 and Node 20',
    'try 3 times',
    '12 real people',
    '500 m away',
    'version 1.2.3',
    'a total of 3.5 hours',
    'order 12345',
  ])('what is no money is left alone: %s', (text) => {
    expect(findAmounts(text)).toEqual([]);
  });

  test('a separator before three digits has two readings, the likelier first', () => {
    expect(readNumber('1.234').values).toEqual([1234, 1.234]);
    expect(readNumber('1,234').values).toEqual([1234, 1.234]);
    expect(readNumber('0.125').values).toEqual([0.125]);
    expect(readNumber('1.234.567').values).toEqual([1_234_567]);
    expect(readNumber('12,5').values).toEqual([12.5]);
  });

  test('every amount of a sentence, in order, with its place', () => {
    const text = 'From $10 to 12,50 € plus USD 3.00.';
    expect(findAmounts(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      '$10',
      '12,50 €',
      'USD 3.00',
    ]);
    expect(findAmountsWithCurrency('price: 10.00')).toEqual([]);
  });
});
