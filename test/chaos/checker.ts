import type { DecisionNote } from './decisionNote.ts';
import { type Facts, outcomeOf, toldBy } from './facts.ts';

/** What is known of a run beyond its rows. Nothing is optional: what is not known is not checked, and nobody sees that. */
export interface Terms {
  /** How often the outside may have acted for one key: what is beyond everybody's reach is named, not excused here. */
  readonly actsMax: number | ((key: string) => number);
  /** Whose yes an effect of this tool needs, by the policy its agent was given; null: nobody's. */
  readonly asks: (tool: string) => Approving | null;
  /** What people said to requests, by their own notes. */
  readonly decisions: readonly DecisionNote[];
  /** Whether a tool only looks. */
  readonly reads: (tool: string) => boolean;
  /** Messages that were acknowledged, as they were written. */
  readonly heard: readonly string[];
  /** What the run may spend. */
  readonly limitMicroUsd: number;
}

/** Nobody named: everybody but the requester. */
export interface Approving {
  readonly people: readonly string[];
  /** Distinct people who must say yes. */
  readonly quorum: number;
}

export const ANYBODY: Approving = { people: [], quorum: 1 };

/** What no order of events may break. */
export function broken(facts: Facts, terms: Terms): readonly string[] {
  return [
    ...brokenDeeds(facts, terms),
    ...brokenApprovals(facts, terms),
    ...brokenAnswers(facts),
    ...brokenConversation(facts),
    ...brokenPurse(facts, terms),
    ...brokenHearing(facts, terms),
  ];
}

/** V1, and: never "not done" about something that happened, never "done" about something that did not. */
function brokenDeeds(facts: Facts, { actsMax, reads }: Terms): readonly string[] {
  const problems: string[] = [];
  const most = (key: string) => (typeof actsMax === 'number' ? actsMax : actsMax(key));
  if (new Set(facts.effects.map((effect) => effect.key)).size !== facts.effects.length)
    problems.push('V1: two effects of one key');
  for (const { key, state } of facts.effects) {
    const acts = facts.acts[key] ?? 0;
    if (acts > most(key)) problems.push(`V1: the outside acted ${acts} times for ${key}`);
    if (acts > 0 && (state === 'void' || state === 'refused'))
      problems.push(`V1: ${key} is ${state} and was done`);
    if (acts === 0 && state === 'applied') problems.push(`V1: ${key} is applied and was not done`);
    if (state === 'claimed' && facts.run.state === 'ended')
      problems.push(`V1: the run ended and nobody asked what became of ${key}`);
  }
  if (facts.claimedWhileStopped > 0) problems.push('V1: something was claimed while a switch was set');
  for (const { key, tool, text } of facts.results) {
    if (reads(tool)) continue;
    const acts = facts.acts[key] ?? 0;
    if (acts > 0 && toldBy(text) === 'not done') problems.push(`told "${text}" about what was done`);
    if (acts === 0 && toldBy(text) === 'done') problems.push(`told "${text}" about what was not done`);
  }
  return problems;
}

/** V2. What was never claimed, but closed at once, names no approval. */
function brokenApprovals(facts: Facts, { asks, decisions }: Terms): readonly string[] {
  return facts.effects.flatMap((effect) => {
    const approving = asks(effect.tool);
    if (approving === null || (effect.approval === null && effect.state === 'void')) return [];
    const approval = facts.approvals.find((one) => one.id === effect.approval);
    if (approval === undefined || !isAbout(approval, effect))
      return [`V2: ${effect.key} was claimed without a standing approval`];
    const { decided, decided_by, decidedAtMs, deadlineMs, requester, voters } = approval;
    if (decided !== 'approve' || (decided_by ?? '') === '' || decidedAtMs === null)
      return [`V2: ${effect.key} was claimed on an approval without a yes, a name or a time`];
    const said = yesesOf(approval, approving, decisions);
    const counted = new Set(voters.filter((by) => said.has(by)));
    return decidedAtMs < deadlineMs &&
      decided_by !== requester &&
      said.has(decided_by ?? '') &&
      counted.size >= approving.quorum
      ? []
      : [
          `V2: ${effect.key} was claimed on the word of ${decided_by}: those who may have not said yes in time`,
        ];
  });
}

function isAbout(approval: Facts['approvals'][number], effect: Facts['effects'][number]): boolean {
  return (
    approval.kind === 'call' &&
    approval.state === 'approved' &&
    approval.key === effect.key &&
    approval.args_hash === effect.args_hash
  );
}

/** By people's own notes: who said yes to these arguments in time, and may. */
function yesesOf(
  { id, args_hash, requester, deadlineMs }: Facts['approvals'][number],
  { people }: Approving,
  decisions: readonly DecisionNote[],
): ReadonlySet<string> {
  const may = (by: string) => by !== requester && (people.length === 0 || people.includes(by));
  const yeses = decisions.filter(
    (note) =>
      note.approval === id &&
      note.kind === 'approve' &&
      note.argsHash === args_hash &&
      note.atMs < deadlineMs &&
      may(note.by),
  );
  return new Set(yeses.map(({ by }) => by));
}

/** What a person's answer makes of an unknown effect. After `did_not` it may also run once more. */
const RESOLVES: Readonly<Record<string, string>> = {
  happened: 'applied',
  did_not: 'void',
  give_up: 'given_up',
};

/** V2 for what nobody knew: whatever somebody's word made of it, the word stands on record, whole and with a name. */
function brokenAnswers(facts: Facts): readonly string[] {
  const problems: string[] = [];
  const questions = facts.approvals.filter((approval) => approval.kind === 'reconcile');
  for (const { id, key, state, answer, decided_by } of questions) {
    if (state !== 'answered') continue;
    const recorded = facts.answers.filter((one) => one.approval === id);
    const [audited] = recorded;
    if (
      recorded.length !== 1 ||
      answer === null ||
      audited?.answer !== answer ||
      audited.by !== decided_by ||
      audited.by === ''
    )
      problems.push(`V2: what was answered to ${id} is not on record with who said it`);
    const effect = facts.effects.find((one) => one.key === key);
    if (facts.run.state === 'ended' && effect?.state === 'unknown' && outcomeOf(answer) !== 'give_up')
      problems.push(`V2: a person said what became of ${key} and the ledger does not know it`);
  }
  for (const { key, said, by } of facts.resolutions) {
    const stands = questions.some(
      (question) =>
        question.key === key &&
        question.state === 'answered' &&
        question.decided_by === by &&
        RESOLVES[outcomeOf(question.answer)] === said,
    );
    if (!stands) problems.push(`V2: ${key} was resolved as ${said} and nobody is on record who said so`);
  }
  return problems;
}

/** V3, V5 and V8. */
function brokenConversation(facts: Facts): readonly string[] {
  const problems: string[] = [];
  for (const call of facts.calls) {
    const results = facts.results.filter((result) => result.call === call).length;
    if (results !== 1) problems.push(`V3: call ${call} has ${results} results`);
  }
  if (facts.results.some((result) => !facts.calls.includes(result.call)))
    problems.push('V3: a result without a call');
  const open = facts.approvals.filter((approval) => approval.state === 'open');
  if (facts.run.state === 'ended') {
    if (open.length > 0) problems.push('V5: the run ended with a request open');
  } else if (
    facts.run.state !== 'idle' &&
    !open.some(({ openedAtMs, deadlineMs }) => deadlineMs > openedAtMs)
  )
    problems.push(`V5: the run is ${facts.run.state} and waits for nothing with a deadline`);
  if (facts.approvals.some((approval) => approval.kind === 'reconcile' && !approval.evidenced))
    problems.push('V5: a person is asked what happened and told nothing');
  if (facts.brokenAuditRow !== null)
    problems.push(`V8: audit row ${facts.brokenAuditRow} does not follow from the one before it`);
  return problems;
}

/** V4: never more than what it may, and the one call that was under way. */
function brokenPurse({ spent }: Facts, { limitMicroUsd }: Terms): readonly string[] {
  return spent.microUsd <= limitMicroUsd + spent.largestMicroUsd
    ? []
    : [`V4: it spent ${spent.microUsd} micro-dollars of ${limitMicroUsd}`];
}

/** V9: what was acknowledged stands in the conversation, once. */
function brokenHearing({ said }: Facts, { heard }: Terms): readonly string[] {
  return heard.flatMap((text) => {
    const times = said.filter((one) => one.trim() === text).length;
    return times === 1 ? [] : [`V9: "${text}" was acknowledged and is in the conversation ${times} times`];
  });
}
