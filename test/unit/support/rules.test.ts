import { describe, expect, test } from 'vitest';
import type { Order, OrderItem, PaymentEntry, Product, User } from '../../../src/agents/support/entities.ts';
import { cancel } from '../../../src/agents/support/rules/cancel.ts';
import { exchangeItems, returnItems } from '../../../src/agents/support/rules/delivered.ts';
import { modifyAddress, modifyItems, modifyPayment } from '../../../src/agents/support/rules/modify.ts';
import type { Change, OrderView } from '../../../src/agents/support/rules/order.ts';

const address = {
  address1: '1 Quay',
  address2: '',
  city: 'Rockport',
  country: 'USA',
  state: 'ME',
  zip: '04856',
};
const mug: Product = {
  name: 'Mug',
  product_id: 'mug',
  variants: {
    m1: { item_id: 'm1', options: { color: 'white' }, available: true, price: 10.1 },
    m2: { item_id: 'm2', options: { color: 'blue' }, available: true, price: 12.3 },
    m3: { item_id: 'm3', options: { color: 'red' }, available: false, price: 9 },
  },
};
const rope: Product = {
  name: 'Rope',
  product_id: 'rope',
  variants: {
    r1: { item_id: 'r1', options: { length: '8 m' }, available: true, price: 30 },
    r2: { item_id: 'r2', options: { length: '12 m' }, available: true, price: 24.5 },
  },
};

function bought(product: Product, itemId: string): OrderItem {
  const variant = product.variants[itemId];
  if (!variant) throw new Error(`no variant ${itemId}`);
  return {
    name: product.name,
    product_id: product.product_id,
    item_id: itemId,
    price: variant.price,
    options: variant.options,
  };
}

const entry = (type: PaymentEntry['transaction_type'], amount: number, method: string): PaymentEntry => ({
  transaction_type: type,
  amount,
  payment_method_id: method,
});

const owner: User = {
  user_id: 'ann',
  name: { first_name: 'Ann', last_name: 'Onymous' },
  address,
  email: 'ann@example.com',
  payment_methods: {
    card: { source: 'credit_card', id: 'card', brand: 'visa', last_four: '0001' },
    pal: { source: 'paypal', id: 'pal' },
    gift: { source: 'gift_card', id: 'gift', balance: 1.1 },
    rich: { source: 'gift_card', id: 'rich', balance: 100 },
  },
  orders: ['#W1'],
};

function view(changes: Partial<Order> = {}): OrderView {
  const order: Order = {
    order_id: '#W1',
    user_id: 'ann',
    address,
    items: [bought(mug, 'm1'), bought(mug, 'm1'), bought(rope, 'r1')],
    status: 'pending',
    fulfillments: [],
    payment_history: [entry('payment', 50.2, 'card')],
    ...changes,
  };
  return { order, owner, products: { mug, rope } };
}

const delivered = () => view({ status: 'delivered' });
const swap = (itemIds: readonly string[], newItemIds: readonly string[], paymentMethodId = 'card') => ({
  itemIds,
  newItemIds,
  paymentMethodId,
});

function balance(change: Change, id: string): number | null {
  if (change.kind === 'refused') return null;
  const method = change.owner.payment_methods[id];
  return method?.source === 'gift_card' ? method.balance : null;
}

/** Each line breaks its rule and every later one of the same action, so the order of the checks is tested too. */
const refusals: readonly [string, Change][] = [
  ['Non-pending order cannot be cancelled', cancel(view({ status: 'pending (item modified)' }), 'bored')],
  ['Invalid reason', cancel(view(), 'bored')],

  ['Non-pending order cannot be modified', modifyAddress(view({ status: 'processed' }), address)],

  ['Non-pending order cannot be modified', modifyPayment(view({ status: 'delivered' }), 'none')],
  ['Payment method not found', modifyPayment(view({ payment_history: [] }), 'none')],
  ['Payment method not found', modifyPayment(view(), 'constructor')],
  [
    'There should be exactly one payment for a pending order',
    modifyPayment(view({ payment_history: [] }), 'card'),
  ],
  [
    'There should be exactly one payment for a pending order',
    modifyPayment(view({ payment_history: [entry('refund', 50.2, 'card')] }), 'card'),
  ],
  [
    'There should be exactly one payment for a pending order',
    modifyPayment(
      view({ payment_history: [entry('payment', 1, 'card'), entry('refund', 1, 'card')] }),
      'card',
    ),
  ],
  [
    'The new payment method should be different from the current one',
    modifyPayment(view({ payment_history: [entry('payment', 50.2, 'gift')] }), 'gift'),
  ],
  ['Insufficient gift card balance to pay for the order', modifyPayment(view(), 'gift')],

  [
    'Non-pending order cannot be modified',
    modifyItems(view({ status: 'pending (item modified)' }), swap(['x'], [])),
  ],
  ['x not found', modifyItems(view(), swap(['m1', 'x'], []))],
  ['m1 not found', modifyItems(view(), swap(['m1', 'm1', 'm1'], []))],
  ['The number of items to be exchanged should match', modifyItems(view(), swap(['m1', 'm1'], ['m1']))],
  [
    'The new item id should be different from the old item id',
    modifyItems(view(), swap(['m1', 'r1'], ['m1', 'x'])),
  ],
  ['Variant not found', modifyItems(view(), swap(['m1', 'm1'], ['r2', 'm1']))],
  ['Variant not found', modifyItems(view(), swap(['m1'], ['constructor']))],
  ['New item m3 not found or available', modifyItems(view(), swap(['m1', 'r1'], ['m3', 'x'], 'none'))],
  ['Payment method not found', modifyItems(view(), swap(['m1'], ['m2'], 'none'))],
  [
    'Insufficient gift card balance to pay for the new item',
    modifyItems(view(), swap(['m1'], ['m2'], 'gift')),
  ],

  [
    'Non-delivered order cannot be returned',
    returnItems(view(), { itemIds: ['x'], paymentMethodId: 'none' }),
  ],
  ['Payment method not found', returnItems(delivered(), { itemIds: ['x'], paymentMethodId: 'none' })],
  [
    'Payment method should be the original payment method',
    returnItems(delivered(), { itemIds: ['x'], paymentMethodId: 'pal' }),
  ],
  ['Some item not found', returnItems(delivered(), { itemIds: ['x'], paymentMethodId: 'gift' })],
  ['Some item not found', returnItems(delivered(), { itemIds: ['r1', 'r1'], paymentMethodId: 'card' })],

  ['Non-delivered order cannot be exchanged', exchangeItems(view(), swap(['x'], []))],
  ['Number of x not found.', exchangeItems(delivered(), swap(['x'], []))],
  ['The number of items to be exchanged should match.', exchangeItems(delivered(), swap(['m1'], []))],
  ['Variant not found', exchangeItems(delivered(), swap(['m1', 'm1'], ['r1', 'm3']))],
  ['New item m3 not found or available', exchangeItems(delivered(), swap(['m1'], ['m3'], 'none'))],
  ['Payment method not found', exchangeItems(delivered(), swap(['m1'], ['m2'], 'none'))],
  [
    'Insufficient gift card balance to pay for the price difference',
    exchangeItems(delivered(), swap(['m1'], ['m2'], 'gift')),
  ],
];

test.each(refusals)('refused: %s', (reason, change) => {
  expect(change).toEqual({ kind: 'refused', reason });
});

function changed(change: Change): Order {
  if (change.kind === 'refused') throw new Error(change.reason);
  return change.order;
}

describe('what a change does', () => {
  test('a cancellation gives every entry back, refunds among them', () => {
    const history = [
      entry('payment', 50.2, 'rich'),
      entry('payment', 50.2, 'card'),
      entry('refund', 50.2, 'rich'),
    ];
    const change = cancel(view({ payment_history: history }), 'ordered by mistake');
    expect(changed(change)).toMatchObject({ status: 'cancelled', cancel_reason: 'ordered by mistake' });
    expect(changed(change).payment_history.slice(3)).toEqual([
      entry('refund', 50.2, 'rich'),
      entry('refund', 50.2, 'card'),
      entry('refund', 50.2, 'rich'),
    ]);
    expect(balance(change, 'rich')).toBe(200.4);
  });

  test('an address changes while the order is pending, and nothing else does', () => {
    const to = { ...address, address1: '2 Quay' };
    for (const status of ['pending', 'pending (item modified)'] as const) {
      const before = view({ status });
      expect(changed(modifyAddress(before, to))).toEqual({ ...before.order, address: to });
    }
  });

  test('a payment moves from gift card to gift card with both balances', () => {
    const change = modifyPayment(view({ payment_history: [entry('payment', 50.2, 'gift')] }), 'rich');
    expect(changed(change).status).toBe('pending');
    expect(changed(change).payment_history.slice(1)).toEqual([
      entry('payment', 50.2, 'rich'),
      entry('refund', 50.2, 'gift'),
    ]);
    expect([balance(change, 'gift'), balance(change, 'rich')]).toEqual([51.3, 49.8]);
  });

  test('modified items all take price and options of the last new variant', () => {
    const change = modifyItems(view(), swap(['m1', 'r1'], ['m2', 'r2'], 'rich'));
    expect(changed(change).items).toEqual([
      { ...bought(mug, 'm1'), item_id: 'm2', price: 24.5, options: { length: '12 m' } },
      bought(mug, 'm1'),
      bought(rope, 'r2'),
    ]);
    const difference = 12.3 - 10.1 + (24.5 - 30);
    expect(changed(change).payment_history.at(-1)).toEqual(entry('refund', -difference, 'rich'));
    expect(balance(change, 'rich')).toBe(103.3);
    expect(changed(change).status).toBe('pending (item modified)');
  });

  test('the same item twice is two items', () => {
    const change = modifyItems(view(), swap(['m1', 'm1'], ['m2', 'm2']));
    expect(changed(change).items.map((item) => item.item_id)).toEqual(['m2', 'm2', 'r1']);
    expect(changed(change).payment_history.at(-1)?.amount).toBe(12.3 - 10.1 + (12.3 - 10.1));
  });

  test('a return is noted, sorted, and moves no money', () => {
    const before = delivered();
    const change = returnItems(before, { itemIds: ['r1', 'm1'], paymentMethodId: 'gift' });
    expect(change).toEqual({
      kind: 'changed',
      order: {
        ...before.order,
        status: 'return requested',
        return_items: ['m1', 'r1'],
        return_payment_method_id: 'gift',
      },
      owner,
    });
  });

  test('an exchange is noted with the rounded difference and moves no money; an item may stay the same', () => {
    const before = delivered();
    const change = exchangeItems(before, swap(['r1', 'm1', 'm1'], ['r1', 'm2', 'm1'], 'rich'));
    expect(change).toEqual({
      kind: 'changed',
      order: {
        ...before.order,
        status: 'exchange requested',
        exchange_items: ['m1', 'm1', 'r1'],
        exchange_new_items: ['m1', 'm2', 'r1'],
        exchange_payment_method_id: 'rich',
        exchange_price_difference: 2.2,
      },
      owner,
    });
  });

  test('empty lists pass every check', () => {
    expect(changed(modifyItems(view(), swap([], []))).payment_history.at(-1)).toEqual(
      entry('refund', 0, 'card'),
    );
    expect(changed(returnItems(delivered(), { itemIds: [], paymentMethodId: 'card' })).return_items).toEqual(
      [],
    );
    expect(changed(exchangeItems(delivered(), swap([], []))).exchange_price_difference).toBe(0);
  });
});
