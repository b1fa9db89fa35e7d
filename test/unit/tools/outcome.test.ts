import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { effected, faultOf, readable, render } from '../../../src/activities/outcome.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { utf8Bytes } from '../../../src/core/text.ts';
import { hashText } from '../../../src/store/hash.ts';
import { failed, notFound, success, type ToolResult } from '../../../src/tools/result.ts';

/** What a careless tool may hand back, whatever its type says. */
const careless = (value: unknown) => value as ToolResult;
const huge = success('x'.repeat(LIMITS.resultBytes));
const cycle: Record<string, unknown> = {};
cycle.self = cycle;

describe('how the model reads a result', () => {
  test.each<readonly [string, ToolResult, string, string]>([
    ['data', success({ b: 1, a: [true, null] }), 'success', '{"b":1,"a":[true,null]}'],
    ['text as it is', success('two\nlines'), 'success', 'two\nlines'],
    ['nothing', success(null), 'success', 'null'],
    ['not found is not an error', notFound('No such order.'), 'not_found', 'No such order.'],
    ['a failure', failed('the shop is closed'), 'failed', 'Error: the shop is closed'],
    [
      'a failure with advice',
      failed('closed', { suggestion: 'Try tomorrow.' }),
      'failed',
      'Error: closed\nTry tomorrow.',
    ],
    ['text that the store would not take', success('a\0b\ud800'), 'success', 'ab\ufffd'],
  ])('%s', (_name, result, status, text) => {
    expect(render(result)).toEqual({
      outcome: { kind: 'ran', status, ref: hashText(text), bytes: utf8Bytes(text) },
      text,
      full: null,
    });
  });

  test('8 KB are shown whole; a byte more is an excerpt with the way to the rest', () => {
    const whole = render(success('ä'.repeat(LIMITS.inlineResultBytes / 2)));
    expect(whole.full).toBeNull();
    const text = `${'ä'.repeat(LIMITS.inlineResultBytes / 2)}x`;
    const long = render(success(text));
    expect(long.full).toBe(text);
    expect(long.text).toContain(`${text.length} characters and was shortened`);
    expect(long.text).toContain(`read_result, reference "${hashText(text)}"`);
    expect(long.outcome).toMatchObject({ ref: hashText(long.text), bytes: utf8Bytes(long.text) });
    expect(long.outcome.bytes).toBeLessThan(LIMITS.resultExcerptBytes + 300);
  });

  test('whatever is shown is small, well-formed, and named by its hash', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(9_000))
        .map(([unit, times]) => unit.repeat(times % 3_000)),
    );
    fc.assert(
      fc.property(text, (data) => {
        const { outcome, text: shown, full } = render(success(data));
        expect(outcome.bytes).toBe(Buffer.byteLength(shown, 'utf8'));
        expect(outcome.bytes).toBeLessThanOrEqual(LIMITS.inlineResultBytes);
        expect(outcome.ref).toBe(hashText(shown));
        expect(shown).not.toMatch(/[\ud800-\udfff]/u);
        if (full !== null) expect(full.startsWith(shown.split('\n').slice(1, -1).join('\n'))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a result that cannot be used', () => {
  const unusable: readonly (readonly [string, ToolResult])[] = [
    ['too large', huge],
    ['a date inside', careless({ kind: 'success', data: { at: new Date(0) } })],
    ['a BigInt inside', careless({ kind: 'success', data: 1n })],
    ['no data', careless({ kind: 'success' })],
    ['a cycle', careless({ kind: 'success', data: cycle })],
    [
      'nested without end',
      careless({ kind: 'success', data: JSON.parse(`${'['.repeat(9_000)}${']'.repeat(9_000)}`) }),
    ],
  ];
  const none: readonly (readonly [string, ToolResult])[] = [
    ['undefined', careless(undefined)],
    ['null', careless(null)],
    ['text', careless('done')],
    ['an object of its own', careless({ ok: true })],
    ['another kind', careless({ kind: 'ok', data: 1 })],
  ];

  test.each(unusable)('%s: a read has failed and says how to ask for less', (_name, result) => {
    expect(faultOf(result)).toMatchObject({ kind: 'unusable' });
    expect(readable(result)).toMatchObject({
      kind: 'failed',
      retryable: false,
      suggestion: expect.stringContaining('Ask for less'),
    });
  });

  test.each(unusable)('%s: an effect was done all the same', (_name, result) => {
    const said = effected(result);
    expect(said).toMatchObject({ kind: 'success' });
    expect(said && render(said).text).toMatch(/^It was done\. Its result cannot be shown: /);
  });

  test.each(none)('%s: a read has failed; of an effect nobody knows', (_name, result) => {
    expect(faultOf(result)).toEqual({ kind: 'no_result' });
    expect(readable(result)).toMatchObject({ kind: 'failed', error: 'the tool returned no result' });
    expect(effected(result)).toBeNull();
  });

  test('a good one is handed on untouched', () => {
    for (const result of [success({ a: 1 }), success(''), notFound('no'), failed('closed')]) {
      expect(faultOf(result)).toBeNull();
      expect(readable(result)).toBe(result);
      expect(effected(result)).toBe(result);
    }
  });

  test('the limit on size is in bytes', () => {
    expect(faultOf(success('x'.repeat(LIMITS.resultBytes - 2)))).toBeNull();
    expect(faultOf(huge)).toMatchObject({
      kind: 'unusable',
      problem: expect.stringContaining(`${LIMITS.resultBytes + 2} bytes`),
    });
  });
});
