import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callKey, runIdFromUuid } from '../../../src/core/ids.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { success } from '../../../src/tools/result.ts';
import { defineTool, type ToolContext, type ToolOptions } from '../../../src/tools/tool.ts';
import { type OrderInput, orderInput, reads, tool, writes } from './builders.ts';

const context: ToolContext<unknown> = {
  requester: { id: 'c', tenant: null, roles: [] },
  key: callKey(runIdFromUuid('01234567-89ab-cdef-0123-456789abcdef'), 1, 0),
  idempotencyKey: 'k',
  services: null,
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  now: () => new Date(0),
  log: () => undefined,
};

describe('what is not said about a tool counts as the worst', () => {
  test('unlabelled means destructive and never to be repeated', () => {
    const { tier: _tier, replay: _replay, ...rest } = reads;
    const run = () => success(1);
    expect(
      defineTool<OrderInput, unknown>({ ...rest, touches: 'state', input: orderInput, run }).labels,
    ).toEqual({
      name: 'read_order',
      version: '1',
      category: 'orders',
      tier: 'destructive',
      reads: 'private',
      returns: 'trusted',
      touches: 'state',
      replay: 'never',
      sensitive: [],
      handsOver: false,
      timeoutMs: LIMITS.toolTimeoutMs,
      retries: LIMITS.toolRetries,
      settlesWithinMs: null,
    });
  });

  test('facts that a tool does not declare are unknown, and its summary is its name', async () => {
    const args = { order_id: '#W1' };
    const plain = tool();
    expect(await plain.amount(args, null)).toBeNull();
    expect(await plain.payee(args, null)).toBeNull();
    expect(await plain.classes(args, null)).toEqual([]);
    expect(await plain.terms(args, null)).toBeNull();
    expect(plain.summary(args)).toBe('read order');
    expect(plain.check).toBeNull();
  });

  test('the model reads what it does, when to use it and when not', () => {
    expect(tool().description).toBe(
      'Reads one order by its number.\nUse it when: The customer names an order.\nDo not use it when: The order is known already.',
    );
  });
});

describe('a definition that cannot be right is refused, naming the tool and the rule', () => {
  const check = async () => ({ kind: 'did_not' }) as const;
  test.each<readonly [string, Partial<ToolOptions<OrderInput, unknown>>, RegExp]>([
    ['camelCase', { name: 'readOrder' }, /^tool readOrder: name "readOrder": use snake_case/],
    ['one letter', { name: 'x' }, /name "x": use snake_case/],
    ['a long name', { name: 'x'.repeat(65) }, /use snake_case, 2 to 64/],
    ['a name that begins with a digit', { name: '2_orders' }, /use snake_case/],
    [
      'a description without a verb at its start',
      { description: 'order by number, please' },
      /description: start with a verb/,
    ],
    ['a short description', { description: 'Reads.' }, /at least 20 characters/],
    ['a long description', { description: `Reads ${'x'.repeat(1_000)}` }, /at most 1,000 characters/],
    ['no when to use', { whenToUse: '   short   ' }, /whenToUse: say when to use it/],
    ['no when not to use', { whenNotToUse: '' }, /whenNotToUse: say when not to use it/],
    [
      'a read that touches state',
      { touches: 'state' },
      /tier "read" with touches "state": a read changes nothing/,
    ],
    ['a read that reaches outside', { touches: 'external' }, /tier "read" with touches "external"/],
    [
      'a pure write',
      { ...writes, replay: 'pure' },
      /replay "pure" with tier "write_risky": only reads are pure/,
    ],
    [
      'checkable without check',
      { ...writes, replay: 'checkable', settlesWithinMs: 5 },
      /needs `check` and `settlesWithinMs`/,
    ],
    [
      'checkable without a time to settle',
      { ...writes, replay: 'checkable', check },
      /needs `check` and `settlesWithinMs`/,
    ],
    [
      'a time to settle that is no time',
      { ...writes, replay: 'checkable', check, settlesWithinMs: -1 },
      /settlesWithinMs -1: a whole number/,
    ],
    [
      'a time to settle without end',
      { ...writes, replay: 'checkable', check, settlesWithinMs: Number.POSITIVE_INFINITY },
      /settlesWithinMs Infinity/,
    ],
    ['a check that is never asked', { ...writes, check }, /`check` is for replay "checkable" only/],
    ['no time at all', { timeoutMs: 99 }, /timeoutMs 99: 100 to 600000/],
    ['too much time', { timeoutMs: LIMITS.toolTimeoutMaxMs + 1 }, /timeoutMs 600001/],
    ['a time that is no number', { timeoutMs: Number.NaN }, /timeoutMs NaN/],
    ['retries below zero', { retries: -1 }, /retries -1: 0 to 10/],
    ['half a retry', { retries: 0.5 }, /retries 0\.5/],
    ['too many retries', { retries: LIMITS.toolRetriesMax + 1 }, /retries 11/],
  ])('%s', (_name, different, message) => {
    expect(() => tool(different)).toThrow(message);
    expect(() => tool(different)).toThrow(/^tool /);
  });

  test.each([
    'do',
    'run',
    'execute',
    'handle_request',
    'perform_action',
    'manage',
    'call_tool',
    'do_anything',
    'dispatch_command',
  ])('%s is a router: one name for many actions escapes labels and policy', (name) => {
    expect(() => tool({ name })).toThrow(/is a router: give each action a tool of its own/);
  });

  test.each(['run_report', 'do_not_call', 'call_customer', 'manage_subscription', 'process_refund'])(
    '%s is not',
    (name) => {
      expect(tool({ name }).labels.name).toBe(name);
    },
  );

  test('all problems come at once', () => {
    expect(() => tool({ name: 'X', description: '', timeoutMs: 0, retries: 99 })).toThrow(
      /name "X".*description.*timeoutMs 0.*retries 99/s,
    );
  });

  test('every replay mode has a definition that passes', () => {
    for (const replay of ['keyed', 'never'] as const)
      expect(tool({ ...writes, replay }).labels.replay).toBe(replay);
    expect(tool({ ...writes, replay: 'checkable', check, settlesWithinMs: 0 }).check).not.toBeNull();
    expect(tool().labels.replay).toBe('pure');
  });
});

describe('arguments', () => {
  test('fit, or come back with what does not', () => {
    expect(tool().parse({ order_id: '#W1' })).toEqual({ kind: 'ok', input: { order_id: '#W1' } });
    for (const bad of [null, [], 'x', {}, { order_id: 7 }, { order_id: null }]) {
      const parsed = tool().parse(bad);
      expect(parsed.kind).toBe('bad');
      if (parsed.kind === 'bad') expect(parsed.problem.length).toBeGreaterThan(10);
    }
  });

  test('that nobody asked for are refused by name', () => {
    const parsed = tool().parse({ order_id: '#W1', force: true });
    expect(parsed.kind === 'bad' && parsed.problem).toMatch(/"force"/);
  });

  test('that nobody asked for inside others never reach the tool or the approver', async () => {
    const input = z.object({ items: z.array(z.object({ id: z.string() })) });
    const seen: unknown[] = [];
    const nested = defineTool<typeof input, unknown>({
      ...reads,
      input,
      summary: (args) => JSON.stringify(args),
      run: (args) => {
        seen.push(args);
        return success(null);
      },
    });
    const parsed = nested.parse({ items: [{ id: '1', price: 0 }] });
    if (parsed.kind === 'ok') {
      expect(nested.summary(parsed.input)).toBe('{"items":[{"id":"1"}]}');
      await nested.run({ items: [{ id: '1', price: 0 }] }, context);
      expect(seen).toEqual([{ items: [{ id: '1' }] }]);
    } else expect(parsed.problem).toMatch(/price/);
  });

  test('keep the rules that the schema for the model leaves out', () => {
    const input = z.object({ n: z.number().int().min(1).max(9), name: z.string().max(3) });
    const strict = defineTool<typeof input, unknown>({ ...reads, input, run: () => success(1) });
    expect(strict.parse({ n: 1, name: 'abc' }).kind).toBe('ok');
    for (const bad of [
      { n: 0, name: 'a' },
      { n: 1.5, name: 'a' },
      { n: 10, name: 'a' },
      { n: 1, name: 'abcd' },
    ])
      expect(strict.parse(bad).kind).toBe('bad');
  });

  test('stay what they are when they are parsed again, as stored arguments are', async () => {
    const input = z.object({
      email: z.string().trim().toLowerCase(),
      reason: z.string().default('none'),
      note: z.string().nullable(),
      many: z.array(z.number()).optional(),
    });
    const seen: unknown[] = [];
    const again = defineTool<typeof input, unknown>({
      ...reads,
      input,
      run: (args) => {
        seen.push(args);
        return success(1);
      },
    });
    const first = again.parse({ email: ' A@B.C ', note: null });
    expect(first).toEqual({ kind: 'ok', input: { email: 'a@b.c', reason: 'none', note: null } });
    if (first.kind === 'ok') {
      expect(again.parse(first.input)).toEqual(first);
      await again.run(first.input, context);
      expect(seen).toEqual([first.input]);
    }
  });

  test('that are no longer what the schema accepts never reach the tool', async () => {
    const ran = { times: 0 };
    const guarded = tool({
      run: () => {
        ran.times++;
        return success(1);
      },
    });
    await expect(guarded.run({ order_id: 7 }, context)).rejects.toThrow();
    expect(ran.times).toBe(0);
    expect(orderInput.safeParse({ order_id: 7 }).success).toBe(false);
  });
});
