import type { OpenApprovalsInput } from '../../src/activities/types.ts';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import { type ApprovalId, approvalId, callKey, type Hash, type RunId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { NOTHING } from '../../src/core/state.ts';
import type { DeliveryResult, Notifier } from '../../src/notices/notifier.ts';
import type { Sql } from '../../src/store/connection.ts';
import type { Notice } from '../../src/store/notices.ts';
import { finishRun, insertApprovals, insertDecisions } from '../../src/store/records.ts';
import { NAMESPACE_ID } from './claimInputs.ts';

// Plain values and actions for tests of notices.

let runs = 0;

export function newRun(): RunId {
  return `r${(++runs).toString(16).padStart(20, '0')}` as RunId;
}

export function record(run: RunId, different: Partial<ApprovalRecord> = {}): ApprovalRecord {
  const key = callKey(run, 1, 0);
  return {
    id: approvalId(key, 1),
    kind: 'call',
    key,
    tool: 'refund_order',
    argsHash: 'hash' as Hash,
    tier: 'write_risky',
    amount: { value: 12.5, currency: 'USD' },
    payee: 'SECRET-PAYEE',
    summary: 'refund order #W1',
    reason: 'money moves',
    quote: 'SECRET-QUOTE',
    rule: 'refunds',
    taint: { untrustedSeen: true, privateRead: false, suspicious: false },
    origins: [{ field: 'SECRET-FIELD', kind: 'recipient', from: 'untrusted', tool: 'SECRET-TOOL' }],
    release: null,
    requester: 'SECRET-CUSTOMER',
    requesterMay: 'not',
    approvers: { people: ['anna'], roles: ['manager'] },
    quorum: 1,
    terms: { price: 'SECRET-TERMS' },
    formerTerms: { price: 'SECRET-FORMER' },
    openedAtMs: Date.now(),
    deadlineMs: Date.now() + 3_600_000,
    onExpiry: 'reject',
    reminders: [],
    escalation: [],
    state: { kind: 'open' },
    votes: [],
    ...different,
  };
}

export function opening(run: RunId, records: readonly ApprovalRecord[] = [record(run)]): OpenApprovalsInput {
  return {
    run,
    workflowId: `wf-${run}`,
    namespaceId: NAMESPACE_ID,
    agent: 'support',
    requester: { id: 'SECRET-CUSTOMER', tenant: null, roles: [] },
    release: null,
    records,
    state: 'waiting',
    evidence: 'SECRET-EVIDENCE',
  };
}

/** A run with one open request. */
export async function openOne(sql: Sql): Promise<{ run: RunId; id: ApprovalId; one: ApprovalRecord }> {
  const run = newRun();
  await sql`
    insert into runs (run, workflow_id, agent, requester, state)
    values (${run}, ${`wf-${run}`}, 'support', 'c1', 'running')`;
  const one = record(run);
  await insertApprovals(sql, opening(run, [one]));
  return { run, id: one.id, one };
}

export async function decideOne(sql: Sql, run: RunId, id: ApprovalId, state = 'approved'): Promise<void> {
  await insertDecisions(sql, {
    run,
    decisions: [{ approval: id, state, facts: { by: 'anna', reason: 'SECRET-REASON' }, atMs: Date.now() }],
    state: null,
  });
}

export async function handOverOne(sql: Sql, run: RunId = newRun()): Promise<RunId> {
  const handOver = { queue: 'desk', summary: 'wants a person', evidence: 'SECRET-EVIDENCE' };
  const requester = { id: 'c1', tenant: null, roles: [] };
  const nothingLeft = { decisions: [], head: null, append: NOTHING };
  const ended = { outcome: 'escalated', reason: 'asked', costMicroUsd: 0 };
  const who = { run, workflowId: `wf-${run}`, namespaceId: NAMESPACE_ID, agent: 'support', requester };
  await finishRun(sql, { ...who, ...ended, ...nothingLeft, handOver }, null);
  return run;
}

/** A notifier of a test: remembers what it was given, and answers as it is told. */
export interface Recorder extends Notifier {
  readonly given: Notice[];
  answer: (notice: Notice) => DeliveryResult | Promise<DeliveryResult>;
}

export function recorder(name = 'test'): Recorder {
  const given: Notice[] = [];
  const made: Recorder = {
    name,
    given,
    answer: () => ({ kind: 'delivered' }),
    deliver: async (notice) => {
      given.push(notice);
      return made.answer(notice);
    },
  };
  return made;
}

export interface NoticeRow {
  readonly type: string;
  readonly data: JsonObject;
  readonly state: string | null;
  readonly attempt: number;
  readonly why: string | null;
}

/** The notices of a run in the order in which they were written, with how one notifier fared. */
export async function noticesOf(sql: Sql, run: string, notifier = 'test'): Promise<readonly NoticeRow[]> {
  const rows = await sql<
    { type: string; body: string; state: string | null; attempt: number; why: string | null }[]
  >`
    select n.type, n.body, d.state, d.attempt, d.why
    from notices n left join deliveries d on d.notice = n.id and d.notifier = ${notifier}
    where n.run = ${run} order by n.created_at, n.type`;
  return rows.map(({ body, ...row }) => ({
    ...row,
    data: (JSON.parse(body) as { readonly data: JsonObject }).data,
  }));
}

export async function eventsOf(sql: Sql, run: string): Promise<readonly string[]> {
  const rows = await sql<{ event: string }[]>`select event from audit where run = ${run} order by seq`;
  return rows.map((row) => row.event);
}
