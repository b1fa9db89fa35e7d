import { describe, expect, test } from 'vitest';
import { findPii } from '../../../src/guards/pii.ts';
import { measurePii, readPii } from '../../guards/pii.ts';

const texts = readPii();

describe('personal data in marked texts', () => {
  test('every type is found, and little else is marked', () => {
    const figures = measurePii(texts);
    if (figures === null) return;
    expect(figures.texts).toBeGreaterThan(800);
    for (const [type, { spans, recall, precision }] of Object.entries(figures.byType)) {
      expect(spans, type).toBeGreaterThan(5);
      expect(recall, `recall of ${type}`).toBeGreaterThanOrEqual(0.95);
      expect(precision, `precision of ${type}`).toBeGreaterThanOrEqual(0.95);
    }
    expect(figures.recall).toBeGreaterThanOrEqual(0.95);
  });

  test('finding nothing and marking everything are both seen', () => {
    const blind = measurePii(texts, () => []);
    const greedy = measurePii(texts, (text) => [{ type: 'address', start: 0, end: text.length }]);
    if (blind === null || greedy === null) return;
    expect(blind.recall).toBe(0);
    expect(greedy.byType.address?.recall).toBe(1);
    expect(greedy.byType.address?.precision).toBeLessThan(0.7);
  });
});

/** Each would be slow for a rule that looks back or ahead without a bound. */
const HOSTILE = [
  '1 ',
  '(1) ',
  '12-',
  '1:',
  'a@b.',
  'Aa ',
  'C/',
  '12 Aa 12 ',
  'the corner of ',
  'address:\n',
  'PO Box ',
  'ssn 123 ',
  'GB59 ',
  '\n12345',
];

test.each(HOSTILE)('a megabyte of %j takes seconds, not hours', (part) => {
  const text = part.repeat(Math.ceil(2 ** 20 / part.length));
  const from = performance.now();
  findPii(text, { names: ['Aa Bb'], phones: ['+1 212 555 0143'], addresses: ['12 Aa 13'] });
  expect(performance.now() - from).toBeLessThan(30_000);
});

test('4 KB of prose with data in it take milliseconds', () => {
  const sentence =
    'Please send order #W12345 of 3 May 2024 to 44 Grey Street, Leeds LS1 4AP, or call 020 7946 0958. ';
  const text = sentence.repeat(Math.ceil(4096 / sentence.length)).slice(0, 4096);
  for (let i = 0; i < 50; i++) findPii(text);
  const from = performance.now();
  for (let i = 0; i < 20; i++) findPii(text);
  expect((performance.now() - from) / 20).toBeLessThan(50);
});
