import type { Variant } from '../entities.ts';
import { firstItem, firstMissing, type OrderView, variantFor } from './order.ts';

/** Items that take the place of others, position by position. */
export interface Swap {
  readonly itemIds: readonly string[];
  readonly newItemIds: readonly string[];
  readonly paymentMethodId: string;
}

/** Two tools check a swap alike but word it differently, to the full stop. Those words are a promise to callers. */
export interface SwapWords {
  readonly missing: (itemId: string) => string;
  readonly lengths: string;
  /** Null: an item may be swapped for itself. */
  readonly same: string | null;
}

export type PricedSwap =
  | {
      readonly kind: 'priced';
      /** New prices minus old ones, unrounded; negative when the customer gets money. */
      readonly difference: number;
      /** The variant of the last position; null when nothing is swapped. */
      readonly last: Variant | null;
    }
  | { readonly kind: 'refused'; readonly reason: string };

export function priceSwap(view: OrderView, swap: Swap, words: SwapWords): PricedSwap {
  const missing = firstMissing(view.order, swap.itemIds);
  if (missing !== null) return { kind: 'refused', reason: words.missing(missing) };
  if (swap.itemIds.length !== swap.newItemIds.length) return { kind: 'refused', reason: words.lengths };
  let difference = 0;
  let last: Variant | null = null;
  for (const [i, oldId] of swap.itemIds.entries()) {
    const newId = swap.newItemIds[i] ?? '';
    if (oldId === newId && words.same !== null) return { kind: 'refused', reason: words.same };
    const item = firstItem(view.order, oldId);
    const variant = item && variantFor(view, item, newId);
    if (!variant) return { kind: 'refused', reason: 'Variant not found' };
    if (!variant.available) return { kind: 'refused', reason: `New item ${newId} not found or available` };
    difference += variant.price - item.price;
    last = variant;
  }
  return { kind: 'priced', difference, last };
}
