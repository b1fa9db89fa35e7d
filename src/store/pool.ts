import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { LIMITS } from '../core/limits.ts';
import { asking } from './asking.ts';
import { cutOff, inWords, isLastWord, isReadOnly, isStale } from './clients.ts';
import { listen } from './listening.ts';
import {
  type Batches,
  type Parameter,
  parameters,
  type Rows,
  type Sql,
  type Statement,
  type Statements,
  statementOf,
  type Transaction,
} from './sql.ts';

/**
 * The driver's pool as `Sql`.
 *
 * A connection that broke is never used again: what was asked of it is rejected, with its own error where it has a code
 * and as `ConnectionLost` otherwise. A statement that failed leaves its connection in order.
 */
export function openPool(config: pg.PoolConfig): Sql {
  const pool = new pg.Pool(config);
  const lost = new WeakSet<pg.PoolClient>();
  const open = new Set<pg.PoolClient>();
  let ending: Promise<void> | null = null;
  // Who waits on a connection is told by its rejection; one that breaks while it is idle concerns nobody.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    open.add(client);
    client.on('error', () => lost.add(client));
    client.once('end', () => {
      lost.add(client);
      open.delete(client);
    });
  });
  const take = async (): Promise<pg.PoolClient> => {
    try {
      return await asking(() => pool.connect());
    } catch (error) {
      throw inWords(error);
    }
  };
  /** What was asked of a connection that is lost says so, whatever the driver calls it. */
  const run = async (client: pg.PoolClient, statement: Statement): Promise<Answer> => {
    try {
      const answer = await asking(() => client.query({ ...statement, values: [...statement.values] }));
      // Several statements in one text: the last one's.
      return (Array.isArray(answer) ? answer.at(-1) : answer) as Answer;
    } catch (error) {
      if (isStale(error) || isLastWord(error) || isReadOnly(error)) lost.add(client);
      throw lost.has(client) ? inWords(error) : error;
    }
  };
  const once = async (statement: Statement): Promise<Answer> => {
    const client = await take();
    try {
      return await run(client, statement);
    } finally {
      client.release(lost.has(client));
    }
  };
  const begin = async <Result>(mode: string, work: (tx: Transaction) => Promise<Result>): Promise<Result> => {
    const client = await take();
    let over = false;
    let failed: { readonly error: unknown } | null = null;
    const ask = async (statement: Statement) => {
      if (over) throw new Error('the transaction is over: nothing more is done in it');
      try {
        return await run(client, statement);
      } catch (error) {
        failed ??= { error };
        throw error;
      }
    };
    const say = (text: string) => run(client, { text, values: [] });
    try {
      await say(`begin ${mode}`);
      const result = await work(Object.assign(statements(ask), { batches: batchesOf(ask) }));
      over = true;
      if (failed !== null) throw (failed as { readonly error: unknown }).error;
      await say('commit');
      return result;
    } catch (error) {
      over = true;
      // A connection that cannot even do that takes its transaction with it.
      if (!lost.has(client)) await say('rollback').catch(() => lost.add(client));
      throw error;
    } finally {
      client.release(lost.has(client));
    }
  };
  return Object.assign(statements(once), {
    begin: <Result>(...args: Begin<Result>) =>
      args.length === 1 ? begin('', args[0]) : begin(args[0], args[1]),
    listen: (...args: Parameters<Sql['listen']>) => listen(config, ...args),
    end: ({ timeoutMs = LIMITS.storeEndMs }: { readonly timeoutMs?: number } = {}) => {
      ending ??= endAll(pool, open, timeoutMs);
      return ending;
    },
  }) as Sql;
}

async function endAll(pool: pg.Pool, open: ReadonlySet<pg.PoolClient>, timeoutMs: number): Promise<void> {
  const done = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: done.signal }).then(
    () => open.forEach(cutOff),
    () => undefined,
  );
  await Promise.race([pool.end(), late]).finally(() => done.abort());
}

type Begin<Result> =
  | readonly [work: (tx: Transaction) => Promise<Result>]
  | readonly [mode: string, work: (tx: Transaction) => Promise<Result>];
type Answer = pg.QueryResult<Record<string, unknown>>;
type Ask = (statement: Statement) => Promise<Answer>;

function statements(ask: Ask): Statements {
  const rowsOf = async (statement: Statement): Promise<never> => {
    const { rows, rowCount } = await ask(statement);
    return Object.defineProperty(rows, 'count', { value: rowCount ?? 0 }) as Rows<unknown[]> as never;
  };
  return Object.assign(
    async (strings: TemplateStringsArray, ...values: readonly Parameter[]) =>
      rowsOf(statementOf(strings, values)),
    {
      unsafe: async (text: string, values: readonly Parameter[] = []) =>
        rowsOf({ text, values: parameters(values) }),
    },
  );
}

function batchesOf(ask: Ask): <Row>(size: number) => Batches<Row> {
  let cursors = 0;
  return <Row>(size: number) =>
    async function* (strings: TemplateStringsArray, ...values: readonly Parameter[]) {
      const { text, values: sent } = statementOf(strings, values);
      const cursor = `batches_${++cursors}`;
      await ask({ text: `declare ${cursor} no scroll cursor for ${text}`, values: sent });
      for (;;) {
        const { rows } = await ask({ text: `fetch forward ${size} from ${cursor}`, values: [] });
        if (rows.length > 0) yield rows as readonly Row[];
        if (rows.length < size) break;
      }
      await ask({ text: `close ${cursor}`, values: [] });
    };
}
