import { LIMITS } from './limits.ts';
import type { Approvers, Ask, Rule, Verdict } from './policy.ts';
import { wellFormed } from './text.ts';

/**
 * What the rules of one run add to the verdict of the release. They tighten it or leave it: deny beats ask, ask beats
 * allow. Two questions become one that is at least as strict as the release's:
 *
 * T1. Both quorums and both deadlines hold: the larger and the nearer one. A quorum that the named people cannot
 *     reach ends as every silence does, without a yes.
 * T2. Who may decide is the release's word; the run's where the release names nobody. Escalation names further
 *     people, so it comes from the same side as the approvers.
 * T3. A request has one kind of decider. People beat the requester: who writes in the requester's name has that yes
 *     already. The requester may decide among the people only where everybody who asks people says so.
 * T4. On expiry the conversation goes to people if either side says so.
 */
export function tightenVerdict(verdict: Verdict, own: Rule): Verdict {
  const { answer } = verdict;
  const name = `run:${own.name}`;
  if (STRICTNESS[own.answer.kind] > STRICTNESS[answer.kind]) return { rule: name, answer: own.answer };
  if (answer.kind === 'ask' && own.answer.kind === 'ask')
    return { rule: `${verdict.rule} + ${name}`, answer: join(answer, own.answer) };
  return verdict;
}

const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

function join(release: Ask, own: Ask): Ask {
  const deadlineMs = Math.min(release.deadlineMs ?? Infinity, own.deadlineMs ?? Infinity);
  const deciders = decidersOf(release, own);
  const remindAfterMs = (release.remindAfterMs ?? own.remindAfterMs ?? []).filter((ms) => ms < deadlineMs);
  const escalation = (deciders.escalation ?? []).filter((step) => step.afterMs < deadlineMs);
  const escalates = release.onExpiry === 'escalate' || own.onExpiry === 'escalate';
  return {
    kind: 'ask',
    reason: wellFormed(`${release.reason} ${own.reason}`.slice(0, LIMITS.reasonChars)),
    ...(deciders.of !== undefined && { of: deciders.of }),
    ...(deciders.approvers !== undefined && { approvers: deciders.approvers }),
    ...(deciders.requesterToo !== undefined && { requesterToo: deciders.requesterToo }),
    ...(deciders.quorum !== undefined && { quorum: deciders.quorum }),
    ...(Number.isFinite(deadlineMs) && { deadlineMs }),
    ...(remindAfterMs.length > 0 && { remindAfterMs }),
    ...(escalation.length > 0 && { escalation }),
    ...(escalates && { onExpiry: 'escalate' as const }),
  };
}

/** The part of a question that says whose word counts. */
type Deciders = Pick<Ask, 'of' | 'approvers' | 'requesterToo' | 'quorum' | 'escalation'>;

function decidersOf(release: Ask, own: Ask): Deciders {
  if (own.of === 'requester') return release;
  if (release.of === 'requester') {
    const { requesterToo: _, ...others } = own;
    return others;
  }
  const { approvers, escalation } = namesSomebody(release.approvers) ? release : own;
  return {
    quorum: Math.max(release.quorum ?? 1, own.quorum ?? 1),
    ...(release.requesterToo === true && own.requesterToo === true && { requesterToo: true }),
    ...(approvers !== undefined && { approvers }),
    ...(escalation !== undefined && { escalation }),
  };
}

function namesSomebody(approvers: Approvers | undefined): boolean {
  return [...(approvers?.people ?? []), ...(approvers?.roles ?? [])].length > 0;
}
