import { connect, type Sql } from '../../src/store/connection.ts';

/** Opens a short connection for one piece of work. */
export async function withDatabase<T>(databaseUrl: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(databaseUrl, { maxConnections: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
}
