import type { RunRef } from '../activities/types.ts';
import type { Hash } from '../core/ids.ts';
import type { Usage } from '../core/messages.ts';
import type { ChainNode } from './chain.ts';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

// One try at the model: reserved before, settled after, one committing statement each.

export interface AttemptOpened {
  /** Null when the answer stands already. */
  readonly attempt: number | null;
  readonly stored: string | null;
  /** Booked for earlier attempts at this step that never came back or failed after they were billed. */
  readonly lostMicroUsd: number;
}

export async function openAttempt(
  sql: Sql,
  ref: RunRef,
  at: { readonly step: number; readonly purpose: string; readonly model: string; readonly release: Hash },
  reserve: { readonly microUsd: number; readonly ttlMs: number },
): Promise<AttemptOpened> {
  const [row] = await sql<{ attempt: number | null; stored: string | null; lost_micro_usd: number }[]>`
    select * from open_attempt(${ref.run}, ${at.step}, ${at.purpose}, ${at.model}, ${reserve.microUsd}, ${reserve.ttlMs},
      ${ref.workflowId}, ${ref.agent}, ${ref.requester.id}, ${ref.requester.tenant}, ${at.release})`;
  if (row === undefined) throw new Error('open_attempt returned no row');
  return { attempt: row.attempt, stored: row.stored, lostMicroUsd: row.lost_micro_usd };
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
  readonly nodes: readonly ChainNode[];
  readonly blobs: readonly string[];
}

/** True when this answer is the answer; false when another attempt's stands (this one is kept as an orphan). */
export async function commitAnswer(sql: Sql, ref: RunRef, answer: AnswerToCommit): Promise<boolean> {
  const { nodes, blobs } = answer;
  const [row] = await sql<{ first: boolean }[]>`
    select commit_answer(${ref.run}, ${answer.step}, ${answer.purpose}, ${answer.attempt}, ${answer.result},
      ${answer.costMicroUsd}, ${JSON.stringify(answer.usage)}, ${answer.requestId}, ${answer.tokens}, ${answer.runState},
      ${answer.head},
      ${nodes.map((node) => node.hash)}::text[], ${nodes.map((node) => node.seq)}::integer[],
      ${nodes.map((node) => node.parent)}::text[], ${nodes.map((node) => node.message.role)}::text[],
      ${nodes.map((node) => node.body)}::text[],
      ${blobs.map(hashText)}::text[], ${[...blobs]}::text[]) as first`;
  return row?.first === true;
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

/** Closes a try that failed: with the cost of what it was billed for, or with nothing. */
export async function failAttempt(
  sql: Sql,
  attempt: number,
  failed: {
    readonly code: string;
    readonly costMicroUsd: number;
    readonly usage: Usage | null;
    readonly requestId: string | null;
  },
): Promise<void> {
  await sql`
    update model_attempts set state = ${failed.usage === null ? 'released' : 'settled'}, cost_micro_usd = ${failed.costMicroUsd},
      usage = ${failed.usage === null ? null : JSON.stringify(failed.usage)}, request_id = ${failed.requestId},
      failure = ${failed.code}, closed_at = clock_timestamp()
    where id = ${attempt} and state = 'open'`;
}
