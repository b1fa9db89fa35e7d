import type { RunRef } from '../activities/types.ts';
import type { BudgetGrant, OverBudget } from '../core/budget.ts';
import type { Hash } from '../core/ids.ts';
import type { Usage } from '../core/messages.ts';
import type { RateLimited } from '../core/rates.ts';
import type { ResultRef } from '../core/state.ts';
import type { ChainNode } from './chain.ts';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';
import { rememberChain, rememberText } from './recent.ts';

// One try at the model: reserved before, settled after, one committing statement each.

export type AttemptOpened =
  | {
      readonly kind: 'opened';
      readonly attempt: number;
      /** Booked for earlier attempts at this step that never came back or failed after they were billed. */
      readonly lostMicroUsd: number;
    }
  /** The answer stands already. */
  | { readonly kind: 'answered'; readonly stored: string }
  /** The run is over: nothing was reserved, and nothing may be spent. */
  | { readonly kind: 'ended' }
  /** The run has cost too much: nothing was reserved. `unanswered` as in `OverBudget`. */
  | { readonly kind: 'over_limit'; readonly unanswered: boolean }
  /** A cap leaves no room for it: nothing was reserved. */
  | { readonly kind: 'over_budget'; readonly over: OverBudget }
  /** The run must not begin yet: nothing was written. */
  | { readonly kind: 'refused_start'; readonly refused: RateLimited };

/** All in micro-USD but the time. */
export interface Reserve {
  readonly microUsd: number;
  /** The run may have cost this much before, with what was lost and what failed; null where that does not matter. */
  readonly mostSpentMicroUsd: number | null;
  /** What has to fit under every cap: the call, and the landing that may have to follow it. */
  readonly needsMicroUsd: number;
  readonly ttlMs: number;
  readonly grant: BudgetGrant | null;
}

export async function openAttempt(
  sql: Sql,
  ref: RunRef,
  at: { readonly step: number; readonly purpose: string; readonly model: string; readonly release: Hash },
  reserve: Reserve,
): Promise<AttemptOpened> {
  const [row] = await sql<
    {
      kind: AttemptOpened['kind'];
      attempt: number;
      stored: string;
      lost_micro_usd: number;
      detail: OverBudget & RateLimited;
    }[]
  >`
    select * from open_attempt(${ref.run}, ${at.step}, ${at.purpose}, ${at.model}, ${reserve.microUsd}, ${reserve.ttlMs},
      ${ref.workflowId}, ${ref.namespaceId}, ${ref.agent}, ${ref.requester.id}, ${ref.requester.tenant}, ${at.release},
      ${reserve.mostSpentMicroUsd}, ${reserve.needsMicroUsd}, ${reserve.grant === null ? null : JSON.stringify(reserve.grant)}::text::jsonb)`;
  if (row === undefined) throw new Error('open_attempt returned no row');
  const { kind, attempt, stored, detail } = row;
  switch (kind) {
    case 'opened':
      return { kind, attempt, lostMicroUsd: row.lost_micro_usd };
    case 'answered':
      return { kind, stored };
    case 'ended':
      return { kind };
    case 'over_limit':
      return { kind, unanswered: detail.unanswered };
    case 'over_budget':
      return { kind, over: detail };
    case 'refused_start':
      return { kind, refused: detail };
    default:
      return kind satisfies never;
  }
}

export interface AnswerToCommit {
  readonly step: number;
  readonly purpose: string;
  readonly attempt: number;
  /** What the activity answers, also to every later attempt. */
  readonly result: string;
  readonly costMicroUsd: number;
  readonly usage: Usage;
  readonly tokens: number;
  readonly requestId: string | null;
  /** How the run stands after this answer, for lists. */
  readonly runState: 'running' | 'idle';
  readonly head: Hash;
  /** The conversation so far, and what this answer adds to it. */
  readonly before: readonly ChainNode[];
  readonly nodes: readonly ChainNode[];
  readonly blobs: readonly string[];
  /** What guards said, for the audit; `step` and `purpose` are added. */
  readonly notes: readonly { readonly kind: string; readonly why: string }[];
  /** How the calls ended whose results this answer has taken in: what breakers are judged by. */
  readonly outcomes: readonly NonNullable<ResultRef['counted']>[];
  readonly release: Hash;
}

/** True when this answer is the answer; false when another attempt's stands (this one is kept as an orphan). */
export async function commitAnswer(sql: Sql, ref: RunRef, answer: AnswerToCommit): Promise<boolean> {
  const { nodes, blobs, outcomes } = answer;
  const hashes = blobs.map(hashText);
  const [row] = await sql<{ first: boolean }[]>`
    with committed as materialized (select commit_answer(${ref.run}, ${answer.step}, ${answer.purpose}, ${answer.attempt}, ${answer.result},
      ${answer.costMicroUsd}, ${JSON.stringify(answer.usage)}, ${answer.requestId}, ${answer.tokens}, ${answer.runState},
      ${answer.head},
      ${nodes.map((node) => node.hash)}::text[], ${nodes.map((node) => node.seq)}::integer[],
      ${nodes.map((node) => node.parent)}::text[], ${nodes.map((node) => node.message.role)}::text[],
      ${nodes.map((node) => node.body)}::text[], ${nodes.map((node) => node.model)}::text[],
      ${hashes}::text[], ${[...blobs]}::text[],
      ${JSON.stringify(answer.notes)}) as first),
    counted as (
      insert into call_outcomes (run, agent, release, tenant, tool, outcome)
      select ${ref.run}, ${ref.agent}, ${answer.release}, ${ref.requester.tenant}, o.tool, o.outcome
      from committed, unnest(${outcomes.map(({ tool }) => tool)}::text[], ${outcomes.map(({ outcome }) => outcome)}::text[])
        as o(tool, outcome)
      where committed.first)
    select first from committed`;
  if (row?.first !== true) return false;
  for (const [i, body] of blobs.entries()) rememberText(sql, ref.run, hashes[i] ?? hashText(body), body);
  if (nodes.at(-1)?.hash === answer.head) rememberChain(sql, ref.run, [...answer.before, ...nodes]);
  return true;
}

/**
 * What the step has met at each model so far: tries that failed for the model's own sake (`passing` names such failures),
 * and refusals that were passed on.
 */
export async function triesOf(
  sql: Sql,
  at: { readonly run: string; readonly step: number; readonly purpose: string },
  passing: readonly string[],
): Promise<readonly { readonly model: string; readonly failed: number; readonly refused: number }[]> {
  return sql<{ model: string; failed: number; refused: number }[]>`
    select model, count(*) filter (where failure = any(${[...passing]}::text[]))::integer as failed,
      count(*) filter (where failure = 'model_refused')::integer as refused
    from model_attempts
    where run = ${at.run} and step = ${at.step} and purpose = ${at.purpose} and failure is not null
    group by model`;
}

/** The answer that stands for a step. */
export async function storedAnswer(
  sql: Sql,
  run: string,
  step: number,
  purpose: string,
): Promise<string | null> {
  const [row] = await sql<{ result: string }[]>`
    select result from answers where run = ${run} and step = ${step} and purpose = ${purpose}`;
  return row?.result ?? null;
}

/** Closes a try whose answer is nobody's step: a question of a guard. */
export async function settleAttempt(
  sql: Sql,
  attempt: number,
  settled: { readonly costMicroUsd: number; readonly usage: Usage; readonly requestId: string | null },
): Promise<void> {
  const { costMicroUsd, usage, requestId } = settled;
  await sql`
    select close_attempt(${attempt}, 'settled', ${costMicroUsd}, ${JSON.stringify(usage)}, ${requestId}, null)`;
}

/**
 * Closes a try that failed: with the cost of what it was billed for, with nothing, or, where nobody can know, with all
 * that it had reserved (`costMicroUsd: null`). The run's row follows, since no answer may come after this.
 */
export async function failAttempt(
  sql: Sql,
  attempt: number,
  failed: {
    readonly code: string;
    readonly costMicroUsd: number | null;
    readonly usage: Usage | null;
    readonly requestId: string | null;
  },
): Promise<void> {
  const { code, costMicroUsd, usage, requestId } = failed;
  const state = costMicroUsd === null ? 'booked_unknown' : usage === null ? 'released' : 'settled';
  await sql`
    select close_attempt(${attempt}, ${state}, ${costMicroUsd}, ${usage === null ? null : JSON.stringify(usage)},
      ${requestId}, ${code})`;
}
