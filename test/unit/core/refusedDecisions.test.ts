import { describe, expect, test } from 'vitest';
import {
  type ApprovalRecord,
  type DecisionRefusal,
  decideApproval,
  isNamed,
  type ParsedDecision,
} from '../../../src/core/approvals.ts';
import type { Speaker } from '../../../src/core/control.ts';
import { usd } from '../../../src/core/money.ts';
import { approvalRecord, DEADLINE_MS, HASH, OTHER_HASH } from './builders.ts';

const REQUESTER = 'ann';
const LEARNABLE = { amount: usd(40), payee: 'card_1' } as const;
const LEARN = { learn: { days: 30 } } as const;
const vote = { by: 'bo', channel: 'cli', identity: 'unverified', atMs: 1 } as const;

describe('a decision', () => {
  const bo: ParsedDecision = { approval: 'a', kind: 'approve', by: 'bo', channel: 'cli' };
  const who: Speaker = { identity: 'unverified', roles: [] };
  const decide = (
    different: Partial<ApprovalRecord>,
    said: Partial<ParsedDecision> = {},
    nowMs = 5,
    speaker: Partial<Speaker> = {},
  ) => decideApproval(approvalRecord(different), { ...bo, ...said }, { ...who, ...speaker }, nowMs);

  test.each<readonly [string, Partial<ApprovalRecord>, Partial<ParsedDecision>, number, DecisionRefusal]>([
    ['after it was closed', { state: { kind: 'expired', atMs: 1 } }, {}, 5, 'already_decided'],
    ['at the deadline', {}, {}, DEADLINE_MS, 'too_late'],
    ['a year later', {}, {}, DEADLINE_MS + 3e10, 'too_late'],
    ['by the requester', {}, { by: REQUESTER }, 5, 'own_request'],
    [
      'by the requester, although listed',
      { approvers: { people: [REQUESTER] } },
      { by: REQUESTER },
      5,
      'own_request',
    ],
    ['for the requester', { requesterMay: 'only' }, {}, 5, 'not_the_requester'],
    [
      'for the requester, by somebody who is listed',
      { requesterMay: 'only', approvers: { people: ['bo'] } },
      {},
      5,
      'not_the_requester',
    ],
    ['by somebody who is not listed', { approvers: { people: ['cy'] } }, {}, 5, 'not_an_approver'],
    ['by somebody without the role', { approvers: { roles: ['lead'] } }, {}, 5, 'not_an_approver'],
    ['by somebody whose name is that of a role', { approvers: { roles: ['bo'] } }, {}, 5, 'not_an_approver'],
    [
      'by somebody who is not listed, where the requester may too',
      { requesterMay: 'too', approvers: { people: ['cy'] } },
      {},
      5,
      'not_an_approver',
    ],
    ['about other arguments', {}, { argsHash: OTHER_HASH }, 5, 'other_arguments'],
    ['about arguments, where there are none', { argsHash: null }, { argsHash: HASH }, 5, 'other_arguments'],
    ['an answer to a call', {}, { kind: 'answer', answer: 1 }, 5, 'wrong_kind'],
    [
      'an edit by the requester who is asked',
      { requesterMay: 'only' },
      { by: REQUESTER, kind: 'edit', arguments: {} },
      5,
      'wrong_kind',
    ],
    ['an approval of a question', { kind: 'question' }, {}, 5, 'wrong_kind'],
    ['an approval of an unknown effect', { kind: 'reconcile' }, {}, 5, 'wrong_kind'],
    ['an edit of a landing', { kind: 'landing' }, { kind: 'edit', arguments: {} }, 5, 'wrong_kind'],
    ['an answer to a pause', { kind: 'pause' }, { kind: 'answer', answer: 1 }, 5, 'wrong_kind'],
    ['a second vote', { quorum: 2, votes: [vote] }, {}, 5, 'already_voted'],
    ['a lesson from a rejection', LEARNABLE, { kind: 'reject', ...LEARN }, 5, 'cannot_learn'],
    ['a lesson about something destructive', { ...LEARNABLE, tier: 'destructive' }, LEARN, 5, 'cannot_learn'],
    ['a lesson where two must agree', { ...LEARNABLE, quorum: 2 }, LEARN, 5, 'cannot_learn'],
    ['a lesson without a payee', { ...LEARNABLE, payee: null }, LEARN, 5, 'cannot_learn'],
    ['a lesson without an amount', { ...LEARNABLE, amount: null }, LEARN, 5, 'cannot_learn'],
    ['a lesson about a landing', { ...LEARNABLE, kind: 'landing' }, LEARN, 5, 'cannot_learn'],
    [
      'a lesson by the requester who is asked',
      { ...LEARNABLE, requesterMay: 'only' },
      { ...LEARN, by: REQUESTER },
      5,
      'cannot_learn',
    ],
  ])('%s is refused', (_name, different, said, nowMs, why) => {
    expect(decide(different, said, nowMs)).toEqual({ kind: 'refused', why });
  });

  test('a signature has to name the arguments that were seen; a plain word need not', () => {
    expect(decide({}, {}, 5, { identity: 'signed' })).toEqual({ kind: 'refused', why: 'other_arguments' });
    expect(decide({}, { argsHash: HASH }, 5, { identity: 'signed' }).kind).toBe('decided');
    expect(decide({ argsHash: null, kind: 'pause' }, {}, 5, { identity: 'signed' }).kind).toBe('decided');
    expect(decide({}).kind).toBe('decided');
  });

  test('says who is known of it, on the vote and on the state', () => {
    expect(decide({}, { argsHash: HASH }, 5, { identity: 'signed' })).toMatchObject({
      record: {
        state: { identity: 'signed' },
        votes: [{ by: 'bo', channel: 'cli', identity: 'signed', atMs: 5 }],
      },
    });
  });

  test.each<readonly [string, Partial<ApprovalRecord>, Partial<ParsedDecision>]>([
    ['of the requester who is asked', { requesterMay: 'only' }, { by: REQUESTER }],
    ['of the requester who may too', { requesterMay: 'too' }, { by: REQUESTER }],
    [
      'of the requester who may too, although others are named',
      { requesterMay: 'too', approvers: { people: ['cy'] } },
      { by: REQUESTER },
    ],
    ['with a lesson', LEARNABLE, LEARN],
  ])('%s counts', (_name, different, said) => {
    expect(decide(different, said)).toMatchObject({
      kind: 'decided',
      record: { state: { kind: 'approved' } },
    });
  });

  test('the last millisecond counts', () => {
    expect(decide({}, {}, DEADLINE_MS - 1)).toMatchObject({
      kind: 'decided',
      record: { state: { kind: 'approved' } },
    });
  });

  test('a role is as good as a name', () => {
    expect(decide({ approvers: { roles: ['lead'] } }, {}, 5, { roles: ['lead'] }).kind).toBe('decided');
    expect(isNamed({ people: ['cy'], roles: ['lead'] }, 'bo', ['clerk', 'lead'])).toBe(true);
    expect(isNamed({ people: ['cy'], roles: ['lead'] }, 'bo', ['clerk'])).toBe(false);
    expect(isNamed({ people: [], roles: [] }, 'bo', [])).toBe(true);
  });

  test('one rejection is enough, also after votes for it', () => {
    const votes = [{ ...vote, by: 'cy' }];
    expect(decide({ quorum: 3, votes }, { kind: 'reject', reason: 'no' })).toMatchObject({
      kind: 'decided',
      record: { state: { kind: 'rejected', decision: { reason: 'no' } } },
    });
  });

  test('nothing that is given in is changed', () => {
    const asked = Object.freeze(approvalRecord({ quorum: 2, votes: Object.freeze([]) }));
    expect(decideApproval(asked, Object.freeze(bo), who, 5).kind).toBe('voted');
    expect(asked.votes).toEqual([]);
  });
});
