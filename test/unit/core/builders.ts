import type { ApprovalRecord } from '../../../src/core/approvals.ts';
import type { CallState, PreparedCall } from '../../../src/core/calls.ts';
import { newCall } from '../../../src/core/calls.ts';
import { approvalId, asHash, callKey, type RunId, runIdFromUuid } from '../../../src/core/ids.ts';
import { CLEAN } from '../../../src/core/taint.ts';

/** Plain values for tests of the pure rules; each takes what a test wants to be different. */
export const RUN: RunId = runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef');
export const HASH = asHash('a'.repeat(64));
export const OTHER_HASH = asHash('b'.repeat(64));
export const DEADLINE_MS = 1_000_000;

export function approvalRecord(different: Partial<ApprovalRecord> = {}): ApprovalRecord {
  const key = callKey(RUN, 1, 0);
  return {
    id: approvalId(key, 1),
    kind: 'call',
    key,
    tool: 'refund_order',
    argsHash: HASH,
    tier: 'write_risky',
    amount: null,
    payee: null,
    summary: 'refund order #W1',
    reason: 'money moves',
    quote: null,
    rule: 'test',
    taint: CLEAN,
    origins: [],
    release: null,
    requester: 'ann',
    requesterMay: 'not',
    approvers: {},
    quorum: 1,
    terms: null,
    formerTerms: null,
    openedAtMs: 0,
    deadlineMs: DEADLINE_MS,
    onExpiry: 'reject',
    reminders: [],
    escalation: [],
    state: { kind: 'open' },
    votes: [],
    ...different,
  };
}

export function preparedCall(tool: string, ordinal = 0, different: Partial<PreparedCall> = {}): PreparedCall {
  return {
    key: callKey(RUN, 1, ordinal),
    callId: `toolu_${ordinal}`,
    tool,
    argsHash: HASH,
    summary: tool,
    problem: null,
    amount: null,
    payee: null,
    classes: [],
    firstOf: [],
    learned: null,
    origins: [],
    terms: null,
    ...different,
  };
}

export function callState(tool: string, ordinal = 0, different: Partial<CallState> = {}): CallState {
  return { ...newCall(preparedCall(tool, ordinal)), ...different };
}

export const ALLOWED = { rule: 'test', answer: { kind: 'allow' } } as const;
export const ASKED = { rule: 'test', answer: { kind: 'ask', reason: 'a person must say' } } as const;
export const RAN = { kind: 'ran', status: 'success', ref: HASH, bytes: 2 } as const;
