import { CancellationScope, condition } from '@temporalio/workflow';
import { startable } from '../core/calls.ts';
import { flushDecisions } from './approvals.ts';
import { collect } from './collecting.ts';
import { callAt, isEffect, patchCall, type Run, stepOf } from './context.ts';
import { digest } from './digesting.ts';
import { judge } from './judging.ts';
import { awaitPeople, isWaiting } from './parking.ts';
import { askForCall, storeRequests } from './requests.ts';
import { runCall } from './running.ts';
import { seam } from './waiting.ts';

/**
 * The calls of one step, from verdict to result.
 *
 * S1. Every call gets exactly one outcome, and every outcome one result, in call order.
 * S2. All approvals of a step open together.
 * S3. Reads run at once; effects strictly in call order; a read listed after an effect waits for it (core/calls.ts).
 * S4. After a call did not happen or nobody knows, later effects are prepared and judged again.
 * S5. Nothing is awaited here while an activity runs, except that activity: a seam has nothing outstanding.
 */
export async function playStep(run: Run): Promise<void> {
  try {
    while (stepOf(run).calls.some((call) => call.outcome === null)) {
      if (run.live.running.size === 0) await seam(run);
      const before = run.state;
      judge(run);
      await openRequests(run);
      startReady(run);
      if (run.live.running.size > 0) await awaitProgress(run);
      else if (stepOf(run).calls.some((call) => call.outcome === null)) await awaitPeople(run);
      await digest(run);
      // A loop that changed nothing would spin for ever: better a visible bug than a run that is never heard of again.
      if (run.state === before && run.live.running.size === 0 && !isWaiting(run))
        throw new Error(
          `step ${stepOf(run).n} cannot go on: ${stepOf(run)
            .calls.filter((call) => call.outcome === null)
            .map((call) => call.prepared.key)
            .join(', ')}`,
        );
    }
    await condition(() => run.live.running.size === 0);
  } finally {
    // A cancelled step still waits for its effects to say what they did.
    await CancellationScope.nonCancellable(() => condition(() => run.live.running.size === 0));
  }
  throwFailure(run);
  await flushDecisions(run);
  collect(run);
}

/** S2: one record for each call that must be asked for, all stored by one activity. */
async function openRequests(run: Run): Promise<void> {
  const asked = stepOf(run).calls.flatMap((call, i) => {
    const answer = call.verdict?.answer;
    if (call.outcome !== null || call.approval !== null || call.stale || answer?.kind !== 'ask') return [];
    const record = askForCall(run, call, answer);
    patchCall(run, i, { approval: record, requests: call.requests + 1 });
    return [record];
  });
  await storeRequests(run, asked, 'waiting');
}

function startReady(run: Run): void {
  for (const index of startable(stepOf(run).calls, (tool) => isEffect(run, tool))) {
    const { key, tool } = callAt(run, index).prepared;
    if (run.live.running.has(key)) continue;
    // Whoever takes over does so before anything else starts; whoever pauses, before the next effect.
    if (run.state.handOver !== null || (run.state.paused !== null && isEffect(run, tool))) continue;
    run.live.running.add(key);
    void runCall(run, index)
      .catch((error: unknown) => {
        run.live.failure ??= { error };
      })
      .finally(() => {
        run.live.running.delete(key);
        run.live.dirty = true;
      });
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
