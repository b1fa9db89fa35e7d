import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import { type ApprovalRecord, due, expire, nextTimeMs } from '../core/approvals.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { owedPhase, type RunPhase } from '../core/runPhases.ts';
import { clipBytes, oneLine } from '../core/text.ts';
import { note, openRecords, patch, patchTurn, type Run, refOf, remember, showCard } from './context.ts';
import { brief, store } from './proxies.ts';

// Open requests: putting a changed record back, what the clock does to them, and what the store is told.

/** Puts a changed record back where it belongs; a closed one is noted for the store and for duplicates. */
export function replace(run: Run, record: ApprovalRecord): void {
  const { turn, paused } = run.state;
  if (paused?.record?.id === record.id) patch(run, { paused: { ...paused, record } });
  else if (turn?.landing?.record?.id === record.id) patchTurn(run, { landing: { ...turn.landing, record } });
  else if (turn?.step) {
    const calls = turn.step.calls.map((call) =>
      call.approval?.id === record.id
        ? { ...call, approval: record }
        : call.reconcile?.id === record.id
          ? { ...call, reconcile: record }
          : call,
    );
    patchTurn(run, { step: { ...turn.step, calls } });
  }
  const { state } = record;
  if (state.kind !== 'open') {
    note(run, state.kind, decisionFacts(record), record.id, state.atMs);
    const decision = 'decision' in state ? state.decision : null;
    const closed = {
      id: record.id,
      state: state.kind,
      by: decision?.by ?? '',
      said: decision?.kind ?? '',
    };
    patch(run, { closedApprovals: remember(run.state.closedApprovals, closed) });
  }
  run.live.dirty = true;
  showCard(run);
}

/** The terms of an approved call have changed: whoever repeats their yes is told that it does not stand any more. */
export function voidApproval(run: Run, { id }: ApprovalRecord): void {
  const closedApprovals = run.state.closedApprovals.map((closed) =>
    closed.id === id ? { ...closed, state: 'void', by: '' } : closed,
  );
  patch(run, { closedApprovals });
}

/** What the store keeps of a closed record: who, where, how sure, and every vote. */
export function decisionFacts({ state, votes }: ApprovalRecord): JsonObject {
  if (state.kind === 'open' || !('decision' in state))
    return { by: 'holdfast', channel: 'timer', kind: state.kind, identity: 'signed', votes: listed(votes) };
  const { by, channel, kind, reason = '', learn, answer } = state.decision;
  return {
    by,
    channel,
    kind,
    reason,
    identity: state.identity,
    votes: listed(votes),
    ...(learn !== undefined && { learn: { days: learn.days } }),
    ...(answer !== undefined && { answer: clipBytes(canonicalJson(answer), LIMITS.reasonChars) }),
  };
}

function listed(votes: ApprovalRecord['votes']): JsonObject[] {
  return votes.map(({ by, channel, identity, atMs }) => ({ by, channel, identity, atMs }));
}

/** When the clock next does something to what is open; null when nothing is. */
export function nextTime(run: Run): number | null {
  const times = openRecords(run).map((record) =>
    Date.now() < record.deadlineMs ? nextTimeMs(record) : graceEndMs(run, record),
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** A decision that came before the deadline may still be with the verifier: it is waited for, but not for ever. */
function graceEndMs(run: Run, record: ApprovalRecord): number {
  const waiting = run.state.controls.filter(({ approval }) => approval === record.id);
  if (waiting.length === 0) return record.deadlineMs;
  return (
    Math.max(record.deadlineMs, ...waiting.map(({ receivedAtMs }) => receivedAtMs)) + LIMITS.verifyGraceMs
  );
}

/**
 * What the clock does to open requests: reminders, escalation steps, expiry. Silence never approves, and a decision
 * that came in time is never lost to a worker that was down.
 */
export async function settleTimes(run: Run): Promise<void> {
  const reached = openRecords(run).flatMap((record) => due(record, Date.now()) ?? []);
  for (const { record } of reached) replace(run, record);
  if (reached.length > 0)
    await store.remind.executeWithOptions(
      { summary: oneLine(`remind: ${reached[0]?.record.summary}`, LIMITS.summaryChars) },
      [
        {
          ...refOf(run),
          due: reached.map(({ record, reminded, escalatedTo }) => ({
            approval: record.id,
            reminded,
            escalatedTo,
            approvers: record.approvers,
          })),
        },
      ],
    );
  for (const record of openRecords(run)) {
    if (Date.now() < graceEndMs(run, record)) continue;
    const expired = expire(record, Date.now());
    if (expired !== record) replace(run, expired);
  }
}

/** Tells the store what people decided and did since the last time. */
export function flushDecisions(run: Run): Promise<void> {
  return flush(run, null);
}

/** For a run that waits now: also tells how it stands, where its row may say something else. */
export function flushAll(run: Run): Promise<void> {
  return flush(run, owedPhase(run.state.shownPhase, run.state.recordedPhase));
}

async function flush(run: Run, state: RunPhase | null): Promise<void> {
  const decisions = run.state.unrecorded;
  if (decisions.length === 0 && state === null) return;
  patch(run, { unrecorded: [] });
  const what = decisions.length === 1 ? 'a decision' : `${decisions.length} decisions`;
  try {
    // A cancelled run still owes the store what people said: neither lost nor told twice.
    await CancellationScope.nonCancellable(() =>
      store.recordDecisions.executeWithOptions(
        { summary: decisions.length === 0 ? `record that the run is ${state}` : `record ${what}` },
        [{ run: run.state.run, decisions, state }],
      ),
    );
  } catch (error) {
    patch(run, { unrecorded: [...decisions, ...run.state.unrecorded] });
    throw error;
  }
  if (state !== null) patch(run, { recordedPhase: state });
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('the run was cancelled while decisions were recorded');
}

/** Shows in lists how a parked run stands. What parked it may also keep this from being written: then it is not. */
export async function showState(run: Run, state: RunPhase): Promise<void> {
  try {
    await brief.recordDecisions.executeWithOptions({ summary: `record that the run is ${state}` }, [
      { run: run.state.run, decisions: [], state },
    ]);
    patch(run, { recordedPhase: state });
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
