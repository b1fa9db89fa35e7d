import { createHash } from 'node:crypto';
import type { ApprovalRecord } from '../../../src/core/approvals.ts';
import type { RunState } from '../../../src/core/state.ts';
import type { Simulation } from '../driver.ts';
import type { Facts } from './facts.ts';

// What kind of state a run is in, without ids, times and words: how far a campaign has come is counted in these.

/** What can be seen of a run after an activation: its phase, what is under way, what it waits for and what is open. */
export function visibleState(facts: Facts, simulation: Simulation): string {
  const activities = simulation.pendingActivities.map(
    ({ activityType, attempt, state, cancelRequested, isLocal }) =>
      `${activityType}${attempt > 1 ? '+' : ''}${state === 'running' ? '' : 'w'}${cancelRequested ? 'c' : ''}${isLocal ? 'l' : ''}`,
  );
  const timers = simulation.pendingTimers.map(({ summary = '' }) => summary.split(/[ :]/)[0] ?? '');
  const open = facts.openRequests.map(({ kind, quorum }) => `${kind}${quorum}`);
  return [
    phaseOf(simulation),
    activities.sort().join(),
    timers.sort().join(),
    open.sort().join(),
    [...new Set(facts.steered.map(({ name }) => name))].sort().join(),
    facts.execution > 0 ? 'moved' : '',
    simulation.suggestContinueAsNew ? 'suggested' : '',
    facts.switches.size > 0 ? 'switch' : '',
    facts.messages.length > 1 ? 'wrote' : '',
    simulation.result.kind,
  ].join('|');
}

/** The carried state of a run, in the same way. */
export function carriedKind(state: RunState): string {
  const { turn, paused } = state;
  const calls = turn?.step?.calls.map(
    (call) =>
      `${call.verdict?.answer.kind ?? '-'}${recordKind(call.approval)}${recordKind(call.reconcile)}${call.stale ? 's' : ''}${call.held === null ? '' : 'h'}${call.outcome?.kind ?? ''}`,
  );
  return [
    'carried',
    turn === null
      ? 'idle'
      : `${turn.sealed ? 'sealed' : ''}${turn.landing?.reason ?? ''}${recordKind(turn.landing?.record ?? null)}`,
    calls?.join() ?? '',
    paused === null ? '' : `paused${recordKind(paused.record)}`,
    state.closing ? 'closing' : '',
    state.handOver === null ? '' : 'handOver',
    `${Math.min(2, state.inbox.length)}${Math.min(2, state.controls.length)}${Math.min(2, state.unrecorded.length)}`,
    state.signed ?? '',
    state.grant === null ? '' : 'grant',
  ].join('|');
}

function recordKind(record: ApprovalRecord | null): string {
  return record === null ? '' : `${record.kind}:${record.state.kind}:${record.votes.length}`;
}

export function openIn(state: RunState): readonly ApprovalRecord[] {
  const { turn, paused } = state;
  const records = [
    paused?.record,
    turn?.landing?.record,
    ...(turn?.step?.calls.flatMap(({ approval, reconcile }) => [approval, reconcile]) ?? []),
  ];
  return records.filter((record): record is ApprovalRecord => record?.state.kind === 'open');
}

export function phaseOf({ searchAttributePayloads }: Simulation): string {
  const data = searchAttributePayloads.HoldfastState?.data;
  return data == null ? '' : Buffer.from(data).toString('utf8').replaceAll('"', '');
}

export function hashState(kind: string): string {
  return createHash('sha1').update(kind).digest('base64').slice(0, 11);
}
