import { defineAgent } from '../../tools/agent.ts';
import { policy } from './policy.ts';
import { prompt } from './prompt.ts';
import { DEFAULT_SHOP, setUpShop } from './schema.ts';
import { Shop } from './shop.ts';
import {
  findUserIdByEmail,
  findUserIdByNameZip,
  getUserDetails,
  modifyUserAddress,
} from './tools/customers.ts';
import { exchangeDeliveredOrderItems, returnDeliveredOrderItems } from './tools/delivered.ts';
import { calculate, transferToHumanAgents } from './tools/general.ts';
import { getItemDetails, getOrderDetails, getProductDetails, listAllProductTypes } from './tools/lookups.ts';
import {
  cancelPendingOrder,
  modifyPendingOrderAddress,
  modifyPendingOrderItems,
  modifyPendingOrderPayment,
} from './tools/pending.ts';

const IDENTIFY = [findUserIdByEmail, findUserIdByNameZip];
const ACCOUNT_READS = [getUserDetails, getOrderDetails];
const CATALOGUE = [getProductDetails, getItemDetails, listAllProductTypes, calculate];
const ACCOUNT_WRITES = [
  modifyUserAddress,
  cancelPendingOrder,
  modifyPendingOrderItems,
  modifyPendingOrderPayment,
  modifyPendingOrderAddress,
  returnDeliveredOrderItems,
  exchangeDeliveredOrderItems,
];

/** Customer support of a shop: answers questions about orders and changes them, with people for what matters. */
export const agent = defineAgent<Shop>({
  name: 'support',
  prompt,
  tools: [...IDENTIFY, ...ACCOUNT_READS, ...CATALOGUE, transferToHumanAgents, ...ACCOUNT_WRITES],
  // Nothing of an account is read or changed before it is known whose it is.
  phases: [
    {
      name: 'identify',
      tools: [...IDENTIFY, ...CATALOGUE].map((tool) => tool.labels.name),
      until: IDENTIFY.map((tool) => tool.labels.name),
    },
    {
      name: 'serve',
      tools: [...IDENTIFY, ...CATALOGUE, ...ACCOUNT_READS, ...ACCOUNT_WRITES].map((tool) => tool.labels.name),
    },
  ],
  permissions: { tiers: ['read', 'write_safe', 'write_risky'] },
  policy,
  limits: {
    // A long conversation reads its own beginning again at every step: the longest recorded one used about 121,000
    // tokens, with shorter tool definitions than ours.
    tokensPerRun: 200_000,
    // What those tokens cost at list price without a single cache hit, rounded up.
    costMicroUsdPerRun: 1_000_000,
    // Up to six model calls and ten tool calls a turn were recorded; a minute is short for that on a slow day.
    activeMsPerTurn: 180_000,
  },
  waivers: {
    toolCount:
      'One customer wants several of these things in one conversation, and a hand-over between two agents in the ' +
      'middle would lose who was authenticated. Recorded conversations with these 16 tools choose well among them.',
  },
  setup: setUpShop,
  services: ({ database }, requester) => new Shop(database, requester.tenant ?? DEFAULT_SHOP),
});
