import { z } from 'zod';
import { defineTool } from '../../../tools/tool.ts';
import type { Shop } from '../shop.ts';
import { address, text, userId } from './parameters.ts';
import { GOODS_TO, lookUp, READ } from './results.ts';

const emailInput = z.object({ email: text(320).describe('E-mail address, in any letter case.') });

export const findUserIdByEmail = defineTool<typeof emailInput, Shop>({
  name: 'find_user_id_by_email',
  description: 'Finds a customer by e-mail address and returns the user id.',
  whenToUse: 'The conversation begins and the customer gave an e-mail address. Prefer it to the name.',
  whenNotToUse: 'You know already who the customer is.',
  category: 'profile',
  reads: 'private',
  ...READ,
  input: emailInput,
  summary: ({ email }) => `find the customer ${email}`,
  run: ({ email }, context) =>
    lookUp('User', context, async (shop) => (await shop.userByEmail(email))?.user_id ?? null),
});

const nameInput = z.object({
  first_name: text(100).describe('First name, in any letter case.'),
  last_name: text(100).describe('Last name, in any letter case.'),
  zip: text(20).describe('Postal code of the default address, exactly.'),
});

export const findUserIdByNameZip = defineTool<typeof nameInput, Shop>({
  name: 'find_user_id_by_name_zip',
  description: 'Finds a customer by first name, last name and postal code and returns the user id.',
  whenToUse: 'The customer does not know the e-mail address of the account, or it was not found.',
  whenNotToUse: 'You know already who the customer is.',
  category: 'profile',
  reads: 'private',
  ...READ,
  input: nameInput,
  summary: ({ first_name, last_name, zip }) => `find the customer ${first_name} ${last_name}, ${zip}`,
  run: ({ first_name, last_name, zip }, context) =>
    lookUp('User', context, async (shop) => {
      const user = await shop.userByNameAndZip(first_name, last_name, zip);
      return user?.user_id ?? null;
    }),
});

const detailsInput = z.object({ user_id: userId });

export const getUserDetails = defineTool<typeof detailsInput, Shop>({
  name: 'get_user_details',
  description: 'Shows the profile of a customer: address, payment methods with balances, and order ids.',
  whenToUse: 'You have found the user id and need an order id, a payment method or the address.',
  whenNotToUse: 'It is the profile of somebody other than the customer you are talking to.',
  category: 'profile',
  reads: 'private',
  ...READ,
  input: detailsInput,
  summary: ({ user_id }) => `show the profile of ${user_id}`,
  run: ({ user_id }, context) => lookUp('User', context, (shop) => shop.user(user_id)),
});

const addressInput = z.object({ user_id: userId, ...address });

export const modifyUserAddress = defineTool<typeof addressInput, Shop>({
  name: 'modify_user_address',
  description: "Replaces the default address in a customer's profile. Orders keep the address they have.",
  whenToUse: 'The customer has confirmed the new default address, all lines of it.',
  whenNotToUse: 'Only the address of one order is to change: use modify_pending_order_address.',
  category: 'profile',
  tier: 'write_safe',
  reads: 'private',
  returns: 'trusted',
  touches: 'state',
  replay: 'keyed',
  sensitive: GOODS_TO,
  input: addressInput,
  summary: ({ user_id, city, zip }) => `change the default address of ${user_id} to ${city}, ${zip}`,
  run: ({ user_id, ...to }, context) =>
    context.services.changeUser(user_id, context, (user) => ({ ...user, address: to })),
});
