import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDecision, parseReconciliation } from '../../../src/core/approvals.ts';
import { canonicalJson, type Json } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { utf8Bytes, wellFormed } from '../../../src/core/text.ts';
import { HASH } from './builders.ts';

const good = { approval: 'r1/1/0/1', kind: 'approve', by: 'bo', channel: 'cli' };

describe('a decision from outside', () => {
  test('keeps what it may say and loses the rest', () => {
    expect(parseDecision({ ...good, reason: 'fine', argsHash: HASH, admin: true, at: 5 })).toEqual({
      ...good,
      reason: 'fine',
      argsHash: HASH,
    });
    expect(parseDecision({ approval: 'a', kind: 'edit', by: 'bo', arguments: { n: 1 } })).toEqual({
      approval: 'a',
      kind: 'edit',
      by: 'bo',
      channel: 'signal',
      arguments: { n: 1 },
    });
    expect(parseDecision({ ...good, kind: 'answer', answer: { outcome: 'did_not' } })).toMatchObject({
      answer: { outcome: 'did_not' },
    });
  });

  test('is made of text that the store takes: also the name of an approval nobody knows', () => {
    expect(
      parseDecision({ ...good, approval: 'a\0', by: 'b\0o', channel: '\ud800', reason: 'no\0' }),
    ).toEqual({
      approval: 'a',
      kind: 'approve',
      by: 'bo',
      channel: '\ufffd',
      reason: 'no',
    });
  });

  test.each<readonly [string, object]>([
    ['no approval', { approval: undefined }],
    ['a long approval', { approval: 'x'.repeat(LIMITS.personChars + 1) }],
    ['another kind', { kind: 'maybe' }],
    ['nobody', { by: '' }],
    ['nobody but NUL', { by: '\0' }],
    ['a long name', { by: 'x'.repeat(LIMITS.personChars + 1) }],
    ['a channel that is no text', { channel: 1 }],
    ['a long channel', { channel: 'x'.repeat(LIMITS.personChars + 1) }],
    ['a reason that is no text', { reason: {} }],
    ['a long reason', { reason: 'x'.repeat(LIMITS.reasonChars + 1) }],
    ['a hash that is no text', { argsHash: 1 }],
    ['a hash of any length', { argsHash: 'a'.repeat(65) }],
    ['an edit without arguments', { kind: 'edit' }],
    ['an edit to a list', { kind: 'edit', arguments: [] }],
    ['arguments over the limit', { kind: 'edit', arguments: { text: 'x'.repeat(LIMITS.payloadSoftBytes) } }],
    [
      'arguments over the limit in bytes, not in characters',
      { kind: 'edit', arguments: { text: '€'.repeat(30_000) } },
    ],
    ['an answer over the limit', { kind: 'answer', answer: 'x'.repeat(LIMITS.payloadSoftBytes) }],
    [
      'an answer that is nested without end',
      { kind: 'answer', answer: JSON.parse(`${'['.repeat(30_000)}${']'.repeat(30_000)}`) },
    ],
    ['an answer that is not JSON', { kind: 'answer', answer: { at: new Date(0) } }],
  ])('%s is malformed', (_name, different) => {
    expect(parseDecision({ ...good, ...different })).toBeNull();
  });

  test('whatever comes in: no throw, and what is let through keeps every limit', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
      withObjectString: true,
    });
    const text = fc.oneof(
      { weight: 6, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }) },
      { weight: 1, arbitrary: fc.constantFrom('', '\0', '\ud800', 'x'.repeat(3_000)) },
    );
    const mostly = (good: fc.Arbitrary<unknown>) =>
      fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: anything });
    const near = fc.record(
      {
        approval: mostly(text),
        kind: mostly(fc.constantFrom('approve', 'reject', 'edit', 'answer')),
        by: mostly(text),
        channel: mostly(text),
        reason: mostly(text),
        arguments: mostly(fc.dictionary(fc.string(), fc.jsonValue())),
        answer: mostly(fc.jsonValue()),
        argsHash: mostly(text),
      },
      { requiredKeys: ['approval', 'kind', 'by'] },
    );
    let letThrough = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: near }, { weight: 1, arbitrary: anything }), (value) => {
        const decision = parseDecision(value);
        if (decision === null) return;
        letThrough++;
        const { approval, by, channel, reason = '', argsHash = '' } = decision;
        for (const said of [approval, by, channel, reason]) expect(wellFormed(said)).toBe(said);
        for (const said of [approval, by, channel])
          expect(said.length).toBeLessThanOrEqual(LIMITS.personChars);
        expect(by).not.toBe('');
        expect(reason.length).toBeLessThanOrEqual(LIMITS.reasonChars);
        expect(argsHash.length).toBeLessThanOrEqual(LIMITS.idChars);
        expect(decision.kind !== 'edit' || decision.arguments !== undefined).toBe(true);
        expect(utf8Bytes(canonicalJson(decision))).toBeLessThan(2 * LIMITS.payloadSoftBytes);
      }),
      { numRuns: 5_000 },
    );
    expect(letThrough).toBeGreaterThan(200);
  });
});

describe("a person's word on an effect that nobody knows", () => {
  test.each<readonly [Json | undefined, unknown]>([
    [
      { outcome: 'happened', result: { id: 7 } },
      { kind: 'happened', result: { id: 7 } },
    ],
    [{ outcome: 'happened' }, { kind: 'happened', result: null }],
    [{ outcome: 'did_not' }, { kind: 'did_not' }],
    [{ outcome: 'give_up' }, { kind: 'give_up' }],
    [{ outcome: 'perhaps' }, null],
    [{}, null],
    ['happened', null],
    [['happened'], null],
    [null, null],
    [undefined, null],
  ])('%j means %j', (answer, said) => {
    expect(parseReconciliation(answer)).toEqual(said);
  });
});
