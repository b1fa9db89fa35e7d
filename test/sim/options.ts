/** What a simulation is made of. */
import type { ActivityHandler } from './activities.ts';
import type { HistoryLimits } from './history.ts';
import type { Bundle } from './vm.ts';

export interface SimulationOptions {
  readonly bundle: Bundle;
  readonly workflowType: string;
  readonly args: readonly unknown[];
  readonly startTimeMs: number;
  /** A whole number; the run's randomness and its run id follow from it. */
  readonly seed: number;
  readonly workflowId?: string;
  readonly activities: Readonly<Record<string, ActivityHandler>>;
  /**
   * After each task, compares the run with one that lost its instance there and replayed everything; the instance that
   * lived goes on. It costs one more activation for each, however long the run.
   */
  readonly crashEveryActivation?: boolean;
  /** Queries without arguments whose answers a crash must not change; asked only with `crashEveryActivation`. */
  readonly stableQueries?: readonly string[];
  /** Says after which activations to lose the instance in earnest and go on with the one replayed from the start. */
  readonly crashAfter?: (activations: number) => boolean;
  /** How many steps one call may take before the run counts as one that never settles. */
  readonly maxStepsPerCall?: number;
  readonly historyLimits?: HistoryLimits;
}
