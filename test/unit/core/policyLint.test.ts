import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { decide, explain, type Permissions, type Rule, type RuleMatch } from '../../../src/core/policy.ts';
import { lintPolicy } from '../../../src/core/policyLint.ts';
import type { ToolLabels } from '../../../src/core/release.ts';
import { CLEAN } from '../../../src/core/taint.ts';
import {
  ALL,
  allow,
  anyPermissions,
  anyRules,
  anyTools,
  ask,
  deny,
  factsAbout,
  labels,
} from './policyBuilders.ts';

const refund = labels();
const mail = labels({ name: 'send_mail', category: 'mail', touches: 'external' });
const read = labels({ name: 'read_order', tier: 'read', touches: 'none', replay: 'pure' });
const TOOLS = [refund, mail, read];

/** The input of every tool here, but where it says otherwise: whom, and in what words. */
const WORDS = { type: 'object', properties: { to: { type: 'string' }, body: { type: 'string' } } };
const withInput = (tools: readonly ToolLabels[], inputSchema: JsonObject = WORDS) =>
  tools.map((one) => ({ labels: one, inputSchema }));
const lint = (
  rules: readonly Rule[],
  tools: readonly ToolLabels[] = TOOLS,
  permissions: Permissions = ALL,
  inputSchema: JsonObject = WORDS,
) => lintPolicy(rules, permissions, withInput(tools, inputSchema));
const problems = (...all: Parameters<typeof lint>) =>
  lint(...all)
    .filter(({ severity }) => severity === 'problem')
    .map(({ kind, rule }) => `${kind} ${rule}`);
const warnings = (...all: Parameters<typeof lint>) =>
  lint(...all)
    .filter(({ severity }) => severity === 'warning')
    .map(({ kind, tool, rule }) => `${kind} ${tool} ${rule}`);

describe('a rule that an earlier one shadows', () => {
  test.each<readonly [string, RuleMatch, RuleMatch, boolean]>([
    ['the same', {}, {}, true],
    ['wider', {}, { roles: ['vip'] }, true],
    ['narrower', { roles: ['vip'] }, {}, false],
    ['more tools', { tools: ['refund_order', 'send_mail'] }, { tools: ['send_mail'] }, true],
    ['fewer tools', { tools: ['send_mail'] }, { tools: ['refund_order', 'send_mail'] }, false],
    ['the tier of the tools', { tiers: ['write_risky'] }, { tools: ['refund_order'] }, true],
    ['the category of the tools', { categories: ['orders', 'mail'] }, {}, true],
    ['another category', { categories: ['orders'] }, { tools: ['send_mail'] }, false],
    [
      'a range around it',
      { amount: { currency: 'USD', from: 0 } },
      { amount: { currency: 'USD', from: 5, below: 9 } },
      true,
    ],
    [
      'the same range',
      { amount: { currency: 'USD', from: 5, below: 9 } },
      { amount: { currency: 'USD', from: 5, below: 9 } },
      true,
    ],
    [
      'a range that ends before',
      { amount: { currency: 'USD', below: 8 } },
      { amount: { currency: 'USD', from: 5, below: 9 } },
      false,
    ],
    [
      'a range that begins later',
      { amount: { currency: 'USD', from: 6 } },
      { amount: { currency: 'USD', from: 5 } },
      false,
    ],
    [
      'a range that begins, where the other has no beginning',
      { amount: { currency: 'USD', from: 6 } },
      { amount: { currency: 'USD' } },
      false,
    ],
    ['another currency', { amount: { currency: 'EUR' } }, { amount: { currency: 'USD' } }, false],
    ['an amount, where none is asked for', { amount: { currency: 'USD' } }, {}, false],
    ['an unknown amount', { amountUnknown: true }, { amountUnknown: true, roles: ['vip'] }, true],
    ['an unknown amount and a known one', { amountUnknown: true }, { amount: { currency: 'USD' } }, false],
    ['taint', { untrustedSeen: true }, { untrustedSeen: true, roles: ['vip'] }, true],
    ['taint that is not asked for', { untrustedSeen: true }, { roles: ['vip'] }, false],
    ['more classes', { firstTime: ['a', 'b'] }, { firstTime: ['b'] }, true],
    ['fewer classes', { firstTime: ['b'] }, { firstTime: ['a', 'b'] }, false],
    [
      'longer hours',
      { hours: { from: '08:00', to: '18:00' } },
      { hours: { from: '09:00', to: '17:00' } },
      true,
    ],
    [
      'shorter hours',
      { hours: { from: '09:00', to: '17:00' } },
      { hours: { from: '09:00', to: '17:01' } },
      false,
    ],
    [
      'hours over midnight',
      { hours: { from: '20:00', to: '08:00' } },
      { hours: { from: '23:00', to: '01:00' } },
      true,
    ],
    [
      'hours with an offset',
      { hours: { from: '08:00', to: '18:00' } },
      { hours: { from: '10:00', to: '19:00', offsetMinutes: 60 } },
      true,
    ],
    [
      'hours an offset moves out',
      { hours: { from: '08:00', to: '18:00' } },
      { hours: { from: '08:30', to: '18:00', offsetMinutes: 60 } },
      false,
    ],
    [
      'the other side of the day',
      { hours: { from: '00:00', to: '12:00' } },
      { hours: { from: '12:00', to: '00:00' } },
      false,
    ],
    [
      'more tenants and roles',
      { tenants: ['a', 'b'], roles: ['x', 'y'] },
      { tenants: ['b'], roles: ['y'] },
      true,
    ],
    ['another tenant', { tenants: ['a'] }, { tenants: ['b'] }, false],
  ])('%s', (_name, earlier, later, shadowed) => {
    const found = problems([deny(earlier, 'first'), ask(later, 'second')]);
    expect(found).toEqual(shadowed ? ['shadowed second'] : []);
  });

  test('also by several together, one for each of its tools', () => {
    const rules = [deny({ tools: ['refund_order'] }, 'a'), deny({ categories: ['mail'] }, 'b')];
    expect(problems([...rules, ask({ tiers: ['write_risky'] }, 'c')])).toEqual(['shadowed c']);
    expect(lint([...rules, ask({ tiers: ['write_risky'] }, 'c')])[0]?.sentence).toContain(
      '"a", "b" before it',
    );
    expect(problems([...rules, ask({}, 'c')])).toEqual([]);
  });
});

describe('a rule that no call of this agent can meet', () => {
  test('has no tool, or only tools outside the permissions', () => {
    expect(problems([deny({ categories: ['travel'] })])).toEqual(['no_tool deny']);
    expect(problems([deny({ tools: ['read_order'], tiers: ['destructive'] })])).toEqual(['no_tool deny']);
    expect(problems([deny({ tiers: ['write_risky'] })], TOOLS, { tiers: ['read'] })).toEqual([
      'not_permitted deny',
    ]);
    expect(problems([deny({ tools: ['send_mail'] })], TOOLS, { ...ALL, tools: ['read_order'] })).toEqual([
      'not_permitted deny',
    ]);
  });

  test('a tool that is not there is named, also beside one that is', () => {
    const [found] = lint([deny({ tools: ['refund_order', 'refund'] })]);
    expect(found).toMatchObject({ kind: 'unknown_tool', rule: 'deny', tool: 'refund', severity: 'problem' });
    expect(problems([deny({ tools: ['refund_order', 'refund'] })])).toEqual(['unknown_tool deny']);
  });
});

test('a rule about origins is about tools with sensitive arguments only', () => {
  const sensitive = [{ field: 'to', kind: 'recipient' }] as const;
  const wide = deny({ origins: ['untrusted', 'unknown'] }, 'wide');
  const narrow = ask({ origins: ['unknown'] }, 'narrow');
  expect(problems([wide, narrow], [labels({ sensitive })])).toEqual(['shadowed narrow']);
  expect(problems([narrow, wide], [labels({ sensitive })])).toEqual([]);
  expect(problems([wide], [labels()])).toEqual(['no_tool wide']);
});

describe('effects that no rule gates', () => {
  test('fall to the default where no rule is about them', () => {
    expect(warnings([])).toEqual(['default_only refund_order null', 'default_only send_mail null']);
    expect(warnings([ask({ categories: ['orders'] })])).toEqual(['default_only send_mail null']);
    expect(warnings([], TOOLS, { tiers: ['read'] })).toEqual([]);
  });

  test('are always allowed where the first rule without a condition allows, and nothing before it asks or denies', () => {
    expect(warnings([allow()])).toEqual([
      'always_allowed refund_order allow',
      'always_allowed send_mail allow',
    ]);
    expect(warnings([allow({ roles: ['vip'] }, 'vip'), allow()])).toHaveLength(2);
    expect(warnings([ask({ amount: { currency: 'USD', from: 50 } }), allow()])).toEqual([]);
    expect(warnings([allow({ amount: { currency: 'USD', below: 50 } }), ask()])).toEqual([]);
    expect(warnings([allow({ roles: ['vip'] })])).toEqual([]);
  });
});

describe('texts that go outside and that nobody traces', () => {
  const to = { field: 'to', kind: 'recipient' } as const;
  const send = labels({ ...mail, tier: 'write_safe', sensitive: [to] });
  const page = labels({ ...read, name: 'read_page', returns: 'untrusted' });
  const warned = ['untraced_text send_mail null'];

  test.each<readonly [string, readonly Rule[], readonly string[]]>([
    ['no rule', [], warned],
    ['a rule about others', [ask({ categories: ['orders'] })], warned],
    ['a rule that allows', [allow({ roles: ['vip'] }, 'vip'), allow()], warned],
    ['a rule that asks too late', [allow({ untrustedSeen: true }), ask()], warned],
    ['a rule that asks once they may be strange', [ask({ untrustedSeen: true })], []],
    ['a rule that denies them', [deny({ tools: ['send_mail'], untrustedSeen: true }), allow()], []],
    ['a rule that always asks', [ask()], []],
    // It may be all that is needed: only what is certain is said.
    ['a rule that asks sometimes', [ask({ untrustedSeen: true, firstTime: ['mail-to'] })], []],
  ])('%s', (_, rules, found) => {
    expect(warnings(rules, [send, page])).toEqual(found);
  });

  test('the sentence names the tool, its texts and who brings strange ones', () => {
    const [found] = lint([], [send, page]);
    expect(found?.sentence).toMatch(
      /^send_mail reaches outside .* \(body\), and read_page returns .*"untrustedSeen"/,
    );
    const [wider] = lint([], [labels({ ...send, sensitive: [] }), page]);
    expect(wider?.sentence).toContain('(to and 1 more)');
  });

  const sums = { type: 'object', properties: { to: { type: 'string' }, sum: { type: 'number' } } };
  test.each<readonly [string, readonly ToolLabels[], Permissions, JsonObject]>([
    ['nobody brings any', [send, read], ALL, WORDS],
    ['who brings them is not permitted', [send, page], { ...ALL, tools: ['send_mail'] }, WORDS],
    ['the tool is not permitted', [send, page], { tiers: ['read'] }, WORDS],
    ['the tool reaches nobody', [labels({ ...send, touches: 'state' }), page], ALL, WORDS],
    [
      'they are traced',
      [labels({ ...send, sensitive: [to, { field: 'body', kind: 'url' }] }), page],
      ALL,
      WORDS,
    ],
    ['there are none', [send, page], ALL, sums],
  ])('none where %s', (_, tools, permissions, inputSchema) => {
    expect(warnings([], tools, permissions, inputSchema)).toEqual([]);
  });

  test('of a risky tool nothing more is said than that it is ungated', () => {
    expect(warnings([allow()], [mail, page])).toEqual(['always_allowed send_mail allow']);
  });
});

describe('for any policy', () => {
  type Lint = typeof lintPolicy;
  const policies = fc.tuple(anyTools, anyPermissions, anyRules).chain(([tools, permissions, rules]) =>
    fc.record({
      tools: fc.constant(tools),
      permissions: fc.constant(permissions),
      rules: fc.constant(rules),
      facts: fc.array(factsAbout(tools), { minLength: 10, maxLength: 10 }),
    }),
  );
  const DEAD = ['no_tool', 'not_permitted', 'shadowed'];
  let dead = 0;
  let untraced = 0;

  const isSound = (linter: Lint) =>
    fc.property(policies, ({ tools, permissions, rules, facts }) => {
      const findings = linter(rules, permissions, withInput(tools));
      const never = findings.filter(({ kind }) => DEAD.includes(kind)).map(({ rule }) => rule);
      dead += never.length;
      for (const fact of facts) {
        const { tried } = explain(permissions, rules, { ...fact, learned: null });
        const answered = tried.at(-1);
        if (answered?.failed === null) expect(never).not.toContain(answered.rule.name);
        const plain = { ...fact, learned: null, touches: 'none', origins: [] } as const;
        const { kind } = decide(permissions, rules, plain).answer;
        const finding = findings.find(({ tool, severity }) => tool === fact.tool && severity === 'warning');
        if (finding?.kind === 'always_allowed') expect(kind).toBe('allow');
        if (finding?.kind === 'default_only') expect(answered?.failed ?? 'none').not.toBeNull();
        if (finding?.kind !== 'untraced_text') continue;
        const strange = { ...fact, learned: null, origins: [], taint: { ...CLEAN, untrustedSeen: true } };
        expect(decide(permissions, rules, strange).answer.kind).toBe('allow');
        untraced++;
      }
    });

  test('a rule that is called dead answers for no call, and a warning is true', () => {
    fc.assert(isSound(lintPolicy), { numRuns: 2_000 });
    expect(dead).toBeGreaterThan(300);
    expect(untraced).toBeGreaterThan(100);
  });

  test('the property finds a linter that calls living rules dead', () => {
    const without = (rules: readonly Rule[], ...names: readonly (keyof RuleMatch)[]) =>
      rules.map((rule) => ({
        ...rule,
        match: Object.fromEntries(
          Object.entries(rule.match).filter(([name]) => !names.includes(name as keyof RuleMatch)),
        ),
      }));
    const blind =
      (name: keyof RuleMatch): Lint =>
      (rules, permissions, tools) =>
        lintPolicy(without(rules, name), permissions, tools);
    const holes: readonly Lint[] = [
      ...(
        ['tools', 'amount', 'untrustedSeen', 'origins', 'firstTime', 'hours', 'tenants', 'roles'] as const
      ).map(blind),
      // Permissions are read as if only one tier were allowed.
      (rules, permissions, tools) =>
        lintPolicy(rules, { ...permissions, tiers: permissions.tiers.slice(0, 1) }, tools),
      // Later rules are taken for earlier ones.
      (rules, permissions, tools) => lintPolicy([...rules].reverse(), permissions, tools),
      // Texts that somebody reads are taken for unread ones.
      (rules, permissions, tools) =>
        lintPolicy(
          rules.filter(({ answer }) => answer.kind === 'allow'),
          permissions,
          tools,
        ).filter(({ kind }) => kind === 'untraced_text'),
    ];
    for (const hole of holes) expect(fc.check(isSound(hole), { numRuns: 5_000, seed: 1 }).failed).toBe(true);
  });
});
