import { describe, expect, test } from 'vitest';
import {
  type ApprovalRecord,
  type Decision,
  type DecisionRefusal,
  decideApproval,
} from '../../../src/core/approvals.ts';
import { approvalRecord, DEADLINE_MS, HASH, OTHER_HASH } from './builders.ts';

const REQUESTER = 'ann';

describe('a decision', () => {
  const bo: Decision = { approval: 'a', kind: 'approve', by: 'bo', channel: 'cli' };
  const who = { requester: REQUESTER, roles: [] };
  const decide = (different: Partial<ApprovalRecord>, said: Partial<Decision> = {}, nowMs = 5) =>
    decideApproval(approvalRecord(different), { ...bo, ...said }, who, nowMs);

  test.each<readonly [string, Partial<ApprovalRecord>, Partial<Decision>, number, DecisionRefusal]>([
    ['after it was closed', { state: { kind: 'expired', atMs: 1 } }, {}, 5, 'already_decided'],
    ['at the deadline', {}, {}, DEADLINE_MS, 'too_late'],
    ['a year later', {}, {}, DEADLINE_MS + 3e10, 'too_late'],
    ['by the requester', {}, { by: REQUESTER }, 5, 'own_request'],
    ['by the requester, although listed', { approvers: [REQUESTER] }, { by: REQUESTER }, 5, 'own_request'],
    ['by somebody who is not listed', { approvers: ['cy'] }, {}, 5, 'not_an_approver'],
    ['about other arguments', {}, { argsHash: OTHER_HASH }, 5, 'other_arguments'],
    ['about arguments, where there are none', { argsHash: null }, { argsHash: HASH }, 5, 'other_arguments'],
    ['an answer to a call', {}, { kind: 'answer', answer: 1 }, 5, 'wrong_kind'],
    ['an approval of an unknown effect', { kind: 'reconcile' }, {}, 5, 'wrong_kind'],
    ['an edit of a landing', { kind: 'landing' }, { kind: 'edit', arguments: {} }, 5, 'wrong_kind'],
    ['a second vote', { quorum: 2, votes: [{ by: 'bo', atMs: 1 }] }, {}, 5, 'already_voted'],
  ])('%s is refused', (_name, different, said, nowMs, why) => {
    expect(decide(different, said, nowMs)).toEqual({ kind: 'refused', why });
  });

  test('the last millisecond counts', () => {
    expect(decide({}, {}, DEADLINE_MS - 1)).toMatchObject({
      kind: 'decided',
      record: { state: { kind: 'approved' } },
    });
  });

  test('a role is as good as a name', () => {
    const outcome = decideApproval(
      approvalRecord({ approvers: ['lead'] }),
      bo,
      { requester: REQUESTER, roles: ['lead'] },
      5,
    );
    expect(outcome.kind).toBe('decided');
  });

  test('one rejection is enough, also after votes for it', () => {
    const outcome = decide({ quorum: 3, votes: [{ by: 'cy', atMs: 1 }] }, { kind: 'reject', reason: 'no' });
    expect(outcome).toMatchObject({
      kind: 'decided',
      record: { state: { kind: 'rejected', decision: { reason: 'no' } } },
    });
  });

  test('nothing that is given in is changed', () => {
    const asked = Object.freeze(approvalRecord({ quorum: 2, votes: Object.freeze([]) as unknown as [] }));
    expect(decideApproval(asked, Object.freeze(bo), who, 5).kind).toBe('voted');
    expect(asked.votes).toEqual([]);
  });
});
