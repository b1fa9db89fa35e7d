import type { ApprovalRecord } from '../core/approvals.ts';
import { ASK_PERSON, type CallState } from '../core/calls.ts';
import { approvalId, type CallKey, callKey } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { formatMicroUsd } from '../core/money.ts';
import type { Ask } from '../core/policy.ts';
import type { AskingPhase } from '../core/runPhases.ts';
import type { Pause, Turn } from '../core/state.ts';
import { oneLine } from '../core/text.ts';
import { labelsOf, limitsOf, openRecords, patch, type Run, refOf } from './context.ts';
import { store } from './proxies.ts';

// Opening requests for people: the records, and the one activity that stores them.

export function askForCall(run: Run, call: CallState, answer: Ask): ApprovalRecord {
  const { prepared } = call;
  return {
    ...blank(run, prepared.key, call.requests + 1, answer.deadlineMs ?? limitsOf(run).approvalMs, answer),
    ...aboutCall(run, call),
    ...(prepared.tool === ASK_PERSON
      ? { kind: 'question', summary: 'Answer a question of the agent', quote: prepared.summary }
      : { kind: 'call', summary: oneLine(prepared.summary, LIMITS.summaryChars) }),
    reason: answer.reason,
    rule: call.verdict?.rule ?? null,
    requesterMay: answer.of === 'requester' ? 'only' : answer.requesterToo === true ? 'too' : 'not',
    approvers: answer.of === 'requester' ? {} : (answer.approvers ?? {}),
    quorum: answer.of === 'requester' ? 1 : (answer.quorum ?? 1),
    formerTerms: call.formerTerms,
    onExpiry: answer.onExpiry ?? 'reject',
  };
}

/** What the record says of the call it is about. */
function aboutCall(run: Run, { prepared }: CallState) {
  return {
    tool: prepared.tool,
    argsHash: prepared.argsHash,
    tier: labelsOf(run, prepared.tool)?.tier ?? null,
    amount: prepared.amount,
    payee: prepared.payee,
    origins: prepared.origins,
    terms: prepared.terms,
    quote: run.state.turn?.step?.said ?? null,
  };
}

export function askWhatHappened(run: Run, call: CallState): ApprovalRecord {
  const { prepared } = call;
  return {
    ...blank(run, prepared.key, call.requests + 1, limitsOf(run).approvalMs),
    ...aboutCall(run, call),
    kind: 'reconcile',
    summary: oneLine(`Did this happen? ${prepared.summary}`, LIMITS.summaryChars),
    reason: 'An attempt was lost and nobody can tell whether it acted. Look, then answer.',
  };
}

export function askToContinue(
  run: Run,
  { reason, helping }: Pick<NonNullable<Turn['landing']>, 'reason' | 'helping'>,
): ApprovalRecord {
  return {
    ...aboutRun(run),
    kind: 'landing',
    summary: `Continue the conversation past its limit (${reason})?`,
    reason: 'The turn reached a limit and ended early. Approve to let it go on, reject to end the run here.',
    ...(helping && aboutHelping(run, helping)),
  };
}

function aboutHelping(run: Run, { scope }: { readonly scope: string }) {
  const more = formatMicroUsd(limitsOf(run).costMicroUsdPerRun);
  return {
    summary: oneLine(`Go up to ${more} over the budget ${scope}?`, LIMITS.summaryChars),
    reason: `The budget ${scope} is used up. Approve to let this conversation spend up to ${more} more, reject to end it here.`,
  };
}

/** Asked once a pause has become long. Silence hands the conversation over to people. */
export function askToResume(run: Run, pause: Pause): ApprovalRecord {
  return {
    ...aboutRun(run),
    kind: 'pause',
    summary: 'Go on with the conversation that was paused?',
    reason: `Paused by ${pause.by}. Approve to let it go on, reject to end it here.`,
    onExpiry: 'escalate',
  };
}

/** About no call: no step has the number 0. */
function aboutRun(run: Run): ApprovalRecord {
  patch(run, { requests: run.state.requests + 1 });
  return blank(run, callKey(run.state.run, 0, 0), run.state.requests, limitsOf(run).approvalMs);
}

/** Times count from now; a run that asks for less time than a rule gives is asked for less. */
function blank(
  run: Run,
  key: CallKey,
  request: number,
  wantedMs: number,
  times: Pick<Ask, 'remindAfterMs' | 'escalation'> = {},
): ApprovalRecord {
  const nowMs = Date.now();
  const waitMs = Math.min(wantedMs, limitsOf(run).approvalMs);
  const usual = waitMs >= LIMITS.reminderFromMs ? [Math.round(waitMs * LIMITS.reminderShare)] : [];
  return {
    id: approvalId(key, request),
    kind: 'call',
    key,
    tool: null,
    argsHash: null,
    tier: null,
    amount: null,
    payee: null,
    summary: '',
    reason: '',
    quote: null,
    rule: null,
    taint: run.state.taint,
    origins: [],
    release: run.state.pinned?.hash ?? null,
    requester: run.state.requester.id,
    requesterMay: 'not',
    approvers: {},
    quorum: 1,
    terms: null,
    formerTerms: null,
    openedAtMs: nowMs,
    deadlineMs: nowMs + waitMs,
    onExpiry: 'reject',
    reminders: (times.remindAfterMs ?? usual).filter((ms) => ms < waitMs).map((ms) => nowMs + ms),
    escalation: (times.escalation ?? [])
      .filter(({ afterMs }) => afterMs < waitMs)
      .map(({ afterMs, approvers }) => ({ atMs: nowMs + afterMs, approvers })),
    state: { kind: 'open' },
    votes: [],
  };
}

/** What stopped the run may have kept requests from the store: a run that goes on stores what is open once more. */
export async function storeOpen(run: Run): Promise<void> {
  for (const record of openRecords(run)) await storeRequests(run, [record], PHASE_OF[record.kind]);
}

const PHASE_OF = {
  call: 'waiting',
  question: 'waiting',
  reconcile: 'unknown',
  landing: 'landed',
  pause: 'paused',
} as const satisfies Record<ApprovalRecord['kind'], AskingPhase>;

/** Stores requests, so that they can be listed and decided while no worker is alive. */
export async function storeRequests(
  run: Run,
  records: readonly ApprovalRecord[],
  state: AskingPhase,
  evidence: string | null = null,
): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const { signed } = await store.openApprovals.executeWithOptions(
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
        evidence,
      },
    ],
  );
  patch(run, { signed, recordedPhase: state });
}
