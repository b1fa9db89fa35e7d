import type { Replay } from '../../../src/core/release.ts';

/**
 * A program: an agent, what its model says, what its tools do, and what people, the clock and the machines do to it.
 * Plain data, so that a failing one can be shrunk and told as a story. All of it follows from the seed and the number.
 */
export interface Program {
  readonly number: number;
  /** Of the workflow's own randomness, and of the times that fake activities take. */
  readonly seed: number;
  readonly agent: AgentPlan;
  readonly scenes: readonly Scene[];
  readonly events: readonly Event[];
  /** Compare with a replay after every activation; else at random crash points, this share of activations. */
  readonly everyActivation: boolean;
  readonly crashShare: number;
  /** The customer closes the conversation at last; else it is left to its own end. */
  readonly closes: boolean;
  /** The customer writes while the end is being written down. */
  readonly lastWord: boolean;
}

export interface AgentPlan {
  readonly tools: readonly ToolPlan[];
  readonly whileWaiting: 'withdraw' | 'queue';
  readonly whileBroken: 'wait' | 'refuse';
  /** Workers have a decision key: only what is signed counts. */
  readonly keyed: boolean;
  readonly once: boolean;
  readonly greets: boolean;
  /** A breaker is open when the run starts. */
  readonly broken: boolean;
  readonly refusedStart: boolean;
  readonly iterationsPerTurn: number;
  readonly toolCallsPerTurn: number;
  readonly tokensPerRun: number;
  readonly costMicroUsdPerRun: number;
  readonly approvalMs: number;
}

export interface ToolPlan {
  readonly name: string;
  readonly replay: Replay;
  readonly gate: Gate;
  readonly handsOver: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
  /** Read inside the workflow task. */
  readonly quick: boolean;
  /** The tool says what is true now, and that changes. */
  readonly hasTerms: boolean;
}

export type Gate = { readonly kind: 'allow' } | { readonly kind: 'deny' } | AskGate;

export interface AskGate {
  readonly kind: 'ask';
  readonly of: 'people' | 'requester';
  readonly people: readonly string[];
  readonly roles: readonly string[];
  readonly requesterToo: boolean;
  readonly quorum: number;
  readonly minutes: number;
  readonly remind: readonly number[];
  readonly escalation: readonly { readonly minutes: number; readonly person: string }[];
  readonly onExpiry: 'reject' | 'escalate';
}

/** What an attempt at a model call meets before it gets anywhere. */
export type Trouble =
  | 'overloaded'
  | 'circuit_open'
  | 'store_away'
  | 'stalls'
  | 'answer_lost'
  | 'bad_request'
  | 'too_long';

/** What the model says next, and what the attempts before that meet. */
export interface Scene {
  readonly kind:
    | 'say'
    | 'calls'
    | 'empty'
    | 'cut_off'
    | 'pause'
    | 'refusal'
    | 'context'
    | 'odd'
    | 'repair'
    | 'block'
    | 'calls_cut_off';
  readonly calls: readonly CallPlan[];
  readonly tokens: number;
  readonly takesMs: number;
  readonly troubles: readonly Trouble[];
  /** A cap on money stands in the way once. */
  readonly cap: 'none' | 'wait' | 'ask' | 'land';
}

export interface CallPlan {
  /** Index into the agent's tools; null is a name that the model made up. */
  readonly tool: number | null;
  readonly word: string;
  readonly isBad: boolean;
  readonly fates: readonly Fate[];
}

/** What one attempt at a call comes to. */
export type Fate =
  | 'done'
  | 'not_found'
  | 'failed'
  | 'busy'
  | 'slow'
  | 'ends_worker'
  | 'lost_before'
  | 'lost_after'
  | 'word_lost'
  | 'stale'
  | 'unknown_done'
  | 'unknown_not';

export type Event =
  | { readonly kind: 'say'; readonly said: readonly Saying[] }
  | { readonly kind: 'during'; readonly said: Saying }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'settle' }
  /** To the next timer and so much past it. */
  | { readonly kind: 'timer'; readonly offsetMs: number }
  /** No worker is up until then; what is said comes that much before the end. */
  | {
      readonly kind: 'down';
      readonly to: 'timer' | 'deadline' | 'hour';
      readonly earlyMs: number;
      readonly said: readonly Saying[];
    }
  /** As soon as that is under way, within some seconds; else never. */
  | {
      readonly kind: 'strike';
      readonly at: 'effect' | 'unknown' | 'model' | 'held';
      /** `lift`: the kill switches are lifted. */
      readonly name: 'cancel' | 'pause' | 'handOver' | 'upgrade' | 'lift';
    }
  | { readonly kind: 'crash' }
  /** As soon as something runs inside a workflow task, within some seconds; else never. */
  | { readonly kind: 'crash_at_local' }
  | { readonly kind: 'crash_in_task' }
  | { readonly kind: 'suggest' }
  | { readonly kind: 'switch'; readonly tool: number; readonly isOn: boolean }
  | { readonly kind: 'breaker'; readonly isOpen: boolean }
  | { readonly kind: 'terms' }
  | { readonly kind: 'store'; readonly attempts: number; readonly how: StoreTrouble };

export type StoreTrouble = 'away' | 'word_lost' | 'ends_worker';

export interface Saying {
  readonly name:
    | 'message'
    | 'decide'
    | 'pause'
    | 'resume'
    | 'retry'
    | 'cancel'
    | 'close'
    | 'handOver'
    | 'raiseLimit'
    | 'upgrade'
    | 'lookAgain';
  readonly via: 'signal' | 'update';
  /** `fit`: somebody who may decide and has not. */
  readonly who: string;
  readonly signed: boolean;
  readonly kind: 'approve' | 'reject' | 'edit' | 'answer' | 'give_up';
  readonly about: 'open' | 'any' | 'nothing';
  readonly pick: number;
  readonly hash: 'right' | 'wrong' | 'none';
  readonly form: 'plain' | 'long' | 'again' | 'malformed';
  readonly amount: number;
}

export const REQUESTER = 'customer';

/** Who there is, and what the directory says of them. `stranger` is unknown to it. */
export const DIRECTORY: Readonly<Record<string, readonly string[]>> = {
  [REQUESTER]: [],
  ann: ['lead', 'operator'],
  ben: ['lead'],
  cleo: ['finance'],
  dan: ['operator'],
};

/** The most that one model call uses; the fake budget counts with it. */
export const CALL_TOKENS = 400;
export const MICRO_USD_PER_TOKEN = 10;
export const MINUTE_MS = 60_000;
