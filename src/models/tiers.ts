import type { ModelTier } from '../core/release.ts';

export const MODEL_TIERS: readonly ModelTier[] = ['small', 'standard', 'deep'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the defaults do not allow, so that nobody tries (vendor documentation, September to November 2026):
 * the 5.5 models answer 400 to a forced tool choice (`any` or one tool), to sampling parameters and to a
 * prefilled assistant message. Thinking is left to the API's own default: Opus 5.5 cannot switch it off, and
 * changing it in the middle of a conversation loses the cache. Haiku 5.5 costs five times as much for a request
 * of more than 100,000 prompt tokens (models/prices.ts).
 */
const TIERS: Readonly<Record<ModelTier, { readonly variable: string; readonly model: string }>> = {
  small: { variable: 'HOLDFAST_MODEL_SMALL', model: 'claude-haiku-5-5' },
  standard: { variable: 'HOLDFAST_MODEL_STANDARD', model: 'claude-sonnet-5-5' },
  deep: { variable: 'HOLDFAST_MODEL_DEEP', model: 'claude-opus-5-5' },
};

/**
 * The model name for a tier: the environment's word (surrounding space ignored, empty means unset), else the default.
 * Throws a TypeError for a name no API could have.
 */
export function resolveModel(tier: ModelTier, environment: Environment): string {
  const { variable, model } = TIERS[tier];
  const name = environment[variable]?.trim() ?? '';
  if (name === '') return model;
  if (!/^[A-Za-z0-9][\w.:/@-]{0,127}$/.test(name))
    throw new TypeError(
      `${variable}=${JSON.stringify(name.slice(0, 80))} is not a model name (letters, digits and . : / @ _ -, at most 128). Set it to a name such as ${model}, or unset it.`,
    );
  return name;
}

/** The model of every tier: what a worker has to check at start. */
export function resolveModels(environment: Environment): Readonly<Record<ModelTier, string>> {
  return {
    small: resolveModel('small', environment),
    standard: resolveModel('standard', environment),
    deep: resolveModel('deep', environment),
  };
}
