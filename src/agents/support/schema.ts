import type { Outside } from '../../tools/outside.ts';
import { importShop } from './copies.ts';
import { seed } from './seed/index.ts';

/** The shop that requesters without a tenant get. */
export const DEFAULT_SHOP = 'harbor';

/**
 * Every entity is one JSON body, so that what tools return is what is stored. Several shops live side by side.
 * `applied` remembers what each write answered, under the key its caller gave.
 */
const DDL: readonly string[] = [
  'create schema if not exists shop',
  `create table if not exists shop.products (
     shop text not null, id text not null, body jsonb not null, primary key (shop, id))`,
  `create table if not exists shop.users (
     shop text not null, id text not null, body jsonb not null, primary key (shop, id))`,
  `create table if not exists shop.orders (
     shop text not null, id text not null, body jsonb not null, primary key (shop, id))`,
  `create table if not exists shop.applied (
     shop text not null, idempotency_key text not null, result jsonb, applied_at timestamptz not null default now(),
     primary key (shop, idempotency_key))`,
  // One index a look-up that is not by id: an item's product, a customer by e-mail, customers of a zip code.
  `create index if not exists products_by_item on shop.products using gin ((body -> 'variants'))`,
  `create index if not exists users_by_email on shop.users (shop, lower(body ->> 'email'))`,
  `create index if not exists users_by_zip on shop.users (shop, (body -> 'address' ->> 'zip'))`,
];

/** Any number will do, as long as every worker takes the same one. */
const SETUP_LOCK = 7_460_531;

/**
 * Creates the tables and fills the default shop. Safe to repeat (rows that are there stay as they are) and to race:
 * `if not exists` alone is not, because two sessions can both find nothing and both create.
 */
export async function setUpShop({ database }: Outside): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query('select pg_advisory_xact_lock($1::bigint)', [SETUP_LOCK]);
    for (const statement of DDL) await transaction.query(statement);
    await importShop(transaction, DEFAULT_SHOP, seed);
  });
}
