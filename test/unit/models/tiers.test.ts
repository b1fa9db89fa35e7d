import { expect, test } from 'vitest';
import { MODEL_TIERS, resolveModel, resolveModels } from '../../../src/models/tiers.ts';

test('each tier has a default and one variable that overrides it', () => {
  expect(resolveModels({})).toEqual({
    small: 'claude-haiku-5-5',
    standard: 'claude-sonnet-5-5',
    deep: 'claude-opus-5-5',
  });
  for (const tier of MODEL_TIERS) {
    const variable = `HOLDFAST_MODEL_${tier.toUpperCase()}`;
    expect(resolveModel(tier, { [variable]: ' my-model@1 ' })).toBe('my-model@1');
    expect(resolveModel(tier, { [variable]: '' })).toBe(resolveModel(tier, {}));
  }
});

test('a name that no API could have is refused, with the variable and the remedy', () => {
  for (const name of ['two words', 'a\nb', '-x', 'x'.repeat(200)])
    expect(() => resolveModel('deep', { HOLDFAST_MODEL_DEEP: name })).toThrow(
      /HOLDFAST_MODEL_DEEP=.*unset it/,
    );
});
