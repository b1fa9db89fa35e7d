import { round2 } from '../arithmetic.ts';
import type { Order } from '../entities.ts';
import { firstItem, firstMissing, type OrderView, variantFor } from './order.ts';
import type { Swap } from './swap.ts';

// What a change is worth in dollars, for the policy and for the person who decides: rounded to cents, so that noise
// of binary fractions never decides on which side of a limit a call falls. Null when it cannot be known.

/** What a return promises: the prices of the returned items. */
export function returnWorth(order: Order, itemIds: readonly string[]): number | null {
  // Nothing to return is not worth zero: it would pass below every limit and still change the order.
  if (itemIds.length === 0 || firstMissing(order, itemIds) !== null) return null;
  const left = [...order.items];
  let sum = 0;
  for (const id of itemIds) {
    const at = left.findIndex((item) => item.item_id === id);
    sum += left.splice(at, 1)[0]?.price ?? 0;
  }
  return round2(sum);
}

/** The size of the price difference, whoever pays it. */
export function swapWorth(view: OrderView, swap: Pick<Swap, 'itemIds' | 'newItemIds'>): number | null {
  if (swap.itemIds.length === 0 || swap.itemIds.length !== swap.newItemIds.length) return null;
  if (firstMissing(view.order, swap.itemIds) !== null) return null;
  let difference = 0;
  for (const [i, oldId] of swap.itemIds.entries()) {
    const item = firstItem(view.order, oldId);
    const variant = item && variantFor(view, item, swap.newItemIds[i] ?? '');
    if (!variant) return null;
    difference += variant.price - item.price;
  }
  return Math.abs(round2(difference));
}

/** What a cancellation gives back: everything that was paid. */
export function cancelWorth(order: Order): number {
  return round2(
    order.payment_history.reduce(
      (sum, entry) => sum + (entry.transaction_type === 'payment' ? entry.amount : 0),
      0,
    ),
  );
}

/** What moves when the payment moves to another method: the first payment. */
export function paymentWorth(order: Order): number | null {
  const amount = order.payment_history[0]?.amount;
  return amount === undefined ? null : round2(amount);
}
