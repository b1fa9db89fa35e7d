import { CancellationScope, condition } from '@temporalio/workflow';
import type { ApprovalRecord } from '../core/approvals.ts';
import { startable } from '../core/calls.ts';
import { flushDecisions } from './approvals.ts';
import { collect } from './collecting.ts';
import { callAt, isEffect, openRecords, patchCall, type Run, stepOf } from './context.ts';
import { digest } from './digesting.ts';
import { judgeCall } from './judging.ts';
import { awaitPeople, isWaiting } from './parking.ts';
import { takeAnswered } from './quick.ts';
import { askForCall, storeRequests } from './requests.ts';
import { endCall, runCall } from './running.ts';
import { mustStop, seam } from './waiting.ts';

/**
 * The calls of one step, from verdict to result.
 *
 * S1. Every call gets exactly one outcome, and every outcome one result, in call order.
 * S2. All approvals of a step open together.
 * S3. Reads run at once; effects strictly in call order; a read listed after an effect waits for it (core/calls.ts).
 * S4. After a call did not happen or nobody knows, later effects are prepared and judged again.
 * S5. While calls run, the loop waits for their progress, and for short work on the store; a seam has nothing outstanding.
 *
 * Every promise is work in an activation, so what seldom waits is asked first whether it has to.
 */
export async function playStep(run: Run): Promise<void> {
  let quickly = takeAnswered(run);
  try {
    while (hasOpenCalls(run)) {
      if (run.live.running.size === 0 && mustStop(run)) await seam(run);
      const before = run.state;
      await judge(run);
      const asked = newRequests(run);
      if (asked.length > 0) await storeRequests(run, asked, 'waiting');
      startReady(run, quickly && asked.length === 0);
      quickly = false;
      if (run.live.running.size > 0) await awaitProgress(run);
      else if (hasOpenCalls(run)) await awaitPeople(run);
      if (hasToDigest(run)) await digest(run);
      // A loop that changed nothing would spin for ever: better a visible bug than a run that is never heard of again.
      if (run.state === before && run.live.running.size === 0 && !isWaiting(run))
        throw new Error(
          `step ${stepOf(run).n} cannot go on: ${stepOf(run)
            .calls.filter((call) => call.outcome === null)
            .map((call) => call.prepared.key)
            .join(', ')}`,
        );
    }
    if (run.live.running.size > 0) await condition(() => run.live.running.size === 0);
  } finally {
    // A cancelled step still waits for its effects to say what they did.
    if (run.live.running.size > 0)
      await CancellationScope.nonCancellable(() => condition(() => run.live.running.size === 0));
  }
  throwFailure(run);
  if (run.state.unrecorded.length > 0) await flushDecisions(run);
  collect(run);
}

function hasOpenCalls(run: Run): boolean {
  return stepOf(run).calls.some((call) => call.outcome === null);
}

/** Every call without a verdict gets one. */
async function judge(run: Run): Promise<void> {
  for (let i = 0; i < stepOf(run).calls.length; i++) {
    const { outcome, verdict, stale } = callAt(run, i);
    if (outcome !== null || verdict !== null || stale) continue;
    const refused = judgeCall(run, i);
    if (refused !== null) await endCall(run, i, refused);
  }
}

/** Whether people, the clock or the customer may have left something to digest. */
function hasToDigest(run: Run): boolean {
  return hasOpenCalls(run) || openRecords(run).length > 0 || run.state.handOver !== null;
}

/** S2: one record for each call that must be asked for; all are stored by one activity. */
function newRequests(run: Run): readonly ApprovalRecord[] {
  return stepOf(run).calls.flatMap((call, i) => {
    const answer = call.verdict?.answer;
    if (call.outcome !== null || call.approval !== null || call.stale || answer?.kind !== 'ask') return [];
    const record = askForCall(run, call, answer);
    patchCall(run, i, { approval: record, requests: call.requests + 1 });
    return [record];
  });
}

function startReady(run: Run, quickly: boolean): void {
  for (const index of startable(stepOf(run).calls, (tool) => isEffect(run, tool))) {
    const { key, tool } = callAt(run, index).prepared;
    if (run.live.running.has(key)) continue;
    // Whoever takes over does so before anything else starts; whoever pauses, before the next effect.
    if (run.state.handOver !== null || (run.state.paused !== null && isEffect(run, tool))) continue;
    run.live.running.add(key);
    void runBeside(run, index, key, quickly);
  }
}

/** Runs a call beside the loop, which hears of its end through `live`. */
async function runBeside(run: Run, index: number, key: string, quickly: boolean): Promise<void> {
  try {
    await runCall(run, index, quickly);
  } catch (error) {
    run.live.failure ??= { error };
  } finally {
    run.live.running.delete(key);
    run.live.dirty = true;
  }
}

async function awaitProgress(run: Run): Promise<void> {
  if (run.state.unrecorded.length > 0) await flushDecisions(run);
  await condition(() => run.live.dirty || run.live.running.size === 0);
  run.live.dirty = false;
  throwFailure(run);
}

function throwFailure(run: Run): void {
  const failure = run.live.failure;
  if (failure === null) return;
  run.live.failure = null;
  throw failure.error;
}
