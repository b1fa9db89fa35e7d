import type { Address, PaymentEntry } from '../entities.ts';
import { type Change, credit, isPending, lacks, type OrderView, paymentMethod, refuse } from './order.ts';
import { priceSwap, type Swap, type SwapWords } from './swap.ts';

const NOT_PENDING = 'Non-pending order cannot be modified';
const WORDS: SwapWords = {
  missing: (itemId) => `${itemId} not found`,
  lengths: 'The number of items to be exchanged should match',
  same: 'The new item id should be different from the old item id',
};

export function modifyAddress({ order, owner }: OrderView, address: Address): Change {
  if (!isPending(order)) return refuse(NOT_PENDING);
  return { kind: 'changed', order: { ...order, address }, owner };
}

/** Moves the one payment of a pending order to another method of its owner. */
export function modifyPayment({ order, owner }: OrderView, methodId: string): Change {
  if (!isPending(order)) return refuse(NOT_PENDING);
  const method = paymentMethod(owner, methodId);
  if (!method) return refuse('Payment method not found');
  const [paid, ...later] = order.payment_history;
  if (paid?.transaction_type !== 'payment' || later.length > 0)
    return refuse('There should be exactly one payment for a pending order');
  if (paid.payment_method_id === methodId)
    return refuse('The new payment method should be different from the current one');
  if (lacks(method, paid.amount)) return refuse('Insufficient gift card balance to pay for the order');
  const history: readonly PaymentEntry[] = [
    paid,
    { transaction_type: 'payment', amount: paid.amount, payment_method_id: methodId },
    { transaction_type: 'refund', amount: paid.amount, payment_method_id: paid.payment_method_id },
  ];
  const charged = credit(owner, methodId, -paid.amount);
  return {
    kind: 'changed',
    order: { ...order, payment_history: history },
    owner: credit(charged, paid.payment_method_id, paid.amount),
  };
}

/** Swaps items of a pending order for other variants and settles the price difference at once. Once an order. */
export function modifyItems(view: OrderView, swap: Swap): Change {
  const { order, owner } = view;
  if (order.status !== 'pending') return refuse(NOT_PENDING);
  const priced = priceSwap(view, swap, WORDS);
  if (priced.kind === 'refused') return priced;
  const { difference, last } = priced;
  const method = paymentMethod(owner, swap.paymentMethodId);
  if (!method) return refuse('Payment method not found');
  if (lacks(method, difference)) return refuse('Insufficient gift card balance to pay for the new item');

  const items = [...order.items];
  for (const [i, oldId] of swap.itemIds.entries()) {
    const at = items.findIndex((item) => item.item_id === oldId);
    const item = items[at];
    // Every swapped item takes price and options of the last new variant. It looks like a slip, but it is how
    // the shop keeps its books, and other systems have come to rely on it.
    if (item && last)
      items[at] = {
        ...item,
        item_id: swap.newItemIds[i] ?? '',
        price: last.price,
        options: last.options,
      };
  }
  const settled: PaymentEntry = {
    transaction_type: difference > 0 ? 'payment' : 'refund',
    amount: Math.abs(difference),
    payment_method_id: swap.paymentMethodId,
  };
  return {
    kind: 'changed',
    order: {
      ...order,
      items,
      status: 'pending (item modified)',
      payment_history: [...order.payment_history, settled],
    },
    owner: credit(owner, swap.paymentMethodId, -difference),
  };
}
