import type { ApprovalRecord } from '../core/approvals.ts';
import type { CallState } from '../core/calls.ts';
import { approvalId, type CallKey, callKey } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { RuleAnswer } from '../core/policy.ts';
import type { LandingReason } from '../core/state.ts';
import { oneLine } from '../core/text.ts';
import { labelsOf, limitsOf, type Run, refOf } from './context.ts';
import type { RunPhase } from './messages.ts';
import { store } from './proxies.ts';

// Opening requests for people: the records, and the one activity that stores them.

export function askForCall(
  run: Run,
  call: CallState,
  answer: Extract<RuleAnswer, { kind: 'ask' }>,
): ApprovalRecord {
  const { prepared } = call;
  return {
    ...blank(run, prepared.key, call.requests + 1, answer.deadlineMs ?? limitsOf(run).approvalMs),
    kind: 'call',
    tool: prepared.tool,
    argsHash: prepared.argsHash,
    tier: labelsOf(run, prepared.tool)?.tier ?? null,
    amount: prepared.amount,
    summary: oneLine(prepared.summary, LIMITS.summaryChars),
    reason: answer.reason,
    approvers: answer.approvers ?? [],
    quorum: answer.quorum ?? 1,
  };
}

export function askWhatHappened(run: Run, call: CallState): ApprovalRecord {
  const { prepared } = call;
  return {
    ...blank(run, prepared.key, call.requests + 1, limitsOf(run).approvalMs),
    kind: 'reconcile',
    tool: prepared.tool,
    argsHash: prepared.argsHash,
    tier: labelsOf(run, prepared.tool)?.tier ?? null,
    amount: prepared.amount,
    summary: oneLine(`Did this happen? ${prepared.summary}`, LIMITS.summaryChars),
    reason: 'An attempt was lost and nobody can tell whether it acted. Look, then answer.',
  };
}

export function askToContinue(run: Run, reason: LandingReason, landings: number): ApprovalRecord {
  const key = callKey(run.state.run, run.state.nextStep - 1, 0);
  return {
    ...blank(run, `${key}` as CallKey, LIMITS.requestsPerCall + landings, limitsOf(run).approvalMs),
    kind: 'landing',
    summary: `Continue the conversation past its limit (${reason})?`,
    reason: 'The turn reached a limit and ended early. Approve to let it go on, reject to end the run here.',
  };
}

function blank(run: Run, key: CallKey, request: number, waitMs: number): ApprovalRecord {
  const nowMs = Date.now();
  return {
    id: approvalId(key, request),
    kind: 'call',
    key,
    tool: null,
    argsHash: null,
    tier: null,
    amount: null,
    summary: '',
    reason: '',
    approvers: [],
    quorum: 1,
    openedAtMs: nowMs,
    deadlineMs: nowMs + Math.min(waitMs, limitsOf(run).approvalMs),
    state: { kind: 'open' },
    votes: [],
  };
}

/** Stores requests, so that they can be listed and decided while no worker is alive. */
export async function storeRequests(
  run: Run,
  records: readonly ApprovalRecord[],
  state: Extract<RunPhase, 'waiting' | 'landed' | 'unknown'>,
  more: { readonly evidence?: string; readonly terms?: Readonly<Record<string, JsonObject>> } = {},
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  await store.openApprovals.executeWithOptions(
    {
      summary: oneLine(
        `ask: ${first.summary}${records.length > 1 ? ` and ${records.length - 1} more` : ''}`,
        LIMITS.summaryChars,
      ),
    },
    [
      {
        ...refOf(run),
        release: run.state.pinned?.hash ?? null,
        records,
        state,
        evidence: more.evidence ?? null,
        terms: more.terms ?? {},
      },
    ],
  );
}
