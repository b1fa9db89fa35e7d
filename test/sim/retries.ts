/**
 * The server's decision about a failed activity attempt, as in its `service/history/workflow/retry.go`.
 * One surprise it shares with the server: `maximumInterval` also cuts a failure's own `nextRetryDelay`.
 */
import { type FailureView, isRecord } from './wire.ts';

export interface RetryPolicy {
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maximumIntervalMs: number;
  /** 0 means no bound. */
  readonly maximumAttempts: number;
  readonly nonRetryableErrorTypes: readonly string[];
}

export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'stop'; readonly retryState: string };

export interface FailedAttempt {
  readonly attempt: number;
  readonly failure: FailureView;
  readonly nextRetryDelayMs?: number | undefined;
  readonly nowMs: number;
  readonly expiresAtMs: number | undefined;
  readonly cancelRequested: boolean;
}

/** Fills the gaps of a policy from a command with the server's defaults. Durations are already milliseconds. */
export function readRetryPolicy(policy: unknown): RetryPolicy {
  const given = isRecord(policy) ? policy : {};
  const initialIntervalMs = positive(given.initialInterval) ?? 1_000;
  return {
    initialIntervalMs,
    backoffCoefficient: positive(given.backoffCoefficient) ?? 2,
    maximumIntervalMs: positive(given.maximumInterval) ?? 100 * initialIntervalMs,
    maximumAttempts: positive(given.maximumAttempts) ?? 0,
    nonRetryableErrorTypes: Array.isArray(given.nonRetryableErrorTypes)
      ? given.nonRetryableErrorTypes.map(String)
      : [],
  };
}

export function decideRetry(policy: RetryPolicy, failed: FailedAttempt): RetryDecision {
  if (failed.cancelRequested) return { kind: 'stop', retryState: 'CANCEL_REQUESTED' };
  if (failed.failure.timeout?.startsWith('SCHEDULE_TO_') === true)
    return { kind: 'stop', retryState: 'TIMEOUT' };
  if (!isRetryable(policy, failed.failure)) return { kind: 'stop', retryState: 'NON_RETRYABLE_FAILURE' };
  if (policy.maximumAttempts > 0 && failed.attempt >= policy.maximumAttempts) {
    return { kind: 'stop', retryState: 'MAXIMUM_ATTEMPTS_REACHED' };
  }
  const wantedMs =
    failed.nextRetryDelayMs ?? policy.initialIntervalMs * policy.backoffCoefficient ** (failed.attempt - 1);
  const delayMs = wantedMs <= 0 ? policy.maximumIntervalMs : Math.min(wantedMs, policy.maximumIntervalMs);
  if (failed.expiresAtMs !== undefined && failed.nowMs + delayMs > failed.expiresAtMs) {
    return { kind: 'stop', retryState: 'TIMEOUT' };
  }
  return { kind: 'retry', delayMs };
}

function isRetryable(policy: RetryPolicy, failure: FailureView): boolean {
  switch (failure.kind) {
    case 'cancelled':
      return false;
    case 'timeout':
      if (failure.timeout === 'START_TO_CLOSE')
        return !policy.nonRetryableErrorTypes.includes('TemporalTimeout:StartToClose');
      if (failure.timeout === 'HEARTBEAT')
        return !policy.nonRetryableErrorTypes.includes('TemporalTimeout:Heartbeat');
      return false;
    case 'application':
      return failure.nonRetryable !== true && !policy.nonRetryableErrorTypes.includes(failure.type ?? '');
    case 'activity':
    case 'other':
      return true;
    default:
      return failure.kind satisfies never;
  }
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}
