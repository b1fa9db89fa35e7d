import { isCancellation, workflowInfo } from '@temporalio/workflow';
import type { RunToolInput, RunToolResult, Sent, VerifyControlsInput } from '../activities/types.ts';
import type { CallState } from '../core/calls.ts';
import { timesFault, type Verified } from '../core/control.ts';
import { LIMITS } from '../core/limits.ts';
import type { Run } from './context.ts';
import { runQuickTool, verifyQuickly } from './proxies.ts';

/*
 * Quick reads run inside the workflow task, which leaves nothing in the history before it ends. A call that ends its worker
 * would be started again with the task, for ever. So in a task that may have been done before, what would run inside it is
 * told so and does nothing (`InsideTask.again`): it becomes an activity, whose attempts are counted.
 *
 * Whether a task was done before is read off the history's length: between the task that asked the model and the one that
 * has its answer stand six events, the markers of reads, and a change of search attributes. A lost task adds three. Signals
 * in between look the same, and cost nothing but the short way.
 *
 * What people say to a run that is parked or idle is verified in the same way: the signal, its task, and what the task before
 * left (its end, a timer, a change of search attributes, an answer) are five to seven events. An update is no event before its
 * task is done: four to six.
 *
 * A replay may count other lengths: it takes a task that was kept by a heartbeat, and left no command, for one with the next.
 * So a length decides nothing here: it travels with what runs inside the task, where no history is compared with it, and
 * what came of it stands in its marker.
 */

/** At the moment at which the model is asked. */
export function markAsked({ live: { quick } }: Run): void {
  quick.askedAtEvent = eventNow(quick);
}

/** At the moment at which its answer is there: what can be read at once is read in the same task. */
export function markAnswered({ live: { quick } }: Run): void {
  quick.answered = true;
}

/** Once for each answer, by the first look at its calls: of a later one nobody knows whether its task was lost. */
export function takeAnswered({ live: { quick } }: Run): boolean {
  const { answered } = quick;
  quick.answered = false;
  return answered;
}

/** At the moments at which the run begins to wait for people or a message, and has done so. */
export function markParked({ live: { quick } }: Run, parked: boolean): void {
  quick.parkedAtEvent = parked ? eventNow(quick) : null;
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
  const since = workflowInfo().historyLength - run.live.quick.askedAtEvent;
  return insideTask(run, () => runQuickTool(call, input, { again: since > LIMITS.undisturbedEvents }));
}

/** The same for what people say to a parked run; null also where it takes an activity anyway. */
export async function tryVerifyQuickly(
  run: Run,
  summary: string,
  input: Sent<VerifyControlsInput>,
): Promise<readonly Verified[] | null> {
  const { parkedAtEvent, signalledAtEvent } = run.live.quick;
  if (parkedAtEvent === null) return null;
  const { historyLength } = workflowInfo();
  const since = historyLength - parkedAtEvent;
  const undisturbed = LIMITS.undisturbedEvents - (signalledAtEvent === historyLength ? 0 : 1);
  // When such a one arrived is looked up in the history, which tells of a task only once it is done.
  const late = ({ late, body, receivedAtMs }: (typeof input.controls)[number]) =>
    late || timesFault(body, receivedAtMs) === 'stale';
  const again = since <= 0 || since > undisturbed || input.controls.some(late);
  return insideTask(run, () => verifyQuickly(summary, input, { again }));
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
