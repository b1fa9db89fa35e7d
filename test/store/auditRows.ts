import { type AuditRow, readAudit } from '../../src/store/audit.ts';
import type { Sql } from '../../src/store/connection.ts';
import { hashText } from '../../src/store/hash.ts';

// Rows of an audit for tests, and the tampering that somebody with the database's password could do.

export async function append(
  sql: Sql,
  run: string,
  event: string,
  facts: object = { by: 'zoë' },
  key = `${run}/1/0`,
) {
  await sql`select audit_append(${run}, ${event}, ${key}, ${JSON.stringify(facts)}::text::jsonb)`;
}

/** Writes `rows` in the place of the chain of `run`, numbered and hashed as if they had always been there. */
export async function forge(sql: Sql, run: string, rows: readonly Omit<AuditRow, 'seq' | 'hash'>[]) {
  await sql`delete from audit where run = ${run}`;
  let previous = run;
  for (const [i, { at_us, event, key, facts }] of rows.entries()) {
    const hash = hashText([previous, i + 1, at_us, event, key, facts].join('\n'));
    await sql`
      insert into audit (run, seq, at_us, event, key, facts, hash)
      values (${run}, ${i + 1}, ${at_us}, ${event}, ${key}, ${facts}, ${hash})`;
    previous = hash;
  }
}

export async function forgeEdit(
  sql: Sql,
  run: string,
  edit: (rows: readonly AuditRow[]) => readonly AuditRow[],
) {
  await forge(sql, run, edit(await readAudit(sql, run)));
}

const TABLES = ['audit', 'anchors', 'anchored_heads'] as const;

/** Remembers the audit as it is now. */
export async function keep(sql: Sql): Promise<void> {
  for (const table of TABLES) await sql.unsafe(`create table kept_${table} as table ${table}`);
}

/** Puts the remembered audit back. */
export async function restore(sql: Sql): Promise<void> {
  await sql.begin(async (tx) => {
    for (const table of TABLES)
      await tx.unsafe(`truncate ${table}; insert into ${table} select * from kept_${table}`);
  });
}

/** Whether the audit is, in everything it promises, what is remembered. */
export async function isAsKept(sql: Sql): Promise<boolean> {
  const columns = {
    audit: 'run, seq, at_us, event, key, facts, hash',
    anchors: 'n, at_us, heads, hash',
    anchored_heads: 'run, seq, hash, anchor',
  };
  for (const table of TABLES) {
    const rows = (name: string) => `select ${columns[table]} from ${name}`;
    const [differing] = await sql.unsafe(`
      ((${rows(table)}) except all (${rows(`kept_${table}`)}))
      union all ((${rows(`kept_${table}`)}) except all (${rows(table)})) limit 1`);
    if (differing !== undefined) return false;
  }
  return true;
}

/** An effect that was applied under an approval, as ledger and audit have it. */
export async function appliedEffect(
  sql: Sql,
  run: string,
): Promise<{ readonly key: string; readonly approval: string }> {
  const key = `${run}/1/0`;
  const approval = `${key}/1`;
  const facts = { approval, by: 'anna', channel: 'cli' };
  await insertApproval(sql, run, approval, { state: 'approved' });
  await append(sql, run, 'approval_opened', { ...facts, kind: 'call' }, key);
  await append(sql, run, 'approval_approved', facts, key);
  await sql`
    insert into effects (key, run, tool, release, args_hash, mode, state, lease_until, approval, settled_at)
    values (${key}, ${run}, 'refund', 'x', 'x', 'keyed', 'applied', now(), ${approval}, now())`;
  await append(sql, run, 'effect_claimed', { tool: 'refund', approval, fence: 1 }, key);
  await append(sql, run, 'effect_applied', { fence: 1 }, key);
  return { key, approval };
}

export interface StoredApproval {
  readonly state: string;
  readonly tool?: string;
  readonly kind?: string;
  readonly argsHash?: string;
  readonly openedAt?: Date;
  readonly decidedAt?: Date | null;
  readonly decision?: object | null;
}

export async function insertApproval(sql: Sql, run: string, id: string, row: StoredApproval): Promise<void> {
  await sql`
    insert into approvals (id, run, workflow_id, kind, state, key, tool, args_hash, summary, reason, requester, approvers,
      quorum, taint, requester_may, on_expiry, opened_at, deadline, decision, decided_at)
    values (${id}, ${run}, ${`wf-${run}`}, ${row.kind ?? 'call'}, ${row.state}, ${id.split('/').slice(0, 3).join('/')},
      ${row.tool ?? 'refund'}, ${row.argsHash ?? 'x'}, 'refund 5 USD', 'money moves', 'customer', '{}', 1, '{}', 'not', 'reject',
      ${row.openedAt ?? new Date()}, now() + interval '1 day',
      ${row.decision == null ? null : JSON.stringify(row.decision)}, ${row.decidedAt ?? null})`;
}
