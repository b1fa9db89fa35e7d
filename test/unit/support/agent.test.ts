import { describe, expect, test } from 'vitest';
import { agent } from '../../../src/agents/support/index.ts';
import { callKey, runIdFromUuid } from '../../../src/core/ids.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { usd } from '../../../src/core/money.ts';
import { decide, type PolicyFacts } from '../../../src/core/policy.ts';
import { lintPolicy } from '../../../src/core/policyLint.ts';
import { CLEAN } from '../../../src/core/taint.ts';
import { estimateTokens } from '../../../src/tools/agent.ts';
import type { Database } from '../../../src/tools/outside.ts';
import type { ToolContext } from '../../../src/tools/tool.ts';

const ORDER_TOOLS = [
  'cancel_pending_order',
  'modify_pending_order_items',
  'modify_pending_order_payment',
  'modify_pending_order_address',
  'return_delivered_order_items',
  'exchange_delivered_order_items',
];
const READ_TOOLS = [
  'find_user_id_by_email',
  'find_user_id_by_name_zip',
  'get_user_details',
  'get_order_details',
  'get_product_details',
  'get_item_details',
  'list_all_product_types',
  'calculate',
  'transfer_to_human_agents',
  'read_result',
];

function verdict(name: string, amount: number | null, currency = 'USD') {
  const tool = agent.tools.get(name);
  if (!tool) throw new Error(`no tool ${name}`);
  const facts: PolicyFacts = {
    tool: name,
    category: tool.labels.category,
    tier: tool.labels.tier,
    touches: tool.labels.touches,
    amount: amount === null ? null : { ...usd(amount), currency },
    taint: { ...CLEAN, privateRead: true },
    requester: { tenant: null, roles: [] },
    origins: [],
    firstOf: [],
    learned: null,
    nowMs: 0,
  };
  return decide(agent.release.permissions, agent.release.policy, facts);
}

describe('policy', () => {
  test('these are all the tools there are', () => {
    expect([...agent.tools.keys()].sort()).toEqual(
      [...ORDER_TOOLS, ...READ_TOOLS, 'modify_user_address'].sort(),
    );
  });

  describe.each(ORDER_TOOLS)('%s', (tool) => {
    test.each([
      [0, 'allow', 'small-order-change'],
      [24.99, 'allow', 'small-order-change'],
      [25, 'ask', 'large-order-change'],
      [1_000, 'ask', 'large-order-change'],
      [-1, 'ask', 'large-order-change'],
      [null, 'ask', 'order-change-without-amount'],
    ])('worth %s: %s', (amount, kind, rule) => {
      expect(verdict(tool, amount)).toMatchObject({ rule, answer: { kind } });
    });

    test('another currency is not small', () => {
      expect(verdict(tool, 1, 'JPY').answer.kind).toBe('ask');
    });
  });

  test.each([...READ_TOOLS, 'modify_user_address'])('%s is allowed', (tool) => {
    expect(verdict(tool, null).answer.kind).toBe('allow');
  });

  test('every rule can answer, and every risky tool is gated', () => {
    const { policy, permissions, tools } = agent.release;
    expect(lintPolicy(policy, permissions, tools)).toEqual([]);
    const [small, unknown] = policy;
    expect(lintPolicy([...policy].reverse(), permissions, tools).map(({ rule }) => rule)).toEqual([
      unknown?.name,
      small?.name,
    ]);
  });

  test('people are told why they are asked', () => {
    for (const { answer } of agent.release.policy)
      if (answer.kind === 'ask') expect(answer.reason.length).toBeGreaterThan(40);
  });
});

describe('labels', () => {
  test.each(ORDER_TOOLS)('%s is risky, keyed and about orders', (name) => {
    expect(agent.tools.get(name)?.labels).toMatchObject({
      category: 'orders',
      tier: 'write_risky',
      touches: 'state',
      replay: 'keyed',
      returns: 'trusted',
    });
  });

  test('only the transfer hands over, so there is no second way to do it', () => {
    const handsOver = [...agent.tools.values()].filter((tool) => tool.labels.handsOver);
    expect(handsOver.map((tool) => tool.labels.name)).toEqual(['transfer_to_human_agents']);
  });

  test('the prompt stays below the limit without a waiver, and nothing is warned about', () => {
    expect(estimateTokens(agent.release.system)).toBeLessThanOrEqual(LIMITS.promptTokens);
    expect(agent.warnings).toEqual([]);
  });
});

describe('arguments', () => {
  const parse = (
    name: string,
    input: Parameters<NonNullable<ReturnType<typeof agent.tools.get>>['parse']>[0],
  ) => agent.tools.get(name)?.parse(input);

  test('a surplus argument, a missing one and a wrong type are refused', () => {
    expect(parse('get_order_details', { order_id: '#W1', user_id: 'x' })?.kind).toBe('bad');
    expect(parse('get_order_details', {})?.kind).toBe('bad');
    expect(parse('get_order_details', { order_id: 1 })?.kind).toBe('bad');
  });

  test('lists and texts are bounded', () => {
    const input = { order_id: '#W1', payment_method_id: 'x', item_ids: Array(51).fill('1') };
    expect(parse('return_delivered_order_items', input)?.kind).toBe('bad');
    expect(parse('calculate', { expression: '1'.repeat(1_001) })?.kind).toBe('bad');
  });

  test('the model is shown the two reasons; another one is left to the rule, which has the right words', () => {
    const tool = agent.release.tools.find(({ labels }) => labels.name === 'cancel_pending_order');
    expect(tool?.inputSchema).toMatchObject({
      properties: { reason: { type: 'string', enum: ['no longer needed', 'ordered by mistake'] } },
    });
    expect(parse('cancel_pending_order', { order_id: '#W1', reason: 'too dear' })?.kind).toBe('ok');
  });

  test('what PostgreSQL cannot store is taken out before the arguments are kept', () => {
    expect(parse('get_order_details', { order_id: '#W\u00001\ud800' })).toEqual({
      kind: 'ok',
      input: { order_id: '#W1\ufffd' },
    });
  });

  test.each([
    [
      'return_delivered_order_items',
      { order_id: '#W1', item_ids: ['1', '2'], payment_method_id: 'gift_card_1' },
      'return 2 items of order #W1 to gift_card_1',
    ],
    [
      'exchange_delivered_order_items',
      { order_id: '#W1', item_ids: ['1'], new_item_ids: ['2'], payment_method_id: 'paypal_1' },
      'exchange 1 item of order #W1, difference to paypal_1',
    ],
    [
      'cancel_pending_order',
      { order_id: '#W1', reason: 'no longer needed' },
      'cancel order #W1: no longer needed',
    ],
  ])('%s is summed up in a line', (name, input, line) => {
    expect(agent.tools.get(name)?.summary(input)).toBe(line);
  });
});

describe('a database that cannot be asked', () => {
  const broken: Database = {
    query: () => Promise.reject(new Error('connection refused')),
    transaction: () => Promise.reject(new Error('connection refused')),
  };
  const requester = { id: 'tester', tenant: null, roles: [] };
  const logged: string[] = [];
  const context: ToolContext<unknown> = {
    requester,
    key: callKey(runIdFromUuid('00000000-0000-4000-8000-000000000000'), 1, 0),
    idempotencyKey: 'k',
    services: agent.services({ database: broken }, requester),
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    now: () => new Date(0),
    log: (message) => logged.push(message),
  };

  test('is a failure of the look-up that may pass, and not "not found"', async () => {
    const result = await agent.tools.get('get_order_details')?.run({ order_id: '#W1' }, context);
    expect(result).toMatchObject({ kind: 'failed', retryable: true });
    expect(logged).toEqual(['the shop could not be asked']);
  });

  test('is for the ledger to judge when it happened to a write', async () => {
    const cancel = agent.tools.get('cancel_pending_order');
    const input = { order_id: '#W1', reason: 'no longer needed' };
    await expect(cancel?.run(input, context)).rejects.toThrow('connection refused');
  });
});
