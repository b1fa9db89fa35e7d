import type { Hash } from '../core/ids.ts';
import { canonicalJson } from '../core/json.ts';
import type { Release } from '../core/release.ts';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

/** The hash of a release: of the canonical form of everything that is data in an agent. */
export function releaseHash(release: Release): Hash {
  return hashText(canonicalJson(release));
}

/** Publishes a release, and points a channel to it that nothing has pointed anywhere yet. */
export async function publishRelease(sql: Sql, release: Release): Promise<Hash> {
  const body = canonicalJson(release);
  const hash = hashText(body);
  await sql`insert into releases (hash, agent, body) values (${hash}, ${release.agent}, ${body}) on conflict do nothing`;
  await sql`
    insert into channels (agent, channel, release, moved_by) values (${release.agent}, 'live', ${hash}, 'first release')
    on conflict do nothing`;
  return hash;
}

/** Moves a channel; the move is audited under the agent's name. Returns where it pointed before. */
export async function promoteRelease(
  sql: Sql,
  move: { readonly agent: string; readonly channel: string; readonly release: Hash; readonly by: string },
): Promise<Hash | null> {
  return sql.begin(async (tx) => {
    const [before] = await tx<{ release: Hash }[]>`
      select release from channels where agent = ${move.agent} and channel = ${move.channel} for update`;
    if (before?.release === move.release) return before.release;
    await tx`
      insert into channels (agent, channel, release, moved_by) values (${move.agent}, ${move.channel}, ${move.release}, ${move.by})
      on conflict (agent, channel) do update set release = excluded.release, moved_by = excluded.moved_by, moved_at = now()`;
    await tx`select audit_append(${`agent:${move.agent}`}, 'channel_moved', ${move.channel},
      ${JSON.stringify({ from: before?.release ?? null, to: move.release, by: move.by })}::text::jsonb)`;
    return before?.release ?? null;
  });
}

export async function channelRelease(sql: Sql, agent: string, channel: string): Promise<Hash | null> {
  const [row] = await sql<{ release: Hash }[]>`
    select release from channels where agent = ${agent} and channel = ${channel}`;
  return row?.release ?? null;
}

export async function loadRelease(sql: Sql, hash: Hash): Promise<Release | null> {
  const [row] = await sql<{ body: string }[]>`select body from releases where hash = ${hash}`;
  if (row === undefined) return null;
  if (hashText(row.body) !== hash)
    throw new Error(`release ${hash} does not have the bytes it was published with`);
  return JSON.parse(row.body) as Release;
}

export interface ReleaseRow {
  readonly hash: Hash;
  readonly agent: string;
  readonly createdAt: Date;
  /** Channels that point to it. */
  readonly channels: readonly string[];
}

/** Those that a channel points to first, whatever their age; then the newest first. */
export async function listReleases(
  sql: Sql,
  limit: number,
  of: { readonly agent?: string } = {},
): Promise<readonly ReleaseRow[]> {
  const rows = await sql<{ hash: Hash; agent: string; created_at: Date; channels: string[] }[]>`
    select r.hash, r.agent, r.created_at,
      coalesce(array_agg(c.channel order by c.channel) filter (where c.channel is not null), '{}') as channels
    from releases r left join channels c on c.release = r.hash
    where ${of.agent ?? null}::text is null or r.agent = ${of.agent ?? null}
    group by r.hash order by count(c.channel) = 0, r.created_at desc, r.hash limit ${limit}`;
  return rows.map((row) => ({
    hash: row.hash,
    agent: row.agent,
    createdAt: row.created_at,
    channels: row.channels,
  }));
}

/** Channels that point to a release. */
export async function channelsOf(sql: Sql, hash: Hash): Promise<readonly string[]> {
  const rows = await sql<{ channel: string }[]>`
    select channel from channels where release = ${hash} order by channel`;
  return rows.map(({ channel }) => channel);
}
