import { z } from 'zod';
import { defineTool } from '../../../tools/tool.ts';
import type { Shop } from '../shop.ts';
import { orderId, text } from './parameters.ts';
import { lookUp, READ } from './results.ts';

const orderInput = z.object({ order_id: orderId });

export const getOrderDetails = defineTool<typeof orderInput, Shop>({
  name: 'get_order_details',
  description: 'Shows one order: status, items with prices, address, deliveries and payments.',
  whenToUse: 'The customer asks about an order, or you are about to change it and need its status and items.',
  whenNotToUse: 'You have seen the order in this conversation and nothing changed it since.',
  category: 'orders',
  reads: 'private',
  ...READ,
  input: orderInput,
  summary: ({ order_id }) => `show order ${order_id}`,
  run: ({ order_id }, context) => lookUp('Order', context, (shop) => shop.order(order_id)),
});

const productInput = z.object({
  product_id: text(100).describe('Product id (not an item id), as in an order or the list of products.'),
});

export const getProductDetails = defineTool<typeof productInput, Shop>({
  name: 'get_product_details',
  description: 'Shows one product with all its variants: item ids, options, availability, prices.',
  whenToUse: 'The customer wants another variant, or asks what there is of a product.',
  whenNotToUse: 'You only have an item id: use get_item_details.',
  category: 'products',
  reads: 'public',
  ...READ,
  input: productInput,
  summary: ({ product_id }) => `show product ${product_id}`,
  run: ({ product_id }, context) => lookUp('Product', context, (shop) => shop.product(product_id)),
});

const itemInput = z.object({ item_id: text(100).describe('Item id of one variant (not a product id).') });

export const getItemDetails = defineTool<typeof itemInput, Shop>({
  name: 'get_item_details',
  description: 'Shows one variant of a product: options, availability and price.',
  whenToUse: 'You know an item id and need what it costs now, or whether it is available.',
  whenNotToUse: 'You need the other variants as well: use get_product_details.',
  category: 'products',
  reads: 'public',
  ...READ,
  input: itemInput,
  summary: ({ item_id }) => `show item ${item_id}`,
  run: ({ item_id }, context) => lookUp('Item', context, (shop) => shop.variant(item_id)),
});

const listInput = z.object({});

export const listAllProductTypes = defineTool<typeof listInput, Shop>({
  name: 'list_all_product_types',
  description: 'Lists the names of all products of the shop with their product ids.',
  whenToUse: 'The customer asks what the shop sells, or you need the id of a product you know by name.',
  whenNotToUse: 'The product id is in an order that you have seen.',
  category: 'products',
  reads: 'public',
  ...READ,
  input: listInput,
  summary: () => 'list all products',
  run: (_, context) =>
    lookUp('Product', context, async (shop) => {
      const types = await shop.productTypes();
      const members = types.map(({ name, id }) => `${JSON.stringify(name)}: ${JSON.stringify(id)}`);
      return `{${members.join(', ')}}`;
    }),
});
