import { LIMITS } from '../../../src/core/limits.ts';
import { connect, type Sql } from '../../../src/store/connection.ts';
import { listInbox } from '../../../src/store/inbox.ts';
import { readRun } from '../../../src/store/runView.ts';
import { listApprovals, listRuns } from '../../../src/store/views.ts';
import type { Claim } from './fullDisk.ts';

// A PostgreSQL whose disk is full: how to bring it there to the last page, and how to read from it.

/** Vacuum would give room back in the middle of a fault, whenever it happens to look. */
export async function stopVacuum(sql: Sql): Promise<void> {
  await sql.unsafe('alter system set autovacuum = off');
  await sql.unsafe('select pg_reload_conf()');
}

/** Call it before the disk is full, so that what then fails for lack of room is the tables. */
export async function makeReady(sql: Sql): Promise<void> {
  // The maps of free room are files of their own, which a full disk would not take.
  await sql.unsafe(VACUUM);
  await openLogSegment(sql);
}

const VACUUM = 'vacuum (truncate false) effects';

/** A whole segment of the log. */
async function openLogSegment(sql: Sql): Promise<void> {
  await sql.unsafe('select pg_switch_wal()');
  await sql.unsafe(`select pg_logical_emit_message(true, 'holdfast', 'the first of this segment')`);
}

/** Makes PostgreSQL ask for another segment: without room for one it stops itself. */
export async function exhaustLog(sql: Sql): Promise<void> {
  await openLogSegment(sql).catch(() => undefined);
}

/**
 * Call it on a full disk: from now on the ledger takes no row and no change of one. What is free within its pages is
 * taken by rows of a transaction that then fails, and dead rows stay where they are as long as somebody reads.
 */
export async function takeLastRoom(databaseUrl: string): Promise<AsyncDisposable> {
  const sql = connect(databaseUrl, { maxConnections: 2 });
  const close = () => sql.end({ timeout: 1 });
  try {
    const reader = await sql.reserve();
    await reader.unsafe(VACUUM);
    await reader.unsafe('set idle_in_transaction_session_timeout = 0');
    await reader.unsafe('begin isolation level repeatable read');
    await reader.unsafe('select count(*) from effects');
    const said = await sql.unsafe(TAKE_ROOM).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
    if (said !== TAKEN) throw new Error(`the room of the ledger could not be taken: ${said}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { [Symbol.asyncDispose]: close };
}

const TAKEN = 'the room is taken';
/** Rows that fit into room that no row of ours would need; an index that is full first does not give it back. */
const TAKE_ROOM = `
do $$
declare
  file text := format('"%s"', pg_relation_filepath('effects'));
begin
  for i in 1..20000 loop
    begin
      insert into effects (key, run, tool, release, args_hash, mode, state, lease_until)
        values ('room/' || i, '', '', '', '', 'never', 'void', now());
    exception when disk_full then
      if strpos(sqlerrm, file) > 0 then
        raise exception '${TAKEN}';
      end if;
    end;
  end loop;
  raise exception 'there is more than 20000 rows of it';
end $$`;

const READER = { id: 'boss', tenant: null, roles: [] };
const READ_MS = 5_000;

/** What people look at: runs, inbox, requests, and the newest run as a whole. Answers how many looks that were. */
export async function readRecords(sql: Sql): Promise<number> {
  const looks = async () => {
    const [newest] = await listRuns(sql, { limit: LIMITS.listRows });
    await listInbox(sql, READER, { all: true, limit: LIMITS.listRows });
    await listApprovals(sql, { all: true, limit: LIMITS.listRows });
    if (newest === undefined) return 3;
    await readRun(sql, newest);
    return 4;
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${READ_MS} ms`)), READ_MS);
  });
  try {
    return await Promise.race([looks(), late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function readClaims(sql: Sql): Promise<readonly Claim[]> {
  return sql<Claim[]>`
    select key, at_us / 1000.0::float8 as "atMs" from audit where event = 'effect_claimed'`;
}
