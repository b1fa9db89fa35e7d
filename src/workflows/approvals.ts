import { isCancellation, workflowInfo } from '@temporalio/workflow';
import {
  type ApprovalRecord,
  type Decision,
  type DecisionOutcome,
  decideApproval,
  expire,
  parseDecision,
  parseReconciliation,
} from '../core/approvals.ts';
import { LIMITS } from '../core/limits.ts';
import { note, openRecords, patch, patchTurn, type Run, remember, showCard, turnOf } from './context.ts';
import type { DecideReply, RunPhase } from './messages.ts';
import { brief, store } from './proxies.ts';

/** A decision by signal. What cannot count is dropped and audited; nobody waits for an answer here. */
export function receiveDecision(run: Run, input: unknown): void {
  const decision = parseDecision(input);
  if (decision === null) {
    run.live.dropped++;
    return;
  }
  const record = find(run, decision.approval);
  // The worker may have been away: only the server knows whether this came in time, so it is asked at the deadline.
  if (record?.state.kind === 'open' && Date.now() >= record.deadlineMs) {
    run.live.disputed = [...run.live.disputed, decision].slice(0, LIMITS.unrecordedDecisions);
    run.live.dirty = true;
    return;
  }
  apply(run, record, decision, Date.now());
}

/** A decision by update: validated and answered at once. */
export function decideNow(run: Run, input: unknown): DecideReply {
  const decision = parseDecision(input);
  if (decision === null) return { kind: 'refused', why: 'malformed' };
  const outcome = apply(run, find(run, decision.approval), decision, Date.now());
  switch (outcome.kind) {
    case 'refused':
      return outcome;
    case 'voted':
      return { kind: 'voted', votes: outcome.record.votes.length, quorum: outcome.record.quorum };
    case 'decided':
      return { kind: 'decided', state: outcome.record.state.kind };
    default:
      return outcome satisfies never;
  }
}

function apply(
  run: Run,
  record: ApprovalRecord | undefined,
  decision: Decision,
  atMs: number,
): DecisionOutcome {
  const outcome: DecisionOutcome =
    record === undefined
      ? { kind: 'refused', why: isClosed(run, decision.approval) ? 'already_decided' : 'unknown_approval' }
      : record.kind === 'reconcile' && parseReconciliation(decision.answer) === null
        ? { kind: 'refused', why: 'malformed' }
        : decideApproval(record, decision, { requester: run.state.requester.id, roles: [] }, atMs);
  if (outcome.kind === 'refused')
    note(
      run,
      'refused',
      { by: decision.by, channel: decision.channel, kind: decision.kind, why: outcome.why },
      decision.approval,
    );
  else replace(run, outcome.record);
  return outcome;
}

function isClosed(run: Run, id: string): boolean {
  return run.state.closedApprovals.some(([closed]) => closed === id);
}

function find(run: Run, id: string): ApprovalRecord | undefined {
  return openRecords(run).find((record) => record.id === id);
}

/** Puts a changed record back where it belongs; a closed one is noted for the store and for duplicates. */
export function replace(run: Run, record: ApprovalRecord): void {
  const turn = turnOf(run);
  if (turn.landing?.record?.id === record.id) patchTurn(run, { landing: { ...turn.landing, record } });
  else if (turn.step !== null) {
    const calls = turn.step.calls.map((call) =>
      call.approval?.id === record.id
        ? { ...call, approval: record }
        : call.reconcile?.id === record.id
          ? { ...call, reconcile: record }
          : call,
    );
    patchTurn(run, { step: { ...turn.step, calls } });
  }
  if (record.state.kind !== 'open') {
    const decision = 'decision' in record.state ? record.state.decision : null;
    note(
      run,
      record.state.kind,
      {
        by: decision?.by ?? 'holdfast',
        channel: decision?.channel ?? 'timer',
        kind: decision?.kind ?? record.state.kind,
        reason: decision?.reason ?? '',
        votes: record.votes.length,
      },
      record.id,
    );
    patch(run, {
      closedApprovals: remember(run.state.closedApprovals, [record.id, record.state.kind] as const),
    });
  }
  run.live.dirty = true;
  showCard(run);
}

/** Earliest deadline of what is open. */
export function nextDeadline(run: Run): number | null {
  const deadlines = openRecords(run).map((record) => record.deadlineMs);
  return deadlines.length === 0 ? null : Math.min(...deadlines);
}

/**
 * Settles decisions that were read after the deadline by the time at which the server received them, then lets the
 * rest expire. Silence never approves, and a decision that came in time is never lost to a worker that was down.
 */
export async function settleDeadlines(run: Run): Promise<void> {
  const disputed = run.live.disputed;
  if (disputed.length > 0) {
    const approvals = openRecords(run)
      .map((record) => record.id)
      .filter((id) => disputed.some((decision) => decision.approval === id));
    const arrivals = await store.arrivalTimes.executeWithOptions(
      { summary: 'when did the decisions arrive' },
      [{ workflowId: workflowInfo().workflowId, approvals }],
    );
    run.live.disputed = run.live.disputed.filter((decision) => !disputed.includes(decision));
    for (const decision of disputed) {
      const arrival = arrivals.find(
        (one) => one.approval === decision.approval && one.by === decision.by && one.kind === decision.kind,
      );
      apply(run, find(run, decision.approval), decision, arrival?.arrivedAtMs ?? Date.now());
    }
  }
  for (const record of openRecords(run)) {
    const expired = expire(record, Date.now());
    if (expired !== record) replace(run, expired);
  }
}

/** Tells the store what people decided and did since the last time, and how the run stands where that is given. */
export async function flushDecisions(run: Run, state: RunPhase | null = null): Promise<void> {
  const decisions = run.state.unrecorded;
  if (decisions.length === 0 && state === null) return;
  patch(run, { unrecorded: [] });
  const what = decisions.length === 1 ? 'a decision' : `${decisions.length} decisions`;
  await store.recordDecisions.executeWithOptions(
    { summary: decisions.length === 0 ? `record that the run is ${state}` : `record ${what}` },
    [{ run: run.state.run, decisions, state }],
  );
}

/** Shows in lists how a parked run stands. What parked it may also keep this from being written: then it is not. */
export async function showState(run: Run, state: RunPhase): Promise<void> {
  try {
    await brief.recordDecisions.executeWithOptions({ summary: `record that the run is ${state}` }, [
      { run: run.state.run, decisions: [], state },
    ]);
  } catch (error) {
    if (isCancellation(error)) throw error;
  }
}
