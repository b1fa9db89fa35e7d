import type { OpenApprovalsInput, RunToolInput } from '../../src/activities/types.ts';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import { type ApprovalId, callKey, type Hash, type RunId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { CLEAN } from '../../src/core/taint.ts';
import { readAudit } from '../../src/store/audit.ts';
import type { Sql } from '../../src/store/connection.ts';
import type { Lease } from '../../src/store/ledger.ts';
import { insertApprovals, insertDecisions } from '../../src/store/records.ts';

// Calls and their approvals as the ledger meets them, without a model, a tool or an engine.

export const KEYED: Lease = { mode: 'keyed', leaseMs: 3_600_000, settlesMs: 0 };
export const DECIDED_AT_MS = Date.parse('2030-01-01T12:00:00Z');
const DEADLINE_MS = DECIDED_AT_MS + 60_000;

/** Of every run of these tests, where nothing else is said. */
export const NAMESPACE_ID = 'namespace-of-tests';

let runs = 0;

/** A call of the tool `note` in a run of its own. */
export function newInput(change: Partial<RunToolInput> = {}): RunToolInput {
  const run = `rclaims${runs++}` as RunId;
  return {
    run,
    workflowId: `wf-${run}`,
    namespaceId: NAMESPACE_ID,
    agent: 'lab',
    requester: { id: 'customer', tenant: null, roles: [] },
    release: 'release' as Hash,
    key: callKey(run, 1, 0),
    tool: 'note',
    argsHash: 'hash' as Hash,
    generation: 1,
    terms: null,
    classes: [],
    learned: null,
    approval: null,
    ...change,
  };
}

export function ofTenant(tenant: string): RunToolInput['requester'] {
  return { id: 'customer', tenant, roles: [] };
}

export function approvalOf(input: RunToolInput): ApprovalId {
  return `${input.key}/1` as ApprovalId;
}

/** The call with the decision that allows it. */
export function approved(input: RunToolInput, decision: JsonObject = { by: 'boss' }): RunToolInput {
  return { ...input, approval: { id: approvalOf(input), decision, decidedAtMs: DECIDED_AT_MS } };
}

/** Opens the requests of calls of one run. */
export async function openApprovals(
  sql: Sql,
  inputs: readonly RunToolInput[],
  change: Partial<ApprovalRecord> = {},
): Promise<void> {
  const [first] = inputs;
  if (first === undefined) throw new Error('no input');
  const input: OpenApprovalsInput = {
    run: first.run,
    workflowId: first.workflowId,
    namespaceId: first.namespaceId,
    agent: first.agent,
    requester: first.requester,
    release: null,
    records: inputs.map((one) => ({ ...recordOf(one), ...change })),
    state: 'waiting',
    evidence: null,
  };
  await insertApprovals(sql, input);
}

function recordOf(input: RunToolInput): ApprovalRecord {
  return {
    id: approvalOf(input),
    kind: 'call',
    key: input.key,
    tool: input.tool,
    argsHash: input.argsHash,
    tier: 'write_risky',
    amount: null,
    payee: null,
    summary: 'note',
    reason: 'a test asks',
    quote: null,
    rule: null,
    taint: CLEAN,
    origins: [],
    release: null,
    requester: 'customer',
    requesterMay: 'not',
    approvers: {},
    quorum: 1,
    terms: null,
    formerTerms: null,
    openedAtMs: DECIDED_AT_MS - 60_000,
    deadlineMs: DEADLINE_MS,
    onExpiry: 'reject',
    reminders: [],
    escalation: [],
    state: { kind: 'open' },
    votes: [],
  };
}

export async function decide(sql: Sql, input: RunToolInput, state: string, facts: JsonObject): Promise<void> {
  await insertDecisions(sql, {
    run: input.run,
    decisions: [{ approval: approvalOf(input), state, facts, atMs: DECIDED_AT_MS }],
    state: null,
  });
}

/** The row that a model call would have made for the run. */
export async function insertRun(sql: Sql, input: RunToolInput, state = 'running'): Promise<void> {
  await sql`
    insert into runs (run, workflow_id, namespace_id, agent, requester, tenant, state)
    values (${input.run}, ${input.workflowId}, ${input.namespaceId}, ${input.agent}, ${input.requester.id}, ${input.requester.tenant}, ${state})`;
}

export async function stateOf(sql: Sql, approval: string): Promise<string | undefined> {
  const [row] = await sql<{ state: string }[]>`select state from approvals where id = ${approval}`;
  return row?.state;
}

export async function eventsOf(sql: Sql, run: string): Promise<readonly string[]> {
  return (await readAudit(sql, run)).map((row) => row.event);
}

/** The attempt that holds the effect is lost. */
export async function lapse(sql: Sql, input: RunToolInput): Promise<void> {
  await sql`update effects set lease_until = clock_timestamp() where key = ${input.key}`;
}
