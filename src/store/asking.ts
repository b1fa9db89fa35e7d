import { AsyncLocalStorage } from 'node:async_hooks';
import { FailureError, retryable } from '../core/errors.ts';

// Who waits for the store, and for how long: a silent one is told from work that hangs, and its silence from work.

interface Asker {
  /** Statements and connections that are being waited for. */
  waiting: number;
  /** Since when, on the clock of `performance.now`, and how long it was before that. */
  sinceMs: number;
  waitedMs: number;
}

const askers = new AsyncLocalStorage<Asker>();

/** Counts what the work of `answeredBy` around it, if any, waits for. */
export async function asking<Result>(ask: () => Promise<Result>): Promise<Result> {
  const asker = askers.getStore();
  if (asker === undefined) return ask();
  if (asker.waiting === 0) asker.sinceMs = performance.now();
  asker.waiting += 1;
  try {
    return await ask();
  } finally {
    asker.waiting -= 1;
    if (asker.waiting === 0) asker.waitedMs += performance.now() - asker.sinceMs;
  }
}

/** A clock that runs from now on, and stands while the work of `answeredBy` around it waits for the store; in milliseconds. */
export function startActiveClock(): () => number {
  const asker = askers.getStore();
  const waited = () => (asker === undefined ? 0 : waitedMs(asker));
  const [startMs, before] = [performance.now(), waited()];
  return () => Math.round(performance.now() - startMs - (waited() - before));
}

function waitedMs({ waiting, sinceMs, waitedMs: before }: Asker): number {
  return waiting === 0 ? before : before + performance.now() - sinceMs;
}

/**
 * Rejects with `store_unavailable` where the work waits for the store at `untilMs`, on the clock of `performance.now`; else
 * the work alone decides. What it has begun goes on in any case, and nobody hears what comes of it.
 */
export async function answeredBy<Result>(untilMs: number, work: () => Promise<Result>): Promise<Result> {
  const asker: Asker = { waiting: 0, sinceMs: 0, waitedMs: 0 };
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (asker.waiting > 0)
        reject(new FailureError(retryable('store_unavailable', 'the database did not answer in time')));
    }, untilMs - performance.now());
  });
  try {
    return await Promise.race([askers.run(asker, work), silence]);
  } finally {
    clearTimeout(timer);
  }
}
