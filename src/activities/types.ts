import type { ApprovalRecord } from '../core/approvals.ts';
import type { BreakerEvent } from '../core/breakers.ts';
import type { BudgetGrant, OverBudget } from '../core/budget.ts';
import type { CallOutcome, PreparedCall } from '../core/calls.ts';
import type { Control, Verified } from '../core/control.ts';
import type { ApprovalId, CallKey, Hash, RunId } from '../core/ids.ts';
import type { Json, JsonObject } from '../core/json.ts';
import type { RunLimits } from '../core/limits.ts';
import type { Usage } from '../core/messages.ts';
import type { PACKING, Packed } from '../core/packing.ts';
import type { Approvers } from '../core/policy.ts';
import type { Origin } from '../core/provenance.ts';
import type { RateLimited } from '../core/rates.ts';
import type { PinnedRelease, Release } from '../core/release.ts';
import type { Requester } from '../core/requester.ts';
import type { AskingPhase, RunPhase } from '../core/runPhases.ts';
import type { Append, HandOver, Head, UnrecordedDecision } from '../core/state.ts';

/**
 * What crosses the border between workflow and activities. References, hashes and facts; never the conversation.
 * Every input and result stays below the soft payload limit.
 */
export interface Activities {
  callModel(input: CallModelInput): Promise<CallModelResult>;
  prepareCall(input: PrepareCallInput): Promise<PreparedCall>;
  runTool(input: RunToolInput): Promise<RunToolResult>;
  closeEffect(input: CloseEffectInput): Promise<RunToolResult>;
  resolveEffect(input: ResolveEffectInput): Promise<RunToolResult>;
  /** `signed`: this worker has a decision key, so that only signed decisions will count. */
  openApprovals(input: OpenApprovalsInput): Promise<{ readonly signed: boolean }>;
  recordDecisions(input: RecordDecisionsInput): Promise<void>;
  verifyControls(input: VerifyControlsInput): Promise<readonly Verified[]>;
  remind(input: RemindInput): Promise<void>;
  keepTexts(input: KeepTextsInput): Promise<readonly Hash[]>;
  /** `head`: where the conversation ends, with what was appended last. */
  endRun(input: EndRunInput): Promise<{ readonly head: Head | null }>;
}

/** The same activities as a workflow calls them: what a step is made of travels packed. */
export type SentActivities = {
  readonly [Name in keyof Activities]: (
    input: OnItsWay<Name, SentInput<Parameters<Activities[Name]>[0]>>,
    inside?: InsideTask,
  ) => Promise<OnItsWay<Name, Awaited<ReturnType<Activities[Name]>>>>;
};

/** Of what runs inside a workflow task, as a local activity. */
export interface InsideTask {
  /** The task may have been done before, and what it ran may have ended its worker: nothing is run. */
  readonly again: boolean;
}

type OnItsWay<Name, Message> = Name extends keyof typeof PACKING ? Packed<Message> : Message;
type SentInput<Input> = Input extends RunRef ? Sent<Input> : Input;

/** Activities of no run: the governor calls them for the whole fleet. Every part may be repeated. */
export interface FleetActivities {
  /** Opens and closes breakers; what changed, a page at most. */
  govern(): Promise<readonly BreakerChangeTold[]>;
  /** Tells runs that no breaker holds any more to look again; how many. */
  wakeHeld(): Promise<number>;
  /** Books what expired and closes what terminated runs left open; one bounded pass. */
  sweep(): Promise<Swept>;
}

export interface BreakerChangeTold {
  readonly name: string;
  readonly event: BreakerEvent;
  readonly why: string;
}

/** What one pass of the sweeper found; `more` when a full page says that there may be more. */
export interface Swept {
  /** Reservations whose attempts never came back. */
  readonly booked: number;
  /** Runs whose workflow is gone. */
  readonly closed: number;
  readonly more: boolean;
}

/** Who and what a run is, for activities that have to know. */
export interface RunRef {
  readonly run: RunId;
  readonly workflowId: string;
  /** The engine's own id of the namespace, which no two servers share. */
  readonly namespaceId: string;
  readonly agent: string;
  readonly requester: Requester;
}

/** An input on its way: which workflow asks, and where it runs, the border knows by itself. */
export type Sent<Input extends RunRef> = Omit<Input, 'workflowId' | 'namespaceId'>;

export interface CallModelInput extends RunRef {
  readonly step: number;
  /** `land` is the last call of a turn that hit a limit: no tool may be used. */
  readonly purpose: 'act' | 'land';
  readonly head: Head | null;
  readonly append: Append;
  /** Null at the first call of a run: `channel` is resolved and the answer carries what the run pins. */
  readonly release: Hash | null;
  readonly channel: string;
  readonly wantedLimits: Partial<RunLimits>;
  readonly context: JsonObject | null;
  /** Allowed by people on top of the limits. */
  readonly extraTokens: number;
  readonly extraCostMicroUsd: number;
  /** What it has cost is known to the store, with what was lost. */
  readonly spentTokens: number;
  /** Prompt and output tokens of the newest call, 0 before the first. */
  readonly lastTotalTokens: number;
  /** How many of the newest answers were cut off and belong to the one that is asked for now. */
  readonly pieces: number;
  /** The newest helping on top of a cap that a person allowed; it counts once, however often it is told. */
  readonly grant?: BudgetGrant;
  /** The model that gave the newest answer: the run stays with it while it can. Null before the first. */
  readonly model: string | null;
}

export interface Preview {
  readonly text: string;
  readonly truncated: boolean;
}

/** Sent back to the model with an instruction, or kept back for good: then the customer reads the reply. */
export type GuardStop =
  | { readonly kind: 'repair'; readonly instruction: string; readonly why: string }
  | { readonly kind: 'block'; readonly reply: string; readonly why: string };

export type CallModelResult =
  | {
      readonly kind: 'answered';
      readonly head: Head;
      readonly stopReason: string;
      readonly calls: readonly PreparedCall[];
      readonly usage: Usage;
      /** This answer's cost and that of attempts for it that were lost. */
      readonly costMicroUsd: number;
      readonly activeMs: number;
      /** The answer has text; false for an empty one, which never enters the chain. */
      readonly hasText: boolean;
      /** What the model said beside its calls, without personal data; null when previews are off or it said nothing. */
      readonly preview: Preview | null;
      /** The whole answer of the turn, as it may go out; null when it is none, was not let through, or previews are off. */
      readonly answer: Preview | null;
      /** What the guards of answers did not let through. */
      readonly stopped: null | GuardStop;
      /** A guard has seen signs of an attack in what a customer wrote. */
      readonly suspicious: boolean;
      /** The model that was asked, by its configured name. */
      readonly model: string;
      readonly pinned: PinnedRelease | null;
    }
  | {
      /** The worst case of this call and of the landing after it does not fit any more. It was not made. */
      readonly kind: 'over_limit';
      readonly limit: 'tokens' | 'cost';
      /** An earlier attempt at this step never came back: its answer may still come. */
      readonly unanswered: boolean;
      readonly pinned: PinnedRelease | null;
    }
  | {
      /** A cap on money leaves no room for this call and the landing after it. It was not made. */
      readonly kind: 'over_budget';
      readonly over: OverBudget;
      readonly pinned: PinnedRelease | null;
    }
  | {
      /** Starts come too fast: this run never began, and nothing was spent or written. */
      readonly kind: 'refused_start';
      readonly refused: RateLimited;
    }
  | {
      /** A breaker keeps a run from beginning. Nothing was asked, spent or pinned. */
      readonly kind: 'held';
      readonly release: Hash;
      /** `breaker:NAME`. */
      readonly name: string;
      /** Null: until an operator says so. */
      readonly untilMs: number | null;
      readonly whileBroken: Release['whileBroken'];
    };

export interface PrepareCallInput extends RunRef {
  readonly release: Hash;
  readonly key: CallKey;
  readonly callId: string;
  readonly tool: string;
  /** Where the arguments come from: those stored with the call, or a person's edit. */
  readonly arguments:
    | { readonly kind: 'stored'; readonly argsHash: Hash }
    | {
        readonly kind: 'edited';
        readonly arguments: JsonObject;
        /** What they were before the edit. */
        readonly argsHash: Hash;
      };
  /** Where the sensitive arguments came from when it was prepared first; the conversation is not read again. */
  readonly origins: readonly Origin[];
}

export interface RunToolInput extends RunRef {
  readonly release: Hash;
  readonly key: CallKey;
  readonly tool: string;
  readonly argsHash: Hash;
  readonly generation: number;
  readonly terms: JsonObject | null;
  readonly classes: readonly string[];
  /** The learned rule that allowed it, which must still stand when it acts. */
  readonly learned: string | null;
  /** The decision that allows it; null where the policy asked nobody. */
  readonly approval: {
    readonly id: ApprovalId;
    readonly decision: JsonObject;
    readonly decidedAtMs: number;
  } | null;
}

export interface CloseEffectInput extends RunToolInput {
  /** The tool's own check has ended its workers: it is not asked again, so nobody knows. */
  readonly unchecked?: boolean;
}

export type RunToolResult =
  | {
      readonly kind: 'done';
      readonly outcome: CallOutcome;
      readonly applied: boolean;
      readonly activeMs: number;
    }
  | {
      /** The terms it was judged by have changed. Nothing was done. */
      readonly kind: 'stale';
      readonly activeMs: number;
    }
  | {
      /** A kill switch is set or a breaker is open (`breaker:NAME`). This attempt did nothing, and has claimed nothing. */
      readonly kind: 'held';
      readonly name: string;
      readonly activeMs: number;
    }
  | {
      /** Nobody knows whether it happened. A person must say. */
      readonly kind: 'unknown';
      readonly evidence: string;
      readonly activeMs: number;
    };

export interface ResolveEffectInput extends RunRef {
  readonly release: Hash;
  readonly key: CallKey;
  readonly tool: string;
  readonly said: 'happened' | 'did_not' | 'give_up';
  readonly result: Json;
  readonly by: string;
}

export interface OpenApprovalsInput extends RunRef {
  readonly release: Hash | null;
  readonly records: readonly ApprovalRecord[];
  readonly state: AskingPhase;
  readonly evidence: string | null;
}

export interface RecordDecisionsInput {
  readonly run: RunId;
  readonly decisions: readonly UnrecordedDecision[];
  /** How the run stands from now on, for lists; null where that does not change. */
  readonly state: RunPhase | null;
}

/** In order of arrival; the answer has one entry for each. */
export interface VerifyControlsInput extends RunRef {
  readonly controls: readonly Control[];
}

/** Tells those who may decide that something still waits for them, or waits for them now. */
export interface RemindInput extends RunRef {
  readonly due: readonly {
    readonly approval: ApprovalId;
    readonly reminded: boolean;
    readonly escalatedTo: Approvers | null;
    /** Who may decide from now on. */
    readonly approvers: Approvers;
  }[];
}

export interface KeepTextsInput {
  readonly run: RunId;
  readonly texts: readonly string[];
}

export interface EndRunInput extends RunRef {
  readonly outcome: string;
  readonly reason: string;
  readonly decisions: readonly UnrecordedDecision[];
  readonly head: Head | null;
  /** Results and messages that no model call took in any more. */
  readonly append: Append;
  readonly handOver: (HandOver & { readonly queue: string }) | null;
  readonly costMicroUsd: number;
}
