import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { connect, type Sql } from '../../src/store/connection.ts';

/** A database of its own on the common server: what one contender writes is counted apart. */
export interface Database extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly sql: Sql;
}

export async function createDatabase(serverUrl: string): Promise<Database> {
  const name = `peer_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await onServer(serverUrl, (admin) => admin.unsafe(`create database ${name}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const sql = connect(url.href, { maxConnections: 1 });
  return {
    name,
    url: url.href,
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
