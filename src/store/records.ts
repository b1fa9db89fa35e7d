import type { EndRunInput, OpenApprovalsInput, RecordDecisionsInput } from '../activities/types.ts';
import type { ApprovalRecord } from '../core/approvals.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { ChainNode } from './chain.ts';
import type { Sql, Transaction } from './connection.ts';
import { RUN_ENDED } from './runEnds.ts';

// What people are asked, what they said, and how a run ended: rows that lists and consoles read. The notices about
// them are written by triggers (migrations/0003_notices.sql), in the same transactions.

/** Idempotent. Throws, and opens nothing, where an id stands for another request: a decision on one must never count for two. */
export async function insertApprovals(sql: Sql, input: OpenApprovalsInput): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`select lock_run(${input.run})`;
    for (const record of input.records) {
      const inserted = await tx`
        insert into approvals (id, run, workflow_id, kind, state, key, tool, args_hash, tier, amount, payee, summary,
          reason, quote, rule, taint, origins, release, requester, requester_may, approvers, quorum, terms, former_terms, evidence,
          opened_at, deadline, on_expiry)
        values (${record.id}, ${input.run}, ${input.workflowId}, ${record.kind}, 'open', ${record.key}, ${record.tool},
          ${record.argsHash}, ${record.tier}, ${jsonOrNull(record.amount)}, ${record.payee}, ${record.summary},
          ${record.reason}, ${record.quote}, ${record.rule}, ${JSON.stringify(record.taint)}, ${JSON.stringify(record.origins)}, ${record.release},
          ${record.requester}, ${record.requesterMay}, ${JSON.stringify(record.approvers)}, ${record.quorum},
          ${jsonOrNull(record.terms)}, ${jsonOrNull(record.formerTerms)}, ${input.evidence},
          ${new Date(record.openedAtMs)}, ${new Date(record.deadlineMs)}, ${record.onExpiry})
        on conflict (id) do nothing`;
      if (inserted.count > 0)
        await tx`select audit_append(${input.run}, 'approval_opened', ${record.key}, ${JSON.stringify(openedFacts(record))}::text::jsonb)`;
      else await requireSame(tx, input, record);
    }
    await tx`update runs set state = ${input.state}, updated_at = now() where run = ${input.run} and ended_at is null`;
  });
}

async function requireSame(
  tx: Transaction,
  { run }: OpenApprovalsInput,
  record: ApprovalRecord,
): Promise<void> {
  const { id, kind, key, argsHash, openedAtMs } = record;
  const [same] = await tx<{ is: boolean }[]>`
    select run = ${run} and kind = ${kind} and key is not distinct from ${key}
        and args_hash is not distinct from ${argsHash} and opened_at = ${new Date(openedAtMs)} as is
      from approvals where id = ${id}`;
  if (same?.is !== true)
    throw new Error(`request ${id} of ${run} is in the store already, and is another one`);
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** What the audit says of a request: who may decide what, under which rule, by when. */
function openedFacts(record: ApprovalRecord): JsonObject {
  const { id, kind, argsHash, rule, requesterMay, quorum, deadlineMs } = record;
  const { people = [], roles = [] } = record.approvers;
  return {
    approval: id,
    kind,
    argsHash,
    rule,
    approvers: { people, roles },
    requesterMay,
    quorum,
    deadlineMs,
  };
}

/**
 * Idempotent: the first decision on a record stands, and what only leaves its audit row (votes, steering, refused words)
 * leaves it once, known by who said it and when the workflow's clock heard it.
 */
export async function insertDecisions(sql: Sql, input: RecordDecisionsInput): Promise<void> {
  const { run, decisions, state: runState } = input;
  await sql.begin(async (tx) => {
    await tx`select lock_run(${run})`;
    if (runState !== null)
      await tx`update runs set state = ${runState}, updated_at = now() where run = ${run} and ended_at is null`;
    for (const { approval, state, facts, atMs } of decisions) {
      if (CLOSED.has(state))
        await tx`select decide_approval(${approval}, ${state}, ${JSON.stringify(facts)}::text::jsonb, ${new Date(atMs)})`;
      else
        await tx`select audit_once(${run}, ${state === 'refused' ? 'decision_refused' : state}, ${approval},
          ${JSON.stringify({ ...facts, atMs })}::text::jsonb)`;
    }
  });
}

const CLOSED = new Set(['approved', 'rejected', 'answered', 'expired', 'withdrawn']);

/** `last`: the end of the conversation, where something was left to be said. */
export async function finishRun(sql: Sql, input: EndRunInput, last: ChainNode | null): Promise<void> {
  await insertDecisions(sql, { ...input, state: null });
  await sql.begin(async (tx) => {
    await tx`select lock_run(${input.run})`;
    const ended = await tx`
      insert into runs (run, workflow_id, namespace_id, agent, requester, tenant, state, outcome, reason, ended_at)
      values (${input.run}, ${input.workflowId}, ${input.namespaceId}, ${input.agent}, ${input.requester.id}, ${input.requester.tenant},
        'ended', ${input.outcome}, ${input.reason}, now())
      on conflict (run) do update set state = 'ended', outcome = excluded.outcome, reason = excluded.reason,
        ended_at = now(), updated_at = now()
      where runs.ended_at is null`;
    if (ended.count === 0) return appendBehind(tx, input.run, last);
    if (last !== null) await appendLast(tx, input.run, last);
    if (input.handOver !== null) await insertHandOver(tx, input.run, input.handOver);
    await tx`select audit_append(${input.run}, 'run_ended', '',
      ${JSON.stringify({ outcome: input.outcome, reason: input.reason, costMicroUsd: input.costMicroUsd })}::text::jsonb)`;
    await tx`select pg_notify(${RUN_ENDED}, ${input.run})`;
  });
}

async function appendLast(tx: Transaction, run: string, last: ChainNode): Promise<void> {
  await tx`
    insert into nodes (run, hash, seq, parent, role, body)
    values (${run}, ${last.hash}, ${last.seq}, ${last.parent}, ${last.message.role}, ${last.body})
    on conflict do nothing`;
  await tx`update runs set head = ${last.hash} where run = ${run}`;
}

/** What was written while the end was put on record goes behind it, once: an attempt that comes late finds it there. */
async function appendBehind(tx: Transaction, run: string, last: ChainNode | null): Promise<void> {
  if (last === null) return;
  const [row] = await tx<{ head: string | null }[]>`select head from runs where run = ${run}`;
  if (row?.head === last.parent) await appendLast(tx, run, last);
}

/**
 * An escalation is a record: what was done and what was not comes from the ledger, not from the model's memory. Only
 * void and refused effects, and those that never started, are called not done; what nobody knows is said to be unknown.
 */
export async function insertHandOver(
  tx: Transaction,
  run: string,
  given: NonNullable<EndRunInput['handOver']>,
): Promise<void> {
  const effects = await tx<{ key: string; tool: string; state: string }[]>`
    select key, tool, state from effects where run = ${run} order by claimed_at limit 100`;
  const asked = await tx<{ summary: string; state: string }[]>`
    select summary, state from approvals where run = ${run} and kind = 'call' and state <> 'approved' order by opened_at limit 100`;
  const done = effects
    .filter((effect) => effect.state === 'applied')
    .map((effect) => `${effect.tool} (${effect.key})`);
  const isNotDone = ({ state }: { readonly state: string }) => state === 'void' || state === 'refused';
  const unknown = effects.filter((effect) => effect.state !== 'applied' && !isNotDone(effect));
  const lines = unknown.map(({ tool, key }) => `nobody knows whether this happened: ${tool} (${key})`);
  const evidence = [given.evidence, ...lines].filter((line) => line !== '').join('\n');
  const notDone = [
    ...effects.filter(isNotDone).map((effect) => `${effect.tool} (${effect.key}): ${effect.state}`),
    ...asked.map((approval) => `${approval.summary}: ${approval.state}`),
    ...(given.notStarted ?? []).map((summary) => `${summary}: not started`),
  ];
  await tx`
    insert into handovers (run, queue, summary, done, not_done, evidence, next_reminder_at)
    values (${run}, ${given.queue}, ${given.summary}, ${JSON.stringify(done)}, ${JSON.stringify(notDone)},
      ${evidence}, now() + ${LIMITS.handOverReminderMs}::float8 * interval '1 millisecond')
    on conflict (run) do nothing`;
}
