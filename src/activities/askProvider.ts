import { CancelledFailure, Context } from '@temporalio/activity';
import { FailureError, retryable } from '../core/errors.ts';
import { failedCall } from '../models/failedCall.ts';
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
  const sent = !signal.aborted;
  try {
    const answer = await services.provider.complete(request, { signal });
    route.answered();
    return answer;
  } catch (error) {
    const failure = error instanceof FailureError ? route.failed(error.failure) : null;
    const code = failure?.code ?? 'bug';
    const booked = failedCall(error, { model: request.model, sent, unpriced: services.unpriced });
    await failAttempt(services.sql, attempt, { code, ...booked });
    // The engine's own word: it counts as cancelled, or as a lost attempt where only the worker shuts down.
    if (code === 'model_cancelled' && context.cancellationSignal.aborted)
      throw new CancelledFailure('the model call was cancelled');
    throw failure === null ? error : new FailureError(failure);
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
