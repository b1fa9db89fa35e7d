import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { FailureError, terminal } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { utf8Bytes } from '../core/text.ts';
import { answeredBy } from '../store/asking.ts';
import { onStore } from '../store/connection.ts';
import { attemptEndsAtMs } from './attempt.ts';
import { errorText, type Privacy } from './privacy.ts';
import type { InsideTask } from './types.ts';

/**
 * The border to Temporal: whatever an activity throws leaves it as an `ApplicationFailure` with one of our codes, our
 * words and our delay. The text of an unexpected error stays in the worker's log, redacted: it may quote anything.
 */
export function borderFor(privacy: Privacy) {
  return <Input, Result>(activity: (input: Input) => Promise<Result>) =>
    async (input: Input, inside?: InsideTask): Promise<Result> => {
      if (inside?.again === true) throw doneBefore();
      try {
        // An attempt that says nothing is taken for one that ended its worker, and only so many of those are allowed.
        const answerByMs = attemptEndsAtMs() - LIMITS.answerRoomMs;
        return bounded(await onStore(() => answeredBy(answerByMs, () => activity(input))));
      } catch (error) {
        if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
        throw toApplicationFailure(error, privacy);
      }
    };
}

/** No failure of anybody: whoever asked asks again, by an activity. */
function doneBefore(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'its workflow task may have been done before: an activity does it',
    type: 'done_before',
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  });
}

/** Nothing large crosses into history: a result over the hard limit is a bug of ours, and one over the soft is told. */
function bounded<Result>(result: Result): Result {
  const bytes = utf8Bytes(JSON.stringify(result) ?? '');
  if (bytes > LIMITS.payloadHardBytes)
    throw new FailureError(
      terminal('bug', `a result of ${bytes} bytes, the limit is ${LIMITS.payloadHardBytes}`),
    );
  if (bytes > LIMITS.payloadSoftBytes) Context.current().log.warn('a large activity result', { bytes });
  return result;
}

export function toApplicationFailure(error: unknown, privacy: Privacy): ApplicationFailure {
  if (error instanceof FailureError) {
    const { failure } = error;
    return ApplicationFailure.create({
      message: failure.message,
      type: failure.code,
      nonRetryable: failure.kind === 'terminal',
      // Somebody wanted this: it is no warning in the log and no failure in the metrics.
      ...(failure.code === 'model_cancelled' && { category: ApplicationFailureCategory.BENIGN }),
      ...(failure.kind === 'retryable' &&
        failure.retryAfterMs !== undefined && { nextRetryDelay: failure.retryAfterMs }),
    });
  }
  const name = error instanceof Error ? error.name : typeof error;
  Context.current().log.error('unexpected error in an activity', {
    error: privacy.personal(errorText(error)),
  });
  return ApplicationFailure.create({
    message: `unexpected ${name}; the worker's log has the rest`,
    type: 'bug',
  });
}
