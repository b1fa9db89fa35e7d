import { LIMITS } from '../../../src/core/limits.ts';
import { connect, type Sql } from '../../../src/store/connection.ts';
import { listInbox } from '../../../src/store/inbox.ts';
import { readRun } from '../../../src/store/runView.ts';
import { listApprovals, listRuns } from '../../../src/store/views.ts';
import { openTransaction } from '../../store/database.ts';
import type { Claim } from './fullDisk.ts';

// A PostgreSQL whose disk is full: how to bring it there to the last page, and how to read from it.

/** Vacuum would give room back in the middle of a fault, whenever it happens to look. */
export async function stopVacuum(sql: Sql): Promise<void> {
  await sql.unsafe('alter system set autovacuum = off');
  await sql.unsafe('select pg_reload_conf()');
}

/** Makes PostgreSQL ask for another segment of its log: without room for one it stops itself. */
export async function exhaustLog(databaseUrl: string): Promise<void> {
  // A connection that dies of it is not given to anybody else.
  const sql = connect(databaseUrl, { maxConnections: 1 });
  try {
    // Old segments that it keeps to use again come first.
    for (let segments = 0; segments < SEGMENTS_MOST; segments += 1) await openLogSegment(sql);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return;
    throw error;
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
  throw new Error(`PostgreSQL found room for ${SEGMENTS_MOST} segments of its log`);
}

const SEGMENTS_MOST = 30;

/** A whole segment of the log lies ahead, so that what fails for lack of room is the tables. */
async function openLogSegment(sql: Sql): Promise<void> {
  await sql.unsafe('select pg_switch_wal()');
  await sql.unsafe(`select pg_logical_emit_message(true, 'holdfast', 'the first of this segment')`);
}

/**
 * The ledger of a store whose disk becomes full, closed first: claims and settlements wait, and reads pass. So it is sure
 * that some are tried on the full disk, and none is half-way when it becomes full.
 */
export interface ClosedLedger extends AsyncDisposable {
  /** How many wait. */
  waiting(): Promise<number>;
  /**
   * Call it on the full disk: lets them go. From now on the ledger takes no row and no change of one, for what was free
   * within its pages is taken as well; dead rows stay where they are as long as this is held, because somebody reads.
   */
  open(): Promise<void>;
}

export async function closeLedger(databaseUrl: string): Promise<ClosedLedger> {
  const sql = connect(databaseUrl, { maxConnections: 3 });
  let taken = false;
  const close = async () => {
    if (taken) await sql.unsafe(`delete from effects where key like 'room/%'`);
    await sql.end({ timeoutMs: 1_000 });
  };
  try {
    const reader = await openTransaction(sql, 'isolation level repeatable read');
    await reader.tx`set local idle_in_transaction_session_timeout = 0`;
    await reader.tx`select count(*) from effects`;
    // Its maps of free room are files of their own, which a full disk would not take.
    await sql.unsafe('vacuum (truncate false) effects');
    await openLogSegment(sql);
    const closer = await openTransaction(sql);
    await closer.tx`set local idle_in_transaction_session_timeout = 0`;
    await closer.tx`lock table effects in exclusive mode`;
    return {
      waiting: async () => {
        const [row] = await sql<{ n: number }[]>`
          select count(*)::int as n from pg_locks where relation = 'effects'::regclass and not granted`;
        return row?.n ?? 0;
      },
      open: async () => {
        // Kept: what is rolled back is room again for whoever comes next, whatever others still read.
        taken = true;
        await closer.tx.unsafe(TAKE_ROOM);
        await closer.commit();
      },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

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
        return;
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
