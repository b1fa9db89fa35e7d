import { round2 } from '../arithmetic.ts';
import { type Change, firstMissing, lacks, type OrderView, paymentMethod, refuse } from './order.ts';
import { priceSwap, type Swap, type SwapWords } from './swap.ts';

const WORDS: SwapWords = {
  missing: (itemId) => `Number of ${itemId} not found.`,
  lengths: 'The number of items to be exchanged should match.',
  same: null,
};

/** Notes a return of a delivered order. No money moves until the items are back. */
export function returnItems(
  { order, owner }: OrderView,
  wanted: { readonly itemIds: readonly string[]; readonly paymentMethodId: string },
): Change {
  if (order.status !== 'delivered') return refuse('Non-delivered order cannot be returned');
  const method = paymentMethod(owner, wanted.paymentMethodId);
  if (!method) return refuse('Payment method not found');
  const original = order.payment_history[0]?.payment_method_id;
  if (method.source !== 'gift_card' && wanted.paymentMethodId !== original)
    return refuse('Payment method should be the original payment method');
  if (firstMissing(order, wanted.itemIds) !== null) return refuse('Some item not found');
  return {
    kind: 'changed',
    order: {
      ...order,
      status: 'return requested',
      return_items: [...wanted.itemIds].sort(),
      return_payment_method_id: wanted.paymentMethodId,
    },
    owner,
  };
}

/** Notes an exchange of a delivered order. Items, balances and payments stay until the items are back. */
export function exchangeItems(view: OrderView, swap: Swap): Change {
  const { order, owner } = view;
  if (order.status !== 'delivered') return refuse('Non-delivered order cannot be exchanged');
  const priced = priceSwap(view, swap, WORDS);
  if (priced.kind === 'refused') return priced;
  const difference = round2(priced.difference);
  const method = paymentMethod(owner, swap.paymentMethodId);
  if (!method) return refuse('Payment method not found');
  if (lacks(method, difference))
    return refuse('Insufficient gift card balance to pay for the price difference');
  return {
    kind: 'changed',
    order: {
      ...order,
      status: 'exchange requested',
      exchange_items: [...swap.itemIds].sort(),
      exchange_new_items: [...swap.newItemIds].sort(),
      exchange_payment_method_id: swap.paymentMethodId,
      exchange_price_difference: difference,
    },
    owner,
  };
}
