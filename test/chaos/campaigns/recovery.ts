import type { Fleet } from '../fleet/fleet.ts';
import { pause } from '../fleet/patience.ts';

const LOOK_MS = 50;

/** How long after `atMs` the first work was done that began after it, in milliseconds; null when there was none in time. */
export async function recoveryAfter(fleet: Fleet, atMs: number, withinMs: number): Promise<number | null> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    // A store that is away says nothing of progress.
    const doneAtMs = await fleet.progressAfter(atMs).catch(() => null);
    if (doneAtMs !== null) return Math.max(0, Math.round(doneAtMs - atMs));
    if (Date.now() > untilMs) return null;
    await pause(LOOK_MS);
  }
}
