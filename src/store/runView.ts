import type { CallModelResult } from '../activities/types.ts';
import type { Hash, RunId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { ToolResultBlock } from '../core/messages.ts';
import { firstBrokenRow, readAudit } from './audit.ts';
import { type ChainNode, loadChain } from './chain.ts';
import type { Sql } from './connection.ts';
import { findHandOver, type HandOverRow } from './handovers.ts';
import { type ApprovalRow, listApprovals, type RunRow } from './views.ts';

/** One run with everything the store knows of it, its chains checked. */
export interface RunView {
  /** The conversation up to the run's head; empty when the chain is broken. */
  readonly conversation: readonly ChainNode[];
  readonly chain: Verdict;
  readonly calls: readonly CallView[];
  readonly approvals: readonly ApprovalRow[];
  readonly handOver: HandOverRow | null;
  readonly audit: Verdict;
}

/** `length` counts messages or rows; `problem` names the first one that was tampered with or is missing. */
export interface Verdict {
  readonly length: number;
  readonly problem: string | null;
}

export interface CallView {
  /** `run/step/ordinal`. */
  readonly key: string;
  readonly tool: string;
  readonly summary: string;
  /** What the model was told; null while the call has no result. */
  readonly result: { readonly isError: boolean; readonly text: string } | null;
  /** The ledger's row; null for reads and for calls that were never claimed. */
  readonly effect: EffectRow | null;
}

export interface EffectRow {
  readonly state: string;
  readonly mode: string;
  readonly generation: number;
  /** Attempts that held the lease. */
  readonly fence: number;
  readonly approval: string | null;
  readonly claimedAt: string;
  readonly settledAt: string | null;
}

export async function readRun(sql: Sql, row: RunRow): Promise<RunView> {
  const run = row.run as RunId;
  const [conversation, answers, effects, approvals, handOver, audit] = await Promise.all([
    readConversation(sql, run),
    readAnswers(sql, run),
    readEffects(sql, run),
    listApprovals(sql, { run, all: true, limit: LIMITS.listRows }),
    findHandOver(sql, run),
    readAudit(sql, run),
  ]);
  const broken = firstBrokenRow(run, audit);
  return {
    ...conversation,
    calls: joinCalls(conversation.conversation, answers, effects),
    approvals: approvals.toReversed(),
    handOver,
    audit: {
      length: audit.length,
      problem: broken === null ? null : `row ${broken} does not follow from the one before it`,
    },
  };
}

async function readConversation(
  sql: Sql,
  run: RunId,
): Promise<{ readonly conversation: readonly ChainNode[]; readonly chain: Verdict }> {
  const [head] = await sql<{ seq: number | null; node: Hash }[]>`
    select n.seq, r.head as node from runs r left join nodes n on n.run = r.run and n.hash = r.head
    where r.run = ${run} and r.head is not null`;
  if (head === undefined) return { conversation: [], chain: { length: 0, problem: null } };
  if (head.seq === null)
    return {
      conversation: [],
      chain: { length: 0, problem: `the newest message (${head.node}) is missing` },
    };
  const { seq, node } = head;
  try {
    const conversation = await loadChain(sql, run, { seq, node });
    return { conversation, chain: { length: conversation.length, problem: null } };
  } catch (error) {
    // A database that is away has a code; what the chain itself finds wrong has none, and is the answer here.
    if (!(error instanceof Error) || 'code' in error) throw error;
    return { conversation: [], chain: { length: seq, problem: error.message } };
  }
}

type Answer = Extract<CallModelResult, { kind: 'answered' }>;

async function readAnswers(sql: Sql, run: RunId): Promise<readonly Answer[]> {
  const rows = await sql<{ result: string }[]>`select result from answers where run = ${run} order by step`;
  return rows
    .map((row) => JSON.parse(row.result) as CallModelResult)
    .filter((result): result is Answer => result.kind === 'answered');
}

async function readEffects(sql: Sql, run: RunId): Promise<ReadonlyMap<string, EffectRow>> {
  const rows = await sql<
    {
      key: string;
      state: string;
      mode: string;
      generation: number;
      fence: number;
      approval: string | null;
      claimed_at: Date;
      settled_at: Date | null;
    }[]
  >`
    select key, state, mode, generation, fence, approval, claimed_at, settled_at from effects where run = ${run}`;
  return new Map(
    rows.map(({ key, claimed_at, settled_at, ...row }) => [
      key,
      { ...row, claimedAt: claimed_at.toISOString(), settledAt: settled_at?.toISOString() ?? null },
    ]),
  );
}

/**
 * Each call with its result. Results stand in the message right after the answer that made the calls, and are found
 * there by the model's own ids, which are unique only within one answer.
 */
function joinCalls(
  conversation: readonly ChainNode[],
  answers: readonly Answer[],
  effects: ReadonlyMap<string, EffectRow>,
): readonly CallView[] {
  return answers.flatMap((answer) => {
    const following = conversation[answer.head.seq]?.message.content ?? [];
    const results = following.filter((block): block is ToolResultBlock => block.type === 'tool_result');
    return answer.calls.map((call): CallView => {
      const result = results.find((one) => one.tool_use_id === call.callId);
      return {
        key: call.key,
        tool: call.tool,
        summary: call.summary,
        result:
          result === undefined ? null : { isError: result.is_error === true, text: String(result.content) },
        effect: effects.get(call.key) ?? null,
      };
    });
  });
}
