import { type ControlFault, type Envelope, parseEnvelope, type Speaker } from './control.ts';
import type { ApprovalId, CallKey, Hash } from './ids.ts';
import { canonicalJson, isObject, type Json, type JsonObject } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Amount } from './money.ts';
import type { Approvers, Tier } from './policy.ts';
import type { Origin } from './provenance.ts';
import type { Taint } from './taint.ts';
import { utf8Bytes, wellFormed } from './text.ts';

/**
 * The record of a request for a person's decision, and the rules by which decisions count.
 *
 * A1. A decision counts only while the record is open and its time is before the deadline. Silence never approves.
 * A2. The first valid decision wins; every later one is refused with the state that stands.
 * A3. An approval speaks about exactly one call with exactly one argument hash.
 * A4. The requester decides on their own request only where the rule says so, and then nobody else or nobody twice.
 * A5. The state of a record moves once: from `open` to one of the closed states. Where what was approved changed afterwards,
 *     the run forgets the yes, and whoever repeats it is told that it does not stand.
 */
export interface ApprovalRecord {
  readonly id: ApprovalId;
  /**
   * `call`: may this call run. `question`: the agent asks a person. `reconcile`: what became of an effect.
   * `landing`: continue or stop after a limit. `pause`: continue or stop after a long pause.
   */
  readonly kind: 'call' | 'question' | 'reconcile' | 'landing' | 'pause';
  readonly key: CallKey;
  readonly tool: string | null;
  readonly argsHash: Hash | null;
  readonly tier: Tier | null;
  readonly amount: Amount | null;
  readonly payee: string | null;
  /** From the tool's own template over stored arguments, never from model text. */
  readonly summary: string;
  /** Why the policy asks. */
  readonly reason: string;
  /** What the model said when it made the call: shown as a quotation, never as fact. */
  readonly quote: string | null;
  /** The rule of the policy that asks. */
  readonly rule: string | null;
  readonly taint: Taint;
  /** Where the call's sensitive arguments came from. */
  readonly origins: readonly Origin[];
  readonly release: Hash | null;
  readonly requester: string;
  /** May the requester decide: never, as one of the people, or only they. */
  readonly requesterMay: 'not' | 'too' | 'only';
  /** Nobody named = everybody. */
  readonly approvers: Approvers;
  readonly quorum: number;
  /** What was true when it was asked, and what had been so when it was asked before. */
  readonly terms: JsonObject | null;
  readonly formerTerms: JsonObject | null;
  readonly openedAtMs: number;
  readonly deadlineMs: number;
  readonly onExpiry: 'reject' | 'escalate';
  /** Times (absolute, ascending) that are still to come. */
  readonly reminders: readonly number[];
  readonly escalation: readonly { readonly atMs: number; readonly approvers: Approvers }[];
  readonly state: ApprovalState;
  readonly votes: readonly Vote[];
}

export type ApprovalState =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'approved' | 'rejected' | 'answered';
      readonly decision: ParsedDecision;
      readonly identity: Speaker['identity'];
      readonly atMs: number;
    }
  | { readonly kind: 'expired'; readonly atMs: number }
  | { readonly kind: 'withdrawn'; readonly atMs: number };

export interface Vote {
  readonly by: string;
  readonly channel: string;
  readonly identity: Speaker['identity'];
  readonly atMs: number;
}

/** What a person sends about an approval. */
export interface Decision extends Envelope {
  readonly approval: string;
  readonly kind: 'approve' | 'reject' | 'edit' | 'answer';
  readonly reason?: string;
  /** With `edit`: the arguments that shall run instead. */
  readonly arguments?: JsonObject;
  readonly answer?: Json;
  /** What the decider saw. Needed where the decision is signed; compared wherever it is given. */
  readonly argsHash?: string;
  /** With `approve`: and from now on, for this tool, this payee, up to this amount. Days, 1 to 90. */
  readonly learn?: { readonly days: number };
}

/** A decision whose shape and limits hold. */
export type ParsedDecision = Decision & { readonly channel: string };

export type DecisionRefusal =
  | 'malformed'
  | 'unknown_approval'
  | 'already_decided'
  | 'too_late'
  | 'own_request'
  | 'not_the_requester'
  | 'not_an_approver'
  | 'other_arguments'
  | 'wrong_kind'
  | 'already_voted'
  | 'cannot_learn'
  | 'too_many'
  | ControlFault;

export type DecisionOutcome =
  | { readonly kind: 'decided'; readonly record: ApprovalRecord }
  | { readonly kind: 'voted'; readonly record: ApprovalRecord }
  | { readonly kind: 'refused'; readonly why: DecisionRefusal };

/** The decision, when `value` has its shape and keeps its limits; otherwise null. Unknown members are dropped. */
export function parseDecision(value: unknown): ParsedDecision | null {
  const envelope = parseEnvelope(value);
  if (envelope === null || !isObject(value)) return null;
  const { approval, kind, reason, answer, argsHash, learn } = value;
  if (typeof approval !== 'string' || approval.length > LIMITS.personChars) return null;
  if (kind !== 'approve' && kind !== 'reject' && kind !== 'edit' && kind !== 'answer') return null;
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > LIMITS.reasonChars)) return null;
  if (argsHash !== undefined && (typeof argsHash !== 'string' || argsHash.length > LIMITS.idChars))
    return null;
  const edited = value.arguments;
  if (kind === 'edit' && !isObject(edited)) return null;
  if (learn !== undefined && !isLearn(learn)) return null;
  if (!isSmallJson([edited ?? null, answer ?? null])) return null;
  return {
    ...envelope,
    // A refused decision is written down under the name it gave, so that name has to be text the store takes.
    approval: wellFormed(approval),
    kind,
    ...(typeof reason === 'string' && { reason: wellFormed(reason) }),
    ...(isObject(edited) && { arguments: edited as JsonObject }),
    ...(answer !== undefined && { answer: answer as Json }),
    ...(typeof argsHash === 'string' && { argsHash }),
    ...(isLearn(learn) && { learn: { days: learn.days } }),
  };
}

function isLearn(value: unknown): value is { readonly days: number } {
  if (!isObject(value)) return false;
  const { days } = value;
  return Number.isInteger(days) && Number(days) >= 1 && Number(days) <= LIMITS.learnedRuleDaysMax;
}

function isSmallJson(value: unknown): boolean {
  try {
    return utf8Bytes(canonicalJson(value)) <= LIMITS.payloadSoftBytes;
  } catch {
    return false;
  }
}

/** Applies one decision to a record. `nowMs` is when it came; `speaker` what is known of the one who sent it. Pure. */
export function decideApproval(
  record: ApprovalRecord,
  decision: ParsedDecision,
  speaker: Speaker,
  nowMs: number,
): DecisionOutcome {
  const why = refusalOf(record, decision, speaker, nowMs);
  if (why !== null) return { kind: 'refused', why };
  const close = (kind: 'approved' | 'rejected' | 'answered', votes = record.votes): DecisionOutcome => ({
    kind: 'decided',
    record: { ...record, votes, state: { kind, decision, identity: speaker.identity, atMs: nowMs } },
  });
  switch (decision.kind) {
    case 'reject':
      return close('rejected');
    case 'answer':
    case 'edit':
      return close('answered');
    case 'approve': {
      const { by, channel } = decision;
      const votes = [...record.votes, { by, channel, identity: speaker.identity, atMs: nowMs }];
      return votes.length < record.quorum
        ? { kind: 'voted', record: { ...record, votes } }
        : close('approved', votes);
    }
    default:
      return decision.kind satisfies never;
  }
}

function refusalOf(
  record: ApprovalRecord,
  decision: ParsedDecision,
  speaker: Speaker,
  nowMs: number,
): DecisionRefusal | null {
  if (record.state.kind !== 'open') return 'already_decided';
  if (nowMs >= record.deadlineMs) return 'too_late';
  const own = decision.by === record.requester;
  if (record.requesterMay === 'only' && !own) return 'not_the_requester';
  if (record.requesterMay === 'not' && own) return 'own_request';
  if (record.requesterMay !== 'only' && !(own && record.requesterMay === 'too'))
    if (!isNamed(record.approvers, decision.by, speaker.roles)) return 'not_an_approver';
  if (decision.argsHash === undefined && speaker.identity === 'signed' && record.argsHash !== null)
    return 'other_arguments';
  if (decision.argsHash !== undefined && decision.argsHash !== record.argsHash) return 'other_arguments';
  if (!kindsOf(record).includes(decision.kind)) return 'wrong_kind';
  if (decision.kind === 'approve' && record.votes.some((vote) => vote.by === decision.by))
    return 'already_voted';
  if (decision.learn !== undefined && !mayLearn(record, decision)) return 'cannot_learn';
  return null;
}

/** Nobody named means everybody. */
export function isNamed(approvers: Approvers, by: string, roles: readonly string[]): boolean {
  const { people = [], roles: named = [] } = approvers;
  if (people.length === 0 && named.length === 0) return true;
  return people.includes(by) || roles.some((role) => named.includes(role));
}

/** A standing rule needs something to hold on to, and is never the word of one where two must agree. */
function mayLearn(record: ApprovalRecord, decision: ParsedDecision): boolean {
  return (
    decision.kind === 'approve' &&
    record.kind === 'call' &&
    record.requesterMay !== 'only' &&
    record.tier !== 'destructive' &&
    record.quorum === 1 &&
    record.payee !== null &&
    record.amount !== null
  );
}

function kindsOf(record: ApprovalRecord): readonly Decision['kind'][] {
  switch (record.kind) {
    case 'call':
      // The customer says yes or no to exactly this; whoever wants it otherwise says so to the agent.
      return record.requesterMay === 'only' ? ['approve', 'reject'] : ['approve', 'reject', 'edit'];
    case 'question':
      return ['answer', 'reject'];
    case 'reconcile':
      return ['answer'];
    case 'landing':
    case 'pause':
      return ['approve', 'reject'];
    default:
      return record.kind satisfies never;
  }
}

/** What is due on an open record: people to remind, and others who may decide from now on. Never a decision. */
export interface Due {
  readonly record: ApprovalRecord;
  readonly reminded: boolean;
  readonly escalatedTo: Approvers | null;
}

/** Reminders and escalation steps whose time has come; several missed reminders are one. Null when nothing is due. */
export function due(record: ApprovalRecord, nowMs: number): Due | null {
  if (record.state.kind !== 'open') return null;
  const reminders = record.reminders.filter((atMs) => atMs > nowMs);
  const escalation = record.escalation.filter((step) => step.atMs > nowMs);
  const reached = record.escalation.filter((step) => step.atMs <= nowMs);
  const reminded = reminders.length < record.reminders.length;
  if (!reminded && reached.length === 0) return null;
  const others = reached.map((step) => step.approvers).reduce<Approvers | null>(join, null);
  const approvers =
    others === null || isEverybody(record.approvers) ? record.approvers : join(record.approvers, others);
  return { record: { ...record, reminders, escalation, approvers }, reminded, escalatedTo: others };
}

function isEverybody(approvers: Approvers): boolean {
  return (approvers.people ?? []).length === 0 && (approvers.roles ?? []).length === 0;
}

function join(a: Approvers | null, b: Approvers): Approvers {
  return {
    people: [...new Set([...(a?.people ?? []), ...(b.people ?? [])])],
    roles: [...new Set([...(a?.roles ?? []), ...(b.roles ?? [])])],
  };
}

/** The next time at which an open record needs looking at. */
export function nextTimeMs(record: ApprovalRecord): number {
  return Math.min(
    record.deadlineMs,
    ...record.reminders.slice(0, 1),
    ...record.escalation.slice(0, 1).map((step) => step.atMs),
  );
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
