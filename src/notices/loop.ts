import { LIMITS } from '../core/limits.ts';
import type { Sql } from '../store/connection.ts';
import { remindHandOvers } from '../store/handovers.ts';
import {
  type Delivery,
  registerNotifiers,
  settleDelivery,
  sweepNotices,
  takeDeliveries,
} from '../store/notices.ts';
import { afterAttempt } from './backoff.ts';
import type { DeliveryResult, Notifier } from './notifier.ts';

export interface NoticeParts {
  readonly sql: Sql;
  readonly notifiers: readonly Notifier[];
  /** Default: the database's clock, which all workers share. */
  readonly nowMs?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Something an operator should hear of. */
  readonly report?: (words: string) => void;
}

export interface RunningNotices {
  /** Takes nothing new, gives what is under way a moment to end, and lets go of the rest: somebody else sends it. */
  stop(): Promise<void>;
}

/**
 * Delivers notices until it is stopped: one loop for each notifier, so that one that hangs holds up no other, and one
 * that reminds of hand-overs and sweeps. Several workers may do this on one database.
 */
export async function startNotices(parts: NoticeParts): Promise<RunningNotices> {
  await tend(parts);
  const stopping = new AbortController();
  const cutting = new AbortController();
  const loops = [
    ...parts.notifiers.map((notifier) =>
      repeat(parts, stopping.signal, async () => {
        const taken = await deliverDue(parts, notifier, cutting.signal);
        return taken === LIMITS.noticeBatch ? 0 : LIMITS.noticePollMs;
      }),
    ),
    repeat(parts, stopping.signal, async () => {
      await tend(parts);
      return LIMITS.noticeTendMs;
    }),
  ];
  return {
    stop: async () => {
      stopping.abort();
      const cut = setTimeout(() => cutting.abort(), LIMITS.noticeDrainMs);
      await Promise.all(loops);
      clearTimeout(cut);
    },
  };
}

/** One pass: takes what is due, at most a batch, and delivers it. Returns how many it took. */
export async function deliverDue(
  parts: NoticeParts,
  notifier: Notifier,
  signal: AbortSignal,
): Promise<number> {
  const deliveries = await takeDeliveries(parts.sql, notifier.name, {
    limit: LIMITS.noticeBatch,
    leaseMs: LIMITS.noticeLeaseMs,
    now: nowOf(parts),
  });
  await Promise.all(deliveries.map((delivery) => deliverOne(parts, notifier, delivery, signal)));
  return deliveries.length;
}

async function deliverOne(
  parts: NoticeParts,
  notifier: Notifier,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<void> {
  const result = await attempt(notifier, delivery, signal);
  // A stop is nobody's fault: the lease is given back, and the next worker begins at once.
  const end =
    signal.aborted && result.kind === 'retry'
      ? ({ kind: 'waiting', why: 'the worker was stopped', waitMs: 0 } as const)
      : afterAttempt(result, delivery, (parts.random ?? Math.random)());
  const counted = await settleDelivery(parts.sql, delivery, end, nowOf(parts));
  if (counted && (end.kind === 'given_up' || end.kind === 'refused'))
    parts.report?.(
      `notice ${delivery.notice.id} (${delivery.notice.type}) did not reach ${notifier.name}: ${end.kind}, ${end.why}`,
    );
}

async function attempt(
  notifier: Notifier,
  { notice }: Delivery,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  try {
    return await notifier.deliver(notice, signal);
  } catch (error) {
    return {
      kind: 'retry',
      why: `the notifier failed (${error instanceof Error ? error.name : typeof error})`,
    };
  }
}

/** What is not about one delivery: says which notifiers are here, reminds of hand-overs, forgets what is old. */
export async function tend(parts: NoticeParts): Promise<void> {
  const now = nowOf(parts);
  await registerNotifiers(
    parts.sql,
    parts.notifiers.map(({ name }) => name),
    now,
  );
  await remindHandOvers(parts.sql, now);
  await sweepNotices(parts.sql, now);
}

function nowOf(parts: NoticeParts): number | null {
  return parts.nowMs?.() ?? null;
}

/** Runs `pass` until it is stopped, waiting as long as it says. A store that is away is asked less and less often. */
async function repeat(parts: NoticeParts, signal: AbortSignal, pass: () => Promise<number>): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let waitMs: number;
    try {
      waitMs = await pass();
      failures = 0;
    } catch (error) {
      waitMs = Math.min(LIMITS.noticePollMaxMs, LIMITS.noticePollMs * 2 ** Math.min(10, failures));
      failures++;
      if (failures === 1)
        parts.report?.(
          `notices wait, the store did not answer (${error instanceof Error ? error.message : typeof error})`,
        );
    }
    if (waitMs > 0) await pause(waitMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
