import {
  allHandlersFinished,
  CancelledFailure,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { Pause, RunState, TextRef } from '../core/state.ts';
import { utf8Bytes } from '../core/text.ts';
import { flushDecisions, nextTime, settleTimes } from './approvals.ts';
import { enter, patch, type Run } from './context.ts';
import { verifyWaiting } from './controls.ts';
import { store } from './proxies.ts';
import { askToResume, storeRequests } from './requests.ts';
import { endPause } from './steering.ts';

// Seams: the only places where a run waits, pauses or continues as new. No activity is outstanding at any of them.

/** Start again with a small history? Asked at seams only. */
function wantsToMove(run: Run): boolean {
  const info = workflowInfo();
  return (
    run.live.upgrade ||
    info.continueAsNewSuggested ||
    info.historyLength > LIMITS.eventsBeforeContinueAsNew ||
    run.live.updates > LIMITS.updatesBeforeContinueAsNew
  );
}

/** Whether the run has something to do at a seam; most have nothing. */
export function mustStop(run: Run): boolean {
  return run.state.paused !== null || wantsToMove(run);
}

/** Called between steps and turns, where `mustStop`. Returns when the run may go on. */
export async function seam(run: Run): Promise<void> {
  if (wantsToMove(run)) await moveOn(run);
  if (run.state.paused !== null) {
    enter(run, 'paused', `resume (paused by ${run.state.paused.by})`);
    await flushDecisions(run, 'paused');
    await sitOut(run);
    enter(run, 'running', '');
  }
}

/** A pause ends by `resume`; a long one becomes a question, and one that nobody answers goes to people. */
async function sitOut(run: Run): Promise<void> {
  for (;;) {
    const { paused, handOver } = run.state;
    if (paused === null || handOver !== null) return endPause(run);
    const decided = () => run.state.paused === null || run.state.handOver !== null;
    if (paused.record === null) {
      const woke = await waitOnRecord(run, decided, paused.sinceMs + LIMITS.pauseMs, 'paused');
      if (!woke) await askAboutPause(run, paused);
      continue;
    }
    const open = () => run.state.paused?.record?.state.kind === 'open';
    await waitForPeople(run, () => decided() || !open(), 'paused: go on or end');
    const state = run.state.paused?.record?.state.kind;
    if (state === 'rejected') throw new CancelledFailure('a person ended the paused conversation');
    if (state === 'expired')
      patch(run, {
        handOver: { summary: 'paused for long, and nobody decided', evidence: `paused by ${paused.by}` },
      });
    if (state === 'approved') patch(run, { paused: null });
  }
}

async function askAboutPause(run: Run, paused: Pause): Promise<void> {
  const record = askToResume(run, paused);
  patch(run, { paused: { ...paused, record }, pauses: run.state.pauses + 1 });
  await storeRequests(run, [record], 'paused');
}

/** Waits at a seam until `met`, while the clock reminds, escalates and expires what is open. */
export async function waitForPeople(run: Run, met: () => boolean, summary: string): Promise<void> {
  for (;;) {
    await settleTimes(run);
    if (met()) return;
    run.live.dirty = false;
    await waitOnRecord(run, () => met() || run.live.dirty, nextTime(run), summary);
  }
}

/** Waits as `waitUntil` does, and puts what people say meanwhile on record: a parked run may not move for days. */
export async function waitOnRecord(
  run: Run,
  met: () => boolean,
  deadlineMs: number | null,
  summary: string,
): Promise<boolean> {
  for (;;) {
    await flushDecisions(run);
    const said = () => run.state.unrecorded.length > 0;
    const woke = await waitUntil(run, () => met() || said(), deadlineMs, summary);
    if (!woke || met()) return woke;
  }
}

/**
 * Waits at a seam until `met` holds or `deadlineMs` (absolute) has passed; continues as new underneath when that is
 * due. True when `met` holds.
 */
export async function waitUntil(
  run: Run,
  met: () => boolean,
  deadlineMs: number | null,
  summary: string,
): Promise<boolean> {
  for (;;) {
    if (met()) return true;
    const leftMs = deadlineMs === null ? LIMITS.longestWaitMs : deadlineMs - Date.now();
    if (leftMs <= 0) return false;
    if (wantsToMove(run)) await moveOn(run);
    const woke = await condition(() => met() || wantsToMove(run), Math.min(leftMs, LIMITS.longestWaitMs), {
      summary,
    });
    if (!woke && deadlineMs !== null && Date.now() >= deadlineMs) return met();
  }
}

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
  const inline = run.state.inbox.map((message) => message.text).filter(isInline);
  const refs =
    inline.length > 0
      ? await keep(
          run,
          inline.map((ref) => ref.text),
        )
      : [];
  const byText = new Map(inline.map((ref, i) => [ref, refs[i]]));
  patch(run, {
    inbox: run.state.inbox.map((message) => ({
      ...message,
      text: byText.get(message.text as never) ?? message.text,
    })),
  });
  while (stateBytes(run) > LIMITS.runStateBytes && run.state.seenMessages.length > LIMITS.inboxMessages)
    patch(run, {
      seenMessages: run.state.seenMessages.slice(100),
      closedApprovals: run.state.closedApprovals.slice(-100),
    });
}

function isInline(text: TextRef): text is Extract<TextRef, { kind: 'inline' }> {
  return text.kind === 'inline';
}

function stateBytes(run: Run): number {
  return utf8Bytes(JSON.stringify(run.state));
}

/** Puts texts into the run's blobs and returns references to them, in order. */
export async function keep(run: Run, texts: readonly string[]): Promise<readonly TextRef[]> {
  const refs = await store.keepTexts({ run: run.state.run, texts });
  return refs.map((ref) => ({ kind: 'blob', ref }));
}
