import type { RunState } from '../../src/core/state.ts';
import type { Reference } from './approvalModel.ts';
import type { Asked } from './approvalRules.ts';
import { DIRECTORY, REQUESTER, type StoryEvent } from './approvalStories.ts';

// What a story has reached, in words: a check that never sees these says nothing.

/** What was so before an event. */
export interface Look {
  readonly open: readonly { readonly asked: Asked; readonly votes: number }[];
  readonly requests: number;
  readonly recorded: number;
  readonly ran: number;
  readonly reminded: number;
  readonly answers: number;
  readonly paused: boolean;
}

export function look(reference: Reference): Look {
  return {
    open: reference.open.map((asked) => ({ asked, votes: asked.votes.length })),
    requests: reference.requests.length,
    recorded: reference.recorded.length,
    ran: reference.ran.length,
    reminded: reference.reminded.length,
    answers: reference.answers.size,
    paused: reference.isPaused,
  };
}

export function factsOf(
  reference: Reference,
  event: StoryEvent,
  before: Look,
  nowMs: number,
): readonly string[] {
  const opened = reference.requests.slice(before.requests);
  const recorded = reference.recorded.slice(before.recorded);
  const answers = [...reference.answers.values()].slice(before.answers);
  const said = 'said' in event ? [...event.said, ...(event.kind === 'overlap' ? event.during : [])] : [];
  const says = (name: string) => said.some((one) => one.name === name);
  const changed = before.open.map(({ asked }) => asked).filter(({ state }) => state !== 'open');
  const decided = changed.filter(({ by, state }) => by !== 'holdfast' && state !== 'open');
  const unknown = before.open.some(({ asked }) => asked.kind === 'reconcile');
  const late = (one: Asked) => one.deadlineMs <= nowMs;
  const refused = (why: string) => recorded.some(({ whys }) => whys.includes(why));
  const all: Readonly<Record<string, boolean>> = {
    'two votes in one activation': before.open.some(({ asked, votes }) => asked.votes.length > votes + 1),
    'a vote refused as the second of one person': recorded.some(({ whys }) => `${whys}` === 'already_voted'),
    'decided in the activation of its time-out': event.kind === 'down' && decided.some(late),
    'too late in the activation of its time-out': event.kind === 'down' && refused('too_late'),
    'decided before the deadline, verified after it': event.kind === 'say' && decided.some(late),
    'verified after the grace':
      event.kind === 'say' && changed.some((one) => late(one) && one.state === 'expired') && says('decide'),
    'decided during a pause': before.paused && decided.some(({ kind }) => kind === 'call'),
    'an edit that is no call': decided.some(
      ({ edited, said }) => said === 'edit' && edited.startsWith('bad'),
    ),
    'an edit that was asked about again': opened.some(
      ({ args, kind }) => kind === 'call' && args?.startsWith('e'),
    ),
    'an edit that needed nobody': reference.ran
      .slice(before.ran)
      .some(({ args }) => args.startsWith('small')),
    'asked again about new terms': opened.some(
      ({ kind, args }) =>
        kind === 'call' &&
        reference.requests.some(
          (one) => one.args === args && one.kind === 'call' && one.state === 'approved',
        ),
    ),
    'it happened': decided.some(({ kind, answer }) => kind === 'reconcile' && answer === 'happened'),
    'it did not happen': decided.some(({ kind, answer }) => kind === 'reconcile' && answer === 'did_not'),
    'nobody could tell': decided.some(({ kind, answer }) => kind === 'reconcile' && answer === 'give_up'),
    'a message while nobody knows': unknown && says('message'),
    'cancelled while nobody knows': unknown && says('cancel'),
    'handed over while nobody knows': unknown && says('handOver'),
    'paused while nobody knows': unknown && reference.isPaused,
    held: reference.isHeld,
    'a long pause became a question': opened.some(({ kind }) => kind === 'pause'),
    'a role lost': recorded.some(
      ({ whys, by }) => `${whys}` === 'not_an_approver' && DIRECTORY[by]?.includes('lead') === true,
    ),
    'decided by whom it went to': decided.some(({ by, people }) => by === 'ed' && people.includes('ed')),
    reminded: reference.reminded.length > before.reminded,
    'the customer said yes': decided.some(({ by, state }) => by === REQUESTER && state === 'approved'),
    'people took over':
      reference.ended === 'escalated' &&
      changed.some(({ escalates, state }) => escalates && state === 'expired'),
    withdrawn: says('message') && changed.some(({ state }) => state === 'withdrawn'),
    'a message waited': says('message') && before.open.length > 0 && changed.length === 0,
    unsigned: refused('unsigned'),
    'a duplicate got the first answer':
      answers.filter(({ kind }) => kind === 'decided').length > decided.length,
  };
  return Object.entries(all).flatMap(([fact, holds]) => (holds ? [fact] : []));
}

/** What a run took with it into its next execution. */
export function factsOfMove(state: RunState): readonly string[] {
  const calls = state.turn?.step?.calls ?? [];
  const open = calls.flatMap(({ approval }) => (approval?.state.kind === 'open' ? [approval] : []));
  const all: Readonly<Record<string, boolean>> = {
    'moved with two requests open':
      open.length > 1 ||
      (open.length > 0 && calls.some(({ approval }) => approval !== null && approval.state.kind !== 'open')),
    'moved with a vote': open.some(({ votes }) => votes.length > 0),
    'moved while held': calls.some(({ held }) => held !== null),
    'moved while nobody knows': calls.some(({ reconcile }) => reconcile !== null),
    'moved while paused': state.paused !== null,
    'handed over in a move': state.handOver !== null && calls.length > 0,
  };
  return Object.entries(all).flatMap(([fact, holds]) => (holds ? [fact] : []));
}
