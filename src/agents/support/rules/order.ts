import { round2 } from '../arithmetic.ts';
import type { Order, OrderItem, PaymentMethod, Product, User, Variant } from '../entities.ts';

/** An order with what its rules look at: its owner and the products of its items. */
export interface OrderView {
  readonly order: Order;
  readonly owner: User;
  /** By product id. */
  readonly products: { readonly [id: string]: Product };
}

/** What a rule makes of an order. A refusal changes nothing, and its reason is what the model reads. */
export type Change =
  | { readonly kind: 'changed'; readonly order: Order; readonly owner: User }
  | { readonly kind: 'refused'; readonly reason: string };

export function refuse(reason: string): Change {
  return { kind: 'refused', reason };
}

/** `pending (item modified)` counts as pending for address and payment, but not for items and cancellation. */
export function isPending(order: Order): boolean {
  return order.status.includes('pending');
}

export function paymentMethod(owner: User, id: string): PaymentMethod | null {
  return Object.hasOwn(owner.payment_methods, id) ? (owner.payment_methods[id] ?? null) : null;
}

/** True when a gift card would have to pay more than it holds. Cards and PayPal have no balance here. */
export function lacks(method: PaymentMethod, amount: number): boolean {
  return method.source === 'gift_card' && method.balance < amount;
}

/** The owner with `amount` added to that method's balance, when it is a gift card; the owner as he was otherwise. */
export function credit(owner: User, methodId: string, amount: number): User {
  const method = paymentMethod(owner, methodId);
  if (method?.source !== 'gift_card') return owner;
  const balance = round2(method.balance + amount);
  return { ...owner, payment_methods: { ...owner.payment_methods, [methodId]: { ...method, balance } } };
}

/** The first id that the list holds more often than the order does, or null. */
export function firstMissing(order: Order, itemIds: readonly string[]): string | null {
  const left = order.items.map((item) => item.item_id);
  for (const id of itemIds) {
    const at = left.indexOf(id);
    if (at < 0) return id;
    left.splice(at, 1);
  }
  return null;
}

export function firstItem(order: Order, itemId: string): OrderItem | null {
  return order.items.find((item) => item.item_id === itemId) ?? null;
}

/** The variant under that item id, of the same product as the item. */
export function variantFor(view: OrderView, item: OrderItem, itemId: string): Variant | null {
  const variants = view.products[item.product_id]?.variants ?? {};
  return Object.hasOwn(variants, itemId) ? (variants[itemId] ?? null) : null;
}
