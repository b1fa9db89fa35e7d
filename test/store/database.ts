import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { connect, type Sql } from '../../src/store/connection.ts';
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
      await sql.end({ timeout: 5 });
      await onServer(serverUrl, (admin) => admin.unsafe(`drop database if exists ${name} with (force)`));
    },
  };
}

async function onServer(url: string, work: (admin: postgres.Sql) => Promise<unknown>): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeout: 5 });
  }
}
