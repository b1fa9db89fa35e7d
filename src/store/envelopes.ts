import type { RunId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Sql } from './connection.ts';

export interface UsedEnvelope {
  /** The control message of the run that it came as. */
  readonly n: number;
  readonly signature: string;
  readonly expiresAtMs: number;
}

/**
 * Marks signed envelopes as used and returns the `n` of those which another message has used already. Asked again for
 * the same messages it answers the same: an attempt may be repeated.
 * Marks outlive the expiry, since a message is read by the time at which it was received.
 */
export async function useEnvelopes(
  sql: Sql,
  run: RunId,
  envelopes: readonly UsedEnvelope[],
): Promise<ReadonlySet<number>> {
  if (envelopes.length === 0) return new Set();
  const list = JSON.stringify(
    envelopes.map(({ n, signature, expiresAtMs }) => ({ n, signature, expires_ms: expiresAtMs })),
  );
  return sql.begin(async (tx) => {
    await tx`
      insert into used_envelopes (signature, run, n, expires_at)
      select signature, ${run}, n, to_timestamp(expires_ms / 1000.0)
      from jsonb_to_recordset(${list}::text::jsonb) as used (n integer, signature text, expires_ms bigint)
      order by signature, n
      on conflict (signature) do nothing`;
    const others = await tx<{ n: number }[]>`
      select came.n from jsonb_to_recordset(${list}::text::jsonb) as came (n integer, signature text)
      join used_envelopes used using (signature) where (used.run, used.n) <> (${run}, came.n)`;
    await tx`
      delete from used_envelopes where signature in (
        select signature from used_envelopes where expires_at < now() - ${LIMITS.usedEnvelopeMs} * interval '1 millisecond'
        order by expires_at limit ${LIMITS.usedEnvelopesSwept} for update skip locked)`;
    return new Set(others.map((row) => row.n));
  });
}
