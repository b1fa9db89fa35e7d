import type { ApprovalId, CallKey, Hash } from './ids.ts';
import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Amount } from './money.ts';
import { isName } from './names.ts';
import type { Tier } from './policy.ts';
import { utf8Bytes, wellFormed } from './text.ts';

/**
 * The record of a request for a person's decision, and the rules by which decisions count.
 *
 * A1. A decision counts only while the record is open and its time is before the deadline. Silence never approves.
 * A2. The first valid decision wins; every later one is refused with the state that stands.
 * A3. An approval speaks about exactly one call with exactly one argument hash.
 * A4. The requester never decides on their own request.
 * A5. The state of a record moves once: from `open` to one of the closed states.
 */
export interface ApprovalRecord {
  readonly id: ApprovalId;
  /** `call`: may this call run. `reconcile`: what became of an effect. `landing`: continue or stop after a limit. */
  readonly kind: 'call' | 'reconcile' | 'landing';
  readonly key: CallKey;
  readonly tool: string | null;
  readonly argsHash: Hash | null;
  readonly tier: Tier | null;
  readonly amount: Amount | null;
  /** From the tool's own template over stored arguments, never from model text. */
  readonly summary: string;
  readonly reason: string;
  /** People (`id`) or roles that may decide; empty = anyone but the requester. */
  readonly approvers: readonly string[];
  readonly quorum: number;
  readonly openedAtMs: number;
  readonly deadlineMs: number;
  readonly state: ApprovalState;
  readonly votes: readonly Vote[];
}

export type ApprovalState =
  | { readonly kind: 'open' }
  | { readonly kind: 'approved'; readonly decision: Decision; readonly atMs: number }
  | { readonly kind: 'rejected'; readonly decision: Decision; readonly atMs: number }
  | { readonly kind: 'answered'; readonly decision: Decision; readonly atMs: number }
  | { readonly kind: 'expired'; readonly atMs: number }
  | { readonly kind: 'withdrawn'; readonly atMs: number };

export interface Vote {
  readonly by: string;
  readonly atMs: number;
}

/** What a person sends. `by` is who decided; `channel` is where (`cli`, `ui`, `api`, …). */
export interface Decision {
  readonly approval: string;
  readonly kind: 'approve' | 'reject' | 'edit' | 'answer';
  readonly by: string;
  readonly channel: string;
  readonly reason?: string;
  readonly arguments?: JsonObject;
  readonly answer?: Json;
  readonly argsHash?: string;
}

export type DecisionRefusal =
  | 'malformed'
  | 'unknown_approval'
  | 'already_decided'
  | 'too_late'
  | 'own_request'
  | 'not_an_approver'
  | 'other_arguments'
  | 'wrong_kind'
  | 'already_voted';

export type DecisionOutcome =
  | { readonly kind: 'decided'; readonly record: ApprovalRecord }
  | { readonly kind: 'voted'; readonly record: ApprovalRecord }
  | { readonly kind: 'refused'; readonly why: DecisionRefusal };

/** The decision, when `value` has its shape and keeps its limits; otherwise null. Unknown members are dropped. */
export function parseDecision(value: unknown): Decision | null {
  if (!isObject(value)) return null;
  const { approval, kind, by, channel, reason, answer, argsHash } = value;
  if (typeof approval !== 'string' || approval.length > LIMITS.personChars) return null;
  if (kind !== 'approve' && kind !== 'reject' && kind !== 'edit' && kind !== 'answer') return null;
  if (!isName(by)) return null;
  if (channel !== undefined && (typeof channel !== 'string' || channel.length > LIMITS.personChars))
    return null;
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > LIMITS.reasonChars)) return null;
  if (argsHash !== undefined && (typeof argsHash !== 'string' || argsHash.length > LIMITS.idChars))
    return null;
  const edited = value.arguments;
  if (kind === 'edit' && !isObject(edited)) return null;
  if (!isSmallJson([edited ?? null, answer ?? null])) return null;
  return {
    // A refused decision is written down under the name it gave, so that name has to be text the store takes.
    approval: wellFormed(approval),
    kind,
    by: wellFormed(by),
    channel: typeof channel === 'string' ? wellFormed(channel) : 'signal',
    ...(typeof reason === 'string' && { reason: wellFormed(reason) }),
    ...(isObject(edited) && { arguments: edited as JsonObject }),
    ...(answer !== undefined && { answer: answer as Json }),
    ...(typeof argsHash === 'string' && { argsHash }),
  };
}

function isSmallJson(value: unknown): boolean {
  try {
    return utf8Bytes(canonicalJson(value)) <= LIMITS.payloadSoftBytes;
  } catch {
    return false;
  }
}

/** Applies one decision to a record. `nowMs` is the workflow's time in the handler. Pure. */
export function decideApproval(
  record: ApprovalRecord,
  decision: Decision,
  who: { readonly requester: string; readonly roles: readonly string[] },
  nowMs: number,
): DecisionOutcome {
  if (record.state.kind !== 'open') return { kind: 'refused', why: 'already_decided' };
  if (nowMs >= record.deadlineMs) return { kind: 'refused', why: 'too_late' };
  if (decision.by === who.requester) return { kind: 'refused', why: 'own_request' };
  if (
    record.approvers.length > 0 &&
    ![decision.by, ...who.roles].some((name) => record.approvers.includes(name))
  )
    return { kind: 'refused', why: 'not_an_approver' };
  if (decision.argsHash !== undefined && decision.argsHash !== record.argsHash)
    return { kind: 'refused', why: 'other_arguments' };
  if (!kindsOf(record).includes(decision.kind)) return { kind: 'refused', why: 'wrong_kind' };

  const close = (kind: 'approved' | 'rejected' | 'answered'): DecisionOutcome => ({
    kind: 'decided',
    record: { ...record, state: { kind, decision, atMs: nowMs } },
  });
  switch (decision.kind) {
    case 'reject':
      return close('rejected');
    case 'answer':
    case 'edit':
      return close('answered');
    case 'approve': {
      if (record.votes.some((vote) => vote.by === decision.by))
        return { kind: 'refused', why: 'already_voted' };
      const votes = [...record.votes, { by: decision.by, atMs: nowMs }];
      const voted = { ...record, votes };
      if (votes.length < record.quorum) return { kind: 'voted', record: voted };
      return { kind: 'decided', record: { ...voted, state: { kind: 'approved', decision, atMs: nowMs } } };
    }
    default:
      return decision.kind satisfies never;
  }
}

function kindsOf(record: ApprovalRecord): readonly Decision['kind'][] {
  switch (record.kind) {
    case 'call':
      return ['approve', 'reject', 'edit'];
    case 'reconcile':
      return ['answer'];
    case 'landing':
      return ['approve', 'reject'];
    default:
      return record.kind satisfies never;
  }
}

export function expire(record: ApprovalRecord, nowMs: number): ApprovalRecord {
  return record.state.kind === 'open' && nowMs >= record.deadlineMs
    ? { ...record, state: { kind: 'expired', atMs: nowMs } }
    : record;
}

export function withdraw(record: ApprovalRecord, nowMs: number): ApprovalRecord {
  return record.state.kind === 'open' ? { ...record, state: { kind: 'withdrawn', atMs: nowMs } } : record;
}

/** A person's word on an effect whose outcome nobody knows. */
export type Reconciliation =
  | { readonly kind: 'happened'; readonly result: Json }
  | { readonly kind: 'did_not' }
  | { readonly kind: 'give_up' };

export function parseReconciliation(answer: Json | undefined): Reconciliation | null {
  if (!isObject(answer)) return null;
  if (answer.outcome === 'happened') return { kind: 'happened', result: (answer.result ?? null) as Json };
  if (answer.outcome === 'did_not') return { kind: 'did_not' };
  return answer.outcome === 'give_up' ? { kind: 'give_up' } : null;
}
