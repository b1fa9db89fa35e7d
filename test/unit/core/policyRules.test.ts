import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS, MAX_RUN_LIMITS } from '../../../src/core/limits.ts';
import { decide } from '../../../src/core/policy.ts';
import { policyProblems, ruleProblems } from '../../../src/core/rules.ts';
import { ALL, anyFacts, anyOwnRules, anyRules, ask, deny } from './policyBuilders.ts';

const BOUNDS = { rules: LIMITS.policyRules, bytes: LIMITS.policyBytes };
const good = { name: 'r', match: {}, answer: { kind: 'allow' } };
const matching = (match: unknown) => ({ ...good, match });
const asking = (more: object) => ({ ...good, answer: { kind: 'ask', reason: 'big', ...more } });
const people = (...ids: readonly string[]) => ({ people: ids });

describe('a rule may say all of this', () => {
  test.each<readonly [string, unknown]>([
    ['nothing but its answer', good],
    [
      'every condition',
      matching({
        tools: ['a'],
        tiers: ['read', 'write_safe', 'write_risky', 'destructive'],
        categories: ['c'],
        amount: { currency: 'USD', from: -1.5, below: 0 },
        untrustedSeen: true,
        privateRead: true,
        suspicious: true,
        origins: ['untrusted', 'unknown'],
        firstTime: ['refund-to', 'first-use'],
        hours: { from: '22:00', to: '06:00', offsetMinutes: -840 },
        tenants: ['acme'],
        roles: ['vip'],
      }),
    ],
    ['an unknown amount', matching({ amountUnknown: true })],
    ['any amount of a currency', matching({ amount: { currency: 'EUR' } })],
    ['a deny with a note', { ...good, answer: { kind: 'deny', reason: 'no', note: 'because' } }],
    [
      'every term of a question',
      asking({
        of: 'people',
        approvers: { people: ['ann'], roles: ['boss'] },
        requesterToo: true,
        quorum: LIMITS.quorumMax,
        deadlineMs: MAX_RUN_LIMITS.approvalMs,
        remindAfterMs: [1, 2, 3],
        escalation: [
          { afterMs: 1, approvers: people('bo') },
          { afterMs: 2, approvers: { roles: ['chief'] } },
        ],
        onExpiry: 'escalate',
      }),
    ],
    [
      'a question of the customer',
      asking({ of: 'requester', deadlineMs: 5, remindAfterMs: [4], onExpiry: 'reject' }),
    ],
    [
      'a quorum that escalation makes possible',
      asking({ quorum: 2, approvers: people('a'), escalation: [{ afterMs: 1, approvers: people('b') }] }),
    ],
    ['a quorum with the requester', asking({ quorum: 2, approvers: people('a'), requesterToo: true })],
  ])('%s', (_name, rule) => {
    expect(ruleProblems(rule)).toEqual([]);
  });
});

describe('what is wrong with a rule is said with its name, the value and what to do', () => {
  test.each<readonly [string, unknown, string]>([
    ['no object', 5, 'a rule is 5: an object with name, match and answer'],
    ['no name', { match: {}, answer: { kind: 'allow' } }, 'rule undefined: name is missing: add it'],
    ['an empty name', { ...good, name: ' ' }, 'rule " ": name is " ": 1 to 64 well-formed characters'],
    [
      'half a character in a name',
      { ...good, name: 'a\ud800' },
      'rule "a\\ud800": name is "a\\ud800": 1 to 64',
    ],
    [
      'a built-in name',
      { ...good, name: 'permissions' },
      'name is "permissions", which the built-in rule bears',
    ],
    ['a name like a learned rule', { ...good, name: 'learned:1' }, 'leave out ":" and "+"'],
    [
      'an unknown member',
      { ...good, priority: 1 },
      'rule "r": priority is not known here: use name, match, answer',
    ],
    ['an inherited member', { ...good, toString: 1 }, 'toString is not known here'],
    ['no match', { ...good, match: undefined }, 'match is undefined: an object; {} matches every call'],
    [
      'an unknown condition',
      matching({ payees: ['x'] }),
      'match.payees is not known here: use tools, tiers,',
    ],
    [
      'an undefined condition',
      matching({ tools: undefined }),
      'match.tools is undefined: a list of 1 to 100',
    ],
    [
      'an empty list',
      matching({ tools: [] }),
      'match.tools is []: a list of 1 to 100 entries, or leave it out',
    ],
    ['a text for a list', matching({ roles: 'vip' }), 'match.roles is "vip": a list'],
    ['a long list', matching({ roles: Array(101).fill('r') }), 'a list of 1 to 100'],
    ['a hole in a list', matching({ roles: Array(1) }), 'match.roles[0] is undefined'],
    ['an empty text', matching({ tenants: ['acme', ''] }), 'match.tenants[1] is ""'],
    [
      'a tier that is none',
      matching({ tiers: ['risky'] }),
      'match.tiers[0] is "risky": one of read, write_safe,',
    ],
    ['a class with a value', matching({ firstTime: ['refund-to:x'] }), 'the name of the class alone'],
    [
      'an origin that there is not',
      matching({ origins: ['memory'] }),
      'match.origins[0] is "memory": one of user, operator, person, trusted, unknown, untrusted',
    ],
    ['a false flag', matching({ suspicious: false }), 'match.suspicious is false: true, or leave it out'],
    [
      'a false condition',
      matching({ untrustedSeen: false }),
      'match.untrustedSeen is false: true, or leave it out',
    ],
    ['no currency', matching({ amount: { from: 1 } }), 'match.amount.currency is missing'],
    ['a currency in words', matching({ amount: { currency: 'dollars' } }), 'an ISO 4217 code, such as "USD"'],
    [
      'an amount without end',
      matching({ amount: { currency: 'USD', from: Infinity } }),
      'match.amount.from is Infinity: a finite number',
    ],
    [
      'an empty range',
      matching({ amount: { currency: 'USD', from: 5, below: 5 } }),
      'match.amount goes from 5 to below 5',
    ],
    [
      'an amount that is also unknown',
      matching({ amount: { currency: 'USD' }, amountUnknown: true }),
      'never hold together: write two rules',
    ],
    [
      'a time with one digit',
      matching({ hours: { from: '9:00', to: '10:00' } }),
      'match.hours.from is "9:00": a time of day from "00:00" to "23:59"',
    ],
    ['a 25th hour', matching({ hours: { from: '09:00', to: '24:00' } }), 'match.hours.to is "24:00"'],
    [
      'hours of no length',
      matching({ hours: { from: '09:00', to: '09:00' } }),
      'match.hours begins and ends at "09:00": leave hours out for the whole day',
    ],
    [
      'an offset of a day',
      matching({ hours: { from: '09:00', to: '10:00', offsetMinutes: 1_440 } }),
      'a whole number from -840 to 840',
    ],
    ['no answer', { ...good, answer: null }, 'answer is null: an object with kind allow, ask or deny'],
    ['another answer', { ...good, answer: { kind: 'maybe' } }, 'answer.kind is "maybe": allow, ask or deny'],
    [
      'terms of an allow',
      { ...good, answer: { kind: 'allow', reason: 'x' } },
      'answer.reason is not known here',
    ],
    ['a deny without a reason', { ...good, answer: { kind: 'deny' } }, 'answer.reason is missing'],
    [
      'a long reason',
      { ...good, answer: { kind: 'deny', reason: 'x'.repeat(2_001) } },
      '1 to 2000 well-formed characters',
    ],
    [
      'a long note',
      { ...good, answer: { kind: 'deny', reason: 'x', note: 'x'.repeat(2_001) } },
      'answer.note is',
    ],
    ['an ask without a reason', { ...good, answer: { kind: 'ask' } }, 'answer.reason is missing'],
    ['an ask of machines', asking({ of: 'model' }), 'answer.of is "model": one of people, requester'],
    [
      'a list of approvers',
      asking({ approvers: ['ann'] }),
      'answer.approvers is ["ann"]: an object with people, roles or both',
    ],
    [
      'approvers that are nobody',
      asking({ approvers: {} }),
      'names nobody, which would let everybody decide',
    ],
    ['an empty list of approvers', asking({ approvers: { people: [] } }), 'answer.approvers.people is []'],
    [
      'groups',
      asking({ approvers: { people: ['a'], groups: ['g'] } }),
      'answer.approvers.groups is not known here',
    ],
    ['a quorum of nobody', asking({ quorum: 0 }), 'answer.quorum is 0: a whole number from 1 to 20'],
    ['half a person', asking({ quorum: 1.5 }), 'answer.quorum is 1.5'],
    ['a quorum as text', asking({ quorum: '2' }), 'answer.quorum is "2"'],
    ['a crowd', asking({ quorum: 21 }), 'answer.quorum is 21'],
    [
      'two of one person',
      asking({ quorum: 2, approvers: people('a', 'a') }),
      'answer.quorum is 2 of 1 who may decide: name more people or a role',
    ],
    ['a deadline at once', asking({ deadlineMs: 0 }), 'answer.deadlineMs is 0: a whole number from 1'],
    ['a deadline that is no number', asking({ deadlineMs: Number.NaN }), 'answer.deadlineMs is NaN'],
    [
      'a deadline past the longest',
      asking({ deadlineMs: MAX_RUN_LIMITS.approvalMs + 1 }),
      'answer.deadlineMs is 7776000001',
    ],
    ['a reminder before', asking({ remindAfterMs: [-1] }), 'answer.remindAfterMs[0] is -1'],
    [
      'reminders in disorder',
      asking({ remindAfterMs: [2, 1] }),
      'answer.remindAfterMs is at [2,1]: put the times in ascending order, each once',
    ],
    ['a reminder twice', asking({ remindAfterMs: [2, 2] }), 'ascending order, each once'],
    [
      'a reminder at the deadline',
      asking({ remindAfterMs: [1, 9], deadlineMs: 9 }),
      'answer.remindAfterMs is at 9, the deadline at 9: choose a time before it',
    ],
    [
      'too many reminders',
      asking({ remindAfterMs: Array.from({ length: 11 }, (_, i) => i + 1) }),
      'a list of 1 to 10',
    ],
    [
      'too many steps',
      asking({
        escalation: Array.from({ length: 6 }, (_, i) => ({ afterMs: i + 1, approvers: people('a') })),
      }),
      'a list of 1 to 5',
    ],
    [
      'a step that is no object',
      asking({ escalation: [5] }),
      'answer.escalation[0] is 5: an object with afterMs and approvers',
    ],
    [
      'a step to nobody',
      asking({ escalation: [{ afterMs: 1, approvers: {} }] }),
      'answer.escalation[0].approvers names nobody',
    ],
    [
      'a step without a time',
      asking({ escalation: [{ approvers: people('a') }] }),
      'answer.escalation[0].afterMs is missing',
    ],
    [
      'steps in disorder',
      asking({
        escalation: [
          { afterMs: 2, approvers: people('a') },
          { afterMs: 1, approvers: people('b') },
        ],
      }),
      'answer.escalation is at [2,1]',
    ],
    [
      'a step past the deadline',
      asking({ deadlineMs: 5, escalation: [{ afterMs: 6, approvers: people('a') }] }),
      'answer.escalation is at 6, the deadline at 5',
    ],
    [
      'an approval by silence',
      asking({ onExpiry: 'approve' }),
      'answer.onExpiry is "approve": one of reject, escalate',
    ],
    [
      'others beside the customer',
      asking({ of: 'requester', approvers: people('a'), quorum: 1 }),
      'asks the requester, who decides alone: leave out approvers, quorum, or ask people',
    ],
  ])('%s', (_name, rule, problem) => {
    const problems = ruleProblems(rule);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test('all of it at once', () => {
    expect(ruleProblems({ name: '', match: { tools: [] }, answer: { kind: 'ask', quorum: 0 } })).toHaveLength(
      4,
    );
  });
});

describe('a list of rules', () => {
  test('has names of its own, and bounds', () => {
    expect(policyProblems([ask({}, 'a'), deny({}, 'b')], BOUNDS)).toEqual([]);
    expect(policyProblems([ask({}, 'a'), deny({}, 'a'), deny({}, 'a')], BOUNDS)).toEqual([
      'two rules are named "a": give each a name of its own',
    ]);
    expect(policyProblems([ask({}, 'a'), deny({}, 'b')], { ...BOUNDS, rules: 1 })).toEqual([
      'the policy has 2 rules, the limit is 1: join some, or leave some out',
    ]);
    const long = { ...deny(), answer: { kind: 'deny', reason: 'ä'.repeat(500) } };
    expect(policyProblems([long], { ...BOUNDS, bytes: 1_000 })[0]).toMatch(
      /^the policy has 10\d\d bytes, the limit is 1000/,
    );
    expect(policyProblems('none', BOUNDS)).toEqual(['policy is "none": a list of rules']);
    expect(policyProblems(Array(1), BOUNDS)[0]).toContain('a rule is undefined');
  });

  test('that the other properties use is one that may be used', () => {
    fc.assert(
      fc.property(fc.oneof(anyRules, anyOwnRules), (rules) => {
        expect(policyProblems(rules, BOUNDS)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  test('of anything at all is judged without an error, and what passes can be decided by', () => {
    const rule = fc.record(
      {
        name: fc.oneof(fc.constant('r'), fc.anything()),
        match: fc.oneof(
          fc.constant({}),
          fc.dictionary(fc.constantFrom('tools', 'hours', 'amount'), fc.anything()),
        ),
        answer: fc.oneof(
          fc.constant({ kind: 'allow' }),
          fc.record(
            {
              kind: fc.constantFrom('ask', 'deny'),
              reason: fc.string({ unit: 'binary' }),
              quorum: fc.anything(),
              escalation: fc.anything(),
            },
            { requiredKeys: ['kind', 'reason'] },
          ),
          fc.anything(),
        ),
      },
      { requiredKeys: [] },
    );
    let passed = 0;
    fc.assert(
      fc.property(fc.oneof(rule, fc.anything()), anyFacts, (one, facts) => {
        const problems = ruleProblems(one);
        if (problems.length > 0) return;
        passed++;
        expect(['allow', 'ask', 'deny']).toContain(decide(ALL, [one as never], facts).answer.kind);
      }),
      { numRuns: 2_000, seed: 7 },
    );
    expect(passed).toBeGreaterThan(10);
  });
});
