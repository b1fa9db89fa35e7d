import type { ApprovalRecord } from '../core/approvals.ts';
import type { RunId } from '../core/ids.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Message, textOf } from '../core/messages.ts';
import type { Amount } from '../core/money.ts';
import type { Approvers } from '../core/policy.ts';
import type { Origin } from '../core/provenance.ts';
import type { Taint } from '../core/taint.ts';
import { part, type Sql } from './connection.ts';

// What lists and consoles read: rows that runs wrote within their own transactions, so they are there with no worker
// and no Temporal alive. Plain JSON; times are ISO 8601 in UTC.

export interface RunRow {
  readonly run: string;
  readonly workflowId: string;
  readonly agent: string;
  readonly release: string | null;
  readonly requester: string;
  readonly tenant: string | null;
  /** As of the last thing it wrote: a `RunPhase`, or a word of a newer version. */
  readonly state: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly step: number;
  readonly tokens: number;
  readonly costMicroUsd: number;
  readonly openApprovals: number;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly endedAt: string | null;
}

export interface RunFilter {
  readonly state?: string;
  readonly agent?: string;
  readonly limit: number;
}

/** Runs, the one that moved last first. A run has a row from its first model call on. */
export async function listRuns(sql: Sql, filter: RunFilter): Promise<readonly RunRow[]> {
  const { state = null, agent = null, limit } = filter;
  const rows = await sql<DatabaseRun[]>`
    select r.*, ${OPEN_APPROVALS} as open_approvals from runs r
    where (${state}::text is null or r.state = ${state}) and (${agent}::text is null or r.agent = ${agent})
    order by r.updated_at desc, r.run limit ${limit}`;
  return rows.map(runRow);
}

export interface FoundRun {
  readonly row: RunRow;
  /** Earlier and later runs under the same workflow id, this one among them. */
  readonly sharing: number;
}

/** A run by its id, or the newest run of a workflow id; null when there is none. */
export async function findRun(sql: Sql, id: string): Promise<FoundRun | null> {
  const [row] = await sql<(DatabaseRun & { sharing: number })[]>`
    select r.*, ${OPEN_APPROVALS} as open_approvals,
      (select count(*)::int from runs s where s.workflow_id = r.workflow_id) as sharing
    from runs r where r.run = ${id} or r.workflow_id = ${id}
    order by (r.run = ${id}) desc, r.started_at desc limit 1`;
  return row === undefined ? null : { row: runRow(row), sharing: row.sharing };
}

/** What the agent said last, whole; null before its first answer. */
export async function lastAnswer(sql: Sql, run: string): Promise<string | null> {
  const [row] = await sql<{ body: string }[]>`
    select n.body from runs r join nodes n on n.run = r.run and n.hash = r.head
    where r.run = ${run} and n.role = 'assistant'`;
  return row === undefined ? null : textOf((JSON.parse(row.body) as Message).content);
}

export interface ApprovalRow {
  readonly id: string;
  readonly run: RunId;
  readonly workflowId: string;
  readonly agent: string | null;
  readonly kind: ApprovalRecord['kind'];
  readonly state: string;
  /** Open in the store, and its deadline has passed: no decision counts any more. */
  readonly overdue: boolean;
  readonly key: string;
  readonly tool: string | null;
  readonly tier: string | null;
  readonly argsHash: string | null;
  /** What the call would be made with. */
  readonly arguments: Json;
  readonly amount: Amount | null;
  readonly payee: string | null;
  readonly summary: string;
  readonly reason: string;
  /** What the model said when it made the call: a quotation, never a fact. */
  readonly quote: string | null;
  /** The rule of the policy that asks. */
  readonly rule: string | null;
  readonly taint: Taint;
  /** Where the sensitive arguments came from. */
  readonly origins: readonly Origin[];
  readonly requester: string;
  readonly requesterMay: ApprovalRecord['requesterMay'];
  /** Who may decide as of the newest escalation; nobody named: everybody. */
  readonly approvers: Approvers;
  readonly quorum: number;
  readonly terms: Json;
  /** What the terms were when it was asked before. */
  readonly formerTerms: Json;
  readonly evidence: string | null;
  readonly openedAt: string;
  readonly deadline: string;
  readonly onExpiry: ApprovalRecord['onExpiry'];
  readonly decision: JsonObject | null;
  readonly decidedAt: string | null;
}

export interface ApprovalFilter {
  readonly run?: string;
  /** Closed ones too. */
  readonly all: boolean;
  readonly limit: number;
}

/** Open requests, the most urgent first; with `all` every request, the newest first. */
export async function listApprovals(sql: Sql, filter: ApprovalFilter): Promise<readonly ApprovalRow[]> {
  const { run = null, all, limit } = filter;
  const order = all ? part`a.opened_at desc, a.id` : part`a.deadline, a.id`;
  const rows = await sql<DatabaseApproval[]>`${approvalColumns()}
    where (${run}::text is null or a.run = ${run}) and (${all}::boolean or a.state = 'open')
    order by ${order} limit ${limit}`;
  return rows.map(approvalRow);
}

export async function findApproval(sql: Sql, id: string): Promise<ApprovalRow | null> {
  const [row] = await sql<DatabaseApproval[]>`${approvalColumns()} where a.id = ${id}`;
  return row === undefined ? null : approvalRow(row);
}

/** Agents that a channel points to: what a start may name. */
export async function listAgents(
  sql: Sql,
): Promise<readonly { readonly agent: string; readonly channel: string }[]> {
  return sql<
    { agent: string; channel: string }[]
  >`select agent, channel from channels order by agent, channel`;
}

/** Hashes of the releases that begin with `prefix`, at most `limit`. */
export async function findReleases(sql: Sql, prefix: string, limit: number): Promise<readonly string[]> {
  const rows = await sql<{ hash: string }[]>`
    select hash from releases where starts_with(hash, ${prefix}) order by hash limit ${limit}`;
  return rows.map((row) => row.hash);
}

interface DatabaseRun {
  readonly run: string;
  readonly workflow_id: string;
  readonly agent: string;
  readonly release: string | null;
  readonly requester: string;
  readonly tenant: string | null;
  readonly state: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly step: number;
  readonly tokens: number;
  readonly cost_micro_usd: number;
  readonly open_approvals: number;
  readonly started_at: Date;
  readonly updated_at: Date;
  readonly ended_at: Date | null;
}

const OPEN_APPROVALS = part`(select count(*)::int from approvals a where a.run = r.run and a.state = 'open')`;

function runRow(row: DatabaseRun): RunRow {
  return {
    run: row.run,
    workflowId: row.workflow_id,
    agent: row.agent,
    release: row.release,
    requester: row.requester,
    tenant: row.tenant,
    state: row.state,
    outcome: row.outcome,
    reason: row.reason,
    step: row.step,
    tokens: row.tokens,
    costMicroUsd: row.cost_micro_usd,
    openApprovals: row.open_approvals,
    startedAt: row.started_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
  };
}

export interface DatabaseApproval {
  readonly id: string;
  readonly run: RunId;
  readonly workflow_id: string;
  readonly agent: string | null;
  readonly kind: ApprovalRow['kind'];
  readonly state: string;
  readonly overdue: boolean;
  readonly key: string;
  readonly tool: string | null;
  readonly tier: string | null;
  readonly args_hash: string | null;
  readonly arguments: string | null;
  readonly amount: string | null;
  readonly payee: string | null;
  readonly summary: string;
  readonly reason: string;
  readonly quote: string | null;
  readonly rule: string | null;
  readonly taint: string;
  readonly origins: string;
  readonly requester: string;
  readonly requester_may: ApprovalRow['requesterMay'];
  readonly approvers: string;
  readonly quorum: number;
  readonly terms: string | null;
  readonly former_terms: string | null;
  readonly evidence: string | null;
  readonly opened_at: Date;
  readonly deadline: Date;
  readonly on_expiry: ApprovalRow['onExpiry'];
  readonly decision: string | null;
  readonly decided_at: Date | null;
}

/** Requests (`a`) with their run (`r`); `more` adds columns. */
export function approvalColumns(more = part``) {
  return part`
    select a.*, a.state = 'open' and a.deadline <= now() as overdue, r.agent, b.body as arguments ${more}
    from approvals a
    left join runs r on r.run = a.run
    left join blobs b on b.run = a.run and b.hash = a.args_hash`;
}

export function approvalRow(row: DatabaseApproval): ApprovalRow {
  const json = <Value>(text: string | null) => (text === null ? null : (JSON.parse(text) as Value));
  return {
    id: row.id,
    run: row.run,
    workflowId: row.workflow_id,
    agent: row.agent,
    kind: row.kind,
    state: row.state,
    overdue: row.overdue,
    key: row.key,
    tool: row.tool,
    tier: row.tier,
    argsHash: row.args_hash,
    arguments: json<Json>(row.arguments),
    amount: json<Amount>(row.amount),
    payee: row.payee,
    summary: row.summary,
    reason: row.reason,
    quote: row.quote,
    rule: row.rule,
    taint: JSON.parse(row.taint) as Taint,
    origins: JSON.parse(row.origins) as readonly Origin[],
    requester: row.requester,
    requesterMay: row.requester_may,
    approvers: JSON.parse(row.approvers) as Approvers,
    quorum: row.quorum,
    terms: json<Json>(row.terms),
    formerTerms: json<Json>(row.former_terms),
    evidence: row.evidence,
    openedAt: row.opened_at.toISOString(),
    deadline: row.deadline.toISOString(),
    onExpiry: row.on_expiry,
    decision: json<JsonObject>(row.decision),
    decidedAt: row.decided_at?.toISOString() ?? null,
  };
}
