import type { Json } from '../core/json.ts';
import type { Database } from '../tools/outside.ts';
import type { Sql } from './connection.ts';

type Runner = Pick<Sql, 'unsafe'>;

/** The store's server as agents see it: statements with `$1` parameters, and transactions. */
export function databaseOf(sql: Sql): Database {
  return {
    query: (text, values = []) => query(sql, text, values),
    transaction: (work) =>
      sql.begin((tx) =>
        work({
          query: (text, values = []) => query(tx, text, values),
          // A transaction inside a transaction is the same one: all or nothing.
          transaction: (inner) =>
            inner({ query: (t, v = []) => query(tx, t, v), transaction: () => nested() }),
        }),
      ) as never,
  };
}

function nested(): never {
  throw new Error('transactions are nested too deeply: one level is enough');
}

async function query<Row>(runner: Runner, text: string, values: readonly Json[]): Promise<readonly Row[]> {
  return (await runner.unsafe(text, [...values] as never[])) as unknown as Row[];
}
