import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ApprovalRecord,
  type DecisionRefusal,
  decideApproval,
  due,
  expire,
  nextTimeMs,
  type ParsedDecision,
  withdraw,
} from '../../../src/core/approvals.ts';
import type { Speaker } from '../../../src/core/control.ts';
import { usd } from '../../../src/core/money.ts';
import type { Approvers } from '../../../src/core/policy.ts';
import { approvalRecord, DEADLINE_MS, HASH, OTHER_HASH } from './builders.ts';

/** The rules as a run uses them. Wrong ones are played against the same reference, to show that it would notice. */
interface Rules {
  readonly decide: typeof decideApproval;
  readonly due: typeof due;
  readonly expire: typeof expire;
  readonly withdraw: typeof withdraw;
}
const RULES: Rules = { decide: decideApproval, due, expire, withdraw };

const REQUESTER = 'ann';
const PEOPLE = [REQUESTER, 'bo', 'cy', 'di', 'ed'] as const;
const ROLES: Readonly<Record<string, readonly string[]>> = {
  ann: ['lead'],
  cy: ['lead'],
  di: ['lead', 'clerk'],
};

type Event =
  | {
      readonly kind: 'decide';
      readonly decision: ParsedDecision;
      readonly identity: Speaker['identity'];
      readonly atMs: number;
    }
  | { readonly kind: 'clock'; readonly atMs: number }
  | { readonly kind: 'expire'; readonly atMs: number }
  | { readonly kind: 'withdraw'; readonly atMs: number };

/** Times around the reminders, the escalation steps and the deadline, and anything between. */
const STEPS_MS = [DEADLINE_MS / 4, DEADLINE_MS / 2];
const around = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: DEADLINE_MS - 2 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...[...STEPS_MS, DEADLINE_MS].flatMap((ms) => [ms - 1, ms, ms + 1])),
  },
);
const decision: fc.Arbitrary<ParsedDecision> = fc
  .record({
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('approve' as const) },
      { weight: 3, arbitrary: fc.constantFrom('reject' as const, 'edit' as const, 'answer' as const) },
    ),
    by: fc.constantFrom(...PEOPLE),
    argsHash: fc.constantFrom(undefined, undefined, HASH, HASH, OTHER_HASH),
    learns: fc.oneof(
      { weight: 3, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  })
  .map(({ argsHash, learns, ...rest }) => ({
    approval: 'a',
    channel: 'cli',
    ...rest,
    ...(rest.kind === 'edit' && { arguments: { items: 1 } }),
    ...(argsHash !== undefined && { argsHash }),
    ...(learns && { learn: { days: 30 } }),
  }));
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('decide' as const),
      decision,
      identity: fc.constantFrom('signed' as const, 'unverified' as const),
      atMs: around,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock' as const), atMs: around }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('expire' as const, 'withdraw' as const), atMs: around }),
  },
);
/** Some events come twice, as signals do. Times are in order, as a workflow's are. */
const events = fc
  .array(fc.tuple(event, fc.integer({ min: 1, max: 2 })), { minLength: 1, maxLength: 8 })
  .map((list) => list.flatMap(([one, times]) => Array<Event>(times).fill(one)))
  .map((list) => [...list].sort((a, b) => a.atMs - b.atMs));
const approvers = fc.constantFrom<Approvers>(
  {},
  { people: [], roles: [] },
  { people: ['bo', 'cy'] },
  { roles: ['lead'] },
  { people: ['ed'], roles: ['lead'] },
  { people: [REQUESTER, 'bo'] },
  { roles: ['lead'], people: [] },
);
const record = fc
  .record({
    kind: fc.constantFrom<ApprovalRecord['kind']>(
      'call',
      'call',
      'call',
      'question',
      'reconcile',
      'landing',
      'pause',
    ),
    requesterMay: fc.constantFrom<ApprovalRecord['requesterMay']>('not', 'not', 'not', 'too', 'only'),
    quorum: fc.integer({ min: 1, max: 3 }),
    approvers,
    tier: fc.constantFrom<ApprovalRecord['tier']>('write_risky', 'destructive', null),
    payee: fc.constantFrom(null, 'card_1', 'card_1'),
    amount: fc.constantFrom(null, usd(40), usd(40)),
    argsHash: fc.constantFrom(HASH, HASH, HASH, null),
    reminders: fc.subarray(STEPS_MS),
    escalation: fc.subarray([
      { atMs: DEADLINE_MS / 4, approvers: { people: ['bo'] } },
      { atMs: DEADLINE_MS / 2, approvers: { roles: ['clerk'] } },
    ]),
  })
  // The customer's own yes is one person's.
  .map((asked) =>
    approvalRecord(asked.requesterMay === 'only' ? { ...asked, quorum: 1, approvers: {} } : asked),
  );

/** The reference: what has become of the request, and whom it has reached by now. */
interface Reference {
  readonly state: ApprovalRecord['state']['kind'];
  readonly voters: ReadonlySet<string>;
  /** Everybody who may decide; null = everybody. */
  readonly named: ReadonlySet<string> | null;
  readonly toldMs: number;
}

function begin({ approvers: { people = [], roles = [] } }: ApprovalRecord): Reference {
  const named = people.length + roles.length === 0 ? null : new Set([...people, ...roles]);
  return { state: 'open', voters: new Set(), named, toldMs: -1 };
}

/** Which objections there are to a decision, in no order. */
function objections(asked: ApprovalRecord, now: Reference, one: Extract<Event, { kind: 'decide' }>) {
  const { decision, identity, atMs } = one;
  const own = decision.by === REQUESTER;
  const names = [decision.by, ...(ROLES[decision.by] ?? [])];
  const kinds = {
    call: asked.requesterMay === 'only' ? 'approve reject' : 'approve reject edit',
    question: 'answer reject',
    reconcile: 'answer',
    landing: 'approve reject',
    pause: 'approve reject',
  }[asked.kind];
  const free = own && asked.requesterMay !== 'not';
  const holds = asked.payee !== null && asked.amount !== null;
  const all: Readonly<Partial<Record<DecisionRefusal, boolean>>> = {
    already_decided: now.state !== 'open',
    too_late: atMs >= asked.deadlineMs,
    own_request: own && asked.requesterMay === 'not',
    not_the_requester: !own && asked.requesterMay === 'only',
    not_an_approver: !free && now.named !== null && !names.some((name) => now.named?.has(name)),
    other_arguments:
      decision.argsHash === undefined
        ? identity === 'signed' && asked.argsHash !== null
        : decision.argsHash !== asked.argsHash,
    wrong_kind: !kinds.includes(decision.kind),
    already_voted: decision.kind === 'approve' && now.voters.has(decision.by),
    cannot_learn:
      decision.learn !== undefined &&
      !(
        decision.kind === 'approve' &&
        asked.kind === 'call' &&
        asked.requesterMay !== 'only' &&
        asked.tier !== 'destructive' &&
        asked.quorum === 1 &&
        holds
      ),
  };
  return Object.entries(all).flatMap(([why, holds]) => (holds ? [why] : []));
}

function step(asked: ApprovalRecord, now: Reference, one: Event): Reference {
  if (now.state !== 'open') return now;
  if (one.kind === 'withdraw') return { ...now, state: 'withdrawn' };
  if (one.kind === 'expire') return one.atMs >= asked.deadlineMs ? { ...now, state: 'expired' } : now;
  if (one.kind === 'clock') {
    const reached = asked.escalation.filter(({ atMs }) => atMs <= one.atMs).map((more) => more.approvers);
    const more = reached.flatMap(({ people = [], roles = [] }) => [...people, ...roles]);
    return { ...now, named: now.named === null ? null : new Set([...now.named, ...more]), toldMs: one.atMs };
  }
  if (objections(asked, now, one).length > 0) return now;
  const { kind, by } = one.decision;
  if (kind === 'reject') return { ...now, state: 'rejected' };
  if (kind !== 'approve') return { ...now, state: 'answered' };
  const voters = new Set([...now.voters, by]);
  return { ...now, voters, state: voters.size >= asked.quorum ? 'approved' : 'open' };
}

/** What was asked, without what the clock and people may change. */
function fixed(record: ApprovalRecord) {
  return { ...record, state: null, votes: null, reminders: null, escalation: null, approvers: null };
}

/** What the clock did is said once, for exactly the times since it last looked. */
function checkDue(
  asked: ApprovalRecord,
  before: Reference,
  real: ApprovalRecord,
  what: ReturnType<typeof due>,
  atMs: number,
) {
  const since = (time: number) => time > before.toldMs && time <= atMs;
  const reminded = asked.reminders.some(since);
  const escalated = asked.escalation.some((one) => since(one.atMs));
  expect(what !== null).toBe(before.state === 'open' && (reminded || escalated));
  if (what === null) return;
  expect({ reminded: what.reminded, escalated: what.escalatedTo !== null }).toEqual({ reminded, escalated });
  expect(what.record.state).toEqual(real.state);
  // Nothing is due twice, and what comes next lies ahead.
  expect(due(what.record, atMs)).toBeNull();
  if (atMs < asked.deadlineMs) expect(nextTimeMs(what.record)).toBeGreaterThan(atMs);
}

/** Plays the events against the rules and the reference side by side; A1 to A5 of the header at every step. */
function followsReference(rules: Rules) {
  return fc.property(record, events, (asked, list) => {
    let real = asked;
    let reference = begin(asked);
    for (const one of list) {
      const before = real;
      const objected = one.kind === 'decide' ? objections(asked, reference, one) : [];
      if (one.kind === 'decide') {
        const speaker: Speaker = { identity: one.identity, roles: ROLES[one.decision.by] ?? [] };
        const outcome = rules.decide(real, one.decision, speaker, one.atMs);
        if (outcome.kind === 'refused') expect(objected).toContain(outcome.why);
        else {
          expect(objected).toEqual([]);
          real = outcome.record;
          expect(outcome.kind).toBe(real.state.kind === 'open' ? 'voted' : 'decided');
          expect(real.state.kind === 'open' || !('identity' in real.state) || real.state.identity).toBe(
            real.state.kind === 'open' || one.identity,
          );
        }
        // A2, and a refusal that says what is true: the state that stands comes before every other objection.
        if (before.state.kind !== 'open')
          expect(outcome).toEqual({ kind: 'refused', why: 'already_decided' });
      } else if (one.kind === 'clock') {
        const what = rules.due(real, one.atMs);
        checkDue(asked, reference, real, what, one.atMs);
        real = what?.record ?? real;
      } else real = one.kind === 'expire' ? rules.expire(real, one.atMs) : rules.withdraw(real, one.atMs);
      reference = step(asked, reference, one);
      expect(real.state.kind).toBe(reference.state);
      expect(real.votes.map((vote) => vote.by)).toEqual([...reference.voters]);
      // A5: closed stays closed, to the byte.
      if (before.state.kind !== 'open') expect(real).toEqual(before);
      // What was asked never changes, whoever answers.
      expect(fixed(real)).toEqual(fixed(asked));
      // A1: silence, and a word that came too late, close nothing but as expired or withdrawn.
      if ('decision' in real.state) {
        expect(real.state.atMs).toBeLessThan(asked.deadlineMs);
        if (asked.requesterMay === 'not') expect(real.state.decision.by).not.toBe(REQUESTER);
        // A4: where the requester is asked, it is they who decide.
        if (asked.requesterMay === 'only') expect(real.state.decision.by).toBe(REQUESTER);
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
  const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));

  test(`the rules do what the reference does, 12,000 times (seed ${seed})`, () => {
    console.log(`approvals: HOLDFAST_TEST_SEED=${seed}`);
    fc.assert(followsReference(RULES), { numRuns: 12_000, seed });
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
    'lets anyone decide': mistaking(() => ({ approvers: {} })),
    'forgets that roles were named': mistaking(({ approvers: { people = [] } }) => ({
      approvers: { people },
    })),
    'takes a role for a name': {
      decide: (record, said, who, nowMs) =>
        decideApproval(
          {
            ...record,
            approvers: { people: [...(record.approvers.people ?? []), ...(record.approvers.roles ?? [])] },
          },
          said,
          who,
          nowMs,
        ),
    },
    'takes one vote for a quorum': mistaking(() => ({ quorum: 1 })),
    'counts one person twice': mistaking(({ votes }) => ({
      votes: votes.map((vote, i) => ({ ...vote, by: `${vote.by}#${i}` })),
    })),
    'answers every kind of request in every way': mistaking(() => ({ kind: 'call' })),
    'lets an approval stand for other arguments': {
      decide: (record, { argsHash: _, ...said }, who, nowMs) => decideApproval(record, said, who, nowMs),
    },
    'lets a signature stand for arguments it does not name': {
      decide: (record, said, who, nowMs) =>
        decideApproval(record, said, { ...who, identity: 'unverified' }, nowMs),
    },
    'lets the requester decide': mistaking(({ requesterMay }) => ({
      requesterMay: requesterMay === 'not' ? 'too' : requesterMay,
    })),
    'keeps the requester from deciding where they may': mistaking(() => ({ requesterMay: 'not' })),
    'lets others answer for the requester': mistaking(({ requesterMay }) => ({
      requesterMay: requesterMay === 'only' ? 'too' : requesterMay,
    })),
    'learns from a decision about something destructive': mistaking(() => ({ tier: 'write_risky' })),
    'learns where two have to agree': {
      decide: (record, { learn: _, ...said }, who, nowMs) => decideApproval(record, said, who, nowMs),
    },
    'lets silence approve': {
      expire: (record, nowMs) =>
        record.state.kind === 'open' && nowMs >= record.deadlineMs
          ? {
              ...record,
              state: {
                kind: 'approved',
                decision: { approval: 'a', kind: 'approve', by: 'bo', channel: '' },
                identity: 'unverified',
                atMs: nowMs,
              },
            }
          : record,
    },
    'expires a request that was decided': { expire: (record, nowMs) => expire(asOpen(record), nowMs) },
    'expires one millisecond late': { expire: (record, nowMs) => expire(record, nowMs - 1) },
    'withdraws a request that was decided': { withdraw: (record, nowMs) => withdraw(asOpen(record), nowMs) },
    'reminds twice of the same': {
      due: (record, nowMs) => {
        const what = due(record, nowMs);
        return what && { ...what, record: { ...what.record, reminders: record.reminders } };
      },
    },
    'reminds of what was decided': { due: (record, nowMs) => due(asOpen(record), nowMs) },
    'escalates one millisecond late': {
      due: (record, nowMs) => {
        const escalation = record.escalation.map((one) => ({ ...one, atMs: one.atMs + 1 }));
        return due({ ...record, escalation }, nowMs);
      },
    },
    'takes the request away from those it was with': {
      due: (record, nowMs) => {
        const what = due(record, nowMs);
        return (
          what && { ...what, record: { ...what.record, approvers: what.escalatedTo ?? record.approvers } }
        );
      },
    },
    'narrows a request that everybody may decide': {
      due: (record, nowMs) => {
        const what = due({ ...record, approvers: { people: ['ed'], ...record.approvers } }, nowMs);
        return what;
      },
    },
  };
  test.each(Object.entries(wrong))('the reference finds a rule that %s', (_name, fault) => {
    expect(fc.check(followsReference({ ...RULES, ...fault }), { numRuns: 3_000, seed: 1 }).failed).toBe(true);
  });
});

describe('whom a request reaches', () => {
  const steps = [
    { atMs: 10, approvers: { people: ['ed'] } },
    { atMs: 20, approvers: { roles: ['director'] } },
  ];

  test('missed reminders are one, and missed steps are all taken', () => {
    const asked = approvalRecord({
      approvers: { people: ['bo'] },
      reminders: [5, 15, 25],
      escalation: steps,
    });
    const what = due(asked, 21);
    expect(what).toMatchObject({ reminded: true, escalatedTo: { people: ['ed'], roles: ['director'] } });
    expect(what?.record).toMatchObject({
      approvers: { people: ['bo', 'ed'], roles: ['director'] },
      reminders: [25],
      escalation: [],
    });
  });

  test('nobody named stays everybody, and those it went to are told all the same', () => {
    const what = due(approvalRecord({ escalation: steps }), 10);
    expect(what?.record.approvers).toEqual({});
    expect(what?.escalatedTo).toEqual({ people: ['ed'], roles: [] });
  });

  test('the next time is the first reminder, step or deadline', () => {
    expect(nextTimeMs(approvalRecord())).toBe(DEADLINE_MS);
    expect(nextTimeMs(approvalRecord({ reminders: [7], escalation: steps }))).toBe(7);
    expect(nextTimeMs(approvalRecord({ reminders: [17], escalation: steps }))).toBe(10);
  });
});
