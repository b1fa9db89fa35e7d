import { openPool } from '../../src/store/pool.ts';
import type { Sql } from '../../src/store/sql.ts';

/** Opens a short connection, in no schema of ours, for one piece of work. */
export async function withDatabase<T>(databaseUrl: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = openPool({ connectionString: databaseUrl, max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
}
