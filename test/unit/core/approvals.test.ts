import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ApprovalRecord,
  type Decision,
  type DecisionRefusal,
  decideApproval,
  expire,
  withdraw,
} from '../../../src/core/approvals.ts';
import { approvalRecord, DEADLINE_MS, HASH, OTHER_HASH } from './builders.ts';

/** The rules as a run uses them. Wrong ones are played against the same reference, to show that it would notice. */
interface Rules {
  readonly decide: typeof decideApproval;
  readonly expire: typeof expire;
  readonly withdraw: typeof withdraw;
}
const RULES: Rules = { decide: decideApproval, expire, withdraw };

const REQUESTER = 'ann';
const PEOPLE = [REQUESTER, 'bo', 'cy', 'di', 'ed'] as const;
const ROLES: Readonly<Record<string, readonly string[]>> = { cy: ['lead'], di: ['lead', 'clerk'] };

type Event =
  | { readonly kind: 'decide'; readonly decision: Decision; readonly atMs: number }
  | { readonly kind: 'expire'; readonly atMs: number }
  | { readonly kind: 'withdraw'; readonly atMs: number };

const around = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: DEADLINE_MS - 2 }) },
  { weight: 2, arbitrary: fc.constantFrom(DEADLINE_MS - 1, DEADLINE_MS, DEADLINE_MS + 1) },
);
const decision: fc.Arbitrary<Decision> = fc
  .record({
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('approve' as const) },
      { weight: 3, arbitrary: fc.constantFrom('reject' as const, 'edit' as const, 'answer' as const) },
    ),
    by: fc.constantFrom(...PEOPLE),
    argsHash: fc.constantFrom(undefined, undefined, HASH, HASH, OTHER_HASH),
  })
  .map(({ argsHash, ...rest }) => ({
    approval: 'a',
    channel: 'cli',
    ...rest,
    ...(rest.kind === 'edit' && { arguments: { items: 1 } }),
    ...(argsHash !== undefined && { argsHash }),
  }));
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('decide' as const), decision, atMs: around }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), atMs: around }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw' as const), atMs: around }) },
);
/** Some events come twice, as signals do. Times are in order, as a workflow's are. */
const events = fc
  .array(fc.tuple(event, fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 8 })
  .map((list) => list.flatMap(([one, times]) => Array<Event>(times).fill(one)))
  .map((list) => [...list].sort((a, b) => a.atMs - b.atMs));
const record = fc
  .record({
    kind: fc.constantFrom(
      'call' as const,
      'call' as const,
      'call' as const,
      'reconcile' as const,
      'landing' as const,
    ),
    quorum: fc.integer({ min: 1, max: 3 }),
    approvers: fc.constantFrom<readonly string[]>(
      [],
      [],
      ['bo', 'cy'],
      ['lead'],
      ['lead', 'ed'],
      [REQUESTER, 'bo'],
    ),
  })
  .map(approvalRecord);

/** The reference: which objections there are to a decision, in no order, and what it does when there is none. */
interface Reference {
  readonly state: ApprovalRecord['state']['kind'];
  readonly voters: ReadonlySet<string>;
}

function objections(
  asked: ApprovalRecord,
  now: Reference,
  { decision, atMs }: Extract<Event, { kind: 'decide' }>,
) {
  const may = new Set([decision.by, ...(ROLES[decision.by] ?? [])]);
  const kinds = { call: 'approve reject edit', reconcile: 'answer', landing: 'approve reject' }[asked.kind];
  const all: Readonly<Record<Exclude<DecisionRefusal, 'malformed' | 'unknown_approval'>, boolean>> = {
    already_decided: now.state !== 'open',
    too_late: atMs >= asked.deadlineMs,
    own_request: decision.by === REQUESTER,
    not_an_approver: asked.approvers.length > 0 && !asked.approvers.some((name) => may.has(name)),
    other_arguments: decision.argsHash === OTHER_HASH,
    wrong_kind: !kinds.includes(decision.kind),
    already_voted: decision.kind === 'approve' && now.voters.has(decision.by),
  };
  return Object.entries(all).flatMap(([why, holds]) => (holds ? [why] : []));
}

function step(asked: ApprovalRecord, now: Reference, one: Event): Reference {
  if (now.state !== 'open') return now;
  if (one.kind === 'withdraw') return { ...now, state: 'withdrawn' };
  if (one.kind === 'expire') return one.atMs >= asked.deadlineMs ? { ...now, state: 'expired' } : now;
  if (objections(asked, now, one).length > 0) return now;
  const { kind, by } = one.decision;
  if (kind === 'reject') return { ...now, state: 'rejected' };
  if (kind !== 'approve') return { ...now, state: 'answered' };
  const voters = new Set([...now.voters, by]);
  return { voters, state: voters.size >= asked.quorum ? 'approved' : 'open' };
}

/** Plays the events against the rules and the reference side by side; A1 to A5 of the header at every step. */
function followsReference(rules: Rules) {
  return fc.property(record, events, (asked, list) => {
    let real = asked;
    let reference: Reference = { state: 'open', voters: new Set() };
    for (const one of list) {
      const before = real;
      const objected = one.kind === 'decide' ? objections(asked, reference, one) : [];
      if (one.kind === 'decide') {
        const who = { requester: REQUESTER, roles: ROLES[one.decision.by] ?? [] };
        const outcome = rules.decide(real, one.decision, who, one.atMs);
        if (outcome.kind === 'refused') expect(objected).toContain(outcome.why);
        else {
          expect(objected).toEqual([]);
          real = outcome.record;
          expect(outcome.kind).toBe(real.state.kind === 'open' ? 'voted' : 'decided');
        }
        // A2, and a refusal that says what is true: the state that stands comes before every other objection.
        if (before.state.kind !== 'open')
          expect(outcome).toEqual({ kind: 'refused', why: 'already_decided' });
      } else real = one.kind === 'expire' ? rules.expire(real, one.atMs) : rules.withdraw(real, one.atMs);
      reference = step(asked, reference, one);
      expect(real.state.kind).toBe(reference.state);
      expect(real.votes.map((vote) => vote.by)).toEqual([...reference.voters]);
      // A5: closed stays closed, to the byte.
      if (before.state.kind !== 'open') expect(real).toEqual(before);
      // What was asked never changes, whoever answers.
      expect({ ...real, state: null, votes: null }).toEqual({ ...asked, state: null, votes: null });
      // A1: silence, and a word that came too late, close nothing but as expired or withdrawn.
      if ('decision' in real.state) {
        expect(real.state.atMs).toBeLessThan(asked.deadlineMs);
        expect(real.state.decision.by).not.toBe(REQUESTER);
      }
      // A3 and the quorum: an approval is by that many different people, about these arguments.
      if (real.state.kind === 'approved') {
        expect(new Set(real.votes.map((vote) => vote.by)).size).toBeGreaterThanOrEqual(asked.quorum);
        expect([undefined, asked.argsHash]).toContain(real.state.decision.argsHash);
      }
    }
  });
}

describe('A1 to A5, over any sequence of decisions', () => {
  test('the rules do what the reference does, 12,000 times', () => {
    fc.assert(followsReference(RULES), { numRuns: 12_000 });
  });

  const asOpen = (record: ApprovalRecord): ApprovalRecord => ({ ...record, state: { kind: 'open' } });
  /** Decides as if the request were another, and shows nothing of that afterwards. */
  const mistaking = (mistake: (record: ApprovalRecord) => Partial<ApprovalRecord>): Partial<Rules> => ({
    decide: (record, said, who, nowMs) => {
      const outcome = decideApproval({ ...record, ...mistake(record) }, said, who, nowMs);
      if (outcome.kind === 'refused') return outcome;
      const votes = outcome.record.votes.map((vote) => ({ ...vote, by: vote.by.replace(/#.*/, '') }));
      return { ...outcome, record: { ...record, votes, state: outcome.record.state } };
    },
  });
  const wrong: Readonly<Record<string, Partial<Rules>>> = {
    'lets a decision count at its deadline': mistaking(({ deadlineMs }) => ({ deadlineMs: deadlineMs + 1 })),
    'lets the last decision win': mistaking(() => ({ state: { kind: 'open' } })),
    'lets anyone decide': mistaking(() => ({ approvers: [] })),
    'takes one vote for a quorum': mistaking(() => ({ quorum: 1 })),
    'counts one person twice': mistaking(({ votes }) => ({
      votes: votes.map((vote, i) => ({ ...vote, by: `${vote.by}#${i}` })),
    })),
    'answers every kind of request in every way': mistaking(() => ({ kind: 'call' })),
    'lets an approval stand for other arguments': {
      decide: (record, { argsHash: _, ...said }, who, nowMs) => decideApproval(record, said, who, nowMs),
    },
    'lets the requester decide': {
      decide: (record, said, who, nowMs) => decideApproval(record, said, { ...who, requester: '' }, nowMs),
    },
    'lets silence approve': {
      expire: (record, nowMs) =>
        record.state.kind === 'open' && nowMs >= record.deadlineMs
          ? {
              ...record,
              state: {
                kind: 'approved',
                decision: { approval: 'a', kind: 'approve', by: 'bo', channel: '' },
                atMs: nowMs,
              },
            }
          : record,
    },
    'expires a request that was decided': { expire: (record, nowMs) => expire(asOpen(record), nowMs) },
    'expires one millisecond late': { expire: (record, nowMs) => expire(record, nowMs - 1) },
    'withdraws a request that was decided': { withdraw: (record, nowMs) => withdraw(asOpen(record), nowMs) },
  };
  test.each(Object.entries(wrong))('the reference finds a rule that %s', (_name, fault) => {
    expect(fc.check(followsReference({ ...RULES, ...fault }), { numRuns: 3_000, seed: 1 }).failed).toBe(true);
  });
});
