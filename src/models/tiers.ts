import { LIMITS } from '../core/limits.ts';
import type { ModelTier } from '../core/release.ts';

export const MODEL_TIERS: readonly ModelTier[] = ['small', 'standard', 'deep'];

/** The models of each tier, the preferred one first. What a worker has to check at start. */
export type ModelChains = Readonly<Record<ModelTier, readonly string[]>>;

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
 * The models of a tier: the environment's words (separated by commas, surrounding space ignored, empty means unset),
 * else the default. Throws a TypeError for a name no API could have, one that stands twice, and a chain too long.
 */
export function resolveChain(tier: ModelTier, environment: Environment): readonly string[] {
  const { variable, model } = TIERS[tier];
  const names = (environment[variable] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) return [model];
  for (const [i, name] of names.entries()) {
    const shown = `${variable}=${JSON.stringify(name.slice(0, 80))}`;
    if (!/^[A-Za-z0-9][\w.:/@-]{0,127}$/.test(name))
      throw new TypeError(
        `${shown} is not a model name (letters, digits and . : / @ _ -, at most 128). Set it to a name such as ${model}, or several separated by commas, or unset it.`,
      );
    if (names.indexOf(name) !== i) throw new TypeError(`${shown} stands there twice: name each model once.`);
  }
  if (names.length > LIMITS.modelsPerTier)
    throw new TypeError(`${variable} names ${names.length} models: at most ${LIMITS.modelsPerTier}.`);
  return names;
}

export function resolveChains(environment: Environment): ModelChains {
  return {
    small: resolveChain('small', environment),
    standard: resolveChain('standard', environment),
    deep: resolveChain('deep', environment),
  };
}

/** Every model that is configured, each once. */
export function modelsOf(chains: ModelChains): readonly string[] {
  return [...new Set(Object.values(chains).flat())];
}
