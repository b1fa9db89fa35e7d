import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ApprovalRecord, Decision, DecisionRefusal } from '../core/approvals.ts';
import type { Envelope } from '../core/control.ts';
import type { JsonObject } from '../core/json.ts';
import type { Usage } from '../core/messages.ts';
import type { RunPhase } from '../core/runPhases.ts';
import type { LandingReason, Reply } from '../core/state.ts';

// The wire of a run: names and shapes, nothing else. Applications import it through `holdfast/client`.

export type { Decision } from '../core/approvals.ts';
export type { StartInput } from '../core/start.ts';
export type { Reply } from '../core/state.ts';

/** Workflow type. */
export const AGENT_RUN = 'agentRun';

export interface UserMessage {
  readonly text: string;
  readonly by: string;
  /** Sent twice, it counts once. At most 64 characters. */
  readonly id?: string;
}

/** A steering signal: who, and why. */
export interface Steering extends Envelope {
  readonly reason?: string;
}

export interface RaiseLimit extends Steering {
  /** Added to what the run may use. */
  readonly tokens?: number;
  readonly costMicroUsd?: number;
}

export const messageSignal = defineSignal<[UserMessage]>('message');
export const decideSignal = defineSignal<[Decision]>('decide');
export const pauseSignal = defineSignal<[Steering]>('pause');
/** Ends a pause. */
export const resumeSignal = defineSignal<[Steering]>('resume');
/** Try again now: after an outage, a bug, a kill switch or a breaker. */
export const retrySignal = defineSignal<[Steering]>('retry');
/** What a breaker holds looks again: said by the governor, and by nobody's authority, since the claim decides. */
export const lookAgainSignal = defineSignal<[]>('lookAgain');
export const cancelSignal = defineSignal<[Steering]>('cancel');
export const closeSignal = defineSignal<[Steering]>('close');
export const handOverSignal = defineSignal<[Steering]>('handOver');
export const raiseLimitSignal = defineSignal<[RaiseLimit]>('raiseLimit');
/** Continue as new at the next seam, so that a new build takes over. */
export const upgradeSignal = defineSignal<[Steering]>('upgrade');

/** Sends a message and returns as soon as the run answers or parks; it never hangs for days. */
export const sendUpdate = defineUpdate<Reply, [UserMessage]>('send');

export type DecideReply =
  | { readonly kind: 'decided'; readonly state: string }
  | { readonly kind: 'voted'; readonly votes: number; readonly quorum: number }
  | { readonly kind: 'refused'; readonly why: DecisionRefusal };
/** Validates a decision and answers at once. */
export const decideNowUpdate = defineUpdate<DecideReply, [Decision]>('decideNow');

export interface RunStatus {
  readonly run: string;
  readonly agent: string;
  readonly release: string | null;
  readonly state: RunPhase;
  readonly step: number;
  readonly iterations: number;
  readonly usage: Usage;
  readonly costMicroUsd: number;
  readonly waitsFor: string;
  readonly openApprovals: number;
  readonly queuedMessages: number;
  readonly continuedTimes: number;
  /** Malformed or surplus signals that were dropped by this execution. */
  readonly dropped: number;
}

export const statusQuery = defineQuery<RunStatus>('status');
/** The conversation is in the store; the run knows where it stands. Read it with `holdfast show`. */
export const transcriptQuery = defineQuery<{ readonly run: string; readonly head: JsonObject | null }>(
  'transcript',
);
export const approvalsQuery = defineQuery<readonly ApprovalRecord[]>('approvals');

export type Outcome = 'completed' | 'partial' | 'escalated' | 'refused' | 'cancelled' | 'failed';

/** Why a run ended: a closed list. */
export type EndReason =
  | 'answered'
  | 'closed'
  | 'idle'
  | 'handed_over'
  | 'repeated_failures'
  | 'model_refused'
  | 'answer_kept_back'
  | 'cancelled'
  | 'outage'
  | 'bug'
  | 'unknown_agent'
  /** The store has it as ended: a workflow that was reset after its end, say. */
  | 'already_ended'
  | 'breaker_open'
  | 'rate_limited'
  | LandingReason;

export interface RunResult {
  readonly run: string;
  readonly outcome: Outcome;
  readonly reason: EndReason;
  /** The last answer, bounded; absent with previews off. */
  readonly answer?: string;
  readonly usage: Usage;
  readonly costMicroUsd: number;
  readonly head: string | null;
}
