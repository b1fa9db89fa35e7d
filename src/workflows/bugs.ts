import {
  type CancellationScope,
  ContinueAsNew,
  condition,
  isCancellation,
  TemporalFailure,
} from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import { showState } from './approvals.ts';
import { enter, patch, type Run } from './context.ts';
import { verifyWaiting } from './controls.ts';
import type { Ending } from './ending.ts';
import { leave, settleToMove, stayHere } from './moving.ts';

// R4: no error of our own ends or wedges a run.

/**
 * Parks the run, and moves it to a new execution: the fix is other code, which could not replay how this one came here.
 * The next one begins parked and goes on from the state. What cannot come to rest stays parked where it is.
 */
export async function parkAsBug(run: Run, scope: CancellationScope, error: unknown): Promise<void> {
  run.live.retry = false;
  patch(run, { bug: { message: messageOf(error), untilMs: Date.now() + LIMITS.bugMs } });
  enter(run, 'bug', waitsFor(run));
  if (isOver(run, scope)) return;
  try {
    await scope.run(async () => {
      await showState(run, 'bug');
      await condition(() => run.live.retry || run.live.running.size === 0, LIMITS.bugSettlesMs, {
        summary: 'what is under way comes to its end',
      });
      if (run.live.retry || !(await settleToMove(run, LIMITS.bugSettlesMs))) return;
      // Said meanwhile, and of this execution only.
      if (!run.live.retry) await leave(run);
    });
  } catch (caught) {
    // What also keeps it from moving is no other bug: it stays parked with the first.
    if (caught instanceof ContinueAsNew) throw caught;
  }
  stayHere(run);
}

/** Shown with its message for a day; without `retry` the run fails with it. Null when a person said to try again. */
export async function sitOutBug(run: Run, scope: CancellationScope): Promise<Ending | null> {
  const { bug } = run.state;
  if (bug == null) return null;
  enter(run, 'bug', waitsFor(run));
  verifyWaiting(run);
  try {
    await scope.run(() =>
      condition(() => run.live.retry || isOver(run, scope), Math.max(1, bug.untilMs - Date.now()), {
        summary: 'parked as a bug',
      }),
    );
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  if (isOver(run, scope)) return { outcome: 'cancelled', reason: 'cancelled' };
  if (!run.live.retry) return { outcome: 'failed', reason: 'bug', answer: bug.message };
  run.live.retry = false;
  patch(run, { bug: null });
  return null;
}

function isOver(run: Run, scope: CancellationScope): boolean {
  return run.live.cancelled !== null || scope.consideredCancelled;
}

function waitsFor(run: Run): string {
  return `a fix, then \`retry\` (${run.state.bug?.message ?? ''})`;
}

/** What an error of ours says, or the one that it wraps. */
export function messageOf(error: unknown): string {
  const cause = error instanceof TemporalFailure ? (error.cause ?? error) : error;
  return (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).slice(
    0,
    LIMITS.reasonChars,
  );
}
