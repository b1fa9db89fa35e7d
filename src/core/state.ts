import type { ApprovalRecord } from './approvals.ts';
import type { BudgetGrant } from './budget.ts';
import type { CallState, OutcomeWord } from './calls.ts';
import type { Control } from './control.ts';
import type { Hash, RunId } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { RunLimits } from './limits.ts';
import { NO_USAGE, type Usage } from './messages.ts';
import type { Rule } from './policy.ts';
import type { PinnedRelease } from './release.ts';
import type { Requester } from './requester.ts';
import type { RunPhase } from './runPhases.ts';
import type { Start } from './start.ts';
import { CLEAN, type Taint } from './taint.ts';

/** Where the conversation stands: the newest node of the chain and its number (1 for the first message). */
export interface Head {
  readonly seq: number;
  readonly node: Hash;
}

/** A text on its way to the model: short ones travel, longer ones are named. */
export type TextRef =
  | { readonly kind: 'inline'; readonly text: string }
  | { readonly kind: 'blob'; readonly ref: Hash };

export interface QueuedMessage {
  readonly id: string;
  readonly by: string;
  readonly text: TextRef;
}

/** The answer to one call, on its way to the model. */
export interface ResultRef {
  readonly callId: string;
  readonly isError: boolean;
  readonly content: TextRef;
  /** What is counted of it: by tool, or by the empty name where the release has none of that name. */
  readonly counted: { readonly tool: string; readonly outcome: OutcomeWord } | null;
}

/** A text for the model, and whose it is: the customer's, or ours (notices). */
export type AppendText = TextRef & { readonly by: 'user' | 'holdfast' };

/** What the next model call adds to the conversation: one user message, results first. Nothing after a pause. */
export interface Append {
  readonly results: readonly ResultRef[];
  readonly texts: readonly AppendText[];
  /** Add the agent's hard rules. */
  readonly remind: boolean;
}

export const NOTHING: Append = { results: [], texts: [], remind: false };

export interface Step {
  readonly n: number;
  /** What the model said when it made these calls; null with previews off. */
  readonly said: string | null;
  readonly calls: readonly CallState[];
}

export interface HandOver {
  readonly summary: string;
  readonly evidence: string;
  /** Effects that were about to run when a person took over: neither the ledger nor a request knows of them. */
  readonly notStarted?: readonly string[];
}

/** Why a turn landed. The closed list is part of the wire: it is the run's `reason` when a person stops it. */
export type LandingReason =
  | 'iterations'
  | 'tool_calls'
  | 'active_time'
  | 'tokens'
  | 'cost'
  | 'repeats'
  | 'truncated'
  | 'empty'
  | 'context'
  | 'unknown_stop'
  | 'model_failed'
  | 'failures'
  | 'budget';

/** An open turn: from a message to its answer. Plain data, carried through continue-as-new. */
export interface Turn {
  /** Ids of the messages this turn answers. */
  readonly messages: readonly string[];
  readonly append: Append;
  /** The append has been sent to the model at least once: it stays as it is until the answer stands. */
  readonly sealed: boolean;
  readonly iterations: number;
  readonly toolCalls: number;
  readonly activeMs: number;
  readonly truncated: number;
  readonly empty: number;
  /** Answers before this one that were cut off and belong to it. */
  readonly pieces: number;
  /** Answers of this turn that a guard sent back. */
  readonly repairs: number;
  /** Calls made since the last applied effect: `tool argsHash` to how often. */
  readonly repeats: Readonly<Record<string, number>>;
  /** Failures that count towards escalation, by tool. */
  readonly failures: Readonly<Record<string, number>>;
  /** Limits the model has been warned about. */
  readonly notices: readonly string[];
  readonly step: Step | null;
  /** The turn has to land (or has landed, when `record` is there). */
  readonly landing: {
    readonly reason: LandingReason;
    readonly record: ApprovalRecord | null;
    /** Somebody gave more of what was used up. */
    readonly raised: boolean;
    /** A yes allows one more helping on top of this cap. */
    readonly helping?: Pick<BudgetGrant, 'scope' | 'startMs'>;
  } | null;
  readonly landings: number;
  readonly handOver: HandOver | null;
  /** Since when a breaker keeps the run from its first model call. */
  readonly heldSinceMs: number | null;
}

/** What a turn has used of its limits: nothing yet. */
export const FRESH = {
  iterations: 0,
  toolCalls: 0,
  activeMs: 0,
  truncated: 0,
  empty: 0,
  pieces: 0,
  repairs: 0,
  repeats: {},
  notices: [],
} as const satisfies Partial<Turn>;

export function openTurn(messages: readonly string[], append: Append): Turn {
  return {
    ...FRESH,
    messages,
    append,
    sealed: false,
    failures: {},
    step: null,
    landing: null,
    landings: 0,
    handOver: null,
    heldSinceMs: null,
  };
}

/** What a sender of a message gets back, as soon as the run answers or parks. */
export interface Reply {
  readonly kind: 'answered' | 'waiting' | 'landed' | 'moved' | 'ended';
  readonly messageId: string;
  readonly text?: string;
  readonly approvals?: readonly {
    readonly id: string;
    readonly kind: string;
    readonly summary: string;
    readonly deadlineMs: number;
    /** Who is asked: the customer (show them the question), or people. */
    readonly of: 'people' | 'requester';
    readonly argsHash: string | null;
  }[];
}

/** What the senders of all messages of one turn get back. */
export interface TurnReply {
  readonly messages: readonly string[];
  readonly reply: Omit<Reply, 'messageId'>;
}

/** Everything a run is, between two activations. At most 128 KB as JSON; a build reads the previous build's. */
export interface RunState {
  readonly v: 1;
  readonly run: RunId;
  readonly agent: string;
  readonly channel: string;
  readonly requester: Requester;
  readonly once: boolean;
  readonly wantedLimits: Partial<RunLimits>;
  /** Rules of the start, which only tighten the release's. */
  readonly ownRules: readonly Rule[];
  readonly context: JsonObject | null;
  readonly pinned: PinnedRelease | null;
  readonly head: Head | null;
  readonly nextStep: number;
  readonly userMessages: number;
  readonly taint: Taint;
  /** Index into the release's phases. */
  readonly phase: number;
  /** How the run stands, as its card, its status and its search attributes say. */
  readonly shownPhase: RunPhase;
  /** How its row was last told that it stands; null where a model call may have told it something newer. */
  readonly recordedPhase: RunPhase | null;
  readonly usage: Usage;
  readonly costMicroUsd: number;
  readonly iterations: number;
  /** Prompt and output tokens of the newest model call: what the next one will at least have to read. */
  readonly lastTotalTokens: number;
  /** The model that the run stays with: the one that gave its newest answer. */
  readonly model: string | null;
  /** Allowed on top of the limits by people. */
  readonly extraTokens: number;
  readonly extraCostMicroUsd: number;
  /** The newest helping on top of a cap that a person allowed. */
  readonly grant: BudgetGrant | null;
  readonly inbox: readonly QueuedMessage[];
  /** What was written after the run was closed or handed over: it goes on record, and nobody answers it. */
  readonly afterwards: readonly QueuedMessage[];
  readonly turn: Turn | null;
  readonly idleDeadlineMs: number | null;
  readonly seenMessages: readonly string[];
  /** Closed approvals, for duplicates. */
  readonly closedApprovals: readonly ClosedApproval[];
  /** Workers of this run have a decision key: only what is signed counts. Null until a request was opened. */
  readonly signed: boolean | null;
  /** Of the newest turns. */
  readonly replies: readonly TurnReply[];
  /** Decisions that count or were refused, and are not in the store yet. */
  readonly unrecorded: readonly UnrecordedDecision[];
  /** What people said and nobody has verified yet, in order of arrival. */
  readonly controls: readonly Control[];
  readonly nextControl: number;
  readonly paused: Pause | null;
  /** An error of our own keeps the run from going on until somebody says `retry`, at most until then. */
  readonly bug?: { readonly message: string; readonly untilMs: number } | null;
  /** Model or store are away; cleared by the answer. */
  readonly outage: Outage | null;
  /** Requests about the run itself so far: landings and long pauses. */
  readonly requests: number;
  readonly closing: boolean;
  readonly handOver: HandOver | null;
  readonly continuedTimes: number;
}

/** The state that stands, and whose word of what kind brought it about. */
export interface ClosedApproval {
  readonly id: string;
  readonly state: string;
  readonly by: string;
  readonly said: string;
}

export interface Pause {
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
  /** Go on or stop: asked once the pause has become long. */
  readonly record: ApprovalRecord | null;
}

export interface Outage {
  readonly sinceMs: number;
  /** Rounds in a row that were lost with their workers. */
  readonly lost: number;
}

export interface UnrecordedDecision {
  readonly approval: string;
  /** The state the record moved to, or `refused`. */
  readonly state: string;
  readonly facts: JsonObject;
  readonly atMs: number;
}

export function newState(run: RunId, start: Start): RunState {
  return {
    v: 1,
    run,
    agent: start.agent,
    channel: start.channel,
    requester: start.requester,
    once: start.once,
    wantedLimits: start.limits,
    ownRules: start.policy,
    context: start.context,
    pinned: null,
    head: null,
    nextStep: 1,
    userMessages: 0,
    taint: CLEAN,
    phase: 0,
    shownPhase: 'running',
    recordedPhase: null,
    usage: NO_USAGE,
    costMicroUsd: 0,
    iterations: 0,
    lastTotalTokens: 0,
    model: null,
    extraTokens: 0,
    extraCostMicroUsd: 0,
    grant: null,
    inbox: [],
    afterwards: [],
    turn: null,
    idleDeadlineMs: null,
    seenMessages: [],
    closedApprovals: [],
    signed: null,
    replies: [],
    unrecorded: [],
    controls: [],
    nextControl: 1,
    paused: null,
    outage: null,
    requests: 0,
    closing: false,
    handOver: null,
    continuedTimes: 0,
  };
}
