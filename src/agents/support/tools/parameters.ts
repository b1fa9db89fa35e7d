import { z } from 'zod';
import { wellFormed } from '../../../core/text.ts';

/** Text that PostgreSQL can store and compare: no NUL, no half of a character. */
export function text(maxChars: number): z.ZodString {
  return z.string().max(maxChars).overwrite(wellFormed);
}

export const userId = text(100).describe('User id, as a look-up returned it.');
export const orderId = text(100).describe('Order id with its leading "#", for example "#W7000101".');
export const paymentMethodId = text(100).describe(
  "Id of one of the payment methods in the profile of the order's owner.",
);

/** No order comes near this many items. */
const MAX_ITEMS = 50;

export const itemIds = z
  .array(text(100))
  .max(MAX_ITEMS)
  .describe('Item ids (not product ids) of the order. An id may occur as often as the order holds the item.');
export const newItemIds = z
  .array(text(100))
  .max(MAX_ITEMS)
  .describe('The item ids that take their places, in the same order, each a variant of the same product.');

export const address = {
  address1: text(200).describe('First address line.'),
  address2: text(200).describe('Second address line; may be empty.'),
  city: text(100).describe('City.'),
  state: text(100).describe('State code, for example "ME".'),
  country: text(100).describe('Country, for example "USA".'),
  zip: text(20).describe('Postal code.'),
};
