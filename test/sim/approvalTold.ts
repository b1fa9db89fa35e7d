import type { Chapter, Fate, Gate, PlannedCall, Saying, Story, StoryEvent } from './approvalStories.ts';

// Stories that are told on purpose: states that chance reaches seldom, each with what has to be reached in it.

export interface Told {
  readonly name: string;
  readonly reaches: readonly string[];
  readonly story: Story;
}

const GATE: Gate = {
  of: 'people',
  people: [],
  roles: [],
  requesterToo: false,
  quorum: 1,
  hours: 1,
  remind: [],
  escalation: [],
  onExpiry: 'reject',
};

function saying(name: Saying['name'], who: string, more: Partial<Saying> = {}): Saying {
  return {
    name,
    who,
    signed: true,
    kind: 'approve',
    about: { what: 'open', pick: 0 },
    hash: 'right',
    via: 'signal',
    edit: 'large',
    answer: 'happened',
    times: 1,
    ...more,
  };
}

const yes = (who: string, more: Partial<Saying> = {}) => saying('decide', who, more);
const answers = (answer: Saying['answer'], pick = 0) =>
  saying('decide', 'bo', { kind: 'answer', answer, about: { what: 'open', pick } });
const say = (...said: readonly Saying[]): StoryEvent => ({ kind: 'say', said });
const SUGGEST: StoryEvent = { kind: 'suggest' };
const message = saying('message', 'ann');
const closed = { about: { what: 'closed', pick: 0 } } as const;

function call(tool: PlannedCall['tool'] = 'gate0', ...fates: readonly Fate[]): PlannedCall {
  return { tool, fates };
}

function told(
  name: string,
  reaches: readonly string[],
  calls: Chapter['calls'],
  events: Chapter['events'],
  more: Partial<Omit<Story, 'rules'>> & { readonly gate?: Partial<Gate> } = {},
): Told {
  const { gate, ...rest } = more;
  const rules = [{ ...GATE, ...gate }, GATE, GATE] as const;
  const chapters = [
    { calls, events },
    { calls: [call('free')], events: [] },
  ];
  return {
    name,
    reaches,
    story: { keyed: false, whileWaiting: 'withdraw', verifyMs: 200, rules, chapters, ...rest },
  };
}

const TWO = { gate: { quorum: 2 } };
const WEEK = { kind: 'wait', until: { to: 'next', offset: 0 } } as const;
const toDeadline = (offset: number): StoryEvent => ({ kind: 'wait', until: { to: 'deadline', offset } });

export const TOLD: readonly Told[] = [
  told(
    'two people vote in one activation',
    ['two votes in one activation'],
    [call()],
    [say(yes('bo'), yes('cy'))],
    TWO,
  ),
  told(
    'the same vote before and after a move',
    ['moved with a vote', 'a vote refused as the second of one person'],
    [call()],
    [say(yes('bo')), SUGGEST, say(yes('bo')), say(yes('bo', { via: 'update' })), say(yes('cy'))],
    TWO,
  ),
  told(
    'what was decided while the run moved is acted on',
    ['moved with two requests open'],
    [call(), call('gate1')],
    [SUGGEST, say(yes('bo', { kind: 'edit' })), say(yes('bo')), say(yes('cy'))],
  ),
  told(
    'what was decided during a pause is acted on',
    ['decided during a pause'],
    [call(), call('gate1')],
    [
      say(saying('pause', 'bo')),
      say(yes('bo', { kind: 'edit' })),
      say(saying('resume', 'bo')),
      say(yes('cy')),
    ],
  ),
  told(
    'an edit that nobody can run lets the calls after it go on',
    ['an edit that is no call'],
    [call(), call('gate1'), call('gate2')],
    [say(yes('bo', { about: { what: 'open', pick: 1 } })), say(yes('cy', { kind: 'edit', edit: 'bad' }))],
  ),
  told(
    'the worker is down across the deadline',
    ['decided in the activation of its time-out', 'too late in the activation of its time-out'],
    [call(), call('gate1')],
    [
      {
        kind: 'down',
        until: { to: 'deadline', offset: 0 },
        said: [
          { ...yes('bo'), earlyMs: 1 },
          { ...yes('cy', { about: { what: 'open', pick: 1 } }), earlyMs: 0 },
        ],
      },
    ],
  ),
  told(
    'an edit is asked about again',
    ['an edit that was asked about again'],
    [call()],
    [say(yes('bo', { kind: 'edit' })), say(yes('cy'))],
  ),
  told(
    'a small edit needs nobody',
    ['an edit that needed nobody'],
    [call()],
    [say(yes('bo', { kind: 'edit', edit: 'small' }))],
  ),
  told(
    'a yes does not outlive its terms',
    ['asked again about new terms'],
    [call('gate0', 'stale')],
    [say(yes('bo')), say(yes('bo', { ...closed, via: 'update' })), say(yes('cy'))],
  ),
  told(
    'nobody knows, and it did not happen, twice',
    ['it did not happen', 'it happened'],
    [call('gate0', 'unknown', 'unknown'), call('gate1')],
    [say(yes('bo')), say(answers('did_not', 1)), say(answers('happened', 1)), say(yes('bo'))],
  ),
  told(
    'the customer writes while nobody knows',
    ['a message while nobody knows', 'nobody could tell'],
    [call('gate0', 'unknown'), call('gate1')],
    [say(yes('bo')), say(message), say(answers('give_up'))],
  ),
  told(
    'a run is cancelled while nobody knows',
    ['cancelled while nobody knows'],
    [call('gate0', 'unknown'), call('gate1')],
    [say(yes('bo')), say(saying('cancel', 'bo')), say(answers('happened'))],
  ),
  told(
    'a run is handed over while nobody knows',
    ['handed over while nobody knows'],
    [call('gate0', 'unknown'), call('gate1')],
    [say(yes('bo')), say(saying('handOver', 'bo')), say(answers('did_not'))],
  ),
  told(
    'a run moves while nobody knows',
    ['moved while nobody knows'],
    [call('gate0', 'unknown')],
    [say(yes('bo')), SUGGEST, say(yes('cy')), say(answers('happened'))],
  ),
  told(
    'a pause while nobody knows',
    ['paused while nobody knows'],
    [call('gate0', 'unknown')],
    [say(yes('bo')), say(saying('pause', 'bo')), say(answers('did_not')), say(saying('resume', 'bo'))],
  ),
  told(
    'a hand-over just when the run moves',
    ['handed over in a move'],
    [call(), call('gate1')],
    [SUGGEST, say(saying('handOver', 'bo'))],
  ),
  told(
    'a retry just when the run moves',
    ['moved while held'],
    [call('gate0', 'held')],
    [say(yes('bo')), SUGGEST, say(saying('retry', 'bo'))],
  ),
  told(
    'a held call is tried every hour',
    ['held'],
    [call('gate0', 'held', 'held'), call('gate1')],
    [say(yes('bo')), WEEK, WEEK, say(yes('bo'))],
  ),
  told(
    'a long pause is asked about, and goes on',
    ['a long pause became a question', 'moved while paused'],
    [call()],
    [
      say(saying('pause', 'bo')),
      WEEK,
      SUGGEST,
      say(yes('bo', { about: { what: 'open', pick: 1 } }), yes('bo')),
    ],
  ),
  told(
    'a long pause is asked about, and nobody answers',
    ['a long pause became a question'],
    [call()],
    [say(saying('pause', 'bo')), WEEK, WEEK, toDeadline(0)],
  ),
  told(
    'a role is lost between the ask and the answer',
    ['a role lost'],
    [call()],
    [{ kind: 'roles', who: 'cy', roles: [] }, say(yes('cy')), say(yes('bo'))],
    { keyed: true, gate: { roles: ['lead'] } },
  ),
  told(
    'whom it went to decides',
    ['decided by whom it went to', 'reminded'],
    [call()],
    [say(yes('ed')), WEEK, WEEK, say(yes('ed'))],
    { gate: { people: ['cy'], remind: [20], escalation: [{ minutes: 30, person: 'ed' }] } },
  ),
  told(
    'only the customer may say yes',
    ['the customer said yes'],
    [call()],
    [say(yes('bo')), say(yes('ann'))],
    { gate: { of: 'requester' } },
  ),
  told(
    'nobody decides, and people take over',
    ['people took over'],
    [call()],
    [toDeadline(-1), toDeadline(0)],
    { gate: { onExpiry: 'escalate' } },
  ),
  told('the customer withdraws', ['withdrawn'], [call(), call('ask_person')], [say(message)]),
  told('the customer waits', ['a message waited'], [call()], [say(message), say(yes('bo'))], {
    whileWaiting: 'queue',
  }),
  told(
    'the verification takes longer than it is waited for',
    ['verified after the grace'],
    [call()],
    [toDeadline(-1), say(yes('ann'), yes('bo'))],
    { verifyMs: 20_000 },
  ),
  told(
    'the verification takes the deadline in',
    ['decided before the deadline, verified after it'],
    [call()],
    [toDeadline(-1), say(yes('bo'))],
    { verifyMs: 5_000 },
  ),
  told(
    'nothing counts without a signature',
    ['unsigned'],
    [call()],
    [say(yes('bo', { signed: false })), say(yes('bo'))],
    { keyed: true },
  ),
  told(
    'a duplicate gets the first answer',
    ['a duplicate got the first answer'],
    [call()],
    [say(yes('bo', { via: 'update', times: 2 })), say(yes('bo', { ...closed, via: 'update' }))],
  ),
];
