/** What one attempt of an activity does, when it ends, and the failures the server and the core make of it. */
import { type Failure, makeFailure, type Payload } from './vm.ts';
import { encode, RETRY_STATES, TIMEOUT_TYPES, toDuration } from './wire.ts';

export interface FailureSpec {
  readonly message: string;
  readonly type?: string;
  readonly nonRetryable?: boolean;
  readonly nextRetryDelayMs?: number;
  readonly details?: readonly unknown[];
  /** Makes the attempt a timeout of this kind; its natural length is that timeout's. */
  readonly timeout?: 'START_TO_CLOSE' | 'HEARTBEAT' | 'SCHEDULE_TO_CLOSE';
}

/**
 * What one attempt does. A cancel request reaches an attempt only through heartbeats, so without a heartbeat timeout
 * the default is `ignored`; `whenCancelled` says otherwise, or names the outcome the attempt ends with instead.
 */
export type ActivityOutcome = (
  | { readonly kind: 'completed'; readonly result: unknown; readonly takesMs?: number }
  | { readonly kind: 'failed'; readonly failure: FailureSpec; readonly takesMs?: number }
  | { readonly kind: 'hangs' }
  /** Ends its worker. A local activity takes its workflow task with it; any other one is not heard of again. */
  | { readonly kind: 'ends_worker' }
) & { readonly whenCancelled?: 'cancelled' | 'ignored' | ActivityOutcome };

/** How one attempt ends when nothing else intervenes. */
export interface AttemptEnd {
  readonly atMs: number;
  readonly result?: Payload;
  readonly failure?: Failure;
  readonly nextRetryDelayMs?: number | undefined;
}

/** The clocks that run against an attempt, as the schedule command set them. */
export interface AttemptClocks {
  readonly activityType: string;
  readonly startToCloseMs: number | undefined;
  readonly heartbeatMs: number | undefined;
  readonly expiresAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
}

/** The failure the core itself makes for an activity the workflow cancelled. */
export function cancelledFailure(activity: {
  readonly activityId: string;
  readonly activityType: string;
}): Failure {
  const cause = { message: '', canceledFailureInfo: {} };
  return activityFailure(activity, 'Activity cancelled', cause, 'CANCEL_REQUESTED');
}

export function activityFailure(
  activity: { readonly activityId: string; readonly activityType: string },
  message: string,
  cause: Failure,
  retryState: string,
): Failure {
  return {
    message,
    cause,
    activityFailureInfo: {
      activityType: { name: activity.activityType },
      activityId: activity.activityId,
      retryState: RETRY_STATES.indexOf(retryState),
      identity: 'simulation',
    },
  };
}

export function timeoutFailure(kind: string): Failure {
  if (kind === 'NO_TIME_LEFT') {
    const message =
      'Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying';
    return { message, timeoutFailureInfo: { timeoutType: TIMEOUT_TYPES.indexOf('SCHEDULE_TO_CLOSE') } };
  }
  const words = kind.toLowerCase().split('_');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return {
    message: `activity ${name} timeout`,
    timeoutFailureInfo: { timeoutType: TIMEOUT_TYPES.indexOf(kind) },
  };
}

/** The earliest of what the attempt does and what the server's clocks do to it. */
export function findEnd(activity: AttemptClocks, outcome: ActivityOutcome, fromMs: number): AttemptEnd {
  const startedAtMs = activity.startedAtMs ?? fromMs;
  const limits = [
    ...limitAt('START_TO_CLOSE', startedAtMs, activity.startToCloseMs),
    // An attempt that works sends heartbeats; one that hangs does not.
    ...(outcome.kind === 'hangs' || outcome.kind === 'ends_worker'
      ? limitAt('HEARTBEAT', startedAtMs, activity.heartbeatMs)
      : []),
  ];
  const own = findOwnEnd(activity, outcome, fromMs, startedAtMs);
  const ends = own === undefined ? limits : [own, ...limits];
  const [first, ...others] = ends;
  if (first === undefined)
    throw new Error(`Activity "${activity.activityType}" hangs and has no timeout that would end it.`);
  return others.reduce((earliest, end) => (end.atMs < earliest.atMs ? end : earliest), first);
}

function findOwnEnd(
  activity: AttemptClocks,
  outcome: ActivityOutcome,
  fromMs: number,
  startedAtMs: number,
): AttemptEnd | undefined {
  switch (outcome.kind) {
    case 'hangs':
    case 'ends_worker':
      return undefined;
    case 'completed':
      return { atMs: fromMs + (outcome.takesMs ?? 0), result: encode(outcome.result) };
    case 'failed': {
      const spec = outcome.failure;
      if (spec.timeout !== undefined) {
        const atMs = fromMs + (outcome.takesMs ?? naturalTimeoutMs(activity, spec.timeout, startedAtMs));
        return { atMs, failure: timeoutFailure(spec.timeout) };
      }
      const atMs = fromMs + (outcome.takesMs ?? 0);
      return { atMs, failure: applicationFailure(spec), nextRetryDelayMs: spec.nextRetryDelayMs };
    }
    default:
      return outcome satisfies never;
  }
}

function naturalTimeoutMs(activity: AttemptClocks, timeout: string, startedAtMs: number): number {
  if (timeout === 'HEARTBEAT') return activity.heartbeatMs ?? 0;
  if (timeout === 'START_TO_CLOSE') return activity.startToCloseMs ?? 0;
  return (activity.expiresAtMs ?? startedAtMs) - startedAtMs;
}

function limitAt(kind: string, startedAtMs: number, limitMs: number | undefined): readonly AttemptEnd[] {
  return limitMs === undefined ? [] : [{ atMs: startedAtMs + limitMs, failure: timeoutFailure(kind) }];
}

function applicationFailure(spec: FailureSpec): Failure {
  const details = spec.details === undefined ? {} : { details: { payloads: spec.details.map(encode) } };
  const delay =
    spec.nextRetryDelayMs === undefined ? {} : { nextRetryDelay: toDuration(spec.nextRetryDelayMs) };
  const info = { type: spec.type ?? 'Error', nonRetryable: spec.nonRetryable ?? false, ...details, ...delay };
  return makeFailure({ message: spec.message, source: 'TypeScriptSDK', applicationFailureInfo: info });
}
