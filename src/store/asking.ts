import { AsyncLocalStorage } from 'node:async_hooks';
import { FailureError, retryable } from '../core/errors.ts';

// Who waits for the store, so that a silent one can be told from work that hangs.

interface Asker {
  /** Statements and connections that are being waited for. */
  waiting: number;
}

const askers = new AsyncLocalStorage<Asker>();

/** Counts what the work of `answeredBy` around it, if any, waits for. */
export async function asking<Result>(ask: () => Promise<Result>): Promise<Result> {
  const asker = askers.getStore();
  if (asker === undefined) return ask();
  asker.waiting += 1;
  try {
    return await ask();
  } finally {
    asker.waiting -= 1;
  }
}

/**
 * Rejects with `store_unavailable` where the work waits for the store at `untilMs`, on the clock of `performance.now`; else
 * the work alone decides. What it has begun goes on in any case, and nobody hears what comes of it.
 */
export async function answeredBy<Result>(untilMs: number, work: () => Promise<Result>): Promise<Result> {
  const asker: Asker = { waiting: 0 };
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
