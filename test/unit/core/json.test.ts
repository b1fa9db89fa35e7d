import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { hashJson } from '../../../src/store/hash.ts';

describe('canonical form (RFC 8785)', () => {
  test('keys are sorted by UTF-16 code units, not by code points or by locale', () => {
    // The vector of section 3.2.3: a supplementary character (from U+D83D) sorts before U+FB33.
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(Object.values(JSON.parse(canonicalJson(value)) as object).sort()).toEqual(
      Object.values(value).sort(),
    );
    expect([...canonicalJson(value).matchAll(/:"([^"]+)"/g)].map((match) => match[1])).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test('keys that look like numbers are sorted as text', () => {
    expect(canonicalJson({ b: 1, 10: 1, 9: 1, a: 1 })).toBe('{"10":1,"9":1,"a":1,"b":1}');
  });

  test.each<readonly [number, string]>([
    [0, '0'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [0.000001, '0.000001'],
    [333333333.3333333, '333333333.3333333'],
    [12.5, '12.5'],
  ])('number %d is written as ECMAScript prints it: %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  test('strings escape what must be escaped, and nothing else', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\/\b\t\f\r\u007f\u2028')).toBe(
      '"\u20ac$\\u000f\\nA\'B\\"\\\\/\\b\\t\\f\\r\u007f\u2028"',
    );
  });

  test('a lone surrogate is escaped, so that hashing its UTF-8 bytes cannot merge two values', () => {
    expect(canonicalJson('\ud800')).toBe('"\\ud800"');
    expect(hashJson('\ud800')).not.toBe(hashJson('\ufffd'));
  });

  test('the example of the RFC', () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"literals":[null,true,false]}',
    ) as unknown;
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
    );
  });

  test('empty values, and a member called __proto__', () => {
    expect(canonicalJson({ a: [], b: {} })).toBe('{"a":[],"b":{}}');
    expect(canonicalJson(JSON.parse('{"__proto__":1,"a":2}'))).toBe('{"__proto__":1,"a":2}');
  });
});

describe('equal values have equal text', () => {
  test('parsing and writing again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('whatever the order in which members were added', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.infiniteStream(fc.nat()), (value, order) => {
        const shuffled = shuffle(JSON.parse(JSON.stringify(value)) as Json, order);
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value));
        expect(hashJson(shuffled)).toBe(hashJson(value));
      }),
    );
  });

  test('and different values have different text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(sorted(a as Json)) === JSON.stringify(sorted(b as Json));
        expect(canonicalJson(a) === canonicalJson(b)).toBe(same);
      }),
    );
  });
});

describe('what is not plain JSON is refused with its path', () => {
  const cycle: Record<string, unknown> = { a: [] };
  cycle.a = [cycle];
  class Point {
    readonly x = 1;
  }
  test.each<readonly [string, unknown, RegExp]>([
    ['undefined', undefined, /^\$: undefined/],
    ['an undefined member', { a: { b: undefined } }, /^\$\.a\.b: undefined/],
    ['an undefined item', [1, undefined], /^\$\[1\]: undefined/],
    ['a hole in an array', { a: new Array(2) }, /^\$\.a\[0\]: undefined/],
    ['a function', { f: () => 1 }, /^\$\.f: function/],
    ['a symbol', [Symbol('s')], /^\$\[0\]: symbol/],
    ['NaN', { a: [0, Number.NaN] }, /^\$\.a\[1\]: NaN/],
    ['infinity', Number.NEGATIVE_INFINITY, /^\$: -Infinity/],
    ['a BigInt', { n: 1n }, /^\$\.n: bigint/],
    ['a cycle', cycle, /^\$\.a\[0\]: a cycle/],
    ['a Date', { at: new Date(0) }, /^\$\.at: only plain objects/],
    ['a Map', new Map(), /^\$: only plain objects/],
    ['an instance', { p: new Point() }, /^\$\.p: only plain objects/],
    ['a boxed number', Object(1), /^\$: only plain objects/],
    ['bytes', new Uint8Array(2), /^\$: only plain objects/],
  ])('%s', (_name, value, message) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
    expect(() => canonicalJson(value)).toThrow(message);
  });

  test('nesting past the limit is a TypeError, long before the stack ends', () => {
    const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown;
    expect(canonicalJson(nested(LIMITS.jsonDepth))).toHaveLength(2 * LIMITS.jsonDepth);
    expect(() => canonicalJson(nested(LIMITS.jsonDepth + 1))).toThrow(TypeError);
    expect(() => canonicalJson(nested(60_000))).toThrow(/nested more than/);
  });

  test('the same object twice is no cycle, and an object without a prototype is plain', () => {
    const twice = { a: 1 };
    expect(canonicalJson([twice, twice])).toBe('[{"a":1},{"a":1}]');
    expect(canonicalJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });

  test('for any value at all: JSON text that parses, or a TypeError with a path', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withSparseArray: true, withMap: true }),
        (value) => {
          try {
            JSON.parse(canonicalJson(value));
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
            expect(String(error)).toMatch(/^TypeError: \$/);
          }
        },
      ),
    );
  });
});

/** The same value with its members added in another order. */
function shuffle(value: Json, order: fc.Stream<number>): Json {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map((item) => shuffle(item, order));
  const members = Object.entries(value).map(([key, member]) => [key, shuffle(member, order)] as const);
  const ranks = members.map(() => [...order.take(1)][0] ?? 0);
  return Object.fromEntries(
    members
      .map((member, i) => ({ member, rank: ranks[i] ?? 0 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ member }) => member),
  );
}

/** Nested arrays that mean the same as the value: a second, slower way to compare. */
function sorted(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return ['list', ...value.map(sorted)];
  return [
    'map',
    ...Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  ];
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
