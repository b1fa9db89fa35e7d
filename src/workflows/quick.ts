import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { RunToolInput, RunToolResult, Sent, VerifyControlsInput } from '../activities/types.ts';
import type { CallState } from '../core/calls.ts';
import { timesFault, type Verified } from '../core/control.ts';
import { LIMITS } from '../core/limits.ts';
import type { Run } from './context.ts';
import { runQuickTool, verifyQuickly } from './proxies.ts';

/*
 * Quick reads run inside the workflow task, which leaves nothing in the history before it ends. A call that ends its worker
 * would be started again with the task, for ever. So a task that had to be done again runs no call inside itself: the call
 * becomes an activity, whose attempts are counted.
 *
 * Whether a task was done before is read off the history, as a replay reads it too: between the task that asked the model
 * and the one that has its answer stand six events, the markers of reads, and a change of search attributes. A lost task
 * adds three. Signals in between look the same, and cost nothing but the short way.
 *
 * What people say to a run that is parked is verified in the same way: the signal, its task, and what the task before left
 * (its end, a timer, a change of search attributes, an answer) are five to seven events. An update is no event before its
 * task is done: four to six.
 */

/** At the moment at which the model is asked. */
export function markAsked({ live: { quick } }: Run): void {
  quick.askedAtEvent = eventNow(quick);
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

/** At the moment at which the run begins to wait for people. */
export function markParked({ live: { quick } }: Run): void {
  quick.parkedAtEvent = eventNow(quick);
}

/** At the moment at which a signal of a person is read. */
export function markSignalled({ live: { quick } }: Run): void {
  quick.signalledAtEvent = workflowInfo().historyLength;
}

/** One try inside the workflow task; null when it did not come at once: then it is read as an activity. */
export function tryQuickly(
  run: Run,
  call: CallState,
  input: Sent<RunToolInput>,
): Promise<RunToolResult | null> {
  return insideTask(run, () => runQuickTool(call, input));
}

/** The same for what people say; null also where it takes an activity anyway. */
export async function tryVerifyQuickly(
  run: Run,
  summary: string,
  input: Sent<VerifyControlsInput>,
): Promise<readonly Verified[] | null> {
  const { parkedAtEvent, signalledAtEvent } = run.live.quick;
  const { historyLength } = workflowInfo();
  const since = historyLength - parkedAtEvent;
  const undisturbed = LIMITS.undisturbedEvents - (signalledAtEvent === historyLength ? 0 : 1);
  if (since <= 0 || since > undisturbed) return null;
  // When such a one arrived is looked up in the history, which tells of a task only once it is done.
  const late = ({ late, body, receivedAtMs }: (typeof input.controls)[number]) =>
    late || timesFault(body, receivedAtMs) === 'stale';
  if (input.controls.some(late)) return null;
  return insideTask(run, () => verifyQuickly(summary, input));
}

async function insideTask<Result>({ live }: Run, work: () => Promise<Result>): Promise<Result | null> {
  const { historyLength: atEvent } = workflowInfo();
  const { markers } = live.quick;
  live.quick.markers = { atEvent, count: (markers.atEvent === atEvent ? markers.count : 0) + 1 };
  try {
    return await work();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
}

/** The newest event, and the markers that this task has still to write. */
function eventNow({ markers: { atEvent, count } }: Run['live']['quick']): number {
  const { historyLength } = workflowInfo();
  return historyLength + (atEvent === historyLength ? count : 0);
}
