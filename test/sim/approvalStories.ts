import fc from 'fast-check';

/**
 * Stories about one run and the people around it, as plain data: what the agent asks for, what is said and when.
 * Choices that depend on how the run stands (which request, which moment) are numbers, resolved while it is played.
 */
export interface Story {
  /** Workers have a decision key: only what is signed counts, and the directory knows everybody's roles. */
  readonly keyed: boolean;
  readonly whileWaiting: 'withdraw' | 'queue';
  /** How long a batch of messages takes to be verified. */
  readonly verifyMs: number;
  /** Three tools, each gated by a rule of its own. */
  readonly rules: readonly [Gate, Gate, Gate];
  readonly chapters: readonly Chapter[];
}

export interface Gate {
  readonly of: 'people' | 'requester';
  readonly people: readonly string[];
  readonly roles: readonly string[];
  readonly requesterToo: boolean;
  readonly quorum: number;
  readonly hours: number;
  /** Minutes after the opening; null leaves it to the usual reminder at half the time. */
  readonly remind: readonly number[] | null;
  readonly escalation: readonly { readonly minutes: number; readonly person: string }[];
  readonly onExpiry: 'reject' | 'escalate';
}

/** One step of the agent, and what happens until all of it is answered. */
export interface Chapter {
  readonly calls: readonly PlannedCall[];
  readonly events: readonly StoryEvent[];
}

export interface PlannedCall {
  readonly tool: 'gate0' | 'gate1' | 'gate2' | 'free' | 'look' | 'ask_person';
  /** What becomes of its first attempts; done from then on. */
  readonly fates: readonly Fate[];
}
export type Fate = 'done' | 'unknown' | 'held' | 'stale';

export type StoryEvent =
  /** Several messages in one activation. */
  | { readonly kind: 'say'; readonly said: readonly Saying[] }
  /** More messages, while the first is being verified. */
  | { readonly kind: 'overlap'; readonly said: readonly Saying[]; readonly during: readonly Saying[] }
  | { readonly kind: 'wait'; readonly until: Moment }
  /** No workflow worker until then; what was said before is read afterwards, in one activation. */
  | {
      readonly kind: 'down';
      readonly until: Moment;
      readonly said: readonly (Saying & { readonly earlyMs: number })[];
    }
  | { readonly kind: 'roles'; readonly who: string; readonly roles: readonly string[] }
  | { readonly kind: 'suggest' };

/** The next thing the clock does, the first deadline, or some minutes; and how far from it. */
export interface Moment {
  readonly to: 'next' | 'deadline' | 'minutes';
  readonly offset: number;
}

export interface Saying {
  readonly name:
    | 'decide'
    | 'message'
    | 'pause'
    | 'resume'
    | 'retry'
    | 'cancel'
    | 'handOver'
    | 'close'
    | 'upgrade';
  readonly who: string;
  readonly signed: boolean;
  readonly kind: 'approve' | 'reject' | 'edit' | 'answer';
  readonly about: { readonly what: 'open' | 'closed' | 'nothing'; readonly pick: number };
  readonly hash: 'right' | 'wrong' | 'none';
  readonly via: 'signal' | 'update';
  readonly edit: 'small' | 'large' | 'bad';
  readonly answer: 'happened' | 'did_not' | 'give_up' | 'nonsense';
  readonly times: number;
}

/** No two batches take the same time, so that nothing happens in the very millisecond of another thing by rhythm. */
export function verificationMs({ verifyMs }: Story, batch: number): number {
  return verifyMs + batch;
}

export const REQUESTER = 'ann';
export const DIRECTORY: Readonly<Record<string, readonly string[]>> = {
  ann: ['lead', 'operator'],
  bo: ['lead', 'operator'],
  cy: ['lead'],
  di: ['clerk', 'operator'],
  ed: [],
};
const PEOPLE = Object.keys(DIRECTORY);
const STRANGERS = ['zed', 'robot'];

const pick = <T>(...list: readonly (readonly [number, T])[]) =>
  fc.oneof(...list.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const gate: fc.Arbitrary<Gate> = fc.record({
  of: pick([5, 'people' as const], [1, 'requester' as const]),
  people: pick<readonly string[]>([4, []], [1, ['bo', 'cy']], [1, ['ann', 'bo']], [1, ['di']]),
  roles: pick<readonly string[]>([4, []], [2, ['lead']], [1, ['clerk']]),
  requesterToo: pick([3, false], [1, true]),
  quorum: pick([5, 1], [3, 2], [1, 3]),
  hours: fc.constantFrom(1, 2, 3),
  remind: pick<readonly number[] | null>([2, null], [1, []], [1, [20]], [1, [20, 40]], [1, [20, 30, 500]]),
  escalation: pick<Gate['escalation']>(
    [3, []],
    [1, [{ minutes: 30, person: 'ed' }]],
    [
      1,
      [
        { minutes: 10, person: 'di' },
        { minutes: 50, person: 'ed' },
      ],
    ],
  ),
  onExpiry: pick([4, 'reject' as const], [1, 'escalate' as const]),
});

const call: fc.Arbitrary<PlannedCall> = fc.record({
  tool: pick<PlannedCall['tool']>(
    [4, 'gate0'],
    [3, 'gate1'],
    [2, 'gate2'],
    [1, 'free'],
    [1, 'look'],
    [1, 'ask_person'],
  ),
  fates: pick<readonly Fate[]>(
    [12, []],
    [2, ['unknown']],
    [1, ['unknown', 'unknown']],
    [2, ['held']],
    [1, ['stale']],
  ),
});

const saying = (names: fc.Arbitrary<Saying['name']>): fc.Arbitrary<Saying> =>
  fc.record({
    name: names,
    who: fc.oneof(
      { weight: 12, arbitrary: fc.constant('fit') },
      { weight: 14, arbitrary: fc.constantFrom(...PEOPLE) },
      { weight: 1, arbitrary: fc.constantFrom(...STRANGERS) },
    ),
    signed: pick([12, true], [1, false]),
    kind: pick<Saying['kind']>([9, 'approve'], [2, 'reject'], [2, 'edit'], [3, 'answer']),
    about: fc.record({
      what: pick<Saying['about']['what']>([14, 'open'], [2, 'closed'], [1, 'nothing']),
      pick: fc.nat(7),
    }),
    hash: pick<Saying['hash']>([12, 'right'], [1, 'wrong'], [2, 'none']),
    via: pick<Saying['via']>([2, 'signal'], [1, 'update']),
    edit: pick<Saying['edit']>([2, 'large'], [2, 'small'], [1, 'bad']),
    answer: pick<Saying['answer']>([3, 'happened'], [3, 'did_not'], [2, 'give_up'], [1, 'nonsense']),
    times: pick([8, 1], [1, 2]),
  });

const decision = saying(fc.constant('decide'));
const anything = saying(
  pick<Saying['name']>(
    [40, 'decide'],
    [4, 'message'],
    [4, 'pause'],
    [6, 'resume'],
    [3, 'retry'],
    [1, 'cancel'],
    [1, 'handOver'],
    [1, 'close'],
    [3, 'upgrade'],
  ),
);
const moment: fc.Arbitrary<Moment> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ to: fc.constant('next' as const), offset: fc.constantFrom(-1, 0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ to: fc.constant('deadline' as const), offset: fc.constantFrom(-1, 0, 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ to: fc.constant('minutes' as const), offset: fc.constantFrom(1, 15, 45, 200) }),
  },
);
const some = (one: fc.Arbitrary<Saying>, maxLength: number) => fc.array(one, { minLength: 1, maxLength });

const event: fc.Arbitrary<StoryEvent> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('say' as const), said: some(anything, 3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('overlap' as const),
      said: some(decision, 2),
      during: some(anything, 2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), until: moment }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('down' as const),
      until: moment,
      said: fc.array(
        fc.tuple(anything, fc.constantFrom(0, 1, 2, 60_000)).map(([said, earlyMs]) => ({ ...said, earlyMs })),
        { maxLength: 3 },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('roles' as const),
      who: fc.constantFrom(...PEOPLE),
      roles: pick<readonly string[]>([2, []], [1, ['lead']], [1, ['clerk', 'operator']]),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'suggest' as const }) },
);

const chapter: fc.Arbitrary<Chapter> = fc.record({
  calls: fc.array(call, { minLength: 1, maxLength: 3 }),
  events: fc.array(event, { minLength: 1, maxLength: 5 }),
});

export function stories(chapters: { readonly min: number; readonly max: number }): fc.Arbitrary<Story> {
  return fc.record({
    keyed: fc.boolean(),
    whileWaiting: pick([3, 'withdraw' as const], [1, 'queue' as const]),
    verifyMs: pick([6, 200], [2, 5_000], [1, 20_000]),
    rules: fc.tuple(gate, gate, gate),
    chapters: fc.array(chapter, { minLength: chapters.min, maxLength: chapters.max }),
  });
}
