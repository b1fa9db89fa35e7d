import type { temporal } from '@temporalio/proto';
import proto from '@temporalio/proto';
import type { Sql } from '../../../src/store/connection.ts';
import { foundIn } from '../../security/canaries.ts';

// V7: what a tool of the fleet lets slip is in no table, history or log. test/security looks everywhere else, and for more.

/** As a service would hand it out. */
export const SECRET = `ghp_${'Fl33tS3cr3t'.repeat(4).slice(0, 36)}`;

const NAMED = new Map([['the secret of a tool', SECRET]]);
const { History } = proto.temporal.api.history.v1;

export function isLeaked(text: string): boolean {
  return foundIn(text, NAMED).length > 0;
}

/** Payloads are bytes in it, and texts among them stand as they are. */
export function isLeakedIn(history: temporal.api.history.v1.IHistory): boolean {
  return isLeaked(Buffer.from(History.encode(history).finish()).toString('latin1'));
}

/** Names of the tables that hold it. */
export async function leakingTables(sql: Sql): Promise<readonly string[]> {
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1`;
  const leaking: string[] = [];
  for (const { name } of tables) {
    const [row] = await sql.unsafe(`select 1 from "${name}" t where t::text like $1 limit 1`, [
      `%${SECRET}%`,
    ]);
    if (row !== undefined) leaking.push(name);
  }
  return leaking;
}

/** Results of the tool, without what it let slip: where there is none, nobody could have leaked anything. */
export async function hiddenTimes(sql: Sql): Promise<number> {
  const [row] = await sql<{ times: number }[]>`
    select count(*)::int as times from nodes where body like '%seen % with [secret]%'`;
  return row?.times ?? 0;
}
