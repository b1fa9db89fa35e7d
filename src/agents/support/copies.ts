import type { Database } from '../../tools/outside.ts';
import type { ShopData } from './entities.ts';

const KINDS = ['products', 'users', 'orders'] as const;

/** Adds a whole shop, one statement a table. Rows that are there already stay as they are. */
export async function importShop(database: Database, shop: string, data: ShopData): Promise<void> {
  for (const kind of KINDS)
    await database.query(
      `insert into shop.${kind} (shop, id, body)
       select $1, entity.key, entity.value from jsonb_each($2::text::jsonb) entity
       on conflict do nothing`,
      [shop, JSON.stringify(data[kind])],
    );
}

/** Copies a shop under another name, which must be free. Remembered write results stay with the original. */
export async function copyShop(database: Database, from: string, to: string): Promise<void> {
  await database.query(
    `with products as (
       insert into shop.products select $2, id, body from shop.products where shop = $1),
     users as (
       insert into shop.users select $2, id, body from shop.users where shop = $1)
     insert into shop.orders select $2, id, body from shop.orders where shop = $1`,
    [from, to],
  );
}

/** The whole shop as it is now, in one statement and so at one moment. */
export async function exportShop(database: Database, shop: string): Promise<ShopData> {
  const [row] = await database.query<{ data: ShopData }>(
    `select jsonb_build_object(
       'products', (select coalesce(jsonb_object_agg(id, body), '{}') from shop.products where shop = $1),
       'users', (select coalesce(jsonb_object_agg(id, body), '{}') from shop.users where shop = $1),
       'orders', (select coalesce(jsonb_object_agg(id, body), '{}') from shop.orders where shop = $1)) data`,
    [shop],
  );
  if (!row) throw new Error(`shop ${shop}: the export gave no row`);
  return row.data;
}

/** Removes a shop and what was remembered for it. */
export async function deleteShop(database: Database, shop: string): Promise<void> {
  for (const table of [...KINDS, 'applied'])
    await database.query(`delete from shop.${table} where shop = $1`, [shop]);
}
