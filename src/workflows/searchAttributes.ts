import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import type { RunPhase } from '../core/runPhases.ts';
import type { RunState } from '../core/state.ts';
import type { EndReason, Outcome } from './messages.ts';

/** Typed search attributes of a run. They hold opaque ids and words of closed lists, never personal data. */
const AGENT = defineSearchAttributeKey('HoldfastAgent', 'KEYWORD');
const RELEASE = defineSearchAttributeKey('HoldfastRelease', 'KEYWORD');
const STATE = defineSearchAttributeKey('HoldfastState', 'KEYWORD');
const OUTCOME = defineSearchAttributeKey('HoldfastOutcome', 'KEYWORD');
const REASON = defineSearchAttributeKey('HoldfastReason', 'KEYWORD');
const REQUESTER = defineSearchAttributeKey('HoldfastRequester', 'KEYWORD');
const TASK_TYPE = defineSearchAttributeKey('HoldfastTaskType', 'KEYWORD');
const COST = defineSearchAttributeKey('HoldfastCostMicroUsd', 'INT');
const ITERATIONS = defineSearchAttributeKey('HoldfastIterations', 'INT');

/** What a Temporal namespace must have registered, as the server names the types. */
export const SEARCH_ATTRIBUTES: Readonly<Record<string, 'Keyword' | 'Int'>> = {
  HoldfastAgent: 'Keyword',
  HoldfastRelease: 'Keyword',
  HoldfastState: 'Keyword',
  HoldfastOutcome: 'Keyword',
  HoldfastReason: 'Keyword',
  HoldfastRequester: 'Keyword',
  HoldfastTaskType: 'Keyword',
  HoldfastCostMicroUsd: 'Int',
  HoldfastIterations: 'Int',
};

export function startAttributes(state: RunState): SearchAttributeUpdatePair[] {
  return [
    { key: AGENT, value: state.agent },
    { key: REQUESTER, value: state.requester.id },
    { key: TASK_TYPE, value: state.once ? 'single' : 'conversation' },
    { key: STATE, value: 'running' },
  ];
}

export function phaseAttributes(state: RunState, phase: RunPhase): SearchAttributeUpdatePair[] {
  return [
    { key: STATE, value: phase },
    { key: COST, value: state.costMicroUsd },
    { key: ITERATIONS, value: state.iterations },
    ...(state.pinned ? [{ key: RELEASE, value: state.pinned.hash } as const] : []),
  ];
}

export function endAttributes(
  state: RunState,
  outcome: Outcome,
  reason: EndReason,
): SearchAttributeUpdatePair[] {
  return [
    ...phaseAttributes(state, 'ended'),
    { key: OUTCOME, value: outcome },
    { key: REASON, value: reason },
  ];
}
