import { CancelledFailure, Context } from '@temporalio/activity';
import { FailureError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { ModelCallError } from '../models/classify.ts';
import { costMicroUsd } from '../models/prices.ts';
import type { ModelAnswer, ModelRequest } from '../models/provider.ts';
import { failAttempt } from '../store/answers.ts';
import type { ActivityServices } from './services.ts';

/**
 * Asks the model until it answers, the run ends (known at once, through the store) or the engine cancels (known with
 * the next heartbeat, so it also serves a run that was terminated and a worker that shuts down).
 */
export async function askProvider(
  services: ActivityServices,
  request: ModelRequest,
  attempt: number,
  ended: AbortSignal,
): Promise<ModelAnswer> {
  const context = Context.current();
  const signal = AbortSignal.any([context.cancellationSignal, ended]);
  const sends = !signal.aborted;
  // Shows that this process lives; whether the stream does is the provider's own watchdog.
  const beat = setInterval(() => context.heartbeat(), LIMITS.modelBeatMs);
  try {
    return await services.provider.complete(request, { signal, onProgress: () => context.heartbeat() });
  } catch (error) {
    const code = error instanceof FailureError ? error.failure.code : 'bug';
    const usage = error instanceof ModelCallError ? error.usage : null;
    const price = () =>
      usage === null ? 0 : costMicroUsd(request.model, usage, new Date(), { unpriced: services.unpriced });
    await failAttempt(services.sql, attempt, {
      code,
      usage,
      requestId: error instanceof ModelCallError ? error.requestId : null,
      // A request that was cut off before it said anything may have been worked on: its worst case is the honest one.
      costMicroUsd: code === 'model_cancelled' && usage === null && sends ? null : price(),
    });
    // The engine's own word: it counts as cancelled, or as a lost attempt where only the worker shuts down.
    if (code === 'model_cancelled' && context.cancellationSignal.aborted)
      throw new CancelledFailure('the model call was cancelled');
    throw error;
  } finally {
    clearInterval(beat);
  }
}
