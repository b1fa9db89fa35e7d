import type { Rule } from '../../core/policy.ts';

/** Changes of orders worth less than this need nobody's consent but the customer's. */
export const SMALL_CHANGE_USD = 25;

const orderChanges = { categories: ['orders'], tiers: ['write_risky'] } as const;

/** Reads and the default address are allowed by their tier. */
export const policy: readonly Rule[] = [
  {
    name: 'small-order-change',
    match: { ...orderChanges, amount: { currency: 'USD', from: 0, below: SMALL_CHANGE_USD } },
    answer: { kind: 'allow' },
  },
  {
    name: 'order-change-without-amount',
    match: { ...orderChanges, amountUnknown: true },
    answer: {
      kind: 'ask',
      reason:
        'This changes an order, and there is no amount to judge it by. Compare it with what the customer asked for.',
    },
  },
  {
    name: 'large-order-change',
    match: orderChanges,
    answer: {
      kind: 'ask',
      reason: `This changes an order, and the money at stake is ${SMALL_CHANGE_USD} USD or more. Compare it with what the customer asked for.`,
    },
  },
];
