import {
  ApplicationFailure,
  isGrpcDeadlineError,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';

export type HoldfastErrorCode =
  | 'bad_options'
  | 'bad_start'
  | 'bad_message'
  | 'bad_steering'
  | 'bad_decision'
  | 'already_started'
  | 'not_found'
  | 'ended'
  | 'failed'
  | 'busy'
  | 'timed_out'
  | 'unreachable';

/** What went wrong, by a closed list of codes, in words that say what to do next. The cause is Temporal's own error. */
export class HoldfastError extends Error {
  readonly code: HoldfastErrorCode;

  constructor(code: HoldfastErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HoldfastError';
    this.code = code;
  }
}

/** The run took the update and ended or moved on before it could answer. */
export function isCutOff(error: unknown): boolean {
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'AcceptedUpdateCompletedWorkflow'
  );
}

/** The run is about to continue as new; its next execution takes the update. */
export function isMoving(error: unknown): boolean {
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'moving'
  );
}

export function isGone(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || isCutOff(error);
}

/** gRPC status codes, by the names of the protocol. */
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;

/** Temporal's error as one of ours; one that is none of these stays what it is. */
export function inWords(error: unknown, workflowId: string, timeoutMs: number): unknown {
  if (error instanceof HoldfastError) return error;
  const cause = { cause: error };
  if (error instanceof WorkflowExecutionAlreadyStartedError)
    return new HoldfastError(
      'already_started',
      `a run with the workflow id "${workflowId}" is there already: send to it, or choose another id`,
      cause,
    );
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError) {
    const failure = error.cause;
    const type = failure instanceof ApplicationFailure ? failure.type : null;
    const words = failure?.message ?? error.message;
    if (type === 'bad_message' || type === 'bad_start') return new HoldfastError(type, words, cause);
    if (type === 'too_many_senders' || type === 'moving' || type === 'not_verified')
      return new HoldfastError('busy', words, cause);
    if (isCutOff(error)) return new HoldfastError('ended', `run "${workflowId}" has ended`, cause);
    return new HoldfastError('failed', `run "${workflowId}" failed: ${words}`, cause);
  }
  const grpc = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  const code = isGrpcServiceError(grpc) ? Number(grpc.code) : null;
  if (
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    isGrpcDeadlineError(error) ||
    code === CANCELLED ||
    code === DEADLINE_EXCEEDED
  )
    return new HoldfastError(
      'timed_out',
      `run "${workflowId}" did not answer within ${timeoutMs} ms: is a worker running, and Temporal up? Try again: an id makes a message count once`,
      cause,
    );
  if (isGrpcServiceError(grpc) && Number(grpc.code) === UNAVAILABLE)
    return new HoldfastError(
      'unreachable',
      'Temporal cannot be reached: check its address, and try again',
      cause,
    );
  if (isGrpcServiceError(grpc) && Number(grpc.code) === FAILED_PRECONDITION)
    return new HoldfastError(
      'timed_out',
      `run "${workflowId}" cannot answer (${grpc.details}): is a worker running?`,
      cause,
    );
  if (isGrpcServiceError(grpc) && Number(grpc.code) === RESOURCE_EXHAUSTED)
    return new HoldfastError('busy', `Temporal is busy (${grpc.details}): try again in a moment`, cause);
  return error;
}
