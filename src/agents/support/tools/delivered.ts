import { z } from 'zod';
import { defineTool } from '../../../tools/tool.ts';
import { returnWorth, swapWorth } from '../rules/amounts.ts';
import { exchangeItems, returnItems } from '../rules/delivered.ts';
import type { Shop } from '../shop.ts';
import { itemIds, newItemIds, orderId, paymentMethodId } from './parameters.ts';
import { count, MONEY_TO, ORDER_CHANGE, priced } from './results.ts';

const returnInput = z.object({
  order_id: orderId,
  item_ids: itemIds,
  payment_method_id: paymentMethodId,
});

export const returnDeliveredOrderItems = defineTool<typeof returnInput, Shop>({
  name: 'return_delivered_order_items',
  description:
    'Requests the return of items of a delivered order and promises the refund. ' +
    'Possible once an order, and not together with an exchange.',
  whenToUse: 'The customer has confirmed the order id, all items to return and where the refund goes.',
  whenNotToUse: 'The refund is to go anywhere but to the original payment method or a gift card on file.',
  ...ORDER_CHANGE,
  sensitive: MONEY_TO,
  input: returnInput,
  ...priced<z.output<typeof returnInput>>(({ order }, { item_ids }) => returnWorth(order, item_ids)),
  summary: ({ order_id, item_ids, payment_method_id }) =>
    `return ${count(item_ids, 'item')} of order ${order_id} to ${payment_method_id}`,
  run: ({ order_id, item_ids, payment_method_id }, context) =>
    context.services.changeOrder(order_id, context, (view) =>
      returnItems(view, { itemIds: item_ids, paymentMethodId: payment_method_id }),
    ),
});

const exchangeInput = z.object({
  order_id: orderId,
  item_ids: itemIds,
  new_item_ids: newItemIds,
  payment_method_id: paymentMethodId,
});

export const exchangeDeliveredOrderItems = defineTool<typeof exchangeInput, Shop>({
  name: 'exchange_delivered_order_items',
  description:
    'Requests the exchange of items of a delivered order for other variants of the same products. ' +
    'Possible once an order, and not together with a return.',
  whenToUse: 'The customer has confirmed all items to exchange, the new variants and the payment method.',
  whenNotToUse: 'The customer may still want to exchange another item of the order: collect them all first.',
  ...ORDER_CHANGE,
  sensitive: MONEY_TO,
  input: exchangeInput,
  ...priced<z.output<typeof exchangeInput>>((view, { item_ids, new_item_ids }) =>
    swapWorth(view, { itemIds: item_ids, newItemIds: new_item_ids }),
  ),
  summary: ({ order_id, item_ids, payment_method_id }) =>
    `exchange ${count(item_ids, 'item')} of order ${order_id}, difference to ${payment_method_id}`,
  run: ({ order_id, item_ids, new_item_ids, payment_method_id }, context) =>
    context.services.changeOrder(order_id, context, (view) =>
      exchangeItems(view, {
        itemIds: item_ids,
        newItemIds: new_item_ids,
        paymentMethodId: payment_method_id,
      }),
    ),
});
