import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, ownIdentity, type ProcessIdentity } from './processes.ts';

interface Holder extends ProcessIdentity {
  readonly nonce: string;
}

const POLL_MS = 50;

/**
 * Runs `work` while this process alone holds the lock file. A lock whose holder has died is taken over.
 * Throws when a living holder keeps it longer than `timeoutMs`.
 */
export async function withLock<T>(path: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const nonce = await acquire(path, timeoutMs);
  try {
    return await work();
  } finally {
    if (readHolder(path)?.nonce === nonce) rmSync(path, { force: true });
  }
}

async function acquire(path: string, timeoutMs: number): Promise<string> {
  const nonce = randomUUID();
  const draft = `${path}.${nonce}`;
  writeFileSync(draft, JSON.stringify({ ...ownIdentity(), nonce }), { mode: 0o600 });
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      // A hard link appears with its whole content at once, so no reader ever sees a lock without a holder.
      if (tryLink(draft, path)) return nonce;
      const holder = readHolder(path);
      if (holder !== undefined && !isAlive(holder)) {
        takeAway(path, holder);
        continue;
      }
      if (performance.now() > deadline) {
        throw new Error(
          `${path} is held by process ${holder?.pid ?? 'unknown'} for more than ${timeoutMs} ms. ` +
            'Wait for that process or end it; the lock is then taken over.',
        );
      }
      await delay(POLL_MS);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead holder's lock. Another process may do the same, so a lock that changed hands is put back. */
function takeAway(path: string, dead: Holder): void {
  const aside = `${path}.${randomUUID()}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readHolder(aside)?.nonce !== dead.nonce) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
