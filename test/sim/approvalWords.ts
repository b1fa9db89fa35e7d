import type { Chapter, Gate, Moment, PlannedCall, Saying, Story, StoryEvent } from './approvalStories.ts';

/** A story as a person would tell it, for whoever reads a failure. */
export function tell(story: Story): string {
  const used = new Set(story.chapters.flatMap(({ calls }) => calls.map(({ tool }) => tool)));
  return [
    `${story.keyed ? 'signed' : 'unsigned'} messages, verified in ${story.verifyMs} ms; a customer's message ${story.whileWaiting === 'queue' ? 'waits' : 'withdraws'}`,
    ...story.rules.flatMap((gate, i) =>
      used.has(`gate${i}` as PlannedCall['tool']) ? [`gate${i}: ${tellGate(gate)}`] : [],
    ),
    ...story.chapters.flatMap(tellChapter),
  ].join('\n');
}

function tellGate({
  of,
  people,
  roles,
  requesterToo,
  quorum,
  hours,
  remind,
  escalation,
  onExpiry,
}: Gate): string {
  const who =
    of === 'requester'
      ? 'the requester'
      : [...people, ...roles.map((role) => `any ${role}`)].join(', ') || 'anybody';
  return [
    `${quorum} of ${who}${requesterToo ? ', also the requester' : ''}, ${hours} h`,
    remind === null ? '' : `reminders at ${remind.join(', ') || 'no time'} min`,
    ...escalation.map(({ minutes, person }) => `${person} too after ${minutes} min`),
    onExpiry === 'escalate' ? 'then people take over' : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function tellChapter({ calls, events }: Chapter): readonly string[] {
  const asked = calls.map(({ tool, fates }) => (fates.length > 0 ? `${tool} (${fates.join(', ')})` : tool));
  return [`The agent calls ${asked.join(', ')}.`, ...events.map((event) => `  ${tellEvent(event)}`)];
}

function tellEvent(event: StoryEvent): string {
  switch (event.kind) {
    case 'say':
      return `${event.said.map(tellSaying).join('; at once ')}.`;
    case 'overlap':
      return `${event.said.map(tellSaying).join('; at once ')}. While that is verified: ${event.during.map(tellSaying).join('; at once ')}.`;
    case 'wait':
      return `Time passes to ${tellMoment(event.until)}.`;
    case 'down': {
      const said = event.said.map((saying) => `${saying.earlyMs} ms before, ${tellSaying(saying)}`);
      return `No worker until ${tellMoment(event.until)}${said.map((one) => `; ${one}`).join('')}.`;
    }
    case 'roles':
      return `${event.who} is now ${event.roles.join(' and ') || 'without a role'}.`;
    case 'suggest':
      return 'The server suggests to continue as new.';
    default:
      return event satisfies never;
  }
}

function tellMoment({ to, offset }: Moment): string {
  if (to === 'minutes') return `${offset} min later`;
  const what = to === 'next' ? 'the next thing the clock does' : 'the first deadline';
  return offset === 0 ? what : `${Math.abs(offset)} ms ${offset < 0 ? 'before' : 'after'} ${what}`;
}

function tellSaying({ name, who, signed, kind, about, hash, via, edit, answer, times }: Saying): string {
  const often = times > 1 ? ' twice' : '';
  const unsigned = signed ? '' : ' unsigned';
  if (name === 'message') return `the customer writes${often}`;
  if (name !== 'decide') return `${who} says ${name}${often}${unsigned}`;
  const what = kind === 'edit' ? `edit to ${edit}` : kind === 'answer' ? `answer ${answer}` : kind;
  const which = about.what === 'nothing' ? 'nothing known' : `${about.what} ${about.pick}`;
  return `${who} says ${what}${often}${unsigned} to ${which}${hash === 'right' ? '' : ` (${hash} hash)`}${via === 'update' ? ' by update' : ''}`;
}
