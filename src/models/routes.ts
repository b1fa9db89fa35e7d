import type { FailureCode } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';

// Which model of a chain is asked. Pure: what is known of the step's earlier tries decides.

/** What one step has met at one model so far. */
export interface ModelTries {
  readonly model: string;
  /** Tries that failed for the model's own sake (`PASSING_FAILURES`). */
  readonly failed: number;
  /** Answers that were refusals and sent the step on. */
  readonly refused: number;
}

/**
 * Failures that say that this model cannot be asked now. They move its circuit, and another model may be asked instead.
 * A key that is refused, a bad request or a cancelled call is never among them: no other model would help.
 */
export const PASSING_FAILURES = [
  'model_rate_limited',
  'model_overloaded',
  'model_unavailable',
  'model_timeout',
  'model_stalled',
] as const satisfies readonly FailureCode[];

export function isPassing(code: FailureCode): boolean {
  return (PASSING_FAILURES as readonly FailureCode[]).includes(code);
}

/**
 * The models of a chain in the order in which this step should try them: the run's own first, so that it stays where it
 * is, then the chain's. Every `triesPerModel` failures, or a refusal, put a model behind those that had fewer.
 */
export function orderChain(
  chain: readonly string[],
  own: string | null,
  tries: readonly ModelTries[],
): readonly string[] {
  const rounds = (model: string): number => {
    const known = tries.find((one) => one.model === model);
    return known === undefined ? 0 : Math.floor(known.failed / LIMITS.triesPerModel) + known.refused;
  };
  const first = own !== null && chain.includes(own) ? [own] : [];
  return [...new Set([...first, ...chain])].sort((a, b) => rounds(a) - rounds(b));
}

/** True when the step would try another model after one more failure of this one. */
export function movesOn(
  chain: readonly string[],
  own: string | null,
  tries: readonly ModelTries[],
  model: string,
): boolean {
  const known = tries.find((one) => one.model === model) ?? { model, failed: 0, refused: 0 };
  const next = [...tries.filter((one) => one !== known), { ...known, failed: known.failed + 1 }];
  return orderChain(chain, own, next)[0] !== model;
}

/** A refusal sends a step on once; the next one stands. */
export function mayPassRefusal(chain: readonly string[], tries: readonly ModelTries[]): boolean {
  return chain.length > 1 && tries.every(({ refused }) => refused === 0);
}
