/** The closed list of failure codes that leave an activity. History, tables and metrics use these words only. */
export type FailureCode =
  // model
  | 'model_rate_limited'
  | 'model_overloaded'
  | 'model_unavailable'
  | 'model_timeout'
  | 'model_stalled'
  | 'model_garbled'
  | 'model_cancelled'
  | 'model_auth'
  | 'model_billing'
  | 'model_spend_limit'
  | 'model_not_found'
  | 'model_bad_request'
  | 'model_prefix_changed'
  | 'model_context_exceeded'
  /** The model declined, and another one is asked. */
  | 'model_refused'
  /** No model of the chain may be called now. No request was made. */
  | 'model_circuit_open'
  // store and engine
  | 'store_unavailable'
  /** The run's own history could not be read. */
  | 'history_unavailable'
  | 'release_not_here'
  | 'lease_busy'
  | 'tool_failed'
  // start and wiring
  | 'bad_start'
  | 'unknown_agent'
  | 'bug';

/** Two families, no third: a retryable failure may say when to come back, a terminal one never heals by itself. */
export type Failure =
  | {
      readonly kind: 'retryable';
      readonly code: FailureCode;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'terminal'; readonly code: FailureCode; readonly message: string };

export function retryable(code: FailureCode, message: string, retryAfterMs?: number): Failure {
  return retryAfterMs === undefined
    ? { kind: 'retryable', code, message }
    : { kind: 'retryable', code, message, retryAfterMs };
}

export function terminal(code: FailureCode, message: string): Failure {
  return { kind: 'terminal', code, message };
}

/** An error that already knows its family. Services throw it; activities turn it into a Temporal failure. */
export class FailureError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, options?: { readonly cause?: unknown }) {
    super(failure.message, options);
    this.name = 'FailureError';
    this.failure = failure;
  }
}
