import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usd } from '../../../src/core/money.ts';
import {
  type Approvers,
  type Ask,
  decide,
  explain,
  FIRST_USE,
  type PolicyFacts,
  type Rule,
  type RuleMatch,
  type Tier,
  type Verdict,
} from '../../../src/core/policy.ts';
import type { Origin } from '../../../src/core/provenance.ts';
import { CLEAN } from '../../../src/core/taint.ts';
import {
  ALL,
  allow,
  anyFacts,
  anyOwnRules,
  anyPermissions,
  anyRules,
  ask,
  deny,
  policyFacts,
  TIERS,
} from './policyBuilders.ts';

const ALL_LEGS = { untrustedSeen: true, privateRead: true, suspicious: false };

describe('without a rule', () => {
  test.each<readonly [Tier, string]>([
    ['read', 'allow'],
    ['write_safe', 'allow'],
    ['write_risky', 'ask'],
    ['destructive', 'ask'],
  ])('a %s call is answered with %s', (tier, kind) => {
    const verdict = decide(ALL, [], policyFacts({ tier }));
    expect(verdict.answer.kind).toBe(kind);
    expect(verdict.rule).toBe('default');
  });
});

describe('permissions', () => {
  test('a tier that is not permitted is denied, whatever a rule says', () => {
    const verdict = decide({ tiers: ['read'] }, [allow()], policyFacts());
    expect(verdict).toMatchObject({ rule: 'permissions', answer: { kind: 'deny' } });
    expect(verdict.answer.kind === 'deny' && verdict.answer.reason).toContain('refund_order');
  });

  test('a tool that is not listed is denied; without a list every tool may be used; an empty list permits none', () => {
    expect(decide({ tiers: TIERS, tools: ['other'] }, [allow()], policyFacts()).rule).toBe('permissions');
    expect(decide({ tiers: TIERS, tools: [] }, [allow()], policyFacts()).rule).toBe('permissions');
    expect(decide({ tiers: TIERS, tools: ['refund_order'] }, [allow()], policyFacts()).rule).toBe('allow');
    expect(decide(ALL, [allow()], policyFacts()).rule).toBe('allow');
  });
});

describe('a rule matches when all of its members hold', () => {
  const facts = policyFacts({
    amount: usd(30),
    taint: { untrustedSeen: true, privateRead: false, suspicious: false },
    requester: { tenant: 'acme', roles: ['vip', 'tester'] },
    firstOf: ['refund-to:card_1:eur', `${FIRST_USE}:refund_order@r1`],
  });
  test.each<readonly [string, RuleMatch, boolean]>([
    ['nothing asked', {}, true],
    ['the tool', { tools: ['x', 'refund_order'] }, true],
    ['another tool', { tools: ['x'] }, false],
    ['no tool', { tools: [] }, false],
    ['the tier', { tiers: ['write_risky'] }, true],
    ['another tier', { tiers: ['read', 'destructive'] }, false],
    ['the category', { categories: ['orders'] }, true],
    ['another category', { categories: ['profile'] }, false],
    ['an amount inside', { amount: { currency: 'USD', from: 25, below: 31 } }, true],
    ['the lower end is inside', { amount: { currency: 'USD', from: 30 } }, true],
    ['the upper end is outside', { amount: { currency: 'USD', below: 30 } }, false],
    ['any amount of the currency', { amount: { currency: 'USD' } }, true],
    ['another currency', { amount: { currency: 'EUR' } }, false],
    ['unknown amount', { amountUnknown: true }, false],
    ['untrusted text was seen', { untrustedSeen: true }, true],
    ['the tenant', { tenants: ['acme'] }, true],
    ['another tenant', { tenants: ['umbrella'] }, false],
    ['one of the roles', { roles: ['tester', 'x'] }, true],
    ['none of the roles', { roles: ['x'] }, false],
    ['the first of a class', { firstTime: ['x', 'refund-to'] }, true],
    ['the first of another class', { firstTime: ['refund'] }, false],
    ['the value of a class', { firstTime: ['card_1'] }, false],
    ['the first use of the tool', { firstTime: [FIRST_USE] }, true],
    ['one member of two fails', { tools: ['refund_order'], tiers: ['read'] }, false],
  ])('%s', (_name, match, holds) => {
    expect(decide(ALL, [deny(match)], facts).rule).toBe(holds ? 'deny' : 'default');
  });

  test('clean runs, unknown tenants and unknown amounts', () => {
    const clean = policyFacts();
    expect(decide(ALL, [deny({ untrustedSeen: true })], clean).rule).toBe('default');
    expect(decide(ALL, [deny({ tenants: ['acme'] })], clean).rule).toBe('default');
    expect(decide(ALL, [deny({ amount: { currency: 'USD' } })], clean).rule).toBe('default');
    expect(decide(ALL, [deny({ amountUnknown: true })], clean).rule).toBe('deny');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'an amount of %d is in no range: it is an unknown amount',
    (value) => {
      const odd = policyFacts({ amount: usd(value) });
      for (const range of [{}, { from: 0 }, { below: 25 }, { from: -1e300, below: 1e300 }])
        expect(decide(ALL, [allow({ amount: { currency: 'USD', ...range } })], odd).answer.kind).toBe('ask');
      expect(decide(ALL, [deny({ amountUnknown: true })], odd).rule).toBe('deny');
    },
  );
});

test('the first rule that matches answers', () => {
  expect(
    decide(ALL, [deny({ tools: ['x'] }), ask({}, 'first'), allow({}, 'second')], policyFacts()).rule,
  ).toBe('first');
});

describe('three legs: untrusted text, private data, a call that reaches outside', () => {
  const outward = policyFacts({ touches: 'external', taint: ALL_LEGS });
  test('a person is asked, even where a rule or the tier allows', () => {
    for (const facts of [outward, { ...outward, tier: 'write_safe' as const }])
      for (const rules of [[], [allow()]]) expect(decide(ALL, rules, facts).answer.kind).toBe('ask');
    expect(decide(ALL, [allow()], outward).rule).toBe('rule-of-two');
  });

  test('a deny stays a deny, and a rule that asks keeps its own terms', () => {
    expect(decide(ALL, [deny()], outward).rule).toBe('deny');
    expect(decide(ALL, [ask()], outward).rule).toBe('ask');
  });

  test('two legs are not three', () => {
    const two: readonly PolicyFacts[] = [
      { ...outward, touches: 'state' },
      { ...outward, taint: { untrustedSeen: true, privateRead: false, suspicious: false } },
      { ...outward, taint: { untrustedSeen: false, privateRead: true, suspicious: false } },
    ];
    for (const facts of two) expect(decide(ALL, [allow()], facts).rule).toBe('allow');
  });
});

describe('where a sensitive argument came from', () => {
  const origin = (from: Origin['from'], tool: string | null = null): Origin => ({
    field: 'to',
    kind: 'recipient',
    from,
    tool,
  });
  const SEEN = { ...CLEAN, untrustedSeen: true };
  const sent = (origins: readonly Origin[], taint = SEEN) => policyFacts({ origins, taint });

  test('only untrusted text has it: a person is asked and told', () => {
    for (const taint of [SEEN, CLEAN]) {
      const verdict = decide(ALL, [allow()], sent([origin('user'), origin('untrusted', 'read_file')], taint));
      expect(verdict).toEqual({
        rule: 'tainted-argument',
        answer: {
          kind: 'ask',
          reason: 'recipient "to" came only from the result of read_file. A stranger could have written it.',
        },
      });
    }
  });

  test('nowhere in the conversation, after untrusted text: it may be that text, changed', () => {
    expect(decide(ALL, [allow()], sent([origin('unknown')]))).toEqual({
      rule: 'tainted-argument',
      answer: {
        kind: 'ask',
        reason:
          'recipient "to" is nowhere in the conversation. Untrusted text was read before, and a value from it may have been changed.',
      },
    });
    expect(decide(ALL, [allow()], sent([origin('unknown')], CLEAN)).rule).toBe('allow');
  });

  test.each(['user', 'operator', 'person', 'trusted'] as const)('%s: allowed', (from) => {
    expect(decide(ALL, [allow()], sent([origin(from)])).rule).toBe('allow');
  });

  test('a deny stays a deny, and a rule that asks keeps its own terms; a read is no exception', () => {
    const facts = sent([origin('untrusted', 'read_file')]);
    expect(decide(ALL, [deny()], facts).rule).toBe('deny');
    const asked = decide(ALL, [ask({}, 'two', { quorum: 2 })], facts);
    expect(asked).toMatchObject({ rule: 'two', answer: { quorum: 2 } });
    expect(decide(ALL, [], { ...facts, tier: 'read' }).rule).toBe('tainted-argument');
  });

  test('no learned rule stands in for the person', () => {
    const facts = { ...sent([origin('untrusted', 'read_file')]), learned: 'l1' };
    expect(decide(ALL, [ask()], facts).rule).toBe('ask');
    expect(decide(ALL, [ask()], { ...facts, origins: [] }).rule).toBe('learned:l1');
  });

  test('with three legs as well, the more telling reason is given', () => {
    const facts = {
      ...sent([origin('untrusted', 'read_file')]),
      touches: 'external',
      taint: ALL_LEGS,
    } as const;
    expect(explain(ALL, [allow()], facts).stages.map(({ by }) => by)).toEqual(['rule', 'tainted_argument']);
  });

  test('rules can match on it, and on what the run was exposed to', () => {
    const facts = sent([origin('trusted', 'look'), origin('user')]);
    const probe = (match: RuleMatch, taint = CLEAN) => decide(ALL, [deny(match)], { ...facts, taint }).rule;
    expect(probe({ origins: ['untrusted', 'trusted'] })).toBe('deny');
    expect(probe({ origins: ['unknown'] })).toBe('default');
    expect(decide(ALL, [deny({ origins: ['user'] })], policyFacts()).rule).toBe('default');
    expect(probe({ suspicious: true }, { ...CLEAN, suspicious: true })).toBe('deny');
    expect(probe({ suspicious: true }, ALL_LEGS)).toBe('default');
    expect(probe({ privateRead: true }, ALL_LEGS)).toBe('deny');
    expect(probe({ privateRead: true })).toBe('default');
  });
});

describe('hours: from inclusive, to exclusive, UTC plus a fixed offset', () => {
  const at = (iso: string) => policyFacts({ nowMs: Date.parse(iso) });
  const office = { from: '09:00', to: '17:30' };
  const night = { from: '22:00', to: '06:00' };
  test.each<readonly [string, RuleMatch['hours'] & object, string, boolean]>([
    ['before', office, '2026-03-01T08:59:59.999Z', false],
    ['at the beginning', office, '2026-03-01T09:00:00.000Z', true],
    ['just before the end', office, '2026-03-01T17:29:59.999Z', true],
    ['at the end', office, '2026-03-01T17:30:00.000Z', false],
    ['over midnight: before', night, '2026-03-01T21:59:59.999Z', false],
    ['over midnight: at the beginning', night, '2026-03-01T22:00:00.000Z', true],
    ['over midnight: at midnight', night, '2026-03-02T00:00:00.000Z', true],
    ['over midnight: just before the end', night, '2026-03-02T05:59:59.999Z', true],
    ['over midnight: at the end', night, '2026-03-02T06:00:00.000Z', false],
    ['until midnight', { from: '18:00', to: '00:00' }, '2026-03-01T23:59:59.999Z', true],
    ['after midnight', { from: '18:00', to: '00:00' }, '2026-03-02T00:00:00.000Z', false],
    ['an offset east', { ...office, offsetMinutes: 330 }, '2026-03-01T03:30:00.000Z', true],
    ['an offset east, too early', { ...office, offsetMinutes: 330 }, '2026-03-01T03:29:59.999Z', false],
    ['an offset west, the day before', { ...night, offsetMinutes: -300 }, '2026-03-01T03:00:00.000Z', true],
    ['before 1970', office, '1969-12-31T10:00:00.000Z', true],
    ['before 1970, at night', office, '1969-12-31T23:00:00.000Z', false],
    ['two equal times', { from: '09:00', to: '09:00' }, '2026-03-01T09:00:00.000Z', false],
    ['no time of day', { from: '9:00', to: '24:00' }, '2026-03-01T10:00:00.000Z', false],
  ])('%s', (_name, hours, iso, holds) => {
    expect(decide(ALL, [deny({ hours })], at(iso)).rule).toBe(holds ? 'deny' : 'default');
  });

  test('a range and its reverse are the whole day, each minute once', () => {
    const times = fc.integer({ min: 0, max: 1_439 });
    const text = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    fc.assert(
      fc.property(
        times,
        times,
        fc.integer({ min: -840, max: 840 }),
        fc.nat(),
        (a, b, offsetMinutes, nowMs) => {
          fc.pre(a !== b);
          const inside = (from: number, to: number) =>
            decide(
              ALL,
              [deny({ hours: { from: text(from), to: text(to), offsetMinutes } })],
              policyFacts({ nowMs }),
            ).rule === 'deny';
          expect(inside(a, b)).toBe(!inside(b, a));
        },
      ),
    );
  });
});

describe('a learned rule answers in the place of one person', () => {
  const facts = policyFacts({ learned: 'l7' });
  const learned = { rule: 'learned:l7', answer: { kind: 'allow' } };

  test('of a rule, or of the default', () => {
    expect(decide(ALL, [], facts)).toEqual(learned);
    expect(decide(ALL, [ask()], facts)).toEqual(learned);
    expect(
      decide(ALL, [ask({}, 'ask', { of: 'people', quorum: 1, approvers: { roles: ['boss'] } })], facts),
    ).toEqual(learned);
    expect(decide(ALL, [ask()], policyFacts()).rule).toBe('ask');
  });

  test.each<readonly [string, Rule, Partial<PolicyFacts>]>([
    ['two people', ask({}, 'ask', { quorum: 2 }), {}],
    ['the requester', ask({}, 'ask', { of: 'requester' }), {}],
    ['a destructive call', ask(), { tier: 'destructive' }],
    ['three legs, where a rule asks', ask(), { touches: 'external', taint: ALL_LEGS }],
    ['three legs, where a rule allows', allow(), { touches: 'external', taint: ALL_LEGS }],
  ])('and not of %s', (_name, rule, different) => {
    expect(decide(ALL, [rule], { ...facts, ...different }).answer.kind).toBe('ask');
  });

  test('nor against a deny', () => {
    expect(decide(ALL, [deny()], facts).rule).toBe('deny');
    expect(decide({ tiers: [] }, [], facts).rule).toBe('permissions');
  });
});

describe('rules of the run only tighten', () => {
  const run = (rules: readonly Rule[], own: readonly Rule[], facts = policyFacts()) =>
    decide(ALL, rules, facts, own);

  test('deny beats ask, ask beats allow, whichever side says so', () => {
    expect(run([allow()], [ask({}, 'mine')])).toMatchObject({ rule: 'run:mine', answer: { kind: 'ask' } });
    expect(run([allow()], [deny({}, 'mine')])).toMatchObject({ rule: 'run:mine', answer: { kind: 'deny' } });
    expect(run([ask()], [deny({}, 'mine')])).toMatchObject({ rule: 'run:mine', answer: { kind: 'deny' } });
    expect(run([deny()], [ask({}, 'mine')]).rule).toBe('deny');
    expect(run([deny()], [deny({}, 'mine')]).rule).toBe('deny');
    expect(run([ask()], [allow({}, 'mine')]).rule).toBe('ask');
    expect(run([ask()], [ask({ tools: ['other'] }, 'mine')]).rule).toBe('ask');
    expect(decide({ tiers: [] }, [], policyFacts(), [ask()]).rule).toBe('permissions');
  });

  test('the first of them that matches answers', () => {
    expect(run([allow()], [ask({ tools: ['x'] }, 'a'), deny({}, 'b'), ask({}, 'c')]).rule).toBe('run:b');
  });

  test('a learned yes does not speak for the run', () => {
    expect(run([ask()], [ask({}, 'mine')], policyFacts({ learned: 'l7' })).rule).toBe('run:mine');
  });

  const joined = (release: Partial<Ask>, own: Partial<Ask>) => {
    const verdict = run([ask({}, 'ask', release)], [ask({}, 'mine', { ...own, reason: 'also' })]);
    expect(verdict.rule).toBe('ask + run:mine');
    return verdict.answer;
  };

  test('two questions of people become one that holds both: the larger quorum, the nearer deadline', () => {
    expect(joined({ quorum: 2, deadlineMs: 9_000 }, { quorum: 3, deadlineMs: 5_000 })).toEqual({
      kind: 'ask',
      reason: 'big also',
      quorum: 3,
      deadlineMs: 5_000,
    });
    expect(joined({ deadlineMs: 4_000, onExpiry: 'reject' }, { onExpiry: 'escalate' })).toMatchObject({
      quorum: 1,
      deadlineMs: 4_000,
      onExpiry: 'escalate',
    });
  });

  test('reminders and escalation past the nearer deadline are dropped', () => {
    const release = {
      remindAfterMs: [1_000, 6_000],
      approvers: { people: ['ann'] },
      escalation: [
        { afterMs: 2_000, approvers: { people: ['bo'] } },
        { afterMs: 5_000, approvers: { people: ['cy'] } },
      ],
    };
    expect(joined(release, { deadlineMs: 5_000 })).toMatchObject({
      remindAfterMs: [1_000],
      escalation: [{ afterMs: 2_000, approvers: { people: ['bo'] } }],
    });
    expect(joined(release, { deadlineMs: 900 })).toEqual({
      kind: 'ask',
      reason: 'big also',
      quorum: 1,
      approvers: { people: ['ann'] },
      deadlineMs: 900,
    });
  });

  test("approvers are the release's; the run's, with its escalation, only where the release names nobody", () => {
    const boss = { approvers: { roles: ['boss'] } };
    const desk = {
      approvers: { roles: ['desk'] },
      escalation: [{ afterMs: 5, approvers: { people: ['ann'] } }],
    };
    expect(joined(boss, desk)).toEqual({ kind: 'ask', reason: 'big also', quorum: 1, ...boss });
    expect(joined({}, desk)).toMatchObject(desk);
    expect(joined({ approvers: { people: [] } }, desk)).toMatchObject(desk);
  });

  test('the requester decides among the people only where both say so', () => {
    const too = { requesterToo: true } as const;
    expect(joined(too, too)).toMatchObject(too);
    expect(joined(too, {})).not.toHaveProperty('requesterToo');
    expect(joined({}, too)).not.toHaveProperty('requesterToo');
  });

  test('people beat the requester, from either side; the requester alone stays where both ask only them', () => {
    const customer = { of: 'requester' } as const;
    const boss = { approvers: { roles: ['boss'] }, quorum: 2 };
    expect(joined(boss, { ...customer, deadlineMs: 500 })).toEqual({
      kind: 'ask',
      reason: 'big also',
      ...boss,
      deadlineMs: 500,
    });
    const people = joined({ ...customer, deadlineMs: 700 }, { ...boss, requesterToo: true });
    expect(people).toEqual({ kind: 'ask', reason: 'big also', ...boss, deadlineMs: 700 });
    expect(joined(customer, customer)).toEqual({ kind: 'ask', reason: 'big also', ...customer });
  });

  test('a reason of two stays within the bound of one', () => {
    const long = 'x'.repeat(2_000);
    const answer = joined({ reason: long }, {});
    expect(answer.kind === 'ask' && answer.reason).toHaveLength(2_000);
  });
});

describe('an explanation', () => {
  test('names each earlier rule with the first member that did not hold, and stops at the one that answered', () => {
    const rules = [
      deny({ tools: ['x'] }, 'a'),
      deny({ tools: ['refund_order'], amount: { currency: 'USD', from: 50 }, roles: ['x'] }, 'b'),
      ask({}, 'c'),
      allow({}, 'd'),
    ];
    const { tried, stages, verdict } = explain(ALL, rules, policyFacts({ amount: usd(30) }));
    expect(tried.map(({ rule, failed }) => [rule.name, failed])).toEqual([
      ['a', 'tools'],
      ['b', 'amount'],
      ['c', null],
    ]);
    expect(stages).toEqual([{ by: 'rule', verdict }]);
  });

  test('tells every voice in order', () => {
    const facts = policyFacts({ touches: 'external', taint: ALL_LEGS });
    const voices = (one: ReturnType<typeof explain>) =>
      one.stages.map(({ by, verdict }) => `${by} ${verdict.rule}`);
    expect(voices(explain(ALL, [allow()], facts, [ask({}, 'mine')]))).toEqual([
      'rule allow',
      'three_legs rule-of-two',
      'run rule-of-two + run:mine',
    ]);
    expect(voices(explain(ALL, [], policyFacts({ learned: 'l1' }), [ask({ tools: ['x'] })]))).toEqual([
      'default default',
      'learned learned:l1',
    ]);
    expect(voices(explain({ tiers: [] }, [allow()], facts))).toEqual(['permissions permissions']);
  });
});

describe('for any permissions, rules, facts and rules of the run', () => {
  type Decide = typeof decide;
  const RANK = { allow: 0, ask: 1, deny: 2 } as const;
  const rank = (verdict: Verdict) => RANK[verdict.answer.kind];
  const runs = { numRuns: 3_000 };
  const threeLegs = ({ touches, taint }: PolicyFacts) =>
    touches === 'external' && taint.untrustedSeen && taint.privateRead;
  const tainted = ({ origins, taint }: PolicyFacts) =>
    origins.some(({ from }) => from === 'untrusted') ||
    (taint.untrustedSeen && origins.some(({ from }) => from === 'unknown'));
  /** A property that misses a planted fault is no test. */
  const finds = (property: fc.IProperty<never> | fc.IRawProperty<never>) =>
    expect(fc.check(property as fc.IProperty<never>, { numRuns: 20_000, seed: 1 }).failed).toBe(true);

  const isBoundary = (rule: Decide) =>
    fc.property(anyPermissions, anyRules, anyFacts, (may, list, facts) => {
      const verdict = rule(may, list, facts);
      const permitted = may.tiers.includes(facts.tier) && (may.tools?.includes(facts.tool) ?? true);
      if (!permitted) {
        expect(verdict.answer.kind).toBe('deny');
        return;
      }
      // Each rule alone says whether it matches; the first that does must have answered.
      const first = list.find(
        (one) =>
          rule(may, [{ ...one, name: 'probe', answer: { kind: 'deny', reason: '' } }], facts).rule ===
          'probe',
      );
      const risky = facts.tier === 'write_risky' || facts.tier === 'destructive';
      const asked: Ask | null =
        first === undefined
          ? risky
            ? { kind: 'ask', reason: '' }
            : null
          : first.answer.kind === 'ask'
            ? first.answer
            : null;
      const learned =
        asked !== null &&
        facts.learned !== null &&
        facts.tier !== 'destructive' &&
        (asked.quorum ?? 1) === 1 &&
        asked.of !== 'requester' &&
        !tainted(facts) &&
        !threeLegs(facts);
      const before = first?.answer.kind ?? (risky ? 'ask' : 'allow');
      const expected = learned ? 'allow' : before;
      const watched = tainted(facts) || threeLegs(facts);
      expect(verdict.answer.kind).toBe(expected === 'allow' && watched ? 'ask' : expected);
      if (tainted(facts)) expect(verdict.answer.kind).not.toBe('allow');
      expect(verdict.rule.startsWith('learned:')).toBe(learned);
      if (first?.match.amount !== undefined) {
        expect(first.match.amount.currency).toBe(facts.amount?.currency);
        expect(Number.isFinite(facts.amount?.value)).toBe(true);
        expect(facts.amount?.value).toBeLessThan(first.match.amount.below ?? Infinity);
      }
    });

  test('permissions come first, then the first rule that matches, then the tier; tainted arguments and three legs are never allowed', () => {
    fc.assert(isBoundary(decide), runs);
  });

  test('the property finds a boundary with a hole', () => {
    const holes: readonly Decide[] = [
      (may, list, facts) => decide({ ...may, tiers: TIERS }, list, facts),
      (may, list, facts) => decide({ tiers: may.tiers }, list, facts),
      (may, list, facts) => decide(may, [...list].reverse(), facts),
      (may, list, facts) =>
        decide(may, list, {
          ...facts,
          taint: { untrustedSeen: false, privateRead: false, suspicious: false },
        }),
      (may, list, facts) =>
        decide(may, list, {
          ...facts,
          amount: facts.amount === null ? null : { ...facts.amount, currency: 'USD' },
        }),
      (may, list, facts) =>
        list.length === 0 ? { rule: 'x', answer: { kind: 'allow' } } : decide(may, list, facts),
      // A learned rule that covers destructive calls, three legs, two people, or the customer.
      (may, list, facts) => {
        const { verdict } = explain(may, list, { ...facts, learned: null });
        return facts.learned !== null && verdict.answer.kind === 'ask'
          ? { rule: `learned:${facts.learned}`, answer: { kind: 'allow' } }
          : verdict;
      },
      (may, list, facts) => decide(may, list, { ...facts, learned: null }),
      // A policy that does not look where values came from, at the unknown ones, or not behind a learned rule.
      (may, list, facts) => decide(may, list, { ...facts, origins: [] }),
      (may, list, facts) =>
        decide(may, list, { ...facts, origins: facts.origins.filter(({ from }) => from !== 'unknown') }),
      (may, list, facts) => {
        const verdict = decide(may, list, facts);
        const clean = decide(may, list, { ...facts, origins: [] });
        return clean.rule.startsWith('learned:') ? clean : verdict;
      },
    ];
    for (const hole of holes) finds(isBoundary(hole) as never);
  });

  const everybody = (approvers: Approvers | undefined) =>
    (approvers?.people ?? []).length + (approvers?.roles ?? []).length === 0;
  const among = (few: Approvers | undefined, many: Approvers | undefined) =>
    everybody(many) ||
    (!everybody(few) &&
      (few?.people ?? []).every((one) => many?.people?.includes(one)) &&
      (few?.roles ?? []).every((one) => many?.roles?.includes(one)));
  /** Whoever may approve `few` may approve `many`, as early, and with as many others. */
  const isAsStrict = (few: Ask, many: Ask) => {
    expect(few.quorum ?? 1).toBeGreaterThanOrEqual(many.quorum ?? 1);
    expect(few.deadlineMs ?? Infinity).toBeLessThanOrEqual(many.deadlineMs ?? Infinity);
    if (many.onExpiry === 'escalate') expect(few.onExpiry).toBe('escalate');
  };

  const tightens = (rule: Decide) =>
    fc.property(anyPermissions, anyRules, anyFacts, anyOwnRules, (may, list, facts, own) => {
      const without = decide(may, list, facts);
      const verdict = rule(may, list, facts, own);
      expect(rank(verdict)).toBeGreaterThanOrEqual(rank(without));
      const mine = own.find(
        ({ match }) => decide(ALL, [deny(match, 'probe')], facts).rule === 'probe',
      )?.answer;
      if (mine === undefined || without.rule === 'permissions') {
        expect(verdict).toEqual(without);
        return;
      }
      expect(rank(verdict)).toBeGreaterThanOrEqual(RANK[mine.kind]);
      const [out, release] = [verdict.answer, without.answer];
      if (out.kind !== 'ask') return;
      if (mine.kind === 'ask')
        isAsStrict(out, { ...mine, quorum: mine.of === 'requester' ? 1 : (mine.quorum ?? 1) });
      if (release.kind !== 'ask') return;
      isAsStrict(out, release);
      if (release.of !== 'requester') {
        expect(out.of).not.toBe('requester');
        expect(among(out.approvers, release.approvers)).toBe(true);
        if (out.requesterToo) expect(release.requesterToo).toBe(true);
        if (!everybody(release.approvers))
          for (const step of out.escalation ?? []) expect(release.escalation).toContainEqual(step);
      }
      const ownAsksPeople = mine.kind === 'ask' && mine.of !== 'requester';
      if (ownAsksPeople) expect(out.of).not.toBe('requester');
      // The run is given no deciders that neither side named.
      if (release.of === 'requester' && ownAsksPeople) {
        expect(among(out.approvers, mine.approvers)).toBe(true);
        expect(out.requesterToo).toBeUndefined();
      }
    });

  test('rules of the run never loosen', () => {
    fc.assert(tightens(decide), runs);
  });

  test('the property finds rules of a run that loosen', () => {
    const first = (own: readonly Rule[]): Rule | undefined => own[0];
    const holes: readonly Decide[] = [
      // The run's rules before the release's.
      (may, list, facts, own = []) => decide(may, [...own, ...list], facts),
      // The run's answer in the place of the release's, when it is no weaker in kind.
      (may, list, facts, own = []) => {
        const verdict = decide(may, list, facts, own);
        const joinedBy = first(own);
        return verdict.rule.includes(' + run:') && joinedBy
          ? { rule: 'x', answer: joinedBy.answer }
          : verdict;
      },
      // The release's alone.
      (may, list, facts) => decide(may, list, facts),
      // Learned after the run's rules.
      (may, list, facts, own = []) => {
        const verdict = decide(may, list, facts, own);
        return verdict.answer.kind === 'ask' && facts.learned !== null
          ? { rule: 'learned', answer: { kind: 'allow' } }
          : verdict;
      },
      // One member of the joined question forgotten.
      ...(['quorum', 'deadlineMs', 'approvers', 'onExpiry'] as const).map(
        (name): Decide =>
          (...all) => {
            const verdict = decide(...all);
            if (verdict.answer.kind !== 'ask' || !verdict.rule.includes(' + run:')) return verdict;
            const { [name]: _, ...rest } = verdict.answer;
            return { ...verdict, answer: rest };
          },
      ),
      (...all) => {
        const verdict = decide(...all);
        return verdict.answer.kind === 'ask' && verdict.rule.includes(' + run:')
          ? { ...verdict, answer: { ...verdict.answer, requesterToo: true } }
          : verdict;
      },
    ];
    for (const hole of holes) finds(tightens(hole) as never);
  });

  const learnsLittle = (rule: Decide) =>
    fc.property(anyPermissions, anyRules, anyFacts, (may, list, facts) => {
      const before = rule(may, list, { ...facts, learned: null });
      const after = rule(may, list, { ...facts, learned: 'l1' });
      if (JSON.stringify(after) === JSON.stringify(before)) return;
      expect(after).toEqual({ rule: 'learned:l1', answer: { kind: 'allow' } });
      expect(before.answer.kind).toBe('ask');
      expect(facts.tier).not.toBe('destructive');
      expect(threeLegs(facts)).toBe(false);
      expect(tainted(facts)).toBe(false);
      const asked = before.answer.kind === 'ask' ? before.answer : null;
      expect(asked?.quorum ?? 1).toBe(1);
      expect(asked?.of).not.toBe('requester');
    });

  test('a learned rule loosens no deny, no destructive call, no three legs, no quorum and no customer', () => {
    fc.assert(learnsLittle(decide), runs);
  });

  test('the property finds a learned rule that covers too much', () => {
    const learnt = { rule: 'learned:l1', answer: { kind: 'allow' } } as const;
    const when =
      (covers: (answer: Verdict['answer'], facts: PolicyFacts) => boolean): Decide =>
      (may, list, facts) => {
        const verdict = decide(may, list, facts);
        return facts.learned !== null && covers(verdict.answer, facts) ? learnt : verdict;
      };
    finds(learnsLittle(when(({ kind }) => kind === 'deny')) as never);
    finds(learnsLittle(when(({ kind }, { tier }) => kind === 'ask' && tier === 'destructive')) as never);
    finds(learnsLittle(when(({ kind }, facts) => kind === 'ask' && threeLegs(facts))) as never);
    finds(learnsLittle(when(({ kind }, facts) => kind === 'ask' && tainted(facts))) as never);
    finds(learnsLittle(when((answer) => answer.kind === 'ask' && (answer.quorum ?? 1) > 1)) as never);
    finds(learnsLittle(when((answer) => answer.kind === 'ask' && answer.of === 'requester')) as never);
  });

  test('an explanation tells the truth: what it says failed does not hold alone, what matched does', () => {
    fc.assert(
      fc.property(anyPermissions, anyRules, anyFacts, anyOwnRules, (may, list, facts, own) => {
        const { verdict, tried, ownTried, stages } = explain(may, list, facts, own);
        expect(decide(may, list, facts, own)).toEqual(verdict);
        expect(stages.at(-1)?.verdict).toBe(verdict);
        stages.slice(1).forEach((stage, before) => {
          const earlier = stages[before]?.verdict ?? verdict;
          if (stage.by === 'learned') expect(rank(stage.verdict)).toBe(RANK.allow);
          else expect(rank(stage.verdict)).toBeGreaterThanOrEqual(rank(earlier));
        });
        if (stages[0]?.by === 'permissions') {
          expect([tried, ownTried]).toEqual([[], []]);
          return;
        }
        for (const [all, some] of [
          [list, tried],
          [own, ownTried],
        ] as const) {
          expect(some.map(({ rule }) => rule)).toEqual(all.slice(0, some.length));
          expect(some.slice(0, -1).every(({ failed }) => failed !== null)).toBe(true);
          if (some.length < all.length) expect(some.at(-1)?.failed).toBeNull();
          for (const { rule, failed } of some) {
            const holds = (match: RuleMatch) => decide(ALL, [deny(match, 'probe')], facts).rule === 'probe';
            if (failed === null) expect(holds(rule.match)).toBe(true);
            else expect(holds({ [failed]: rule.match[failed] })).toBe(false);
          }
        }
      }),
      runs,
    );
  });
});
