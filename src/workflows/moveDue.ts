import { workflowInfo } from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { Run } from './context.ts';

/** Start again with a small history? */
export function wantsToMove({ live }: Run): boolean {
  const info = workflowInfo();
  return (
    live.upgrade ||
    info.continueAsNewSuggested ||
    info.historyLength > LIMITS.eventsBeforeContinueAsNew ||
    live.updates > LIMITS.updatesBeforeContinueAsNew
  );
}

/**
 * Looked at when something has come in that stands in the history, and never by a condition that waits: a task that
 * brings nothing but refused updates leaves nothing behind, and a replay would not see what the run did in it.
 */
export function noteMoveDue(run: Run): boolean {
  run.live.moveDue = wantsToMove(run);
  return run.live.moveDue;
}
