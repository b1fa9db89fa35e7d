import type { Sql, TransactionSql } from 'postgres';

/**
 * Makes the transactions of a pool end with their connection.
 *
 * The driver (postgres 3.4.9) forgets that a connection is gone while a transaction on it is open. Its ROLLBACK goes to
 * a socket that is no more, which ends the process from inside a timer (porsager/postgres issue 1208); and where the
 * connection was opened anew meanwhile, the rest of the work is done there, outside of any transaction (pull request
 * 1155). Here whoever is in such a transaction gets no further: nothing is sent any more, neither by the work nor by
 * the driver, and `begin` rejects with CONNECTION_CLOSED.
 */
export function guardTransactions(sql: Sql): Sql {
  const { begin } = sql;
  const guarded = (...args: readonly [Work] | readonly [string, Work]) => {
    const [options, work] = args.length === 1 ? ['', args[0]] : args;
    let lost = false;
    const begun = begin(options, async (tx) => {
      try {
        const asked = work(refuseWhen(tx, () => lost));
        const result = await (Array.isArray(asked) ? Promise.all(asked) : asked);
        return lost ? await never() : result;
      } catch (error) {
        if (lost || isOfConnection(error)) return await never();
        throw error;
      }
    });
    // The driver says so here, and here only: as soon as the connection is gone, whatever the work is doing.
    begun.catch(() => {
      lost = true;
    });
    return begun;
  };
  return Object.assign(sql, { begin: guarded as Sql['begin'] });
}

type Work = (tx: TransactionSql) => unknown;

/** To the driver the work never comes to its end, so it sends neither COMMIT nor ROLLBACK. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** The same `tx`, until it is lost: then nothing can be asked of it. */
function refuseWhen(tx: TransactionSql, isLost: () => boolean): TransactionSql {
  const check = () => {
    if (isLost()) throw new Error('the connection of this transaction is gone: nothing more is done in it');
  };
  return new Proxy(tx, {
    apply: (target, self, args) => {
      check();
      return Reflect.apply(target, self, args);
    },
    get: (target, name) => {
      check();
      return Reflect.get(target, name);
    },
  });
}

/** The driver puts the statement on errors of statements; those that are not the database's words are the connection's. */
function isOfConnection(error: unknown): boolean {
  return error instanceof Error && 'query' in error && error.name !== 'PostgresError';
}
