import type { Order, OrderItem, PaymentEntry, ShopData, User } from '../entities.ts';
import { cancel } from '../rules/cancel.ts';
import { exchangeItems, returnItems } from '../rules/delivered.ts';
import { modifyItems, modifyPayment } from '../rules/modify.ts';
import type { Change, OrderView } from '../rules/order.ts';
import { catalogue } from './catalogue.ts';
import { type Later, type OrderRow, orders } from './orders.ts';
import { people } from './people.ts';

/** The harbor shop as it opens: the rows of this folder, with the shop's own rules applied to them. */
export const seed: ShopData = open();

function open(): ShopData {
  const products = Object.fromEntries(catalogue.map((product) => [product.product_id, product]));
  const users = new Map<string, User>(people.map((person) => [person.user_id, { ...person, orders: [] }]));
  const placed = new Map<string, Order>();
  for (const row of orders) {
    const owner = users.get(row.person);
    if (!owner) throw new Error(`seed order ${row.id}: nobody is called ${row.person}`);
    const view: OrderView = {
      order: place(row, owner),
      owner: { ...owner, orders: [...owner.orders, row.id] },
      products,
    };
    const change = row.later && apply(view, row.later);
    if (change?.kind === 'refused') throw new Error(`seed order ${row.id}: ${change.reason}`);
    placed.set(row.id, change?.order ?? view.order);
    users.set(row.person, change?.owner ?? view.owner);
  }
  return { products, users: Object.fromEntries(users), orders: Object.fromEntries(placed) };
}

function place(row: OrderRow, owner: User): Order {
  const items = row.items.map((itemId) => itemOf(row, itemId));
  const paid: PaymentEntry = {
    transaction_type: 'payment',
    // Whole cents, as a till would print them.
    amount: Math.round(items.reduce((sum, item) => sum + item.price, 0) * 100) / 100,
    payment_method_id: row.paidBy,
  };
  return {
    order_id: row.id,
    user_id: row.person,
    address: owner.address,
    items,
    status: row.status,
    fulfillments:
      row.status === 'pending' ? [] : [{ tracking_id: [`55${row.id.slice(2)}`], item_ids: row.items }],
    payment_history: [paid],
  };
}

function itemOf(row: OrderRow, itemId: string): OrderItem {
  const product = catalogue.find(({ variants }) => Object.hasOwn(variants, itemId));
  const variant = product?.variants[itemId];
  if (!product || !variant) throw new Error(`seed order ${row.id}: no product has the item ${itemId}`);
  return {
    name: product.name,
    product_id: product.product_id,
    item_id: itemId,
    price: variant.price,
    options: variant.options,
  };
}

function apply(view: OrderView, later: Later): Change {
  switch (later.kind) {
    case 'cancel':
      return cancel(view, later.reason);
    case 'return':
      return returnItems(view, { itemIds: later.itemIds, paymentMethodId: later.to });
    case 'exchange':
      return exchangeItems(view, { ...later, paymentMethodId: later.by });
    case 'modify':
      return modifyItems(view, { ...later, paymentMethodId: later.by });
    case 'pay':
      return modifyPayment(view, later.by);
    default:
      return later satisfies never;
  }
}
