import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clipBytes, oneLine, printable, utf8Bytes, visible, wellFormed } from '../../../src/core/text.ts';

/** Any UTF-16 code units, so lone surrogates and NUL come up often. */
const units = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.constantFrom(0, 9, 10, 32, 65, 0x7f, 0x80, 0x7ff, 0x800, 0xfffd, 0x2028),
    ),
    { maxLength: 40 },
  )
  .map((codes) => String.fromCharCode(...codes));

/** Another way to say it: no surrogate without its partner, and no NUL. */
function isClean(text: string): boolean {
  return !/[\ud800-\udfff]/u.test(text) && !text.includes('\0');
}

test('utf8Bytes counts what the encoder would write', () => {
  fc.assert(
    fc.property(fc.oneof(units, fc.string({ unit: 'binary' })), (text) => {
      expect(utf8Bytes(text)).toBe(Buffer.byteLength(text, 'utf8'));
    }),
    { numRuns: 2_000 },
  );
});

describe('wellFormed', () => {
  test('what comes out is text that a database and an API take', () => {
    fc.assert(
      fc.property(units, (text) => {
        const clean = wellFormed(text);
        expect(isClean(clean)).toBe(true);
        expect(clean).toBe(Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', ''));
        expect(wellFormed(clean)).toBe(clean);
      }),
      { numRuns: 2_000 },
    );
  });

  test('well-formed text stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(isClean(text));
        expect(wellFormed(text)).toBe(text);
      }),
    );
  });

  test.each([
    ['\ud800', '\ufffd'],
    ['\udc00a', '\ufffda'],
    ['\ud800\ud83d\ude00', '\ufffd\ud83d\ude00'],
    ['\ude00\ud83d', '\ufffd\ufffd'],
    ['a\0b', 'ab'],
    ['\0', ''],
  ])('%j becomes %j', (text, clean) => {
    expect(wellFormed(text)).toBe(clean);
  });
});

describe('clipBytes', () => {
  type Clip = (text: string, maxBytes: number) => string;
  const holds = (clip: Clip) =>
    fc.property(units, fc.integer({ min: 0, max: 130 }), (text, maxBytes) => {
      const clipped = clip(text, maxBytes);
      expect(text.startsWith(clipped)).toBe(true);
      expect(Buffer.byteLength(clipped, 'utf8')).toBeLessThanOrEqual(maxBytes);
      if (isClean(text)) expect(isClean(clipped)).toBe(true);
      // The longest: one character more would not fit.
      const next = String.fromCodePoint(
        ...[...text.slice(clipped.length)].slice(0, 1).map((c) => c.codePointAt(0) ?? 0),
      );
      if (next !== '') expect(Buffer.byteLength(clipped + next, 'utf8')).toBeGreaterThan(maxBytes);
    });

  test('is the longest prefix that fits and cuts no character in two', () => {
    fc.assert(holds(clipBytes), { numRuns: 2_000 });
  });

  test('the property finds a clip that cuts pairs, and one that counts characters', () => {
    const cutsPairs: Clip = (text, maxBytes) => {
      let end = text.length;
      while (Buffer.byteLength(text.slice(0, end), 'utf8') > maxBytes) end--;
      return text.slice(0, end);
    };
    const countsCharacters: Clip = (text, maxBytes) => text.slice(0, maxBytes);
    for (const wrong of [cutsPairs, countsCharacters])
      expect(fc.check(holds(wrong), { numRuns: 5_000, seed: 1 }).failed).toBe(true);
  });

  test('an emoji that does not fit is left out whole', () => {
    expect(clipBytes('a\ud83d\ude00b', 4)).toBe('a');
    expect(clipBytes('a\ud83d\ude00b', 5)).toBe('a\ud83d\ude00');
    expect(clipBytes('abc', 0)).toBe('');
  });
});

describe('oneLine', () => {
  test('is one clean line within its bound', () => {
    fc.assert(
      fc.property(units, fc.integer({ min: 1, max: 50 }), (text, maxChars) => {
        const line = oneLine(text, maxChars);
        expect(line.length).toBeLessThanOrEqual(maxChars);
        expect(line).not.toMatch(/[\n\r\t\u2028\u2029]/);
        expect(isClean(line)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a short text is kept, a longer one says that it goes on', () => {
    expect(oneLine('  a\n\n b\t', 10)).toBe('a b');
    expect(oneLine('abcdef', 6)).toBe('abcdef');
    expect(oneLine('abcdefg', 6)).toBe('abcde…');
    expect(oneLine('abcd\ud83d\ude00fg', 6)).toBe('abcd…');
  });

  test('a summary with NUL or half a character in it is made storable', () => {
    expect(oneLine('refund\0 to \ud800', 80)).toBe('refund to \ufffd');
  });
});

test("printable takes every control and mark of format of this Node's Unicode, but for breaks, tabs and joiners", () => {
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    const steers = /[\p{Cc}\p{Cf}]/u.test(character) && !/[\n\t\u200c\u200d]/.test(character);
    if (steers !== (printable(character) !== character)) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});

describe('visible', () => {
  test("names every character of this Node's Unicode that leaves no mark, and white space and letters stay", () => {
    const missed: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      const hidden = /^[\p{Cf}\p{Default_Ignorable_Code_Point}]$|^(?!\s)\p{Cc}$/u.test(character);
      if (hidden && visible(character) === character) missed.push(code.toString(16));
      if (/^[\p{L}\p{N}\p{P}\p{S}\s]$/u.test(character) && visible(character) !== character && !hidden)
        missed.push(`not hidden: ${code.toString(16)}`);
    }
    expect(missed).toEqual(['not hidden: 2800', 'not hidden: feff'].filter((code) => missed.includes(code)));
  });

  test.each([
    ['pay\u200b\u200b\u200dpal', 'pay[U+200B +2]pal'],
    ['\u202egnp.exe', '[U+202E]gnp.exe'],
    ['a\u{e0041}', 'a[U+E0041]'],
    ['\u0007\u001b[31m', '[U+0007 +1][31m'],
    ['a\tb\n', 'a\tb\n'],
    [
      '\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \ud83d\ude00',
      '\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d \ud83d\ude00',
    ],
    ['\ud800', '\ud800'],
  ])('%j reads %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});
