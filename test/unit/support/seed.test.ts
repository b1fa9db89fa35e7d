import { describe, expect, test } from 'vitest';
import { seed } from '../../../src/agents/support/seed/index.ts';

const users = Object.values(seed.users);
const orders = Object.values(seed.orders);
const products = Object.values(seed.products);
const items = products.flatMap((product) => Object.keys(product.variants));

describe('the harbor shop is one that the tools can work with', () => {
  test('it has a few dozen customers, a dozen products and some sixty orders', () => {
    expect(users.length).toBeGreaterThanOrEqual(24);
    expect(products.length).toBeGreaterThanOrEqual(12);
    expect(orders.length).toBeGreaterThanOrEqual(60);
  });

  test('every status occurs', () => {
    expect(new Set(orders.map((order) => order.status))).toEqual(
      new Set([
        'processed',
        'pending',
        'pending (item modified)',
        'delivered',
        'cancelled',
        'exchange requested',
        'return requested',
      ]),
    );
  });

  test('ids are unique over all products', () => {
    expect(new Set(items).size).toBe(items.length);
  });

  test('nobody shares an e-mail address, or name and zip code', () => {
    expect(new Set(users.map((user) => user.email)).size).toBe(users.length);
    const names = users.map(({ name, address }) => `${name.first_name} ${name.last_name} ${address.zip}`);
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(users.length);
  });

  test('all addresses lead to nobody: e-mail at example.com, five digits of zip code', () => {
    for (const user of users) {
      expect(user.email).toMatch(/^[a-z]+\.[a-z]+@example\.com$/);
      expect(user.address.zip).toMatch(/^\d{5}$/);
      expect(user.address.state).toMatch(/^[A-Z]{2}$/);
    }
  });

  test.each(orders)('$order_id belongs to its owner, pays what it holds and names what exists', (order) => {
    const owner = seed.users[order.user_id];
    expect(owner?.orders).toContain(order.order_id);
    for (const entry of order.payment_history) {
      expect(Object.keys(owner?.payment_methods ?? {})).toContain(entry.payment_method_id);
      expect(entry.amount).toBeGreaterThanOrEqual(0);
    }
    for (const item of order.items)
      expect(Object.keys(seed.products[item.product_id]?.variants ?? {})).toContain(item.item_id);
    const total = order.items.reduce((sum, item) => sum + item.price, 0);
    if (order.status !== 'pending (item modified)')
      expect(order.payment_history[0]?.amount).toBeCloseTo(total, 6);
  });

  test('no gift card is overdrawn', () => {
    for (const method of users.flatMap((user) => Object.values(user.payment_methods)))
      if (method.source === 'gift_card') expect(method.balance).toBeGreaterThanOrEqual(0);
  });
});

test('Mara Lindqvist has what a first try needs', () => {
  const mara = users.find((user) => user.email === 'mara.lindqvist@example.com');
  const hers = orders.filter((order) => order.user_id === mara?.user_id);
  const total = (orderId: string) =>
    hers.find((order) => order.order_id === orderId)?.items.reduce((sum, item) => sum + item.price, 0) ?? 0;
  expect(hers.map((order) => [order.order_id, order.status])).toEqual([
    ['#W7000101', 'delivered'],
    ['#W7000102', 'delivered'],
    ['#W7000103', 'pending'],
    ['#W7000104', 'processed'],
  ]);
  expect(total('#W7000101')).toBeGreaterThan(25);
  expect(seed.orders['#W7000101']?.items.length).toBeGreaterThan(1);
  expect(seed.orders['#W7000101']?.payment_history[0]?.payment_method_id).toBe('credit_card_2041177');
  expect(total('#W7000102')).toBeLessThan(25);
  expect(mara?.payment_methods.gift_card_2041902).toMatchObject({ source: 'gift_card' });
});
