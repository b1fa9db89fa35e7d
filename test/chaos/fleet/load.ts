import type { HoldfastClient } from '../../../src/client/holdfastClient.ts';
import { beCustomer, type Noted, newNoted } from './customer.ts';
import { type Mix, type Plan, planOf, USUAL_MIX } from './mix.ts';
import { pause } from './patience.ts';

export interface LoadOptions {
  /** At most so many; `stop` ends it earlier. */
  readonly runs: number;
  /** Customers at a time. */
  readonly concurrency: number;
  readonly mix?: Mix;
  /** How long each customer tries, from their start to their end. Default four minutes. */
  readonly patienceMs?: number;
  /** Fewer starts a second than could be. */
  readonly everyMs?: number;
}

/** Customers that come and go. */
export interface Load {
  readonly runs: readonly Noted[];
  /** Nobody new comes; those who are there stay to their end. */
  stop(): void;
  /** Resolves when all of them have ended or left. */
  readonly done: Promise<void>;
}

const PATIENCE_MS = 4 * 60_000;

export function startLoad(given: {
  readonly holdfast: HoldfastClient;
  readonly seed: number;
  readonly name: string;
  readonly options: LoadOptions;
  /** The ordinal of the next run: loads of one fleet have one count. */
  readonly next: () => number;
  /** Called before the run is asked for. */
  readonly onPlan: (plan: Plan) => void;
  readonly signal: AbortSignal;
}): Load {
  const { holdfast, seed, name, options, next, onPlan, signal } = given;
  const { runs: most, concurrency, mix = USUAL_MIX, patienceMs = PATIENCE_MS, everyMs = 0 } = options;
  const runs: Noted[] = [];
  let over = false;
  let nextAtMs = Date.now();
  const come = async () => {
    for (;;) {
      const waitMs = nextAtMs - Date.now();
      nextAtMs = Math.max(nextAtMs, Date.now()) + everyMs;
      if (waitMs > 0) await pause(waitMs);
      if (over || signal.aborted || runs.length >= most) return;
      const plan = planOf({ seed, ordinal: next(), name, mix });
      const noted = newNoted(plan);
      runs.push(noted);
      onPlan(plan);
      await beCustomer(holdfast, noted, { patienceMs, signal });
    }
  };
  const done = Promise.all(Array.from({ length: concurrency }, come)).then(() => undefined);
  return {
    runs,
    stop: () => {
      over = true;
    },
    done,
  };
}
