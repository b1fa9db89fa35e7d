import type { Json, JsonObject } from '../../../core/json.ts';
import { type Amount, usd } from '../../../core/money.ts';
import { failed, notFound, success, type ToolResult } from '../../../tools/result.ts';
import type { ToolContext } from '../../../tools/tool.ts';
import type { OrderView } from '../rules/order.ts';
import type { Shop } from '../shop.ts';

/** What all tools that only look something up have in common. */
export const READ = {
  tier: 'read',
  returns: 'trusted',
  touches: 'none',
  replay: 'pure',
  quick: true,
} as const;

/** What all tools that change an order have in common. */
export const ORDER_CHANGE = {
  category: 'orders',
  tier: 'write_risky',
  reads: 'private',
  returns: 'trusted',
  touches: 'state',
  replay: 'keyed',
} as const;

/** Where money goes, and where goods go: what somebody who is not the customer would want to choose. */
export const MONEY_TO = { recipient: ['payment_method_id'] } as const;
export const GOODS_TO = { recipient: ['address1', 'city', 'zip'] } as const;

/**
 * A look-up's result. That nothing was found is an answer; that the shop could not be asked is a failure which a
 * later attempt may not have. Writes do not do this: what became of a write that threw is for the ledger to say.
 */
export async function lookUp(
  name: 'User' | 'Order' | 'Product' | 'Item',
  context: ToolContext<Shop>,
  find: (shop: Shop) => Promise<Json | null>,
): Promise<ToolResult> {
  try {
    const found = await find(context.services);
    return found === null ? notFound(`${name} not found`) : success(found);
  } catch (error) {
    context.log('the shop could not be asked', { error: String(error) });
    return failed('The shop could not be asked', {
      retryable: true,
      suggestion: 'Try once more. If it fails again, tell the customer that the shop cannot be reached now.',
    });
  }
}

/** `amount` and `terms` of a change: the order's status and what the change is worth, as both are now. */
export function priced<Input extends { readonly order_id: string }>(
  worth: (view: OrderView, input: Input) => number | null,
): {
  readonly amount: (input: Input, shop: Shop) => Promise<Amount | null>;
  readonly terms: (input: Input, shop: Shop) => Promise<JsonObject>;
} {
  const look = async (input: Input, shop: Shop) => {
    const view = await shop.orderView(input.order_id);
    return { status: view?.order.status ?? null, amount: view && worth(view, input) };
  };
  return {
    amount: async (input, shop) => {
      const { amount } = await look(input, shop);
      return amount === null ? null : usd(amount);
    },
    terms: look,
  };
}

/** `1 item`, `2 items`. */
export function count(list: readonly string[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}
