import { CancelledFailure, Context } from '@temporalio/activity';
import { FailureError, retryable } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { ModelCallError } from '../models/classify.ts';
import { costMicroUsd } from '../models/prices.ts';
import type { ModelAnswer, ModelRequest } from '../models/provider.ts';
import { failAttempt } from '../store/answers.ts';
import type { Route } from './route.ts';
import type { ActivityServices } from './services.ts';

/** A try whose worst case is reserved, at a model that may be asked now. */
export interface OpenTry {
  readonly attempt: number;
  readonly route: Route;
}

/**
 * Asks the model until it answers, the run ends (known at once, through the store) or the engine cancels (known with
 * the next heartbeat, so it also serves a run that was terminated and a worker that shuts down).
 */
export async function askProvider(
  services: ActivityServices,
  request: ModelRequest,
  { attempt, route }: OpenTry,
  ended: AbortSignal,
): Promise<ModelAnswer> {
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, ended]);
  const sends = !signal.aborted;
  // Shows that this process lives; whether the stream does is the provider's own watchdog.
  const beat = setInterval(() => context.heartbeat(), LIMITS.modelBeatMs);
  try {
    const answer = await services.provider.complete(request, {
      signal,
      onProgress: () => context.heartbeat(),
    });
    route.answered();
    return answer;
  } catch (error) {
    const failure = error instanceof FailureError ? route.failed(error.failure) : null;
    const code = failure?.code ?? 'bug';
    const usage = error instanceof ModelCallError ? error.usage : null;
    const accepted = error instanceof ModelCallError && error.accepted;
    const price = () =>
      usage === null ? 0 : costMicroUsd(request.model, usage, new Date(), { unpriced: services.unpriced });
    await failAttempt(services.sql, attempt, {
      code,
      usage,
      requestId: error instanceof ModelCallError ? error.requestId : null,
      // What was begun, or cut off by us, before it said anything may be billed: its worst case is the honest one.
      costMicroUsd: usage === null && (accepted || (code === 'model_cancelled' && sends)) ? null : price(),
    });
    // The engine's own word: it counts as cancelled, or as a lost attempt where only the worker shuts down.
    if (code === 'model_cancelled' && context.cancellationSignal.aborted)
      throw new CancelledFailure('the model call was cancelled');
    throw failure === null ? error : new FailureError(failure);
  } finally {
    clearInterval(beat);
  }
}

/**
 * An answer that is a refusal, where another model of the chain has not been asked yet: it is paid for and put away, and
 * the next attempt goes there. Any other answer stands.
 */
export async function passRefusalOn(
  services: ActivityServices,
  request: ModelRequest,
  { attempt, route }: OpenTry,
  answer: ModelAnswer,
): Promise<void> {
  if (answer.stopReason !== 'refusal' || !route.passesRefusal) return;
  const { usage, requestId } = answer;
  await failAttempt(services.sql, attempt, {
    code: 'model_refused',
    usage,
    requestId,
    costMicroUsd: costMicroUsd(request.model, usage, new Date(), { unpriced: services.unpriced }),
  });
  throw new FailureError(
    retryable('model_refused', `${request.model} refused to answer. The next model is asked once.`, 1),
  );
}
