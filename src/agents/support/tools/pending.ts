import { z } from 'zod';
import { defineTool } from '../../../tools/tool.ts';
import { cancelWorth, paymentWorth, swapWorth } from '../rules/amounts.ts';
import { CANCEL_REASONS, cancel } from '../rules/cancel.ts';
import { modifyAddress, modifyItems, modifyPayment } from '../rules/modify.ts';
import type { Shop } from '../shop.ts';
import { address, itemIds, newItemIds, orderId, paymentMethodId, text } from './parameters.ts';
import { count, GOODS_TO, MONEY_TO, ORDER_CHANGE, priced } from './results.ts';

const cancelInput = z.object({
  order_id: orderId,
  // The model is held to the two reasons, but any other text gets as far as the rule, which refuses it in its turn.
  reason: text(200)
    .describe('Why the customer cancels.')
    .meta({ enum: [...CANCEL_REASONS] }),
});

export const cancelPendingOrder = defineTool<typeof cancelInput, Shop>({
  name: 'cancel_pending_order',
  description: 'Cancels a pending order and refunds what was paid for it. It cannot be undone.',
  whenToUse: 'The order is pending, and the customer has confirmed the order id and one of the two reasons.',
  whenNotToUse: 'The status is anything but "pending", or the reason is another one.',
  ...ORDER_CHANGE,
  input: cancelInput,
  ...priced<z.output<typeof cancelInput>>(({ order }) => cancelWorth(order)),
  summary: ({ order_id, reason }) => `cancel order ${order_id}: ${reason}`,
  run: ({ order_id, reason }, context) =>
    context.services.changeOrder(order_id, context, (view) => cancel(view, reason)),
});

const itemsInput = z.object({
  order_id: orderId,
  item_ids: itemIds,
  new_item_ids: newItemIds,
  payment_method_id: paymentMethodId,
});

export const modifyPendingOrderItems = defineTool<typeof itemsInput, Shop>({
  name: 'modify_pending_order_items',
  description:
    'Replaces items of a pending order by other variants of the same products and settles the price difference. ' +
    'Possible once an order; afterwards it can neither be cancelled nor have items changed.',
  whenToUse: 'The customer has confirmed all items to change, the new variants and the payment method.',
  whenNotToUse: 'The customer may still want to change another item of the order: collect them all first.',
  ...ORDER_CHANGE,
  sensitive: MONEY_TO,
  input: itemsInput,
  ...priced<z.output<typeof itemsInput>>((view, { item_ids, new_item_ids }) =>
    swapWorth(view, { itemIds: item_ids, newItemIds: new_item_ids }),
  ),
  summary: ({ order_id, item_ids, payment_method_id }) =>
    `change ${count(item_ids, 'item')} of order ${order_id}, difference to ${payment_method_id}`,
  run: ({ order_id, item_ids, new_item_ids, payment_method_id }, context) =>
    context.services.changeOrder(order_id, context, (view) =>
      modifyItems(view, {
        itemIds: item_ids,
        newItemIds: new_item_ids,
        paymentMethodId: payment_method_id,
      }),
    ),
});

const paymentInput = z.object({ order_id: orderId, payment_method_id: paymentMethodId });

export const modifyPendingOrderPayment = defineTool<typeof paymentInput, Shop>({
  name: 'modify_pending_order_payment',
  description: 'Moves the whole payment of a pending order to another payment method of the customer.',
  whenToUse: 'The customer has confirmed the order and the new payment method.',
  whenNotToUse: 'The payment is to be split, or the items or the payment of the order were changed before.',
  ...ORDER_CHANGE,
  sensitive: MONEY_TO,
  input: paymentInput,
  ...priced<z.output<typeof paymentInput>>(({ order }) => paymentWorth(order)),
  summary: ({ order_id, payment_method_id }) => `pay order ${order_id} by ${payment_method_id} instead`,
  run: ({ order_id, payment_method_id }, context) =>
    context.services.changeOrder(order_id, context, (view) => modifyPayment(view, payment_method_id)),
});

const addressInput = z.object({ order_id: orderId, ...address });

export const modifyPendingOrderAddress = defineTool<typeof addressInput, Shop>({
  name: 'modify_pending_order_address',
  description: 'Replaces the address that a pending order is sent to. The profile keeps its address.',
  whenToUse: 'The order is pending, and the customer has confirmed the new address, all lines of it.',
  whenNotToUse: 'The default address is to change: use modify_user_address.',
  ...ORDER_CHANGE,
  sensitive: GOODS_TO,
  input: addressInput,
  // There is no amount in an address: the policy has to decide without one.
  ...priced<z.output<typeof addressInput>>(() => null),
  summary: ({ order_id, city, zip }) => `send order ${order_id} to another address in ${city}, ${zip}`,
  run: ({ order_id, ...to }, context) =>
    context.services.changeOrder(order_id, context, (view) => modifyAddress(view, to)),
});
