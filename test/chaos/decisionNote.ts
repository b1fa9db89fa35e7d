import type { Decision } from '../../src/core/approvals.ts';

/**
 * What somebody says to a request, noted by themselves before they send it. A decision that the product acts on has to be
 * among these, so its own row is not the only witness.
 */
export interface DecisionNote {
  readonly approval: string;
  readonly by: string;
  readonly kind: Decision['kind'];
  /** The arguments they were shown, by their hash. */
  readonly argsHash: string | null;
  /** On this machine's clock. */
  readonly atMs: number;
}
