/**
 * What can go wrong on the way. `afterEvents` counts frames of the stream, pings too; `times` is for how many
 * requests (default 1).
 */
export type Fault =
  /** An error reply. `type` defaults to the API's type for the status; `code` lands in `error.details.error_code`. */
  | {
      readonly kind: 'http';
      readonly status: number;
      readonly type?: string;
      readonly code?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
      readonly times?: number;
    }
  /** The socket is destroyed after that many events (default 3); 0 is before the headers. */
  | { readonly kind: 'cut'; readonly afterEvents?: number; readonly times?: number }
  /** The stream ends cleanly but without `message_stop` (default: only that is missing). */
  | { readonly kind: 'truncate'; readonly afterEvents?: number; readonly times?: number }
  /** `event: error` after that many events (default 3). `type` is for example `overloaded_error`. */
  | {
      readonly kind: 'midstream_error';
      readonly type: string;
      readonly afterEvents?: number;
      readonly times?: number;
    }
  /** Headers, that many events (default 0), then silence until the client goes away. */
  | { readonly kind: 'hang'; readonly afterEvents?: number; readonly times?: number }
  /** The right answer, late: one wait before the headers, or one before each event. */
  | {
      readonly kind: 'slow';
      readonly delayMs: number;
      readonly at?: 'start' | 'events';
      readonly times?: number;
    }
  /** As `cut`, but the client's kernel is told so (RST), and what it has not read yet is lost. */
  | { readonly kind: 'reset'; readonly afterEvents?: number; readonly times?: number }
  /**
   * Headers, that many events (default 1), then a trickle until the client goes away: pings for ever, or the rest of the
   * right answer a byte at a time, which nobody lives to see the end of.
   */
  | {
      readonly kind: 'drip';
      readonly what: 'pings' | 'bytes';
      readonly everyMs: number;
      readonly afterEvents?: number;
      readonly times?: number;
    }
  /** Status 200 and the right content type, that many events (default 0), then bytes that are neither events nor JSON nor text. */
  | { readonly kind: 'garbage'; readonly afterEvents?: number; readonly times?: number }
  /** Status 200 and a page of HTML, as from a proxy that asks for a log-in. */
  | { readonly kind: 'wrong_content_type'; readonly times?: number }
  /** The right answer, compressed, but only the first half of the compressed bytes; then a clean end. */
  | { readonly kind: 'truncated_gzip'; readonly times?: number };

const MAX_QUEUED = 10_000;

/** Decides which fault, if any, a request meets: injected ones first, in order, then those of its step. */
export interface FaultDesk {
  inject(fault: Fault): void;
  /** Forgets what was injected and not met yet. */
  calm(): void;
  /** `place` names the step, so that its attempts are counted. */
  next(place: string, ofStep: readonly Fault[]): Fault | null;
}

export function openFaultDesk(): FaultDesk {
  const queued: Fault[] = [];
  const attempts = new Map<string, number>();
  return {
    inject(fault) {
      const times = timesOf(fault);
      if (queued.length + times > MAX_QUEUED)
        throw new RangeError(`${times} faults more than the ${MAX_QUEUED} that may wait; inject fewer`);
      for (let index = 0; index < times; index += 1) queued.push(fault);
    },
    calm: () => {
      queued.length = 0;
    },
    next(place, ofStep) {
      const injected = queued.shift();
      if (injected) return injected;
      const attempt = attempts.get(place) ?? 0;
      if (ofStep.length > 0) attempts.set(place, attempt + 1);
      let first = 0;
      for (const fault of ofStep) {
        first += timesOf(fault);
        if (attempt < first) return fault;
      }
      return null;
    },
  };
}

/** The API's error type for a status. */
export function errorTypeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 409:
      return 'conflict_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 408:
    case 504:
      return 'timeout_error';
    case 529:
      return 'overloaded_error';
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error';
  }
}

function timesOf(fault: Fault): number {
  return fault.times ?? 1;
}
