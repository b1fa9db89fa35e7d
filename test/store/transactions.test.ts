import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { FailureError } from '../../src/core/errors.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { connect, onStore, type Sql, type Transaction } from '../../src/store/connection.ts';
import { until } from '../e2e/lab.ts';
import { eventsOf, newInput, openApprovals } from './claimInputs.ts';
import { openDatabase, type TestDatabase } from './database.ts';

const SILENT_MS = 300;

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterAll(() => database[Symbol.asyncDispose]());

const blobsOf = async (run: string) =>
  (await sql<{ hash: string }[]>`select hash from blobs where run = ${run} order by hash`).map(
    (row) => row.hash,
  );

describe('a worker that freezes in the middle of a transaction', () => {
  test('loses its lock, so that others go on with the run; awake again it writes nothing and works on', async () => {
    const input = newInput();
    const frozen = fork(
      fileURLToPath(new URL('./frozenProcess.ts', import.meta.url)),
      [database.url, input.run, String(SILENT_MS)],
      { execArgv: ['--import', 'tsx'] },
    );
    const gone = once(frozen, 'exit').then(([code]) => {
      throw new Error(`the frozen process ended with ${code} before it said what came of it`);
    });
    gone.catch(() => undefined);
    const next = async () => (await Promise.race([once(frozen, 'message'), gone]))[0] as unknown;
    try {
      expect(await next()).toEqual({ kind: 'holding', asLimited: true });
      frozen.kill('SIGSTOP');
      // It waits for the lock of the run, and gets it when the frozen transaction is ended.
      await openApprovals(sql, [input]);
      expect(await eventsOf(sql, input.run)).toEqual(['approval_opened']);
      const ended = next();
      frozen.send('go on');
      frozen.kill('SIGCONT');
      expect(await ended).toEqual({ kind: 'ended', code: 'store_unavailable', works: true });
      expect(await blobsOf(input.run)).toEqual([]);
    } finally {
      frozen.kill('SIGKILL');
    }
  });

  test('has less time than those who wait for it', () => {
    expect(LIMITS.idleInTransactionMs).toBeLessThan(LIMITS.storeActivityMs);
  });
});

describe('a transaction whose connection is lost', () => {
  /** A pool of one connection, so that whatever is asked next opens that one anew. */
  async function withPool(work: (pool: Sql) => Promise<void>): Promise<void> {
    const pool = connect(database.url, { maxConnections: 1 });
    try {
      await work(pool);
    } finally {
      await pool.end({ timeoutMs: 5_000 });
    }
  }
  const end = async (pid: number) => {
    await sql`select pg_terminate_backend(${pid}::int)`;
    await until(
      'it to be gone',
      async () => (await sql`select from pg_stat_activity where pid = ${pid}`).length === 0,
    );
  };
  const lost = (work: Promise<unknown>) =>
    expect(onStore(() => work)).rejects.toMatchObject({
      failure: { kind: 'retryable', code: 'store_unavailable' },
    });

  test('between two statements: the rest of the work is not done on the connection that comes after it', async () => {
    await withPool(async (pool) => {
      let goOn: () => void = () => undefined;
      const told = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      let pid = 0;
      let refused = '';
      const work = pool.begin(async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        await tx`insert into blobs (run, hash, body) values ('half', 'first', '')`;
        pid = row?.pid ?? 0;
        await told;
        try {
          await tx`insert into blobs (run, hash, body) values ('half', 'second', '')`;
        } catch (error) {
          refused = String(error);
          throw error;
        }
      });
      const failed = lost(work);
      await until('the first statement', async () => pid > 0);
      await end(pid);
      goOn();
      await failed;
      expect(refused).not.toBe('');
      expect(await pool`select 1 as one`).toEqual([{ one: 1 }]);
      expect(await blobsOf('half')).toEqual([]);
    });
  });

  test.each([
    ['with a statement under way', 'select pg_sleep(60)'],
    ['in its last statement', 'select pg_terminate_backend(pg_backend_pid())'],
  ])('%s: it fails, the process lives, and the pool works on', async (_, statement) => {
    await withPool(async (pool) => {
      let pid = 0;
      const work = pool.begin(async (tx) => {
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
        pid = row?.pid ?? 0;
        await tx.unsafe(statement);
      });
      const failed = lost(work);
      await until('the first statement', async () => pid > 0);
      await end(pid);
      await failed;
      expect(await pool`select 1 as one`).toEqual([{ one: 1 }]);
    });
  });

  test('is tried again: nothing about it is a bug of ours', async () => {
    await withPool(async (pool) => {
      const work = onStore(() => pool.begin((tx) => tx`select pg_terminate_backend(pg_backend_pid())`));
      const failure = await work.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FailureError);
      expect(failure).toMatchObject({ failure: { kind: 'retryable', code: 'store_unavailable' } });
      expect(await pool`select 1 as one`).toEqual([{ one: 1 }]);
    });
  });
});

describe('a transaction that keeps its connection', () => {
  test('commits, and answers what its work answers', async () => {
    expect(await sql.begin(async (tx) => (await tx`select 1 as one`).count)).toBe(1);
    await expect(sql.begin('read only', (tx) => tx`create table x (y integer)`)).rejects.toMatchObject({
      code: '25006',
    });
  });

  test('does not commit what a statement of it could not do, although the work went on', async () => {
    const work = sql.begin(async (tx) => {
      await tx`insert into blobs (run, hash, body) values ('on', 'a', '')`;
      // A work that pays no attention is what this is about.
      await tx`select 1 / 0`.catch(() => undefined);
      return 'done';
    });
    await expect(work).rejects.toMatchObject({ code: '22012' });
    expect(await blobsOf('on')).toEqual([]);
  });

  test('is over when its work is: what comes later is refused', async () => {
    let later: Transaction | null = null;
    await sql.begin(async (tx) => {
      later = tx;
    });
    await expect((later as Transaction | null)?.unsafe('select 1')).rejects.toThrow(
      'the transaction is over',
    );
  });

  test('gives a long answer in batches, and the last one may be short', async () => {
    const sizes = await sql.begin(async (tx) => {
      const seen: number[] = [];
      const batches = tx.batches<{ n: number }>(4)`select n from generate_series(1, ${10}::int) n order by n`;
      for await (const rows of batches) seen.push(rows.length, rows.at(-1)?.n ?? 0);
      return seen;
    });
    expect(sizes).toEqual([4, 4, 4, 8, 2, 10]);
  });

  test('is rolled back by an error of the database or of the work, and the error is the one that was thrown', async () => {
    await expect(
      sql.begin(async (tx) => {
        await tx`insert into blobs (run, hash, body) values ('back', 'a', '')`;
        await tx`select 1 / 0`;
      }),
    ).rejects.toMatchObject({ code: '22012' });
    await expect(
      sql.begin(async (tx) => {
        await tx`insert into blobs (run, hash, body) values ('back', 'b', '')`;
        throw Object.assign(new Error('a wire of somebody else broke'), { code: 'ECONNRESET' });
      }),
    ).rejects.toThrow('a wire of somebody else broke');
    expect(await blobsOf('back')).toEqual([]);
  });
});
