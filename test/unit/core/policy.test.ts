import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usd } from '../../../src/core/money.ts';
import {
  decide,
  type Permissions,
  type PolicyFacts,
  type Rule,
  type RuleMatch,
  type Tier,
} from '../../../src/core/policy.ts';
import { policyFacts } from './builders.ts';

const TIERS: readonly Tier[] = ['read', 'write_safe', 'write_risky', 'destructive'];
const ALL: Permissions = { tiers: TIERS };
const ALL_LEGS = { untrustedSeen: true, privateRead: true };

const allow = (match: RuleMatch = {}, name = 'allow'): Rule => ({ name, match, answer: { kind: 'allow' } });
const deny = (match: RuleMatch = {}, name = 'deny'): Rule => ({
  name,
  match,
  answer: { kind: 'deny', reason: 'Offer a voucher.' },
});
const ask = (match: RuleMatch = {}, name = 'ask'): Rule => ({
  name,
  match,
  answer: { kind: 'ask', reason: 'big' },
});

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
    taint: { untrustedSeen: true, privateRead: false },
    requester: { tenant: 'acme', roles: ['vip', 'tester'] },
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
      { ...outward, taint: { untrustedSeen: true, privateRead: false } },
      { ...outward, taint: { untrustedSeen: false, privateRead: true } },
    ];
    for (const facts of two) expect(decide(ALL, [allow()], facts).rule).toBe('allow');
  });
});

describe('for any permissions, rules and facts', () => {
  const name = fc.constantFrom('refund_order', 'read_order', 'send_mail');
  const some = <T>(one: fc.Arbitrary<T>) => fc.option(fc.array(one, { maxLength: 2 }), { nil: undefined });
  const money = fc.oneof(fc.constantFrom(0, 24.99, 25, Number.NaN, Infinity, -Infinity), fc.double());
  const match: fc.Arbitrary<RuleMatch> = fc
    .record({
      tools: some(name),
      tiers: some(fc.constantFrom(...TIERS)),
      amount: fc.option(
        fc.record({ currency: fc.constantFrom('USD', 'EUR'), below: fc.constantFrom(25, 1e9) }),
        { nil: undefined },
      ),
      amountUnknown: fc.constantFrom(undefined, true as const),
      untrustedSeen: fc.constantFrom(undefined, true as const),
    })
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  const rules = fc.array(
    fc.oneof(
      match.map((m) => allow(m)),
      match.map((m) => ask(m)),
      match.map((m) => deny(m)),
    ),
    {
      maxLength: 4,
    },
  );
  const permissions: fc.Arbitrary<Permissions> = fc.oneof(
    fc.record({ tiers: fc.subarray([...TIERS]) }),
    fc.record({ tiers: fc.subarray([...TIERS]), tools: fc.array(name, { maxLength: 2 }) }),
  );
  const facts: fc.Arbitrary<PolicyFacts> = fc
    .record({
      tool: name,
      tier: fc.constantFrom(...TIERS),
      touches: fc.constantFrom('none' as const, 'state' as const, 'external' as const),
      amount: fc.option(fc.record({ value: money, currency: fc.constantFrom('USD', 'EUR') })),
      taint: fc.record({ untrustedSeen: fc.boolean(), privateRead: fc.boolean() }),
    })
    .map(policyFacts);

  type Decide = typeof decide;
  const isBoundary = (rule: Decide) =>
    fc.property(permissions, rules, facts, (may, list, fact) => {
      const verdict = rule(may, list, fact);
      const permitted = may.tiers.includes(fact.tier) && (may.tools?.includes(fact.tool) ?? true);
      if (!permitted) {
        expect(verdict.answer.kind).toBe('deny');
        return;
      }
      // Each rule alone says whether it matches; the first that does must have answered.
      const first = list.find(
        (one) =>
          rule(may, [{ ...one, name: 'probe', answer: { kind: 'deny', reason: '' } }], fact).rule === 'probe',
      );
      const threeLegs = fact.touches === 'external' && fact.taint.untrustedSeen && fact.taint.privateRead;
      const risky = fact.tier === 'write_risky' || fact.tier === 'destructive';
      const expected = first?.answer.kind ?? (risky ? 'ask' : 'allow');
      expect(verdict.answer.kind).toBe(expected === 'allow' && threeLegs ? 'ask' : expected);
      if (first?.match.amount !== undefined) {
        expect(first.match.amount.currency).toBe(fact.amount?.currency);
        expect(Number.isFinite(fact.amount?.value)).toBe(true);
        expect(fact.amount?.value).toBeLessThan(first.match.amount.below ?? 0);
      }
    });

  test('permissions come first, then the first rule that matches, then the tier; three legs are never allowed', () => {
    fc.assert(isBoundary(decide), { numRuns: 3_000 });
  });

  test('the property finds a boundary with a hole', () => {
    const holes: readonly Decide[] = [
      (may, list, fact) => decide({ ...may, tiers: TIERS }, list, fact),
      (may, list, fact) => decide({ tiers: may.tiers }, list, fact),
      (may, list, fact) => decide(may, [...list].reverse(), fact),
      (may, list, fact) =>
        decide(may, list, { ...fact, taint: { untrustedSeen: false, privateRead: false } }),
      (may, list, fact) =>
        decide(may, list, {
          ...fact,
          amount: fact.amount === null ? null : { ...fact.amount, currency: 'USD' },
        }),
      (may, list, fact) =>
        list.length === 0 ? { rule: 'x', answer: { kind: 'allow' } } : decide(may, list, fact),
    ];
    for (const hole of holes)
      expect(fc.check(isBoundary(hole), { numRuns: 5_000, seed: 1 }).failed).toBe(true);
  });
});
