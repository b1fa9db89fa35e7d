import type { Handle, Lab } from '../../e2e/lab.ts';
import { whereRunIs } from '../fleet/whereIs.ts';
import { endsOf } from './play.ts';

// Runs with nothing wrong about them, beside others that are in the way.

/**
 * Both of their model calls may be lost with workers that others end, which shows after 30 s each, and their effect, which
 * takes 12 s with its lease. The rest is for a busy machine. Nobody has been seen to take longer than 73 s.
 */
const BESIDE_MS = 120_000;

/** Resolves when all have ended. Who took too long is a problem, with where it stood when its time was over. */
export async function endsBeside(lab: Lab, handles: readonly Handle[], problems: string[]): Promise<void> {
  const late = await Promise.all(
    handles.map((handle) => lateWord(endsOf([handle]), BESIDE_MS, () => whereRunIs(lab, handle.workflowId))),
  );
  problems.push(...late.flatMap((word) => word ?? []));
}

/** What was told of the work when its time was over; null where it was in time. */
export async function lateWord(
  work: Promise<unknown>,
  withinMs: number,
  tell: () => Promise<string>,
): Promise<string | null> {
  let told: Promise<string> | null = null;
  const timer = setTimeout(() => {
    told = tell().then(
      (where) => `beside it, a run took longer than ${withinMs} ms; it stood there:\n${where}`,
    );
  }, withinMs);
  try {
    await work;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${(await told) ?? ''}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
  return told;
}
