import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyShop, deleteShop, exportShop } from '../../src/agents/support/copies.ts';
import { agent } from '../../src/agents/support/index.ts';
import { DEFAULT_SHOP } from '../../src/agents/support/schema.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Database } from '../../src/tools/outside.ts';
import { canonicalForm, hashOf } from './retailData.ts';
import { callTool, type OpenDatabase, openDatabase, servicesFor, toolNamed } from './supportAgent.ts';

let open: OpenDatabase;
const shops: string[] = [];

beforeAll(async () => {
  open = openDatabase();
  await agent.setup({ database: open.database });
});
afterAll(async () => {
  for (const shop of shops) await deleteShop(open.database, shop);
  await open.close();
});

/** A copy of the harbor shop for one test. */
async function freshShop(): Promise<string> {
  const shop = `writes-${randomUUID()}`;
  await copyShop(open.database, DEFAULT_SHOP, shop);
  shops.push(shop);
  return shop;
}

const GIFT_CARD = 'gift_card_2041902';
const RETURN = {
  tool: 'return_delivered_order_items',
  input: { order_id: '#W7000101', item_ids: ['3300303'], payment_method_id: GIFT_CARD },
};
/** Appends two payment entries, so that a repeat would show; moves a gift card's balance too. */
const PAY_BY_GIFT_CARD = {
  tool: 'modify_pending_order_payment',
  input: { order_id: '#W7000261', payment_method_id: 'credit_card_2378515' },
};
const NEW_ADDRESS = {
  address1: '2 Sail Loft Lane',
  address2: '',
  city: 'Camden',
  state: 'ME',
  country: 'USA',
  zip: '04843',
};
const MOVE = { tool: 'modify_user_address', input: { user_id: 'mara_lindqvist_2041', ...NEW_ADDRESS } };

describe('one key, one change, one answer', () => {
  test('the same key twice changes once and answers the same', async () => {
    const shop = await freshShop();
    const first = await callTool(open.database, PAY_BY_GIFT_CARD, { shop, idempotencyKey: 'k' });
    const after = hashOf(await exportShop(open.database, shop));
    const second = await callTool(open.database, PAY_BY_GIFT_CARD, { shop, idempotencyKey: 'k' });
    expect(first.kind).toBe('success');
    expect(canonicalForm(second)).toBe(canonicalForm(first));
    expect(hashOf(await exportShop(open.database, shop))).toBe(after);
  });

  test('two attempts at once with the same key change once and answer the same', async () => {
    const shop = await freshShop();
    const attempts = [1, 2].map(() =>
      callTool(open.database, PAY_BY_GIFT_CARD, { shop, idempotencyKey: 'k' }),
    );
    const [first, second] = await Promise.all(attempts);
    expect(first?.kind).toBe('success');
    expect(canonicalForm(second)).toBe(canonicalForm(first));
    const data = await exportShop(open.database, shop);
    expect(data.orders['#W7000261']?.payment_history.length).toBe(3);
    expect(data.users.greta_holm_2378?.payment_methods.gift_card_2378141).toMatchObject({ balance: 106.6 });
  });

  test('two keys at once for the same order: one is done, the other refused', async () => {
    const shop = await freshShop();
    const results = await Promise.all(
      ['a', 'b'].map((idempotencyKey) => callTool(open.database, RETURN, { shop, idempotencyKey })),
    );
    expect(results.map(({ kind }) => kind).sort()).toEqual(['failed', 'success']);
  });

  test('a refusal stays a refusal under its key, even when the change has become possible', async () => {
    const shop = await freshShop();
    const cancel = {
      tool: 'cancel_pending_order',
      input: { order_id: '#W7000103', reason: 'no longer needed' },
    };
    const setStatus = (status: string) =>
      open.database.query(
        `update shop.orders set body = body || jsonb_build_object('status', $2::text) where shop = $1 and id = '#W7000103'`,
        [shop, status],
      );
    await setStatus('processed');
    const refused = await callTool(open.database, cancel, { shop, idempotencyKey: 'k' });
    expect(refused).toMatchObject({ kind: 'failed', error: 'Non-pending order cannot be cancelled' });
    await setStatus('pending');
    expect(await callTool(open.database, cancel, { shop, idempotencyKey: 'k' })).toEqual(refused);
    expect((await callTool(open.database, cancel, { shop, idempotencyKey: 'k2' })).kind).toBe('success');
  });

  test('the same key in another shop is another key', async () => {
    const [one, other] = [await freshShop(), await freshShop()];
    const results = [one, other].map((shop) =>
      callTool(open.database, RETURN, { shop, idempotencyKey: 'k' }),
    );
    for (const result of await Promise.all(results)) expect(result.kind).toBe('success');
  });

  test('the profile has the same guarantee as orders', async () => {
    const shop = await freshShop();
    const first = await callTool(open.database, MOVE, { shop, idempotencyKey: 'k' });
    const back = { ...MOVE, input: { ...MOVE.input, zip: '04856' } };
    await callTool(open.database, back, { shop, idempotencyKey: 'later' });
    const late = await callTool(open.database, MOVE, { shop, idempotencyKey: 'k' });
    expect(canonicalForm(late)).toBe(canonicalForm(first));
    const data = await exportShop(open.database, shop);
    expect(data.users.mara_lindqvist_2041?.address.zip).toBe('04856');
  });
});

describe('all or nothing', () => {
  test('an attempt whose signal has fired changes nothing and leaves the key free', async () => {
    const shop = await freshShop();
    const before = hashOf(await exportShop(open.database, shop));
    const signal = AbortSignal.abort();
    for (const call of [RETURN, MOVE])
      await expect(callTool(open.database, call, { shop, idempotencyKey: 'k', signal })).rejects.toThrow();
    expect(hashOf(await exportShop(open.database, shop))).toBe(before);
    expect((await callTool(open.database, RETURN, { shop, idempotencyKey: 'k' })).kind).toBe('success');
  });

  test.each([1, 2, 3])('a failure after statement %i leaves no trace, and the key can be used', async (n) => {
    const shop = await freshShop();
    const before = hashOf(await exportShop(open.database, shop));
    const broken = watched(open.database, (statements) => {
      if (statements === n) throw new Error('the connection broke');
    });
    await expect(callTool(broken, RETURN, { shop, idempotencyKey: 'k' })).rejects.toThrow('broke');
    expect(hashOf(await exportShop(open.database, shop))).toBe(before);
    expect((await callTool(open.database, RETURN, { shop, idempotencyKey: 'k' })).kind).toBe('success');
  });

  test.each([RETURN, MOVE])('$tool takes three statements in one transaction', async (call) => {
    let count = 0;
    const counted = watched(open.database, () => {
      count++;
    });
    const result = await callTool(counted, call, { shop: await freshShop(), idempotencyKey: 'k' });
    expect(result.kind).toBe('success');
    expect(count).toBe(3);
  });
});

/** Calls `after` with the number of statements so far, after each one. */
function watched(database: Database, after: (statements: number) => void): Database {
  let statements = 0;
  const watch = (inner: Database): Database => ({
    query: async <Row>(text: string, values?: Parameters<Database['query']>[1]) => {
      const rows = await inner.query<Row>(text, values);
      after(++statements);
      return rows;
    },
    transaction: (work) => inner.transaction((transaction) => work(watch(transaction))),
  });
  return watch(database);
}

describe('what the approver and the policy are told', () => {
  const order = '#W7000101';
  const swap = { order_id: order, payment_method_id: GIFT_CARD };
  const cases: readonly [string, JsonObject, number | null, string | null][] = [
    ['return_delivered_order_items', { ...swap, item_ids: ['3300102', '3300303'] }, 143.75, 'delivered'],
    ['return_delivered_order_items', { ...swap, item_ids: ['3300303', '3300303'] }, null, 'delivered'],
    ['return_delivered_order_items', { ...swap, item_ids: [] }, null, 'delivered'],
    ['return_delivered_order_items', { ...swap, order_id: '#W1', item_ids: ['3300102'] }, null, null],
    [
      'exchange_delivered_order_items',
      { ...swap, item_ids: ['3300901', '3300303'], new_item_ids: ['3300902', '3300301'] },
      2.65,
      'delivered',
    ],
    [
      'exchange_delivered_order_items',
      { ...swap, item_ids: ['3300303'], new_item_ids: ['3300301'] },
      2.35,
      'delivered',
    ],
    [
      'exchange_delivered_order_items',
      { ...swap, item_ids: ['3300303'], new_item_ids: [] },
      null,
      'delivered',
    ],
    [
      'exchange_delivered_order_items',
      { ...swap, item_ids: ['3300303'], new_item_ids: ['3300101'] },
      null,
      'delivered',
    ],
    [
      'modify_pending_order_items',
      { ...swap, order_id: '#W7000103', item_ids: ['3301001'], new_item_ids: ['3301002'] },
      14.8,
      'pending',
    ],
    ['cancel_pending_order', { order_id: '#W7000103', reason: 'no longer needed' }, 126.35, 'pending'],
    // Its payment was moved once, so two payments were made and one refunded.
    ['cancel_pending_order', { order_id: '#W7000133', reason: 'no longer needed' }, 45, 'pending'],
    [
      'modify_pending_order_payment',
      { order_id: '#W7000103', payment_method_id: GIFT_CARD },
      126.35,
      'pending',
    ],
    ['modify_pending_order_address', { ...NEW_ADDRESS, order_id: '#W7000103' }, null, 'pending'],
  ];

  test.each(cases)('%s %j', async (name, input, amount, status) => {
    const services = servicesFor(open.database, DEFAULT_SHOP);
    const tool = toolNamed(name);
    expect(await tool.amount(input, services)).toEqual(
      amount === null ? null : { value: amount, currency: 'USD' },
    );
    expect(await tool.terms(input, services)).toEqual({ status, amount });
  });
});

describe('shops side by side', () => {
  test('setting up again, also at once, keeps what was changed since', async () => {
    const { database } = open;
    // A member that no tool looks at, so that the change is in nobody's way.
    const set = (body: string) =>
      database.query(`update shop.orders set body = ${body} where shop = $1 and id = '#W7000332'`, [
        DEFAULT_SHOP,
      ]);
    await set(`body || '{"note": "changed since"}'`);
    await Promise.all([1, 2, 3].map(() => agent.setup({ database })));
    const data = await exportShop(database, DEFAULT_SHOP);
    expect(data.orders['#W7000332']).toHaveProperty('note', 'changed since');
    await set(`body - 'note'`);
  });

  test('a change in one shop is not seen in another', async () => {
    const [one, other] = [await freshShop(), await freshShop()];
    await callTool(open.database, RETURN, { shop: one, idempotencyKey: 'k' });
    const data = await exportShop(open.database, other);
    expect(data.orders['#W7000101']?.status).toBe('delivered');
  });

  test('an unknown tenant has an empty shop, not an error', async () => {
    const shop = `nowhere-${randomUUID()}`;
    shops.push(shop);
    const ask = (tool: string, input: JsonObject) =>
      callTool(open.database, { tool, input }, { shop, idempotencyKey: tool });
    expect(await ask('get_order_details', { order_id: '#W7000101' })).toEqual({
      kind: 'not_found',
      message: 'Order not found',
    });
    expect(await ask('list_all_product_types', {})).toEqual({ kind: 'success', data: '{}' });
    expect(await ask(RETURN.tool, RETURN.input)).toMatchObject({ kind: 'failed', error: 'Order not found' });
    expect(await ask(MOVE.tool, MOVE.input)).toMatchObject({ kind: 'failed', error: 'User not found' });
  });

  test('a requester without a tenant is in the harbor shop', async () => {
    const tool = toolNamed('get_item_details');
    const services = agent.services({ database: open.database }, { id: 'tester', tenant: null, roles: [] });
    const named = servicesFor(open.database, 'harbor');
    expect(await tool.amount({ item_id: '3300301' }, services)).toBeNull();
    expect(services).toEqual(named);
  });
});

describe('look-ups', () => {
  const found = (tool: string, input: JsonObject) =>
    callTool(open.database, { tool, input }, { shop: DEFAULT_SHOP, idempotencyKey: 'unused' });

  test.each([
    ['find_user_id_by_email', { email: 'Mara.LINDQVIST@example.com' }, 'mara_lindqvist_2041'],
    [
      'find_user_id_by_name_zip',
      { first_name: 'mara', last_name: 'LINDQVIST', zip: '04856' },
      'mara_lindqvist_2041',
    ],
    // Letters outside ASCII, whatever the locale of the database.
    ['find_user_id_by_name_zip', { first_name: 'åsa', last_name: 'ÖBERG', zip: '55802' }, 'asa_oberg_5113'],
  ])('%s ignores the case of letters', async (tool, input, id) => {
    expect(await found(tool, input)).toEqual({ kind: 'success', data: id });
  });

  test('an item is found by its id alone', async () => {
    expect(await found('get_item_details', { item_id: '3300304' })).toEqual({
      kind: 'success',
      data: {
        item_id: '3300304',
        options: { color: 'red', capacity: '450 ml' },
        available: false,
        price: 14.25,
      },
    });
  });

  test.each([
    ['find_user_id_by_email', { email: 'nobody@example.com' }, 'User not found'],
    [
      'find_user_id_by_name_zip',
      { first_name: 'Mara', last_name: 'Lindqvist', zip: '4856' },
      'User not found',
    ],
    ['get_user_details', { user_id: '__proto__' }, 'User not found'],
    ['get_order_details', { order_id: 'W7000101' }, 'Order not found'],
    ['get_product_details', { product_id: '3300304' }, 'Product not found'],
    ['get_item_details', { item_id: '810644' }, 'Item not found'],
    ['get_item_details', { item_id: 'a \u0000 and half a \ud800 letter' }, 'Item not found'],
  ])('%s %j: %s', async (tool, input, message) => {
    expect(await found(tool, input)).toEqual({ kind: 'not_found', message });
  });

  test('products are listed by name, as text', async () => {
    const result = await found('list_all_product_types', {});
    expect(result).toMatchObject({ kind: 'success' });
    expect(result.kind === 'success' && result.data).toMatch(
      /^\{"Brass Lantern": "810771", "Deck Shoes": "810809", /,
    );
  });
});
