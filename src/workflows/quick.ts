import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { RunToolInput, RunToolResult } from '../activities/types.ts';
import type { CallState } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import type { Run } from './context.ts';
import { runQuickTool } from './proxies.ts';

/*
 * Quick reads run inside the workflow task, which leaves nothing in the history before it ends. A call that ends its worker
 * would be started again with the task, for ever. So a task that had to be done again runs no call inside itself: the call
 * becomes an activity, whose attempts are counted.
 *
 * Whether a task was done before is read off the history, as a replay reads it too: between the task that asked the model
 * and the one that has its answer stand six events, the markers of reads, and a change of search attributes. A lost task
 * adds three. Signals in between look the same, and cost nothing but the short way.
 */

/** At the moment at which the model is asked. */
export function markAsked({ live: { quick } }: Run): void {
  const { historyLength } = workflowInfo();
  const { atEvent, count } = quick.markers;
  quick.askedAtEvent = historyLength + (atEvent === historyLength ? count : 0);
}

/** At the moment at which its answer is there. */
export function markAnswered({ live: { quick } }: Run): void {
  const { historyLength } = workflowInfo();
  const isFirst = historyLength - quick.askedAtEvent <= LIMITS.undisturbedEvents;
  quick.allowedAtEvent = isFirst ? historyLength : null;
}

/** Only in the very task that has the answer: of a later one, after an effect say, nobody knows whether it was lost. */
export function mayRunQuickly({ live: { quick } }: Run): boolean {
  return quick.allowedAtEvent === workflowInfo().historyLength;
}

/** One try inside the workflow task; null when it did not come at once: then it is read as an activity. */
export async function tryQuickly(
  { live: { quick } }: Run,
  call: CallState,
  input: RunToolInput,
): Promise<RunToolResult | null> {
  const { historyLength: atEvent } = workflowInfo();
  quick.markers = { atEvent, count: (quick.markers.atEvent === atEvent ? quick.markers.count : 0) + 1 };
  try {
    return await runQuickTool(call, input);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
}
