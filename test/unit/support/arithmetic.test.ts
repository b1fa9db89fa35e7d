import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calculate, round2 } from '../../../src/agents/support/arithmetic.ts';

/** Rounds by integers alone: the double is taken apart into mantissa and exponent, so nothing is lost on the way. */
function exactRound2(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const stored = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  const mantissa = stored === 0 ? fraction : fraction | (1n << 52n);
  const exponent = BigInt(Math.max(stored, 1) - 1075);
  const numerator = mantissa * 100n * (exponent > 0n ? 1n << exponent : 1n);
  const denominator = exponent < 0n ? 1n << -exponent : 1n;
  const floor = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && floor % 2n === 1n);
  const cents = String(up ? floor + 1n : floor).padStart(3, '0');
  return Math.sign(value) * Number(`${cents.slice(0, -2)}.${cents.slice(-2)}`);
}

describe('round2 gives the cents nearest to the exact binary value, ties to even', () => {
  test('of any double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(round2(value) + 0).toBe(exactRound2(value) + 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of amounts as they occur', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -10_000, max: 10_000 }), (value) => {
        expect(round2(value) + 0).toBe(exactRound2(value) + 0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of exact ties', () => {
    fc.assert(
      fc.property(fc.integer(), (n) => {
        const tie = (2 * n + 1) / 8;
        expect(round2(tie)).toBe(exactRound2(tie));
      }),
      { numRuns: 2_000 },
    );
  });

  test('and the oracle tells toFixed apart from it', () => {
    const ties = Array.from({ length: 16 }, (_, i) => (2 * i + 1) / 8);
    expect(ties.some((tie) => Number(tie.toFixed(2)) !== exactRound2(tie))).toBe(true);
  });

  test.each([
    [0.125, 0.12],
    [0.375, 0.38],
    [-0.125, -0.12],
    [2.675, 2.67],
    [12.069999999999993, 12.07],
    [1e22, 1e22],
  ])('%f is %f', (value, rounded) => {
    expect(round2(value)).toBe(rounded);
  });
});

describe('calculate', () => {
  test.each([
    ['100', '100.0'],
    ['(2 + 2) * 3.5', '14.0'],
    ['12.5', '12.5'],
    ['-3.069', '-3.07'],
    ['1 - 4.07', '-3.07'],
    ['2 + 3 * 4 - 5', '9.0'],
    ['10 / 4', '2.5'],
    ['10 - 4 - 3', '3.0'],
    ['100 / 10 / 2', '5.0'],
    ['2 ** 3 ** 2', '512.0'],
    ['-2 ** 2', '-4.0'],
    ['2 ** -1', '0.5'],
    ['7 // 2', '3.0'],
    ['-7 // 2', '-4.0'],
    ['7 // -2', '-4.0'],
    ['-7 // -2', '3.0'],
    ['1 // 0.1', '9.0'],
    ['--5', '5.0'],
    ['3 - -2', '5.0'],
    ['.5 + 1.', '1.5'],
    ['  1 ', '1.0'],
    ['0.125', '0.12'],
    ['-0.001', '0.0'],
    ['1000000 * 1000000 * 1000000', '1000000000000000000.0'],
    ['00', '0.0'],
  ])('%s is %s', (expression, text) => {
    expect(calculate(expression)).toEqual({ kind: 'value', text });
  });

  test.each([
    ['2 + x', 'Invalid characters in expression'],
    ['1e3', 'Invalid characters in expression'],
    ['1,000', 'Invalid characters in expression'],
    ['1\n+1', 'Invalid characters in expression'],
    ['1 / 0', 'division by zero'],
    ['1 // (2 - 2)', 'division by zero'],
    ['0 ** -1', 'division by zero'],
    ['', 'invalid syntax: the expression ends too early'],
    ['1 +', 'invalid syntax: the expression ends too early'],
    ['(1', 'invalid syntax: ")" is missing'],
    ['()', 'invalid syntax: ")" is not a number'],
    ['1 2', 'invalid syntax: "2" is not expected there'],
    ['2(3)', 'invalid syntax: "(" is not expected there'],
    ['1 * / 2', 'invalid syntax: "/" is not a number'],
    ['1 / / 2', 'invalid syntax: "/" is not a number'],
    ['1.2.3', 'invalid syntax: "1.2.3" is not a number'],
    ['.', 'invalid syntax: "." is not a number'],
    ['010', 'invalid syntax: "010" is not a number'],
    ['(-8) ** 0.5', 'the result is not a finite real number'],
    ['10 ** 400', 'the result is not a finite real number'],
    [`${'('.repeat(5_000)}1${')'.repeat(5_000)}`, 'nested deeper than 100 levels'],
    ['-'.repeat(5_000), 'nested deeper than 100 levels'],
  ])('%s is refused: %s', (expression, message) => {
    expect(calculate(expression)).toEqual({ kind: 'error', message });
  });

  test('never throws, and prints a number with one or two decimal places', () => {
    const piece = fc.constantFrom('+', '-', '*', '/', '(', ')', '.', ' ', '0', '1', '7', '12', '3.5');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const calculation = calculate(pieces.join(''));
        if (calculation.kind === 'value' && Math.abs(Number(calculation.text)) < 1e21)
          expect(calculation.text).toMatch(/^-?\d+\.\d{1,2}$/);
      }),
      { numRuns: 3_000 },
    );
  });

  test('agrees with the language on sums, products and parentheses', () => {
    const number = fc.integer({ min: 1, max: 999 }).map((cents) => String(cents / 10));
    const { tree } = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        number,
        fc
          .tuple(tie('tree'), fc.constantFrom('+', '-', '*'), tie('tree'))
          .map(([left, sign, right]) => `(${left} ${sign} ${right})`),
        fc.tuple(tie('tree'), fc.constantFrom('+', '*'), tie('tree')).map((parts) => parts.join(' ')),
      ),
    }));
    fc.assert(
      fc.property(tree, (expression) => {
        const expected = round2(Number(new Function(`return ${expression}`)()));
        const calculation = calculate(expression);
        expect(calculation.kind === 'value' && Number(calculation.text) + 0).toBe(expected + 0);
      }),
    );
  });
});
