import type { ApprovalRecord } from './approvals.ts';
import type { CallKey, Hash } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Amount } from './money.ts';
import type { Verdict } from './policy.ts';
import type { Origin } from './provenance.ts';

/** A call as the model activity prepared it: everything the workflow needs to decide, nothing it would have to look up. */
export interface PreparedCall {
  readonly key: CallKey;
  /** The model's own id of the call, for its result. */
  readonly callId: string;
  readonly tool: string;
  /** Names the canonical arguments in the run's blobs. */
  readonly argsHash: Hash;
  readonly summary: string;
  /** Why it cannot run: unknown tool, bad arguments. Text for the model. */
  readonly problem: string | null;
  readonly amount: Amount | null;
  readonly payee: string | null;
  /** First-time classes as `name:value`, and those of them that no effect has had yet. */
  readonly classes: readonly string[];
  readonly firstOf: readonly string[];
  /** The learned rule that covers it. */
  readonly learned: string | null;
  /** Where the sensitive arguments came from, one entry for each that has a value. */
  readonly origins: readonly Origin[];
  /** What the tool says is true now and must still be true when it acts. */
  readonly terms: JsonObject | null;
}

/** The built-in tool by which an agent asks a person: answered by a decision, never run. */
export const ASK_PERSON = 'ask_person';

/** Why a call was answered without running, or stopped short. Each becomes a result the model can act on. */
export type RefusalCode =
  | 'bad_call'
  | 'cut_off'
  | 'denied'
  | 'repeated'
  | 'landing'
  | 'rejected'
  | 'expired'
  | 'withdrawn'
  | 'handed_over'
  | 'cancelled'
  | 'switched_off'
  | 'not_approved'
  | 'terms_changed'
  | 'void'
  | 'unknown_outcome'
  | 'release_not_here'
  | 'too_many_calls'
  | 'unavailable';

export type CallOutcome =
  | {
      readonly kind: 'ran';
      readonly status: 'success' | 'not_found' | 'failed';
      /** The result text as the model will read it, in the run's blobs. */
      readonly ref: Hash;
      readonly bytes: number;
      /** A guard found signs of an injection in it. Stored with the effect, so that every attempt says so. */
      readonly suspicious?: true;
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly text: string };

/** One call of the open step, from verdict to outcome. */
export interface CallState {
  readonly prepared: PreparedCall;
  readonly verdict: Verdict | null;
  readonly approval: ApprovalRecord | null;
  /** The request that asks a person what became of it, once nobody else can tell. */
  readonly reconcile: ApprovalRecord | null;
  /** What it was prepared from may have changed: prepare it again before anything else. */
  readonly stale: boolean;
  /** What had been true when a person was asked before, once that changed. */
  readonly formerTerms: JsonObject | null;
  /** A kill switch keeps it from starting; it may try again once `againAtMs` is null. */
  readonly held: {
    readonly name: string;
    readonly sinceMs: number;
    readonly againAtMs: number | null;
  } | null;
  /** Requests opened for this call so far: approvals, then reconcile requests. */
  readonly requests: number;
  /** Raised when a person says that an unknown effect did not happen and is to run once more. */
  readonly generation: number;
  readonly outcome: CallOutcome | null;
}

export function newCall(prepared: PreparedCall): CallState {
  return {
    prepared,
    verdict: null,
    approval: null,
    reconcile: null,
    stale: false,
    formerTerms: null,
    held: null,
    requests: 0,
    generation: 1,
    outcome: null,
  };
}

/** Policy and people have said yes to exactly this, and nothing about it is in doubt. */
export function isCleared(call: CallState): boolean {
  if ((call.held !== null && call.held.againAtMs !== null) || call.stale || call.verdict === null)
    return false;
  // Also an answered request holds the call: what the person said is settled first, and never by starting it again.
  if (call.reconcile !== null) return false;
  return call.verdict.answer.kind === 'allow' || call.approval?.state.kind === 'approved';
}

/**
 * An attempt at it may still begin, or the ledger still says that nobody knows: whoever gives it up closes its effect
 * first, and only then says that it did not run.
 */
export function mustBeClosed(call: CallState): boolean {
  return call.outcome === null && call.reconcile === null && (call.held !== null || call.generation > 1);
}

/**
 * Which calls may start now. Reads run at once, unless an effect listed before them is still open; effects run
 * strictly in call order, each only when everything before it has its outcome.
 */
export function startable(
  calls: readonly CallState[],
  isEffect: (tool: string) => boolean,
): readonly number[] {
  const ready: number[] = [];
  let openBefore = false;
  let openEffectBefore = false;
  calls.forEach((call, i) => {
    if (call.outcome !== null) return;
    const effect = isEffect(call.prepared.tool);
    if (isCleared(call) && !openEffectBefore && !(effect && openBefore)) ready.push(i);
    openBefore = true;
    openEffectBefore ||= effect;
  });
  return ready;
}
