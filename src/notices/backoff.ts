import { LIMITS } from '../core/limits.ts';
import type { DeliveryEnd } from '../store/notices.ts';
import type { DeliveryResult } from './notifier.ts';

/**
 * What becomes of a delivery after an attempt: exponential backoff with full jitter, so that notices that failed
 * together do not come back together; what the other side asked for counts as the least wait. After three days of
 * trying it is given up. `random` is in [0, 1).
 */
export function afterAttempt(
  result: DeliveryResult,
  tried: { readonly attempt: number; readonly triedForMs: number },
  random: number,
): DeliveryEnd {
  if (result.kind !== 'retry') return result;
  const bound = Math.min(
    LIMITS.noticeBackoffMaxMs,
    LIMITS.noticeBackoffFirstMs * 2 ** Math.min(30, tried.attempt - 1),
  );
  const asked = Math.min(LIMITS.noticeRetryAfterMaxMs, Math.max(0, result.afterMs ?? 0));
  const waitMs = Math.round(Math.max(LIMITS.noticeBackoffMinMs, asked, random * bound));
  if (tried.triedForMs + waitMs > LIMITS.noticeTriedMs) return { kind: 'given_up', why: result.why };
  return { kind: 'waiting', why: result.why, waitMs };
}
