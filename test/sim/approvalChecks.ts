import type { ApprovalRecord } from '../../src/core/approvals.ts';
import { canonicalJson, type JsonObject } from '../../src/core/json.ts';
import type { ResultRef, UnrecordedDecision } from '../../src/core/state.ts';
import type { Answer, Asked } from './approvalRules.ts';
import { REQUESTER } from './approvalStories.ts';
import { type ApprovalWorld, argsOf } from './approvalWorld.ts';

// What a run shows, in the reference's words, and what must hold of it whatever the reference says.

/** V2, from the facts alone: what was opened, what was recorded, who had which role, what ran. */
export function checkFacts(world: ApprovalWorld): void {
  const closings = new Map<string, UnrecordedDecision>();
  for (const entry of world.recorded) {
    if (entry.approval === '') continue;
    if (closings.has(entry.approval)) throw new Error(`${entry.approval} was recorded as closed twice`);
    closings.set(entry.approval, entry);
  }
  const applied = new Map<string, string>();
  for (const { input, fate } of world.ran) {
    if (fate !== 'done' || input.tool === 'look') continue;
    if (applied.has(input.key)) throw new Error(`V2: ${input.key} was applied twice`);
    applied.set(input.key, input.argsHash);
    if (input.tool === 'free' || argsOf(input.argsHash).startsWith('small')) continue;
    const id = input.approval?.id ?? '';
    const fault = faultOf(world, { key: input.key, argsHash: input.argsHash, id, closing: closings.get(id) });
    if (fault !== null) throw new Error(`V2: ${input.key} was applied although ${fault}`);
  }
}

interface Applied {
  readonly key: string;
  readonly argsHash: string;
  readonly id: string;
  readonly closing: UnrecordedDecision | undefined;
}

/** What is wrong with an effect that was applied under this approval; null when nothing is. */
function faultOf(world: ApprovalWorld, { key, argsHash, id, closing }: Applied): string | null {
  const record = world.opened.get(id);
  if (record === undefined) return 'nobody was asked';
  if (record.key !== key || record.argsHash !== argsHash) return 'the request was about something else';
  if (closing?.state !== 'approved') return `the request was ${closing?.state ?? 'open'}`;
  const votes = votesOf(closing.facts);
  const voters = new Set(votes.map(({ by }) => by));
  if (voters.size < record.quorum) return `only ${[...voters].join(' ')} said yes`;
  if (votes.some(({ atMs }) => atMs >= record.deadlineMs)) return 'a vote came after the deadline';
  const stranger = [...voters].find((by) => !wasAllowed(world, record, by));
  return stranger === undefined ? null : `${stranger} had no say in it`;
}

/** Allowed by name, or by a role that stood when it was verified; at first, or since it went to others. */
function wasAllowed(world: ApprovalWorld, record: ApprovalRecord, by: string): boolean {
  if (by === REQUESTER || record.requesterMay === 'only')
    return by === REQUESTER && record.requesterMay !== 'not';
  const roles = world.verifiedAs.get(`${record.id} ${by}`) ?? [];
  const later = world.reminded.filter(({ approval }) => approval === record.id);
  return [record.approvers, ...later.map(({ approvers }) => approvers)].some(
    ({ people = [], roles: named = [] }) =>
      people.length + named.length === 0 || people.includes(by) || named.some((role) => roles.includes(role)),
  );
}

export function shortId(id: string): string {
  return id.split('/').slice(1).join('/');
}

function votesOf(facts: JsonObject): readonly { readonly by: string; readonly atMs: number }[] {
  return (facts.votes ?? []) as { by: string; atMs: number }[];
}

export function votersOf(facts: JsonObject): readonly string[] {
  return votesOf(facts).map(({ by }) => by);
}

export function viewRecord({
  id,
  kind,
  argsHash,
  requesterMay,
  quorum,
  votes,
  approvers,
  deadlineMs,
}: ApprovalRecord) {
  const { people = [], roles = [] } = approvers;
  return {
    id: shortId(id),
    kind,
    args: argsHash === null ? null : argsOf(argsHash),
    may: requesterMay,
    quorum,
    deadlineMs,
    votes: votes.map(({ by }) => by),
    people: [...new Set(people)].sort(),
    roles,
  };
}

export function viewAsked({ id, kind, args, may, quorum, votes, people, roles, deadlineMs }: Asked) {
  return { id, kind, args, may, quorum, deadlineMs, votes, people: [...new Set(people)].sort(), roles };
}

export function viewRecorded({ approval, state, facts }: UnrecordedDecision) {
  const about = approval === '' ? String(facts.approval ?? '') : approval;
  return { approval: shortId(about), state, by: String(facts.by), why: String(facts.why ?? '') };
}

export function isAnswer(real: unknown, expected: Answer | undefined): boolean {
  if (expected?.kind !== 'refused') return canonicalJson(real) === canonicalJson(expected);
  const { kind, why } = real as { kind: string; why: string };
  return kind === 'refused' && expected.whys.includes(why);
}

export function sorted<T extends object>(list: readonly T[]): readonly T[] {
  const key = (one: T) => JSON.stringify(Object.values(one)[0]);
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

const WORDS: readonly (readonly [string, string])[] = [
  ['decided against', 'rejected'],
  ['nobody decided', 'expired'],
  ['wrote something new', 'withdrawn'],
  ['taking over', 'handed_over'],
  ['switched off', 'switched_off'],
  ['does not stand', 'not_approved'],
  ['cannot be so', 'bad_call'],
  ['not known whether', 'unknown_outcome'],
  ['was cancelled', 'cancelled'],
  ['was closed; nothing', 'void'],
];

export const LASTING: ReadonlySet<string> = new Set(['ran', 'unknown_outcome']);

export function wordOf({ content }: ResultRef): string {
  if (content.kind === 'blob') return 'ran';
  return WORDS.find(([part]) => content.text.includes(part))?.[1] ?? content.text;
}
