import { LIMITS } from '../core/limits.ts';
import type { Release } from '../core/release.ts';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

// What `doctor` asks the store. Reads only, each a page at most.

export interface ServerHealth {
  readonly version: string;
  readonly connections: number;
  readonly maxConnections: number;
  /** Sessions of Holdfast that have done nothing in an open transaction for too long. */
  readonly idleTransactions: number;
}

export async function readServerHealth(sql: Sql): Promise<ServerHealth> {
  const [row] = await sql<ServerHealth[]>`
    select current_setting('server_version') as version,
      current_setting('max_connections')::int as "maxConnections",
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
      (select count(*)::int from pg_stat_activity where application_name = 'holdfast'
        and datname = current_database() and state like 'idle in transaction%'
        and state_change < clock_timestamp() - ${LIMITS.idleTransactionMs}::float8 * interval '1 millisecond')
        as "idleTransactions"`;
  if (row === undefined) throw new Error('PostgreSQL said nothing about itself');
  return row;
}

export interface IdentityFacts {
  /** What people said and runs refused for its signature, by reason. */
  readonly refused: Readonly<Record<'unsigned' | 'bad_signature', number>>;
  /** Decisions that were believed without a signature. */
  readonly believed: number;
}

/** Whether those who decide and those who verify have the same keys, by what happened lately. */
export async function readIdentityFacts(sql: Sql): Promise<IdentityFacts> {
  const sinceMs = LIMITS.doctorRecentMs;
  // Rows of older transactions than an old anchor's horizon are older than it: that spares reading the whole audit.
  const refused = await sql<{ unsigned: number; bad_signature: number }[]>`
    select count(*) filter (where strpos(facts, '"why": "unsigned"') > 0)::int as unsigned,
      count(*) filter (where strpos(facts, '"why": "bad_signature"') > 0)::int as bad_signature
    from audit a, (select (extract(epoch from clock_timestamp()) * 1000 - ${sinceMs}::float8) * 1000 as us) since
    where a.event = 'decision_refused' and a.at_us >= since.us
      and a.tx >= coalesce((select seen from anchors where at_us < since.us order by n desc limit 1), '0'::xid8)`;
  const believed = await sql<{ count: number }[]>`
    select count(*)::int as count from approvals
    where decided_at > now() - ${sinceMs}::float8 * interval '1 millisecond'
      and strpos(decision, '"identity": "unverified"') > 0`;
  const { unsigned = 0, bad_signature = 0 } = refused[0] ?? {};
  return { refused: { unsigned, bad_signature }, believed: believed[0]?.count ?? 0 };
}

export interface ChannelHealth {
  readonly agent: string;
  readonly channel: string;
  readonly release: string;
  /** Null where the release is missing or does not have the bytes it is named by. */
  readonly body: Release | null;
}

export async function readChannels(sql: Sql): Promise<readonly ChannelHealth[]> {
  const rows = await sql<{ agent: string; channel: string; release: string; body: string | null }[]>`
    select c.agent, c.channel, c.release, r.body
    from channels c left join releases r on r.hash = c.release and r.agent = c.agent
    order by c.agent, c.channel limit ${LIMITS.listRows}`;
  return rows.map(({ body, ...row }) => ({
    ...row,
    body: body !== null && hashText(body) === row.release ? (JSON.parse(body) as Release) : null,
  }));
}

export interface AnchorHealth {
  readonly n: number | null;
  /** Of the newest anchor. */
  readonly ageMs: number | null;
  /** Rows that no anchor has seen although it is time. */
  readonly overdueRows: number;
}

export async function readAnchorHealth(sql: Sql): Promise<AnchorHealth> {
  const [row] = await sql<{ n: number | null; age_ms: number | null; overdue: number }[]>`
    with newest as (select n, at_us, seen from anchors order by n desc limit 1),
      now_us as (select extract(epoch from clock_timestamp()) * 1000000 as us)
    select (select n from newest) as n,
      ((select us from now_us) - (select at_us from newest))::float8 / 1000 as age_ms,
      (select count(*)::int from (
        select from audit a
        where a.tx >= coalesce((select seen from newest), '0'::xid8)
          and a.at_us < (select us from now_us) - ${LIMITS.unanchoredMs * 1_000}::float8
          and not exists (select from anchored_heads h where h.run = a.run and h.seq >= a.seq)
        limit ${LIMITS.auditBatchRows}) late) as overdue`;
  return { n: row?.n ?? null, ageMs: row?.age_ms ?? null, overdueRows: row?.overdue ?? 0 };
}
