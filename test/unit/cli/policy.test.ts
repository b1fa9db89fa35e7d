import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { configuredAgents, findAgent } from '../../../src/commands/agents.ts';
import { asCommandError, CommandError } from '../../../src/commands/failures.ts';
import {
  type ExplainFlags,
  explainCall,
  lintAgents,
  type ShownExplanation,
  type ShownLint,
} from '../../../src/commands/policy.ts';
import { whyNot } from '../../../src/commands/policyText.ts';
import { createProgram } from '../../../src/commands/program.ts';
import type { Session } from '../../../src/commands/session.ts';
import { createTerminal } from '../../../src/commands/terminal.ts';
import type { Json } from '../../../src/core/json.ts';
import { usd } from '../../../src/core/money.ts';
import { decide, type Rule, type RuleMatch } from '../../../src/core/policy.ts';
import { connect } from '../../../src/store/connection.ts';
import { success } from '../../../src/tools/result.ts';
import { defineTool } from '../../../src/tools/tool.ts';
import { ALL, allow, ask, deny, policyFacts } from '../core/policyBuilders.ts';
import { agent as makeAgent, reads, tool as readTool, writes } from '../tools/builders.ts';

const refundInput = z.object({ order_id: z.string(), usd: z.number() });
const refund = defineTool<typeof refundInput, unknown>({
  ...reads,
  ...writes,
  name: 'refund_order',
  input: refundInput,
  amount: (input) => usd(input.usd),
  payee: () => 'card_1',
  classes: () => ['refund-to:card_1'],
  summary: ({ order_id }) => `refund ${order_id}`,
  run: () => success(null),
});
/** What it is worth stands in the database. */
const cancel = readTool({
  ...writes,
  name: 'cancel_order',
  amount: async (_, services) => {
    const { database } = services as { database: { query(text: string): Promise<unknown> } };
    await database.query('select 1');
    return usd(1);
  },
});
const sending = readTool({
  ...writes,
  name: 'send_order',
  sensitive: { recipient: ['order_id'] },
});
const POLICY = [
  allow({ tools: ['refund_order'], amount: { currency: 'USD', below: 25 } }, 'small'),
  deny({ firstTime: ['refund-to'], untrustedSeen: true }, 'stranger'),
  ask({ roles: ['vip'] }, 'vip', { approvers: { roles: ['boss'] }, quorum: 2, deadlineMs: 90_000 }),
  ask({}, 'rest'),
];
const AGENT = makeAgent({
  name: 'shop',
  tools: [refund, cancel, sending],
  policy: POLICY,
  services: ({ database }) => ({ database }),
});
const INPUT = { order_id: '#W1', usd: 30 };
const FLAGS: ExplainFlags = { requester: 'somebody', at: 0 };

function session(way: 'json' | 'text', store: Session['store']) {
  let out = '';
  const sink = {
    write: (text: string) => {
      out += text;
    },
  };
  const terminal = createTerminal({ json: way === 'json', stdout: sink, stderr: sink, environment: {} });
  const made: Session = { terminal, store, temporal: () => Promise.reject(new Error('not needed')) };
  return { made, out: () => out };
}

const noStore: Session['store'] = () =>
  Promise.reject(new CommandError('usage', 'configuration', 'DATABASE_URL is not set'));

async function shown(
  flags: Partial<ExplainFlags> = {},
  tool = 'refund_order',
  input: Json = INPUT,
): Promise<ShownExplanation> {
  const { made, out } = session('json', noStore);
  await explainCall(made, AGENT, tool, input, { ...FLAGS, ...flags });
  return JSON.parse(out()) as ShownExplanation;
}

async function text(
  flags: Partial<ExplainFlags> = {},
  tool = 'refund_order',
  input: Json = INPUT,
): Promise<string> {
  const { made, out } = session('text', noStore);
  await explainCall(made, AGENT, tool, input, { ...FLAGS, ...flags });
  return out();
}

async function failure(work: Promise<unknown>): Promise<CommandError | null> {
  return work.then(
    () => null,
    (error: unknown) => asCommandError(error),
  );
}

describe('policy explain', () => {
  test('says which rule answers, and of each one before it what did not hold', async () => {
    const found = await shown();
    expect(found).toMatchObject({
      agent: 'shop',
      rule: 'rest',
      answer: { kind: 'ask' },
      summary: 'refund #W1',
    });
    expect(found.tried).toEqual([
      { rule: 'small', failed: 'amount', why: 'the amount is 30.00 USD, not below 25 USD' },
      { rule: 'stranger', failed: 'untrustedSeen', why: 'the run has read no untrusted text' },
      { rule: 'vip', failed: 'roles', why: 'the requester is without a role, not vip' },
      { rule: 'rest', failed: null, why: null },
    ]);
    expect(found).toMatchObject({ payee: 'card_1', classes: ['refund-to:card_1'], unknown: [] });
  });

  test.each<readonly [string, Partial<ExplainFlags>, string]>([
    ['the amount', { amount: 12.5 }, 'small'],
    ['the currency', { amount: 12.5, currency: 'EUR' }, 'rest'],
    ['taint and a first time', { tainted: true, first: ['refund-to:card_1'] }, 'stranger'],
    ['a first time by its name alone', { tainted: true, first: ['refund-to'] }, 'stranger'],
    ['a role', { role: ['x', 'vip'] }, 'vip'],
    ['a learned rule', { learned: 'l7' }, 'learned:l7'],
    ['a learned rule that does not speak for two', { learned: 'l7', role: ['vip'] }, 'vip'],
    ['rules of the run', { runRules: [deny({}, 'no')] }, 'run:no'],
    [
      'rules of the run that do not match',
      { runRules: [deny({ hours: { from: '01:00', to: '02:00' } }, 'no')] },
      'rest',
    ],
    [
      'the time',
      { at: 3_600_000, runRules: [deny({ hours: { from: '01:00', to: '02:00' } }, 'no')] },
      'run:no',
    ],
    ['the tenant', { tenant: 'acme', runRules: [deny({ tenants: ['acme'] }, 'no')] }, 'run:no'],
  ])('%s can be given, and what it says is what would be decided', async (_name, flags, rule) => {
    const found = await shown(flags);
    expect(found.rule).toBe(rule);
    const { permissions, policy } = AGENT.release;
    expect(decide(permissions, policy, found.facts, flags.runRules)).toEqual({ rule, answer: found.answer });
    expect(found.stages.at(-1)?.verdict.rule).toBe(rule);
  });

  test('without a store, a fact that stands there is called unknown, and one that is given is not', async () => {
    const found = await shown({}, 'cancel_order', { order_id: '#W1' });
    expect(found.unknown).toEqual([{ fact: 'amount', why: 'DATABASE_URL is not set' }]);
    expect(found.facts.amount).toBeNull();
    expect(await text({}, 'cancel_order', { order_id: '#W1' })).toMatch(
      /amount +unknown here, judged as none: DATABASE_URL is not set/,
    );
    const given = await shown({ amount: 5 }, 'cancel_order', { order_id: '#W1' });
    expect(given).toMatchObject({ unknown: [], facts: { amount: usd(5) } });
  });

  test('a store that does not answer is no reason to say nothing', async () => {
    const sql = connect('postgres://a:b@127.0.0.1:1/x', { maxConnections: 1 });
    const { made, out } = session('json', (work) => work(sql));
    await explainCall(made, AGENT, 'cancel_order', { order_id: '#W1' }, FLAGS);
    await sql.end();
    const found = JSON.parse(out()) as ShownExplanation;
    expect(found.rule).toBe('rest');
    expect(found.unknown).toMatchObject([{ fact: 'amount', why: expect.stringContaining('ECONNREFUSED') }]);
  });

  test('in words: who decides, how long, and the way to the answer', async () => {
    const words = await text({ role: ['vip'], amount: 30 });
    expect(words).toMatch(/^ask {2}vip\n/);
    expect(words).toMatch(/decides +2 of role boss, never the requester/);
    expect(words).toMatch(/within +90 s/);
    expect(words).toMatch(/silence +rejects the call/);
    expect(words).toMatch(/vip +yes/);
    expect(words).toMatch(/first rule that matches +ask +vip/);
    expect(await text({ amount: 1 })).toMatch(/^allow {2}small\n +then +it runs without asking anybody/);
    expect(await text({ runRules: [ask({}, 'mine', { of: 'requester' })], amount: 1 })).toMatch(
      /decides +the requester alone/,
    );
    expect(await text({ tainted: true, first: ['refund-to'] })).toMatch(
      /^deny {2}stranger\n +to the model +Offer a voucher/,
    );
    const steps = {
      quorum: 1,
      remindAfterMs: [60_000],
      escalation: [{ afterMs: 7_200_000, approvers: { people: ['ann'] } }],
      onExpiry: 'escalate',
    } as const;
    const run = await text({ runRules: [deny({ roles: ['x'] }, 'no'), ask({}, 'mine', steps)], amount: 1 });
    expect(run).toMatch(/reminders +after 1 min/);
    expect(run).toMatch(/escalation +after 2 h also ann/);
    expect(run).toMatch(/silence +hands the conversation over/);
    expect(run).toMatch(
      /rules of the run\n.*\n +no +no +the requester is without a role, not x\n +mine +yes/,
    );
  });

  test('arguments that the tool refuses, tools that are not there and half an amount are said', async () => {
    const { made } = session('json', noStore);
    const explained = (tool: string, input: Json, flags: Partial<ExplainFlags> = {}) =>
      failure(explainCall(made, AGENT, tool, input, { ...FLAGS, ...flags }));
    expect(await explained('refund_order', { order_id: 1, usd: 3 })).toMatchObject({
      exit: 'refused',
      message: expect.stringMatching(/order_id/),
    });
    expect(await explained('refund', INPUT)).toMatchObject({
      exit: 'notFound',
      message: expect.stringContaining('refund_order, cancel_order, send_order'),
    });
    expect(await explained('refund_order', INPUT, { currency: 'EUR' })).toMatchObject({ exit: 'usage' });
  });
});

test('where an argument came from is said with --origin, and unknown without it', async () => {
  const runRules: readonly Rule[] = [deny({ origins: ['person'] }, 'no')];
  const explained = (flags: Partial<ExplainFlags>) => shown(flags, 'send_order', { order_id: '#W1' });
  expect((await explained({})).facts.origins).toEqual([
    { field: 'order_id', kind: 'recipient', from: 'unknown', tool: null },
  ]);
  expect(await explained({ origin: [{ field: 'order_id', from: 'person' }], runRules })).toMatchObject({
    rule: 'run:no',
  });
  expect(await text({}, 'send_order', { order_id: '#W1' })).toContain('order_id is unknown');
  const strange = failure(
    shown({ origin: [{ field: 'nothing', from: 'user' }] }, 'send_order', { order_id: '#W1' }),
  );
  expect(await strange).toMatchObject({
    exit: 'usage',
    message: '--origin nothing: send_order declares order_id',
  });
});

describe('why a member does not hold, in words', () => {
  const origins = [
    { field: 'to', kind: 'recipient', from: 'trusted', tool: 'look' },
    { field: 'sum', kind: 'amount', from: 'user', tool: null },
  ] as const;
  const facts = policyFacts({ amount: usd(30), origins, requester: { tenant: 'acme', roles: ['vip'] } });
  test.each<readonly [RuleMatch, string]>([
    [{ tools: ['a', 'b'] }, 'the tool is refund_order, not a or b'],
    [{ tiers: ['read'] }, 'the tier is write_risky, not read'],
    [{ categories: ['mail'] }, 'the category is orders, not mail'],
    [{ amount: { currency: 'EUR', from: 1, below: 2 } }, 'the amount is 30.00 USD, not from 1 below 2 EUR'],
    [{ amountUnknown: true }, 'the amount is 30.00 USD, so it is known'],
    [{ untrustedSeen: true }, 'the run has read no untrusted text'],
    [{ privateRead: true }, 'the run has read no private data'],
    [{ suspicious: true }, 'no guard found signs of an injection'],
    [{ origins: ['untrusted', 'unknown'] }, 'to is trusted (look), sum is user, not untrusted or unknown'],
    [{ firstTime: ['refund-to', 'x'] }, 'the call is not the first of refund-to or x'],
    [
      { hours: { from: '09:00', to: '17:00', offsetMinutes: -90 } },
      'it is 1970-01-01 00:00:00 UTC, not from 09:00 to 17:00 UTC-01:30',
    ],
    [{ tenants: ['umbrella'] }, 'the tenant is acme, not umbrella'],
    [{ roles: ['staff'] }, 'the requester is vip, not staff'],
  ])('%j', (match, words) => {
    const [member] = Object.keys(match) as (keyof RuleMatch)[];
    if (member === undefined) throw new Error('no member');
    expect(whyNot(member, match, facts)).toBe(words);
    expect(decide(ALL, [deny(match)], facts).rule).toBe('default');
  });
});

describe('policy lint', () => {
  test('names findings, and leaves with the code of a wrong configuration only for rules that cannot answer', () => {
    const linted = (...all: Parameters<typeof makeAgent>) => {
      const { made, out } = session('json', noStore);
      const code = lintAgents(made, [makeAgent(...all)]);
      return { code, found: JSON.parse(out()) as ShownLint };
    };
    expect(linted()).toMatchObject({
      code: undefined,
      found: { agents: [{ agent: 'support', findings: [] }] },
    });
    const ungated = linted({ tools: [readTool({ ...writes, name: 'drop_order' })] });
    expect(ungated.code).toBeUndefined();
    expect(ungated.found.agents[0]?.findings).toMatchObject([{ kind: 'default_only', tool: 'drop_order' }]);

    const good = makeAgent();
    const dead = { ...good, release: { ...good.release, policy: [allow(), deny()] } };
    const { made, out } = session('text', noStore);
    expect(lintAgents(made, [dead, AGENT])).toBe(2);
    expect(out()).toMatch(
      /^support, release [0-9a-f]{12}: 2 rules, 1 found\n {2}problem {2}rule "deny" can never answer/,
    );
    expect(out()).toMatch(/\nshop, release [0-9a-f]{12}: 4 rules, nothing found\n$/);
  });
});

describe('agents are found', () => {
  const path = (name: string) => new URL(`fixtures/${name}.ts`, import.meta.url).pathname;
  const names = (agents: readonly { readonly release: { readonly agent: string } }[]) =>
    agents.map(({ release }) => release.agent);

  test('as HOLDFAST_AGENTS names them, or those that ship', async () => {
    expect(names(await configuredAgents({}))).toEqual(['support']);
    expect(names(await configuredAgents({ HOLDFAST_AGENTS: `support, ${path('plainAgent')}` }))).toEqual([
      'support',
      'plain',
    ]);
    expect(names([await findAgent({}, 'support')])).toEqual(['support']);
    expect(names([await findAgent({ HOLDFAST_AGENTS: path('plainAgent') }, 'plain')])).toEqual(['plain']);
    expect(names([await findAgent({ HOLDFAST_AGENTS: path('plainAgent') }, 'support')])).toEqual(['support']);
    expect(names([await findAgent({}, path('plainAgent'))])).toEqual(['plain']);
  });

  test('one that is not there is no wrong configuration, and the other way round', async () => {
    expect(await failure(findAgent({}, 'nobody'))).toMatchObject({
      exit: 'notFound',
      message: expect.stringContaining('Known: support'),
    });
    const dead = await failure(findAgent({}, path('deadRuleAgent')));
    expect(dead).toMatchObject({ exit: 'usage', code: 'configuration' });
    expect(dead?.message).toContain('rule "vip" can never answer');
    expect(await failure(configuredAgents({ HOLDFAST_AGENTS: path('deadRuleAgent') }))).toMatchObject({
      exit: 'usage',
    });
  });
});

describe('the commands', () => {
  const parse = async (words: readonly string[]) => {
    let runs = 0;
    const program = createProgram(
      async () => {
        runs++;
      },
      { version: '1', write: () => undefined },
    );
    await program.parseAsync([...words], { from: 'user' });
    return runs;
  };
  const explained = (...words: readonly string[]) =>
    parse(['policy', 'explain', 'support', 'calculate', '{}', ...words]);

  test('take what they say they take', async () => {
    expect(await parse(['policy', 'lint'])).toBe(1);
    expect(await parse(['policy', 'lint', 'support', '--json'])).toBe(1);
    expect(
      await explained(
        ...['--amount', '12.50', '--currency', 'EUR', '--tainted', '--private-read', '--tenant', 't'],
        ...[
          '--role',
          'a',
          '--role',
          'b',
          '--at',
          '2026-03-01T09:30:00+01:00',
          '--first',
          'refund-to',
          '--learned',
          'l1',
        ],
        ...['--run-rules', JSON.stringify([ask()]), '--json'],
      ),
    ).toBe(1);
  });

  test.each<readonly [readonly string[], string]>([
    [['--amount', '1e3'], 'is not an amount'],
    [['--amount', '1', '--currency', 'usd'], 'is not a currency'],
    [['--at', '2026-03-01T09:30:00'], 'is not a time with its zone'],
    [['--at', '2026-13-01T09:30Z'], 'is not a time with its zone'],
    [['--run-rules', '{'], 'is not JSON'],
    [['--run-rules', '[{"name":"x"}]'], 'rule "x": match is missing'],
  ])('%j is wrong usage, said in words', async (words, message) => {
    const error = await failure(explained(...words));
    expect(error).toMatchObject({ exit: 'usage' });
    expect(error?.message).toContain(message);
  });
});
