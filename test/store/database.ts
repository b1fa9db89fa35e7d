import { randomUUID } from 'node:crypto';
import { connect, type Sql, type Transaction } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';

/** A database of one test, dropped with it. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly sql: Sql;
}

export async function openDatabase(
  serverUrl: string,
  options: { readonly migrated?: boolean } = {},
): Promise<TestDatabase> {
  const name = `store_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await onServer(serverUrl, (admin) => admin.unsafe(`create database ${name}`));
  const changed = new URL(serverUrl);
  changed.pathname = `/${name}`;
  const sql = connect(changed.href);
  if (options.migrated !== false) await migrate(sql);
  return {
    name,
    url: changed.href,
    sql,
    [Symbol.asyncDispose]: async () => {
      await sql.end({ timeoutMs: 5_000 });
      await onServer(serverUrl, (admin) => admin.unsafe(`drop database if exists ${name} with (force)`));
    },
  };
}

async function onServer(url: string, work: (admin: Sql) => Promise<unknown>): Promise<void> {
  const admin = connect(url, { maxConnections: 1 });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeoutMs: 5_000 });
  }
}

/** A transaction that stays open until it is told to commit, or its pool ends. */
export function openTransaction(
  sql: Sql,
  mode = '',
): Promise<{ readonly tx: Transaction; commit(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const work: Promise<void> = sql.begin(mode, async (tx) => {
      await new Promise<void>((end) => {
        const commit = () => {
          end();
          return work;
        };
        resolve({ tx, commit });
      });
    });
    work.catch(reject);
  });
}
