import { allHandlersFinished, condition, continueAsNew } from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { QueuedMessage, RunState } from '../core/state.ts';
import { utf8Bytes } from '../core/text.ts';
import { patch, type Run, unanswered } from './context.ts';
import { verifyWaiting } from './controls.ts';
import { keepLong } from './keeping.ts';

// A run moves to a new execution, with a small history and everything it is.

/** Continues as new with everything the run is. Open senders are told to ask again; nothing they sent is lost. */
export async function moveOn(run: Run): Promise<never> {
  try {
    await settleToMove(run, null);
  } catch (error) {
    // Cancelled before it could move: this execution goes on to the end, and hears what people say again.
    stayHere(run);
    throw error;
  }
  return leave(run);
}

/** True when nobody waits for this execution any more; false when that takes longer than `limitMs`. */
export async function settleToMove(run: Run, limitMs: number | null): Promise<boolean> {
  await shrink(run);
  run.live.moving = true;
  const settled = () => run.live.openSends === 0 && !run.live.verifying && allHandlersFinished();
  if (limitMs !== null) return condition(settled, limitMs, { summary: 'senders hear that the run moves' });
  await condition(settled);
  return true;
}

export function stayHere(run: Run): void {
  run.live.moving = false;
  verifyWaiting(run);
}

/** After `settleToMove`, with nothing awaited in between. */
export function leave(run: Run): Promise<never> {
  const [input] = workflowInfoArgs(run);
  patch(run, { continuedTimes: run.state.continuedTimes + 1 });
  return continueAsNew<(input: unknown, state: RunState) => Promise<unknown>>(input, run.state);
}

/** What the next execution needs besides the state: nothing, but a start input must still be there to be read. */
function workflowInfoArgs(run: Run): [unknown] {
  return [{ v: 1, agent: run.state.agent, requester: { id: run.state.requester.id } }];
}

/** Keeps the carried state below its limit: queued texts go to the store, the oldest remembered ids go. */
async function shrink(run: Run): Promise<void> {
  if (stateBytes(run) <= LIMITS.runStateBytes) return;
  const texts = unanswered(run).map(({ text }) => text);
  const kept = await keepLong(run, texts, 0);
  // By text: more may have come meanwhile.
  const byText = new Map(texts.map((text, i) => [text, kept[i] ?? text]));
  const withKept = (message: QueuedMessage) => ({
    ...message,
    text: byText.get(message.text) ?? message.text,
  });
  patch(run, { inbox: run.state.inbox.map(withKept), afterwards: run.state.afterwards.map(withKept) });
  while (stateBytes(run) > LIMITS.runStateBytes && run.state.seenMessages.length > LIMITS.inboxMessages)
    patch(run, {
      seenMessages: run.state.seenMessages.slice(100),
      closedApprovals: run.state.closedApprovals.slice(-100),
    });
}

function stateBytes(run: Run): number {
  return utf8Bytes(JSON.stringify(run.state));
}
