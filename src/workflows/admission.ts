import type { CallModelResult } from '../activities/types.ts';
import { comeBackText, holderText } from '../core/breakers.ts';
import { LIMITS } from '../core/limits.ts';
import { oneLine } from '../core/text.ts';
import { enter, patchTurn, type Run, turnOf } from './context.ts';
import type { Ending } from './ending.ts';
import { forgetReplies, replyTo } from './inbox.ts';
import { waitOnRecord } from './waiting.ts';

export type Held = Extract<CallModelResult, { kind: 'held' }>;

/**
 * A breaker keeps this run from beginning. It waits and asks again, or is refused, as its agent says. A seam: nothing was
 * asked, so what the customer writes meanwhile joins the turn, and people may pause, take over or cancel.
 */
export async function awaitAdmission(run: Run, held: Held): Promise<Ending | null> {
  const sinceMs = turnOf(run).heldSinceMs ?? Date.now();
  patchTurn(run, { sealed: false, heldSinceMs: sinceMs });
  if (held.whileBroken === 'refuse' || Date.now() - sinceMs >= LIMITS.heldMs)
    return { outcome: 'refused', reason: 'breaker_open', answer: comeBackText(held.untilMs) };
  run.live.lookAgain = false;
  run.live.retry = false;
  enter(run, 'held', `${holderText(held.name)}, or \`retry\``);
  const lookedAtMs = Date.now();
  const { messages } = turnOf(run);
  replyTo(run, messages, { kind: 'waiting', approvals: [] });
  const { paused } = run.state;
  const moved = () =>
    run.live.retry || run.state.closing || run.state.handOver !== null || run.state.paused !== paused;
  const summary = oneLine(`begin: ${held.name}`, LIMITS.summaryChars);
  await waitOnRecord(run, () => run.live.lookAgain || moved(), againAtMs(held), summary);
  // Told to look again at once and again, it does so now and then.
  await waitOnRecord(run, moved, lookedAtMs + LIMITS.lookAgainMs, summary);
  forgetReplies(run, messages);
  // The conversation was closed before it began: there is nobody left to answer.
  return run.state.closing ? { outcome: 'completed', reason: 'closed' } : null;
}

/** Whoever closes the breaker wakes the run; this is for a wake that was lost, and never a poll. */
function againAtMs({ untilMs }: Held): number {
  const nowMs = Date.now();
  const atMs = untilMs === null ? nowMs + LIMITS.heldRetryMs : untilMs + LIMITS.breakerHalfOpenMs;
  return Math.min(Math.max(atMs, nowMs + LIMITS.lookAgainMs), nowMs + LIMITS.heldRetryMs);
}
