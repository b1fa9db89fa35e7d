import { holderText } from '../core/breakers.ts';
import type { CallState } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import { oneLine } from '../core/text.ts';
import { flushDecisions, nextTime } from './approvals.ts';
import { enter, openRecords, pinnedOf, type Run, stepOf, turnOf } from './context.ts';
import { forgetReplies, mayJoin, replyTo, summaryOf } from './inbox.ts';
import { markParked } from './quick.ts';
import { waitOnRecord } from './waiting.ts';

// A step that only people, the customer or the clock can move on.

/** Parked: only people, the customer or the clock can move this step on. A seam. */
export async function awaitPeople(run: Run): Promise<void> {
  await flushDecisions(run);
  if (isWaiting(run) && !mayWithdraw(run)) {
    const open = openRecords(run);
    const { phase, what } = openWords(run);
    enter(run, phase, what);
    replyTo(run, turnOf(run).messages, { kind: 'waiting', approvals: open.map(summaryOf) });
    const again = heldCalls(run).flatMap(({ held }) => held?.againAtMs ?? []);
    const times = [nextTime(run), ...again].filter((time) => time !== null);
    markParked(run, true);
    // Not cleared before: what people did during a pause or a move has not been looked at yet.
    await waitOnRecord(
      run,
      () => run.live.dirty || mayWithdraw(run),
      times.length === 0 ? null : Math.min(...times),
      oneLine(what, LIMITS.summaryChars),
    );
    markParked(run, false);
    forgetReplies(run, turnOf(run).messages);
    if (!isWaiting(run)) enter(run, 'running', '');
  }
  run.live.dirty = false;
}

/** Something is open that people or the clock will move. */
export function isWaiting(run: Run): boolean {
  return openRecords(run).length > 0 || heldCalls(run).length > 0;
}

function heldCalls(run: Run): readonly CallState[] {
  return stepOf(run).calls.filter((call) => call.outcome === null && call.held?.againAtMs != null);
}

/** What the run waits for, in a word for lists and in words for people. */
function openWords(run: Run): { readonly phase: 'unknown' | 'waiting' | 'held'; readonly what: string } {
  const open = openRecords(run);
  const first = open[0];
  if (first === undefined)
    return {
      phase: 'held',
      what: `${holderText(heldCalls(run)[0]?.held?.name ?? '')}, or \`retry\``,
    };
  const by = new Date(Math.min(...open.map((record) => record.deadlineMs))).toISOString().slice(0, 16);
  return {
    phase: open.some((record) => record.kind === 'reconcile') ? 'unknown' : 'waiting',
    what: `${open.length === 1 ? 'a decision on' : `${open.length} decisions, first`}: ${first.summary}, by ${by}`,
  };
}

/** An unknown outcome is waited for whatever comes in between: it is settled, never withdrawn. */
function mayWithdraw(run: Run): boolean {
  const asked = openRecords(run).some(({ kind }) => kind === 'call' || kind === 'question');
  return interrupted(run) && (asked || heldCalls(run).length > 0);
}

/** Nobody needs the open decisions any more: the customer wrote (where the agent lets that withdraw them), or a person takes over. */
export function interrupted(run: Run): boolean {
  return (mayJoin(run) && pinnedOf(run).whileWaiting === 'withdraw') || run.state.handOver !== null;
}
