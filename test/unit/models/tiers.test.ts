import { expect, test } from 'vitest';
import { MODEL_TIERS, modelsOf, resolveChain, resolveChains } from '../../../src/models/tiers.ts';

test('each tier has a default and one variable that overrides it', () => {
  expect(resolveChains({})).toEqual({
    small: ['claude-haiku-5-5'],
    standard: ['claude-sonnet-5-5'],
    deep: ['claude-opus-5-5'],
  });
  for (const tier of MODEL_TIERS) {
    const variable = `HOLDFAST_MODEL_${tier.toUpperCase()}`;
    expect(resolveChain(tier, { [variable]: ' my-model@1 ' })).toEqual(['my-model@1']);
    expect(resolveChain(tier, { [variable]: 'a, b ,,c' })).toEqual(['a', 'b', 'c']);
    for (const nothing of ['', ' ', ' , '])
      expect(resolveChain(tier, { [variable]: nothing })).toEqual(resolveChain(tier, {}));
  }
});

test('every configured model is known once, fallbacks too', () => {
  expect(modelsOf(resolveChains({ HOLDFAST_MODEL_DEEP: 'x,claude-sonnet-5-5' }))).toEqual([
    'claude-haiku-5-5',
    'claude-sonnet-5-5',
    'x',
  ]);
});

test('a name that no API could have is refused, with the variable and the remedy', () => {
  for (const name of ['two words', 'a\nb', '-x', 'x'.repeat(200), 'good, two words'])
    expect(() => resolveChain('deep', { HOLDFAST_MODEL_DEEP: name })).toThrow(
      /HOLDFAST_MODEL_DEEP=.*unset it/,
    );
  expect(() => resolveChain('deep', { HOLDFAST_MODEL_DEEP: 'a,b,a' })).toThrow(/"a" stands there twice/);
  expect(() => resolveChain('deep', { HOLDFAST_MODEL_DEEP: 'a,b,c,d,e,f' })).toThrow(/at most 5/);
});
