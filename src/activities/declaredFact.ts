import { LIMITS } from '../core/limits.ts';

/**
 * What a function that an agent declares says within its time; null where it throws or does not come back. It stands beside
 * answers that are paid for and effects that are let through, so none is waited for without a bound: then nobody knows.
 */
export async function declaredFact<Value>(ask: () => Promise<Value> | Value): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LIMITS.declaredFactMs);
  });
  try {
    return await Promise.race([(async () => ask())(), late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
