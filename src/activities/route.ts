import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure, Context } from '@temporalio/activity';
import { type Failure, FailureError, retryable, terminal } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import type { Circuits, Pass } from '../models/circuit.ts';
import { type ModelTries, mayPassRefusal, movesOn, orderChain } from '../models/routes.ts';
import type { ActivityServices } from './services.ts';

// Which model a call goes to, and whether it may go now.

export interface RouteOptions {
  /** The models of the tier, the preferred one first. */
  readonly chain: readonly string[];
  /** How long a model that is about to be free is waited for. */
  readonly patienceMs: number;
  /** The model that the run stays with while it can; null for none. */
  readonly own: string | null;
  /** What this step has met so far. */
  readonly tries: readonly ModelTries[];
  /** The engine makes no further attempt after this one: a refusal stands. */
  readonly last: boolean;
  readonly clock: RouteClock;
}

/** Time for whoever waits inside an attempt. `pause` throws where the call is not wanted any more. */
export interface RouteClock {
  readonly nowMs: () => number;
  readonly pause: (waitMs: number) => Promise<void>;
}

/** A model that may be called once, now. `leave` must follow, whatever happens. */
export interface Route {
  readonly model: string;
  answered(): void;
  /** Takes note of a failed call, and says when to come back: at once where another model is asked next. */
  failed(failure: Failure): Failure;
  /** A refusal of this model is passed on to another one. */
  readonly passesRefusal: boolean;
  leave(): void;
}

export type Taken =
  | { readonly kind: 'free'; readonly route: Route }
  /** No model of the chain may be called for some time. No request was made. */
  | { readonly kind: 'blocked'; readonly failure: Failure };

/**
 * Takes the first model of the chain whose circuit lets a call through and that no breaker holds. Where all are closed
 * for a moment only, it waits within its patience, so that a probe under way costs nobody an attempt. There is no other way to a
 * model.
 */
export async function takeRoute(
  services: Pick<ActivityServices, 'circuits' | 'openBreakers'>,
  options: RouteOptions,
): Promise<Taken> {
  const held = await services.openBreakers();
  const models = orderChain(options.chain, options.own, options.tries).filter(
    (model) => !held.has(`model:${model}`),
  );
  const untilMs = options.clock.nowMs() + options.patienceMs;
  for (;;) {
    let waitMs = models.length === 0 ? LIMITS.breakerLookMs : Number.POSITIVE_INFINITY;
    for (const model of models) {
      const admission = services.circuits.admit(model);
      if (admission.kind === 'go')
        return { kind: 'free', route: routeOf(services.circuits, options, model, admission.pass) };
      waitMs = Math.min(waitMs, admission.waitMs);
    }
    waitMs = services.circuits.spread(waitMs);
    if (options.clock.nowMs() + waitMs > untilMs)
      return { kind: 'blocked', failure: blocked(options, waitMs) };
    await options.clock.pause(waitMs);
  }
}

function routeOf(
  circuits: Circuits,
  { chain, own, tries, last }: RouteOptions,
  model: string,
  pass: Pass,
): Route {
  return {
    model,
    answered: () => pass.answered(),
    failed(failure) {
      pass.failed(failure);
      if (failure.kind === 'terminal') return failure;
      const { code, message, retryAfterMs } = failure;
      if (movesOn(chain, own, tries, model)) return retryable(code, message);
      return retryAfterMs === undefined ? failure : retryable(code, message, circuits.spread(retryAfterMs));
    },
    passesRefusal: !last && mayPassRefusal(chain, tries),
    leave: () => pass.leave(),
  };
}

function blocked({ chain }: RouteOptions, waitMs: number): Failure {
  return retryable(
    'model_circuit_open',
    `No call is made now: ${chain.join(', ')} failed again and again, or a breaker is open. It is tried again after a while.`,
    waitMs,
  );
}

/** The clock of this attempt: its pauses end with the run, and with the engine's cancel. */
export function clockOf(ended: AbortSignal): RouteClock {
  const { cancellationSignal } = Context.current();
  return {
    nowMs: () => performance.now(),
    async pause(waitMs) {
      const signal = AbortSignal.any([cancellationSignal, ended]);
      // Only an abort rejects it, and what that means is said below.
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (cancellationSignal.aborted) throw new CancelledFailure('the model call was cancelled');
      if (ended.aborted)
        throw new FailureError(
          terminal('model_cancelled', 'The run has ended: its model is not called any more.'),
        );
    },
  };
}
