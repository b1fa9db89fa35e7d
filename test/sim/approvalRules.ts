import { type Gate, REQUESTER, type Saying } from './approvalStories.ts';

// The reference's rules of one request: who may say what about it, and until when.

/** A message as it reached the run: choices resolved, `atMs` the server's time of arrival. */
export interface Heard extends Pick<Saying, 'name' | 'who' | 'signed' | 'kind' | 'via' | 'answer'> {
  readonly approval: string;
  /** The arguments the decider saw; null when they do not say. */
  readonly saw: string | null;
  readonly edited: string;
  readonly atMs: number;
  readonly same: string;
}

export type Answer =
  | { readonly kind: 'decided'; readonly state: string }
  | { readonly kind: 'voted'; readonly votes: number; readonly quorum: number }
  | { readonly kind: 'refused'; readonly whys: readonly string[] };

export interface Asked {
  readonly id: string;
  readonly kind: 'call' | 'question' | 'reconcile' | 'pause';
  readonly args: string | null;
  readonly may: 'not' | 'too' | 'only';
  readonly quorum: number;
  readonly deadlineMs: number;
  readonly escalates: boolean;
  people: readonly string[];
  roles: readonly string[];
  remindAt: readonly number[];
  escalateAt: readonly { readonly atMs: number; readonly person: string }[];
  votes: readonly string[];
  state: 'open' | 'approved' | 'rejected' | 'answered' | 'expired' | 'withdrawn';
  by: string;
  said: string;
  edited: string;
  answer: string;
}

/** A request as a rule asks for it, or one of our own, which anybody may answer within a day. */
export function newAsked(
  about: Pick<Asked, 'id' | 'kind' | 'args'>,
  gate: Gate | null,
  openedAtMs: number,
): Asked {
  const minutes = gate === null ? 24 * 60 : gate.hours * 60;
  const at = (minute: number) => openedAtMs + minute * 60_000;
  const own = gate?.of === 'requester';
  return {
    ...about,
    may: own ? 'only' : gate?.requesterToo ? 'too' : 'not',
    quorum: own ? 1 : (gate?.quorum ?? 1),
    deadlineMs: at(minutes),
    escalates: gate?.onExpiry === 'escalate',
    people: own ? [] : (gate?.people ?? []),
    roles: own ? [] : (gate?.roles ?? []),
    remindAt: (gate?.remind ?? [minutes / 2]).filter((minute) => minute < minutes).map(at),
    escalateAt: (gate?.escalation ?? [])
      .filter((step) => step.minutes < minutes)
      .map(({ minutes, person }) => ({ atMs: at(minutes), person })),
    votes: [],
    state: 'open',
    by: '',
    said: '',
    edited: '',
    answer: '',
  };
}

/** Everything that speaks against a decision on an open request, in no order. */
export function objections(
  asked: Asked,
  heard: Heard,
  {
    roles,
    atMs,
    keyed,
  }: { readonly roles: readonly string[]; readonly atMs: number; readonly keyed: boolean },
): readonly string[] {
  const own = heard.who === REQUESTER;
  const kinds = {
    call: asked.may === 'only' ? 'approve reject' : 'approve reject edit',
    question: 'answer reject',
    reconcile: 'answer',
    pause: 'approve reject',
  };
  const all = {
    too_late: atMs >= asked.deadlineMs,
    own_request: own && asked.may === 'not',
    not_the_requester: !own && asked.may === 'only',
    not_an_approver: !mayDecide(asked, heard.who, roles),
    other_arguments: heard.saw === null ? keyed && asked.args !== null : heard.saw !== asked.args,
    wrong_kind: !kinds[asked.kind].includes(heard.kind),
    already_voted: heard.kind === 'approve' && asked.votes.includes(heard.who),
    malformed: asked.kind === 'reconcile' && (heard.kind !== 'answer' || heard.answer === 'nonsense'),
  };
  return Object.entries(all).flatMap(([why, holds]) => (holds ? [why] : []));
}

/** By name or by role; nobody named is everybody. The requester only where the rule lets them. */
export function mayDecide(asked: Asked, who: string, roles: readonly string[]): boolean {
  if (who === REQUESTER && asked.may !== 'not') return true;
  if (who === REQUESTER || asked.may === 'only') return false;
  const everybody = asked.people.length + asked.roles.length === 0;
  return everybody || asked.people.includes(who) || asked.roles.some((role) => roles.includes(role));
}

/** Of the updates only decisions are sent in these stories. */
export function isUpdate({ name, via }: Heard): boolean {
  return name === 'decide' && via === 'update';
}
