import type { Sql } from '../../src/store/connection.ts';

// The shop's own memory holds one row a key, whatever was done. So a book is kept behind its back of every change of an order.

/** Call it when the shop has its tables, before anything is bought. */
export async function openOrderBook(sql: Sql): Promise<void> {
  for (const statement of BOOK) await sql.unsafe(statement);
}

/** How often an order of this shop was written. */
export async function orderWrites(sql: Sql, shop: string): Promise<number> {
  const [row] = await sql<{ writes: number }[]>`
    select count(*)::int as writes from shop.order_book where shop = ${shop}`;
  return row?.writes ?? 0;
}

const BOOK = [
  'create table shop.order_book (shop text not null, id text not null)',
  `create function shop.enter_order() returns trigger language plpgsql as $$
   begin
     insert into shop.order_book values (new.shop, new.id);
     return null;
   end $$`,
  'create trigger enter_order after update on shop.orders for each row execute function shop.enter_order()',
] as const;
