import type { Order, ShopData } from '../../src/agents/support/entities.ts';
import { isObject } from '../../src/core/json.ts';
import type { RecordedCall } from './retailData.ts';

/**
 * Which calls of a recording a person has to be asked about, worked out from the untouched data and the recorded
 * results alone: no tool, no policy and no store of ours is used.
 */
export function expectedApprovals(data: ShopData, calls: readonly RecordedCall[]): readonly RecordedCall[] {
  const orders = new Map(Object.entries(data.orders));
  const prices = new Map(
    Object.values(data.products).flatMap((product) =>
      Object.values(product.variants).map((variant) => [variant.item_id, variant.price] as const),
    ),
  );
  return calls.filter((call) => {
    const asks = needsPerson(call, orders, prices);
    const after = orderOf(call);
    if (after !== null) orders.set(after.order_id, after);
    return asks;
  });
}

function needsPerson(
  call: RecordedCall,
  orders: ReadonlyMap<string, Order>,
  prices: ReadonlyMap<string, number>,
): boolean {
  const money = moneyAtStake(call, orders.get(String(call.input.order_id)), prices);
  return money !== 'no order change' && !(money !== null && money < 25);
}

function moneyAtStake(
  { tool, input }: RecordedCall,
  order: Order | undefined,
  prices: ReadonlyMap<string, number>,
): number | null | 'no order change' {
  const items = (input.item_ids ?? []) as readonly string[];
  const wanted = (input.new_item_ids ?? []) as readonly string[];
  const priceOf = (id: string) => order?.items.find((item) => item.item_id === id)?.price ?? Number.NaN;
  const known = (value: number) => (Number.isNaN(value) ? null : value);
  switch (tool) {
    case 'cancel_pending_order':
      return known(
        (order?.payment_history ?? [])
          .filter((entry) => entry.transaction_type === 'payment')
          .reduce((sum, entry) => sum + entry.amount, order ? 0 : Number.NaN),
      );
    case 'return_delivered_order_items':
      return known(items.reduce((sum, id) => sum + priceOf(id), 0));
    case 'exchange_delivered_order_items':
    case 'modify_pending_order_items': {
      const change = items.reduce(
        (sum, id, i) => sum + (prices.get(wanted[i] ?? '') ?? Number.NaN) - priceOf(id),
        0,
      );
      return known(Math.abs(change));
    }
    case 'modify_pending_order_payment':
      return order?.payment_history[0]?.amount ?? null;
    case 'modify_pending_order_address':
      return null;
    default:
      return 'no order change';
  }
}

/** The order as a recorded write left it. */
function orderOf(call: RecordedCall): Order | null {
  if (call.isError || !call.content.startsWith('{')) return null;
  const value: unknown = JSON.parse(call.content);
  return isObject(value) && typeof value.order_id === 'string' ? (value as unknown as Order) : null;
}
