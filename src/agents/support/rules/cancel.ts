import type { PaymentEntry } from '../entities.ts';
import { type Change, credit, type OrderView, refuse } from './order.ts';

export const CANCEL_REASONS = ['no longer needed', 'ordered by mistake'] as const;

/** Cancels an order and gives every entry of its payment history back to the method it names. */
export function cancel({ order, owner }: OrderView, reason: string): Change {
  if (order.status !== 'pending') return refuse('Non-pending order cannot be cancelled');
  if (!CANCEL_REASONS.some((allowed) => allowed === reason)) return refuse('Invalid reason');
  // Earlier refunds are given back too. The shop has always worked so, and its books depend on it.
  const refunds = order.payment_history.map(
    (entry): PaymentEntry => ({ ...entry, transaction_type: 'refund' }),
  );
  return {
    kind: 'changed',
    order: {
      ...order,
      status: 'cancelled',
      cancel_reason: reason,
      payment_history: [...order.payment_history, ...refunds],
    },
    owner: refunds.reduce((user, entry) => credit(user, entry.payment_method_id, entry.amount), owner),
  };
}
