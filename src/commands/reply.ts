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
      return `only ${whoMay(approval)} may decide it`;
    case 'not_the_requester':
      return `only ${approval.requester}, who wants it done, can say yes or no to it`;
    case 'other_arguments':
      return 'its arguments have changed since it was listed: look again with "holdfast approvals"';
    case 'wrong_kind':
      return approval.kind === 'reconcile'
        ? 'it asks what became of an effect: use "holdfast answer" with --happened, --did-not or --give-up'
        : approval.kind === 'question'
          ? 'it is a question of the agent: use "holdfast answer" with --text, or "holdfast reject"'
          : `it is a request of kind ${approval.kind}: use "holdfast approve" or "holdfast reject"`;
    case 'already_voted':
      return `this person has voted already, and it needs ${approval.quorum} people`;
    case 'cannot_learn':
      return 'no standing rule can be learned from it: that takes one approver, a payee, an amount, and a tool that is not destructive';
    case 'too_many':
      return 'too many decisions on it wait to be looked at: try again in a moment';
    case 'unsigned':
      return 'decisions have to be signed here: decide with the command line of a place that has the decision key';
    case 'bad_signature':
      return 'its signature is not right: the key differs, or something was changed on the way';
    case 'malformed_times':
      return 'its time of issue or of expiry is missing or wrong: decide again';
    case 'stale':
      return 'it was issued too long ago: decide again';
    case 'replayed':
      return 'it was sent once before: a signed message counts once';
    case 'not_yet_valid':
      return 'its time of issue lies in the future: set the clock of the machine that issued it';
    case 'unknown_person':
      return 'nobody of this name is in the directory: check the name, or have the person added';
    case 'inactive_person':
      return 'this person is not active in the directory any more: let somebody else decide';
    case 'service_account':
      return 'service accounts decide nothing: let a person decide';
    case 'other_tenant':
      return 'this person belongs to another tenant: let somebody of the right one decide';
    default:
      return why satisfies never;
  }
}

/** Who may decide, by name and role; `anybody` where nobody is named. */
export function whoMay({ approvers, requester, requesterMay }: WhoMay): string {
  if (requesterMay === 'only') return `${requester} (who wants it done)`;
  const { people = [], roles = [] } = approvers;
  const named = [...people, ...roles.map((role) => `role ${role}`)];
  if (named.length === 0) return requesterMay === 'too' ? 'anybody' : `anybody but ${requester}`;
  return [...named, ...(requesterMay === 'too' ? [requester] : [])].join(', ');
}

type WhoMay = Pick<ApprovalRow, 'approvers' | 'requester' | 'requesterMay'>;

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
