import { CancelledFailure, condition } from '@temporalio/workflow';
import { LIMITS } from '../core/limits.ts';
import type { Pause } from '../core/state.ts';
import { flushAll, nextTime, settleTimes } from './approvals.ts';
import { enter, patch, type Run, takeOver } from './context.ts';
import { noteMoveDue, wantsToMove } from './moveDue.ts';
import { moveOn } from './moving.ts';
import { askToResume, storeRequests } from './requests.ts';
import { endPause } from './steering.ts';

// Seams: the only places where a run waits, pauses or continues as new. No activity is outstanding at any of them.

/** Whether the run has something to do at a seam; most have nothing. */
export function mustStop(run: Run): boolean {
  return run.state.paused !== null || wantsToMove(run);
}

/** Called between steps and turns, where `mustStop`. Returns when the run may go on. */
export async function seam(run: Run): Promise<void> {
  if (wantsToMove(run)) await moveOn(run);
  if (run.state.paused !== null) {
    enter(run, 'paused', `resume (paused by ${run.state.paused.by})`);
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
      takeOver(run, {
        summary: 'paused for long, and nobody decided',
        evidence: `paused by ${paused.by}`,
      });
    if (state === 'approved') endPause(run);
  }
}

async function askAboutPause(run: Run, paused: Pause): Promise<void> {
  const record = askToResume(run, paused);
  patch(run, { paused: { ...paused, record } });
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

/** Waits as `waitUntil` does, and puts on record how the run stands and what people say meanwhile: it may not move for days. */
export async function waitOnRecord(
  run: Run,
  met: () => boolean,
  deadlineMs: number | null,
  summary: string,
): Promise<boolean> {
  for (;;) {
    await flushAll(run);
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
    if (noteMoveDue(run)) await moveOn(run);
    const woke = await condition(() => met() || run.live.moveDue, Math.min(leftMs, LIMITS.longestWaitMs), {
      summary,
    });
    if (!woke && deadlineMs !== null && Date.now() >= deadlineMs) return met();
  }
}
