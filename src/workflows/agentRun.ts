import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  upsertSearchAttributes,
  uuid4,
} from '@temporalio/workflow';
import { runIdFromUuid } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { parseStart, type StartInput } from '../core/start.ts';
import { newState, type RunState } from '../core/state.ts';
import { messageOf, parkAsBug, sitOutBug } from './bugs.ts';
import { enter, newLive, patch, type Run, takeOver } from './context.ts';
import { verifyWaiting } from './controls.ts';
import { type Ending, endRun } from './ending.ts';
import { admit, registerHandlers } from './inbox.ts';
import type { RunResult } from './messages.ts';
import { ENDS_THE_RUN, OutageTooLong } from './outage.ts';
import { failureCode } from './proxies.ts';
import { markParked } from './quick.ts';
import { storeOpen } from './requests.ts';
import { startAttributes } from './searchAttributes.ts';
import { playTurn, startTurn } from './turn.ts';
import { mustStop, seam, waitOnRecord } from './waiting.ts';

/**
 * One conversation with one agent.
 *
 * R1. `state` is all that survives; every phase leaves it complete, so the run may continue as new at any seam.
 * R2. Acknowledged input is never lost: a message or decision is in `state` before its sender hears of it.
 * R3. The workflow decides; it never looks anything up, and it never sees the conversation.
 * R4. No error of our own ends or wedges a run: it parks as `bug`, and whatever code comes next can resume it.
 *
 * `carried` is the state of the previous execution after a continue-as-new.
 */
export async function agentRun(input: StartInput, carried?: RunState): Promise<RunResult> {
  const run: Run = { state: carried ?? firstState(input), live: newLive() };
  const scope = new CancellationScope({ cancellable: true });
  if (carried === undefined) {
    upsertSearchAttributes(startAttributes(run.state));
    if (input.message !== undefined)
      admit(run, { text: input.message, by: run.state.requester.id, id: 'start' });
  }
  run.live.cancel = () => scope.cancel();
  // After the start message: what was signalled while no worker was there must not overtake it.
  registerHandlers(run);
  verifyWaiting(run);
  for (;;) {
    const isParked = run.state.bug != null;
    const ending = (await sitOutBug(run, scope)) ?? (await attempt(run, scope, isParked));
    if (ending !== null) return CancellationScope.nonCancellable(() => endRun(run, ending));
  }
}

function firstState(input: unknown): RunState {
  const parsed = parseStart(input);
  if (parsed.kind === 'bad')
    throw ApplicationFailure.nonRetryable(`cannot start: ${parsed.problems.join('; ')}`, 'bad_start');
  return newState(runIdFromUuid(uuid4()), parsed.start);
}

/** Converses until an ending; null when it is parked as a bug. */
async function attempt(run: Run, scope: CancellationScope, wasParked: boolean): Promise<Ending | null> {
  try {
    return await scope.run(async () => {
      if (wasParked) await storeOpen(run);
      return converse(run);
    });
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    if (isCancellation(error)) return { outcome: 'cancelled', reason: 'cancelled' };
    if (error instanceof OutageTooLong) {
      takeOver(run, { summary: error.message, evidence: `step ${run.state.nextStep}` });
      return { outcome: 'escalated', reason: 'outage' };
    }
    const reason = ENDS_THE_RUN[failureCode(error) ?? ''];
    if (reason !== undefined) return { outcome: 'failed', reason, answer: messageOf(error) };
    await parkAsBug(run, scope, error);
    return null;
  }
}

async function converse(run: Run): Promise<Ending> {
  for (;;) {
    if (mustStop(run)) await seam(run);
    // An open step is brought to its end first, also by the execution after a move: every call gets its result.
    if (run.state.handOver !== null && !run.state.turn?.step)
      return { outcome: 'escalated', reason: 'handed_over' };
    // Nobody waits for what a model that is away would say.
    if (run.state.closing && run.state.outage !== null) return { outcome: 'completed', reason: 'closed' };
    if (run.state.turn !== null) {
      const ending = await playTurn(run);
      if (ending !== null) return ending;
    } else if (run.state.inbox.length > 0) await startTurn(run);
    else if (run.state.closing) return { outcome: 'completed', reason: 'closed' };
    else if (!(await awaitMessage(run))) return { outcome: 'completed', reason: 'idle' };
  }
}

/** Idle: nothing is open. False when nobody wrote for as long as the agent waits. */
async function awaitMessage(run: Run): Promise<boolean> {
  enter(run, 'idle', 'a message');
  const idleMs = run.state.pinned?.limits.idleMs ?? LIMITS.idleBeforeFirstMs;
  const deadlineMs = run.state.idleDeadlineMs ?? Date.now() + idleMs;
  patch(run, { idleDeadlineMs: deadlineMs });
  const { state } = run;
  const woke = () =>
    run.state.inbox.length > 0 ||
    run.state.closing ||
    run.state.handOver !== null ||
    run.state.paused !== state.paused;
  markParked(run, true);
  const isGoingOn = await waitOnRecord(run, woke, deadlineMs, 'idle: a message, or the end');
  markParked(run, false);
  return isGoingOn;
}
