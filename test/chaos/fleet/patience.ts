import { isGrpcServiceError } from '@temporalio/client';
import { HoldfastError } from '../../../src/client/errors.ts';

// What a careful caller does while the server is away: the same again, with the same id, for a bounded time.

const FIRST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 1_000;

/** Nobody answered for so long that the caller gave up. */
export class OutOfPatience extends Error {}

/** Tries until it works. What says that it will never work is thrown as it is. */
export async function patiently<Result>(
  what: string,
  bounds: { readonly untilMs: number; readonly signal?: AbortSignal },
  work: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (bounds.signal?.aborted === true || Date.now() > bounds.untilMs)
        throw new OutOfPatience(`${what}: given up after ${tries} tries`, { cause: error });
    }
    await pause(Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * tries));
  }
}

/** A server that is away or busy, and one that stumbles while it goes down or comes up. */
export function isPassing(error: unknown): boolean {
  if (error instanceof HoldfastError)
    return error.code === 'unreachable' || error.code === 'timed_out' || error.code === 'busy';
  return isGrpcServiceError(error) || (error instanceof Error && isGrpcServiceError(error.cause));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
