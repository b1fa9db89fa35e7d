import type { TransactionSql } from 'postgres';
import type { EndRunInput, OpenApprovalsInput, RecordDecisionsInput } from '../activities/types.ts';
import type { Sql } from './connection.ts';

// What people are asked, what they said, and how a run ended: rows that lists and consoles read.

export async function insertApprovals(sql: Sql, input: OpenApprovalsInput): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select lock_run(${input.run})`;
    for (const record of input.records) {
      const inserted = await tx`
        insert into approvals (id, run, workflow_id, kind, state, key, tool, args_hash, tier, amount, summary, reason,
          release, requester, approvers, quorum, terms, evidence, opened_at, deadline)
        values (${record.id}, ${input.run}, ${input.workflowId}, ${record.kind}, 'open', ${record.key}, ${record.tool},
          ${record.argsHash}, ${record.tier}, ${record.amount === null ? null : JSON.stringify(record.amount)},
          ${record.summary}, ${record.reason}, ${input.release}, ${input.requester.id}, ${JSON.stringify(record.approvers)},
          ${record.quorum}, ${JSON.stringify(input.terms[record.id] ?? null)}, ${input.evidence},
          ${new Date(record.openedAtMs)}, ${new Date(record.deadlineMs)})
        on conflict (id) do nothing`;
      if (inserted.count > 0)
        await tx`select audit_append(${input.run}, 'approval_opened', ${record.key},
          ${JSON.stringify({ approval: record.id, kind: record.kind, argsHash: record.argsHash, deadlineMs: record.deadlineMs })}::text::jsonb)`;
    }
    await tx`update runs set state = ${input.state}, updated_at = now() where run = ${input.run} and ended_at is null`;
  });
}

/** Idempotent: the first decision on a record stands, and a refused one only leaves its audit row. */
export async function insertDecisions(sql: Sql, input: RecordDecisionsInput): Promise<void> {
  const { run, decisions, state: runState } = input;
  await sql.begin(async (tx) => {
    await tx`select lock_run(${run})`;
    if (runState !== null)
      await tx`update runs set state = ${runState}, updated_at = now() where run = ${run} and ended_at is null`;
    for (const { approval, state, facts, atMs } of decisions) {
      const json = JSON.stringify(facts);
      if (CLOSED.has(state))
        await tx`select decide_approval(${approval}, ${state}, ${json}::text::jsonb, ${new Date(atMs)})`;
      else
        await tx`select audit_append(${run}, ${state === 'refused' ? 'decision_refused' : state}, ${approval}, ${json}::text::jsonb)`;
    }
  });
}

const CLOSED = new Set(['approved', 'rejected', 'answered', 'expired', 'withdrawn']);

export async function finishRun(sql: Sql, input: EndRunInput): Promise<void> {
  await insertDecisions(sql, { ...input, state: null });
  await sql.begin(async (tx) => {
    await tx`select lock_run(${input.run})`;
    const ended = await tx`
      insert into runs (run, workflow_id, agent, requester, tenant, state, outcome, reason, ended_at)
      values (${input.run}, ${input.workflowId}, ${input.agent}, ${input.requester.id}, ${input.requester.tenant},
        'ended', ${input.outcome}, ${input.reason}, now())
      on conflict (run) do update set state = 'ended', outcome = excluded.outcome, reason = excluded.reason,
        ended_at = now(), updated_at = now()
      where runs.ended_at is null`;
    if (ended.count === 0) return;
    if (input.handOver !== null) await insertHandOver(tx, input, input.handOver);
    await tx`select audit_append(${input.run}, 'run_ended', '',
      ${JSON.stringify({ outcome: input.outcome, reason: input.reason, costMicroUsd: input.costMicroUsd })}::text::jsonb)`;
  });
}

/**
 * An escalation is a record: what was done and what was not comes from the ledger, not from the model's memory. Only
 * void and refused effects are called not done; what nobody knows is said to be unknown.
 */
async function insertHandOver(
  tx: TransactionSql,
  input: EndRunInput,
  given: NonNullable<EndRunInput['handOver']>,
): Promise<void> {
  const effects = await tx<{ key: string; tool: string; state: string }[]>`
    select key, tool, state from effects where run = ${input.run} order by claimed_at limit 100`;
  const asked = await tx<{ summary: string; state: string }[]>`
    select summary, state from approvals where run = ${input.run} and kind = 'call' and state <> 'approved' order by opened_at limit 100`;
  const done = effects
    .filter((effect) => effect.state === 'applied')
    .map((effect) => `${effect.tool} (${effect.key})`);
  const isNotDone = ({ state }: { readonly state: string }) => state === 'void' || state === 'refused';
  const unknown = effects.filter((effect) => effect.state !== 'applied' && !isNotDone(effect));
  const lines = unknown.map(({ tool, key }) => `nobody knows whether this happened: ${tool} (${key})`);
  const handOver = {
    ...given,
    evidence: [given.evidence, ...lines].filter((line) => line !== '').join('\n'),
  };
  const notDone = [
    ...effects.filter(isNotDone).map((effect) => `${effect.tool} (${effect.key}): ${effect.state}`),
    ...asked.map((approval) => `${approval.summary}: ${approval.state}`),
  ];
  await tx`
    insert into handovers (run, queue, summary, done, not_done, evidence)
    values (${input.run}, ${handOver.queue}, ${handOver.summary}, ${JSON.stringify(done)}, ${JSON.stringify(notDone)}, ${handOver.evidence})
    on conflict (run) do nothing`;
}
