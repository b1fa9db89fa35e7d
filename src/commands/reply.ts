import type { DecideReply, DecisionRefusal, Reply } from '../client.ts';
import type { ApprovalRow } from '../store/views.ts';
import { moment } from './table.ts';
import type { Colors } from './terminal.ts';

// What a run answered, in words.

export function replyText(reply: Reply, paint: Colors): string {
  const text = reply.text ?? '';
  switch (reply.kind) {
    case 'answered':
      return text === '' ? paint.dim('answered (the text is in the store only: holdfast show)') : text;
    case 'waiting':
    case 'landed':
      return [
        ...(text === '' ? [] : [text]),
        paint.yellow(
          reply.kind === 'waiting' ? 'waits for people:' : 'reached a limit; a person may continue it:',
        ),
        ...(reply.approvals ?? []).map(
          (one) =>
            `  ${paint.bold(one.id)}  ${one.summary} (by ${moment(new Date(one.deadlineMs).toISOString())} UTC)`,
        ),
      ].join('\n');
    case 'moved':
      return 'the run moved on: ask again';
    case 'ended':
      return paint.dim('the run has ended');
    default:
      return reply.kind satisfies never;
  }
}

/** Why a decision does not count. */
export function refusalText(why: DecisionRefusal, approval: ApprovalRow): string {
  switch (why) {
    case 'malformed':
      return 'the decision is malformed';
    case 'unknown_approval':
      return 'the run does not know this approval any more';
    case 'already_decided':
      return `it is closed already (${decidedText(approval)}): the first decision stands`;
    case 'too_late':
      return `its deadline was ${moment(approval.deadline)} UTC: later decisions do not count, the agent has to ask again`;
    case 'own_request':
      return `${approval.requester} asked for it, and nobody decides on their own request: let somebody else decide`;
    case 'not_an_approver':
      return `only ${approval.approvers.join(', ')} may decide it`;
    case 'other_arguments':
      return 'its arguments have changed since it was listed: look again with "holdfast approvals"';
    case 'wrong_kind':
      return approval.kind === 'reconcile'
        ? 'it asks what became of an effect: use "holdfast answer" with --happened, --did-not or --give-up'
        : `it is a request of kind ${approval.kind}: use "holdfast approve" or "holdfast reject"`;
    case 'already_voted':
      return `this person has voted already, and it needs ${approval.quorum} people`;
    default:
      return why satisfies never;
  }
}

/** How a closed approval was closed, as far as the store knows. */
export function decidedText(approval: ApprovalRow): string {
  const by = approval.decision?.by;
  const who = typeof by === 'string' ? ` by ${by}` : '';
  const when = approval.decidedAt === null ? '' : ` at ${moment(approval.decidedAt)} UTC`;
  return approval.state === 'open' ? 'decided a moment ago' : `${approval.state}${who}${when}`;
}

export function decidedWords(reply: Exclude<DecideReply, { kind: 'refused' }>): string {
  return reply.kind === 'decided'
    ? `${reply.state}: the run goes on`
    : `${reply.votes} of ${reply.quorum} votes: it waits for more`;
}
