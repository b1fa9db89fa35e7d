import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { approvalId, asHash, callKey, runIdFromUuid, runOf } from '../../../src/core/ids.ts';
import {
  addUsage,
  type ContentBlock,
  isText,
  isToolUse,
  NO_USAGE,
  promptTokens,
  textOf,
  totalTokens,
  type Usage,
} from '../../../src/core/messages.ts';
import { formatAmount, formatMicroUsd, usd } from '../../../src/core/money.ts';
import { CLEAN, exposureOf, raise, type Taint, type TaintLabels } from '../../../src/core/taint.ts';

describe('ids', () => {
  test('a run id is r and 20 hex digits, and every id made from it leads back to it', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.nat(),
        fc.nat(31),
        fc.integer({ min: 1, max: 5 }),
        (uuid, step, ordinal, n) => {
          const run = runIdFromUuid(uuid);
          expect(run).toMatch(/^r[0-9a-f]{20}$/);
          const key = callKey(run, step, ordinal);
          expect(runOf(key)).toBe(run);
          expect(runOf(approvalId(key, n))).toBe(run);
        },
      ),
    );
  });

  test('two calls never share a key, two requests never an id', () => {
    const run = runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef');
    const keys = [1, 11, 111].flatMap((step) => [0, 1, 11].map((ordinal) => callKey(run, step, ordinal)));
    const ids = keys.flatMap((key) => [1, 2].map((request) => approvalId(key, request)));
    expect(new Set<string>([...keys, ...ids]).size).toBe(27);
  });

  test.each([
    '',
    'r0123',
    'r0123456789abcdef0123',
    'r0123456789abcdef0123/1',
    'r0123456789abcdef0123/1/2/3/4',
    'r0123456789ABCDEF0123/1/2',
    'x0123456789abcdef0123/1/2',
    'r0123456789abcdef0123/1/2\n',
    'r0123456789abcdef0123/-1/2',
  ])('%j belongs to no run', (id) => {
    expect(runOf(id)).toBeNull();
  });

  test('only 64 lower-case hex digits are a hash; a refusal quotes at most 80 characters', () => {
    expect(asHash('0a'.repeat(32))).toBe('0a'.repeat(32));
    for (const bad of ['', '0a', '0A'.repeat(32), '0g'.repeat(32), `${'0a'.repeat(32)}\n`])
      expect(() => asHash(bad)).toThrow(TypeError);
    expect(() => asHash('x'.repeat(1_000))).toThrow(/: x{80}$/);
  });
});

describe('usage', () => {
  const usage: fc.Arbitrary<Usage> = fc.record({
    inputTokens: fc.nat(1_000_000),
    outputTokens: fc.nat(1_000_000),
    cacheWrite5mTokens: fc.nat(1_000_000),
    cacheWrite1hTokens: fc.nat(1_000_000),
    cacheReadTokens: fc.nat(1_000_000),
  });

  test('every token is counted once, in any order of adding', () => {
    fc.assert(
      fc.property(usage, usage, (a, b) => {
        const sum = addUsage(a, b);
        expect(sum).toEqual(addUsage(b, a));
        expect(totalTokens(sum)).toBe(totalTokens(a) + totalTokens(b));
        expect(totalTokens(a)).toBe(Object.values(a).reduce((all, one) => all + one, 0));
        expect(promptTokens(a)).toBe(totalTokens(a) - a.outputTokens);
        expect(addUsage(a, NO_USAGE)).toEqual(a);
      }),
    );
  });
});

test('a message reads as its text blocks; other kinds are passed over', () => {
  const blocks: readonly ContentBlock[] = [
    { type: 'thinking' },
    { type: 'text', text: 'One.' },
    { type: 'tool_use', id: 't', name: 'n', input: {} },
    { type: 'text', text: 'Two.' },
    { type: 'something_new' },
  ];
  expect(textOf(blocks)).toBe('One.\n\nTwo.');
  expect(blocks.filter(isText)).toHaveLength(2);
  expect(blocks.filter(isToolUse)).toHaveLength(1);
  expect(textOf([])).toBe('');
});

describe('money', () => {
  test.each([
    [usd(12.5), '12.50 USD'],
    [usd(0), '0.00 USD'],
    [usd(-3.129), '-3.13 USD'],
    [usd(1_234_567.8), '1234567.80 USD'],
    [{ value: 5, currency: 'EUR' }, '5.00 EUR'],
  ])('%j is written %s', (amount, text) => {
    expect(formatAmount(amount)).toBe(text);
  });

  test('micro-dollars are shown to a hundredth of a cent', () => {
    expect(formatMicroUsd(0)).toBe('$0.0000');
    expect(formatMicroUsd(12_345)).toBe('$0.0123');
    expect(formatMicroUsd(2_500_000)).toBe('$2.5000');
  });
});

describe('taint', () => {
  const exposures: fc.Arbitrary<Partial<Taint>> = fc.oneof(
    fc
      .record<TaintLabels>({
        reads: fc.constantFrom('public', 'private'),
        returns: fc.constantFrom('trusted', 'untrusted'),
      })
      .map(exposureOf),
    fc.record({ suspicious: fc.boolean() }),
    fc.record({ untrustedSeen: fc.boolean(), suspicious: fc.boolean() }),
  );
  const FLAGS = ['untrustedSeen', 'privateRead', 'suspicious'] as const;
  const onlyRises = (step: typeof raise) =>
    fc.property(fc.array(exposures, { maxLength: 10 }), (all) => {
      let taint = CLEAN;
      all.forEach((by, i) => {
        taint = step(taint, by);
        for (const flag of FLAGS)
          expect(taint[flag]).toBe(all.slice(0, i + 1).some((one) => one[flag] === true));
      });
    });

  test('flags only rise, and rise for exactly what was seen', () => {
    fc.assert(onlyRises(raise));
  });

  test('the property finds a flag that falls, and one that never rises', () => {
    const forgets: typeof raise = (_, by) => raise(CLEAN, by);
    expect(fc.check(onlyRises(forgets), { seed: 1 }).failed).toBe(true);
    for (const flag of FLAGS) {
      const deaf: typeof raise = (taint, by) => raise(taint, { ...by, [flag]: false });
      expect(fc.check(onlyRises(deaf), { seed: 1 }).failed).toBe(true);
    }
  });
});
