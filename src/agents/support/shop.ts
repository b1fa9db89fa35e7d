import type { JsonObject } from '../../core/json.ts';
import type { Database } from '../../tools/outside.ts';
import { failed, success, type ToolResult } from '../../tools/result.ts';
import type { ToolContext } from '../../tools/tool.ts';
import type { Order, Product, User, Variant } from './entities.ts';
import type { Change, OrderView } from './rules/order.ts';

/** What a write needs to know of its call. */
export type Attempt = Pick<ToolContext<unknown>, 'idempotencyKey' | 'signal'>;

/** How long a write waits for another one on the same order, customer or key. */
const LOCK_TIMEOUT = '5s';

/** An order with its owner and the products of its items, each as they are now. */
const ORDER_VIEW = `
  select o.body "order", u.body owner,
    (select coalesce(jsonb_object_agg(p.id, p.body), '{}') from shop.products p
      where p.shop = o.shop
        and p.id in (select item ->> 'product_id' from jsonb_array_elements(o.body -> 'items') item)) products
  from shop.orders o join shop.users u on u.shop = o.shop and u.id = o.body ->> 'user_id'
  where o.shop = $1 and o.id = $2`;

/**
 * One shop of the database.
 *
 * Reads answer null for what is not there and throw when the database cannot be asked. A write is one transaction
 * of three statements (claim the key, lock and read, change and remember), and
 * 1. answers a key that it has seen before with the stored result, refusals included: a repeat that acted where the
 *    first attempt was refused would contradict an answer that somebody may already have read;
 *    (A key stands for one call with its arguments; the ledger that hands keys out sees to that.)
 * 2. makes all its checks before its first change;
 * 3. does not change anything once its signal has fired.
 */
export class Shop {
  readonly #database: Database;
  readonly #name: string;

  constructor(database: Database, name: string) {
    this.#database = database;
    this.#name = name;
  }

  product(id: string): Promise<Product | null> {
    return this.#one('select body from shop.products where shop = $1 and id = $2', id);
  }

  user(id: string): Promise<User | null> {
    return this.#one('select body from shop.users where shop = $1 and id = $2', id);
  }

  order(id: string): Promise<Order | null> {
    return this.#one('select body from shop.orders where shop = $1 and id = $2', id);
  }

  variant(itemId: string): Promise<Variant | null> {
    return this.#one(
      `select body -> 'variants' -> $2 body from shop.products where shop = $1 and body -> 'variants' ? $2`,
      itemId,
    );
  }

  userByEmail(email: string): Promise<User | null> {
    return this.#one(
      `select body from shop.users where shop = $1 and lower(body ->> 'email') = lower($2)`,
      email,
    );
  }

  /** Names are compared here, where ignoring case does not depend on the locale the database was made with. */
  async userByNameAndZip(firstName: string, lastName: string, zip: string): Promise<User | null> {
    const rows = await this.#database.query<{ body: User }>(
      `select body from shop.users where shop = $1 and body -> 'address' ->> 'zip' = $2 order by id`,
      [this.#name, zip],
    );
    const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
    const found = rows.find(
      ({ body: { name } }) => same(name.first_name, firstName) && same(name.last_name, lastName),
    );
    return found?.body ?? null;
  }

  /** Names and ids of all products, sorted by name. */
  async productTypes(): Promise<readonly { readonly name: string; readonly id: string }[]> {
    return this.#database.query(
      `select body ->> 'name' name, id from shop.products where shop = $1 order by (body ->> 'name') collate "C", id`,
      [this.#name],
    );
  }

  async orderView(orderId: string): Promise<OrderView | null> {
    const [view] = await this.#database.query<OrderView>(ORDER_VIEW, [this.#name, orderId]);
    return view ?? null;
  }

  /** Changes an order, and its owner's gift cards with it, by one of the rules. */
  changeOrder(orderId: string, attempt: Attempt, rule: (view: OrderView) => Change): Promise<ToolResult> {
    return this.#once(attempt, async (database) => {
      const [view] = await database.query<OrderView>(`${ORDER_VIEW} for update of o, u`, [
        this.#name,
        orderId,
      ]);
      const change: Change = view ? rule(view) : { kind: 'refused', reason: 'Order not found' };
      if (change.kind === 'refused') return this.#remember(database, attempt, failed(change.reason));
      attempt.signal.throwIfAborted();
      return this.#remember(database, attempt, success(change.order), [
        { table: 'orders', id: change.order.order_id, body: change.order },
        { table: 'users', id: change.owner.user_id, body: change.owner },
      ]);
    });
  }

  changeUser(userId: string, attempt: Attempt, rule: (user: User) => User): Promise<ToolResult> {
    return this.#once(attempt, async (database) => {
      const [row] = await database.query<{ body: User }>(
        'select body from shop.users where shop = $1 and id = $2 for update',
        [this.#name, userId],
      );
      if (!row) return this.#remember(database, attempt, failed('User not found'));
      const user = rule(row.body);
      attempt.signal.throwIfAborted();
      return this.#remember(database, attempt, success(user), [{ table: 'users', id: userId, body: user }]);
    });
  }

  async #one<Entity>(text: string, id: string): Promise<Entity | null> {
    const [row] = await this.#database.query<{ body: Entity }>(text, [this.#name, id]);
    return row?.body ?? null;
  }

  /** Runs `work` unless the key was used before. A second attempt waits here until the first has committed. */
  async #once(attempt: Attempt, work: (database: Database) => Promise<ToolResult>): Promise<ToolResult> {
    return this.#database.transaction(async (database) => {
      const claimed = await database.query(
        `insert into shop.applied (shop, idempotency_key)
         select $1, $2 from set_config('lock_timeout', '${LOCK_TIMEOUT}', true)
         on conflict do nothing returning 1`,
        [this.#name, attempt.idempotencyKey],
      );
      if (claimed.length > 0) return work(database);
      const [earlier] = await database.query<{ result: ToolResult | null }>(
        'select result from shop.applied where shop = $1 and idempotency_key = $2',
        [this.#name, attempt.idempotencyKey],
      );
      // A claim and its result commit together, so a claim that can be seen has one.
      if (!earlier?.result) throw new Error(`shop.applied: key ${attempt.idempotencyKey} has no result`);
      return earlier.result;
    });
  }

  /** Writes the changed rows and the result in one statement. */
  async #remember(
    database: Database,
    attempt: Attempt,
    result: ToolResult,
    changes: readonly {
      readonly table: 'orders' | 'users';
      readonly id: string;
      readonly body: JsonObject;
    }[] = [],
  ): Promise<ToolResult> {
    const values = [this.#name, attempt.idempotencyKey, JSON.stringify(result)];
    const parts = changes.map(({ table, id, body }) => {
      values.push(id, JSON.stringify(body));
      return `${table} as (update shop.${table} set body = $${values.length}::text::jsonb
        where shop = $1 and id = $${values.length - 1})`;
    });
    const prefix = parts.length > 0 ? `with ${parts.join(', ')} ` : '';
    await database.query(
      `${prefix}update shop.applied set result = $3::text::jsonb where shop = $1 and idempotency_key = $2`,
      values,
    );
    return result;
  }
}
