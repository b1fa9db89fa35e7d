import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alike, plain } from '../../../src/guards/folding.ts';

describe('plain', () => {
  test.each([
    ['ｔｅｓｔ １２', 'test 12'],
    ['e\u0301', 'é'],
    ['a\u200bb\u00adc\u{e0041}', 'abc'],
    ['٣४๕', '345'],
    ['a–b—c−d', 'a-b-c-d'],
    ['1\u202f234\u00a0567', '1 234 567'],
    ['"a\\nb\\u0041\\"\\/"', '"a bA"/"'],
    ['pаypal', 'pаypal'],
    ['αά\u0301', 'αά\u0301'],
  ])('%j reads %j', (text, read) => {
    expect(plain(text)).toBe(read);
  });

  test('is quick without being different: what is left out of folding folds to itself', () => {
    const slow = (text: string) =>
      text
        .normalize('NFKC')
        .replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/gu, '')
        .replace(/\p{Pd}|\u2212/gu, '-');
    const different: string[] = [];
    for (let code = 0x80; code < 0x2_0000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const one = String.fromCodePoint(code);
      if (/\p{Nd}/u.test(one)) continue;
      for (const text of [`a${one}`, `${one}\u0301`]) if (plain(text) !== slow(text)) different.push(text);
    }
    expect(different).toEqual([]);
  });

  test('says the same when it is read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\\'));
        expect(plain(plain(text))).toBe(plain(text));
      }),
    );
  });
});

test.each([
  ['Pаypаl', 'paypal'],
  ['ＰａｙＰａｌ', 'paypal'],
  ['PÀYPÁL', 'paypal'],
  ['ѕсоре', 'scope'],
  ['日本', '日本'],
])('%j looks like %j', (text, read) => {
  expect(alike(text)).toBe(read);
});
