import fc from 'fast-check';
import type {
  Approvers,
  Ask,
  Permissions,
  PolicyFacts,
  Rule,
  RuleMatch,
  Tier,
} from '../../../src/core/policy.ts';
import { ORIGINS, type Origin } from '../../../src/core/provenance.ts';
import type { ToolLabels } from '../../../src/core/release.ts';
import { CLEAN } from '../../../src/core/taint.ts';

/** Plain facts and rules, and random ones. Small vocabularies, so that rules and facts often meet. */
export const TIERS: readonly Tier[] = ['read', 'write_safe', 'write_risky', 'destructive'];
export const ALL: Permissions = { tiers: TIERS };

export function policyFacts(different: Partial<PolicyFacts> = {}): PolicyFacts {
  return {
    tool: 'refund_order',
    category: 'orders',
    tier: 'write_risky',
    touches: 'state',
    amount: null,
    taint: CLEAN,
    origins: [],
    requester: { tenant: null, roles: [] },
    firstOf: [],
    learned: null,
    nowMs: 0,
    ...different,
  };
}

export const allow = (match: RuleMatch = {}, name = 'allow'): Rule => ({
  name,
  match,
  answer: { kind: 'allow' },
});
export const deny = (match: RuleMatch = {}, name = 'deny'): Rule => ({
  name,
  match,
  answer: { kind: 'deny', reason: 'Offer a voucher.' },
});
export const ask = (match: RuleMatch = {}, name = 'ask', more: Partial<Ask> = {}): Rule => ({
  name,
  match,
  answer: { kind: 'ask', reason: 'big', ...more },
});

/** Drops members that are undefined: rules are plain JSON. */
function present<Value extends object>(value: Value): { [Name in keyof Value]: NonNullable<Value[Name]> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as never;
}

const maybe = <Value>(one: fc.Arbitrary<Value>) => fc.option(one, { nil: undefined, freq: 2 });
const someOf = <Value>(...values: readonly Value[]) =>
  fc.subarray([...values], { minLength: 1, maxLength: 2 });
const some = <Value>(...values: readonly Value[]) => maybe(someOf(...values));

const TIMES = ['00:00', '06:00', '09:30', '18:00', '23:59'] as const;
const hours = fc
  .record({
    from: fc.constantFrom(...TIMES),
    to: fc.constantFrom(...TIMES),
    offsetMinutes: maybe(fc.constantFrom(-300, 0, 330)),
  })
  .filter(({ from, to }) => from !== to)
  .map(present);

const range = fc
  .record({
    currency: fc.constantFrom('USD', 'EUR'),
    from: maybe(fc.constantFrom(-5, 0, 25)),
    below: maybe(fc.constantFrom(25.5, 100)),
  })
  .map(present);

export const TOOL_NAMES = ['refund_order', 'read_order', 'send_mail', 'delete_order', 'note'] as const;
const CATEGORIES = ['orders', 'mail'] as const;

const members = fc.record({
  tools: someOf(...TOOL_NAMES),
  tiers: someOf(...TIERS),
  categories: someOf(...CATEGORIES),
  amount: range,
  amountUnknown: fc.constant(true as const),
  untrustedSeen: fc.constant(true as const),
  privateRead: fc.constant(true as const),
  suspicious: fc.constant(true as const),
  origins: someOf(...ORIGINS),
  firstTime: someOf('refund-to', 'mail-to'),
  hours,
  tenants: someOf('acme', 'umbrella'),
  roles: someOf('vip', 'staff'),
});
const MEMBERS = [
  'tools',
  'tiers',
  'categories',
  'amount',
  'amountUnknown',
  'untrustedSeen',
  'privateRead',
  'suspicious',
  'origins',
  'firstTime',
  'hours',
  'tenants',
  'roles',
] as const satisfies readonly (keyof RuleMatch)[];

/** At most three members: with more of them, hardly a call would ever match. */
export const anyMatch: fc.Arbitrary<RuleMatch> = fc
  .tuple(members, fc.subarray([...MEMBERS], { maxLength: 3 }))
  .map(([all, names]): RuleMatch => Object.fromEntries(names.map((name) => [name, all[name]])))
  // Two conditions that never hold together are refused by the validation.
  .filter((match) => match.amount === undefined || match.amountUnknown === undefined);

const approvers: fc.Arbitrary<Approvers> = fc
  .record({ people: some('ann', 'bo'), roles: some('boss', 'desk') })
  .filter(({ people, roles }) => people !== undefined || roles !== undefined)
  .map(present);

/** Strictly ascending, below the deadline. */
const times = fc.subarray([1_000, 2_000, 3_000], { minLength: 1 });

const askPeople: fc.Arbitrary<Ask> = fc
  .record({
    kind: fc.constant('ask' as const),
    reason: fc.constant('why'),
    of: fc.constantFrom(undefined, 'people' as const),
    approvers: maybe(approvers),
    requesterToo: fc.constantFrom(undefined, true as const),
    quorum: fc.constantFrom(undefined, 1, 2),
    deadlineMs: fc.constantFrom(undefined, 3_500, 60_000),
    remindAfterMs: maybe(times),
    escalation: maybe(
      fc.tuple(times, approvers).map(([at, who]) => at.map((afterMs) => ({ afterMs, approvers: who }))),
    ),
    onExpiry: fc.constantFrom(undefined, 'reject' as const, 'escalate' as const),
  })
  .map(present)
  // The two named people and the requester are the most that can agree where no role is named.
  .map((one) => (one.approvers?.people?.length === 1 ? { ...one, quorum: 1 } : one));

const askRequester: fc.Arbitrary<Ask> = fc
  .record({
    kind: fc.constant('ask' as const),
    reason: fc.constant('say yes'),
    of: fc.constant('requester' as const),
    deadlineMs: fc.constantFrom(undefined, 3_500),
    onExpiry: fc.constantFrom(undefined, 'escalate' as const),
  })
  .map(present);

export const anyAsk = fc.oneof({ arbitrary: askPeople, weight: 3 }, { arbitrary: askRequester, weight: 1 });

const denies = fc.constant({ kind: 'deny', reason: 'Offer a voucher.' } as const);
const allows = fc.constant({ kind: 'allow' } as const);

const named = (rules: readonly Omit<Rule, 'name'>[]): readonly Rule[] =>
  rules.map((rule, i) => ({ name: `r${i}`, ...rule }));

/** Lists of rules that the validation accepts. */
export const anyRules: fc.Arbitrary<readonly Rule[]> = fc
  .array(fc.record({ match: anyMatch, answer: fc.oneof(allows, anyAsk, denies) }), { maxLength: 5 })
  .map(named);

/** Rules of a run: they ask or deny. */
export const anyOwnRules: fc.Arbitrary<readonly Rule[]> = fc
  .array(fc.record({ match: anyMatch, answer: fc.oneof(anyAsk, denies) }), { maxLength: 3 })
  .map(named);

export const anyPermissions: fc.Arbitrary<Permissions> = fc.oneof(
  fc.record({ tiers: fc.subarray([...TIERS]) }),
  fc.record({
    tiers: fc.subarray([...TIERS], { minLength: 2 }),
    tools: fc.subarray([...TOOL_NAMES], { minLength: 1 }),
  }),
);

export const labels = (different: Partial<ToolLabels> = {}): ToolLabels => ({
  name: 'refund_order',
  version: '1',
  category: 'orders',
  tier: 'write_risky',
  reads: 'private',
  returns: 'trusted',
  touches: 'state',
  replay: 'keyed',
  sensitive: [],
  handsOver: false,
  timeoutMs: 1_000,
  retries: 0,
  settlesWithinMs: null,
  ...different,
});

const SENSITIVE = [
  { field: 'to', kind: 'recipient' },
  { field: 'sum', kind: 'amount' },
] as const;

/** An agent's tools: each name at most once. */
export const anyTools: fc.Arbitrary<readonly ToolLabels[]> = fc
  .subarray([...TOOL_NAMES], { minLength: 1 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({
            tier: fc.constantFrom(...TIERS),
            category: fc.constantFrom(...CATEGORIES),
            touches: fc.constantFrom('none' as const, 'state' as const, 'external' as const),
            returns: fc.constantFrom('trusted' as const, 'untrusted' as const),
            sensitive: fc.constantFrom(SENSITIVE, SENSITIVE, []),
          })
          .map((one) => labels({ name, ...one })),
      ),
    ),
  );

const money = fc.oneof(
  fc.constantFrom(-5, 0, 24.99, 25, 25.5, 99, Number.NaN, Infinity, -Infinity),
  fc.double(),
);

/** Half of all calls have no sensitive argument, and few a tainted one: other rules have to be reached. */
export const anyOrigins: fc.Arbitrary<readonly Origin[]> = fc.oneof(
  { arbitrary: fc.constant([]), weight: 3 },
  {
    arbitrary: fc.array(
      fc.record({
        field: fc.constantFrom('to', 'sum'),
        kind: fc.constantFrom('recipient' as const, 'amount' as const),
        from: fc.constantFrom(...ORIGINS),
        tool: fc.constantFrom(null, 'read_file'),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    weight: 2,
  },
);

/** What can be known of a call besides its tool. */
const circumstances = fc.record({
  amount: fc.option(fc.record({ value: money, currency: fc.constantFrom('USD', 'EUR') })),
  taint: fc.record({
    untrustedSeen: fc.boolean(),
    privateRead: fc.boolean(),
    suspicious: fc.boolean(),
  }),
  origins: anyOrigins,
  requester: fc.record({
    tenant: fc.option(fc.constantFrom('acme', 'umbrella')),
    roles: fc.subarray(['vip', 'staff']),
  }),
  firstOf: fc.subarray(['refund-to:card_1', 'mail-to:example.com', 'first-use:x@y']),
  learned: fc.constantFrom(null, null, 'l1'),
  nowMs: fc.integer({ min: -86_400_000, max: 2_000_000_000_000 }),
});

/** Facts of a call of one of these tools. */
export function factsAbout(tools: readonly ToolLabels[]): fc.Arbitrary<PolicyFacts> {
  return fc
    .tuple(fc.constantFrom(...tools), circumstances)
    .map(([{ name: tool, category, tier, touches, sensitive }, facts]) => ({
      ...{ tool, category, tier, touches, ...facts },
      origins: facts.origins.filter(({ field }) => sensitive.some((one) => one.field === field)),
    }));
}

export const anyFacts: fc.Arbitrary<PolicyFacts> = anyTools.chain(factsAbout);
