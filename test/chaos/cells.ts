import type { Told } from './facts.ts';
import { POINTS, type Point } from './points.ts';

// The matrix as data: what must come of an attempt that is disturbed in one way, at one point, for one kind of effect.

/**
 * Kinds of effects. `mislabelled` says `keyed` of a service that ignores keys: nothing can keep that promise, and it
 * shows what the label is worth. `blind` is `checkable` with a check that cannot tell. `shop` is `keyed`, with its key
 * in the transaction of the change itself. The services of `checkable`, `blind` and `never` ignore keys.
 */
export const KINDS = ['keyed', 'mislabelled', 'checkable', 'blind', 'never', 'shop'] as const;
export type Kind = (typeof KINDS)[number];

export const FAULTS = [
  'kill',
  'cancel',
  'cancel, heard',
  'cancel, then kill',
  'stall',
  'switch',
  'switch, then kill',
  'switch, stall, cancel',
] as const;
/**
 * `kill`: the process dies at the point; another one comes. `cancel`: the run is cancelled when the attempt is at the
 * point, and the attempt does not hear of it. `cancel, then kill`: and then its process dies. `cancel, heard`: the tool hears of it there.
 * `stall`: the process is frozen at the point, wakes when another one has settled everything, and goes on.
 * `switch`: a kill switch is set when the attempt is at the point, and lifted when the run is held by it. `switch, then
 * kill`: the process dies while it is set. `switch, stall, cancel`: the process is frozen while it is set, the run is
 * cancelled when it is held, the switch is lifted when the run has ended, and only then the process wakes.
 */
export type Fault = (typeof FAULTS)[number];

/** How a cell ends. `person`: what they answered, or what became of the request; null when nobody was asked. */
export interface Seen {
  readonly state: string;
  readonly fence: number;
  readonly requests: number;
  readonly acts: number;
  readonly checks: number;
  /** Times that a kill switch held it. */
  readonly held: number;
  readonly person: string | null;
  /** What the model is told. */
  readonly told: Told | 'nothing';
  readonly evidence: readonly string[];
  readonly incidents: readonly string[];
}

const ONCE: Seen = {
  state: 'applied',
  fence: 1,
  requests: 1,
  acts: 1,
  checks: 0,
  held: 0,
  person: null,
  told: 'done',
  evidence: [],
  incidents: [],
};
const NOT_DONE: Seen = { ...ONCE, state: 'void', requests: 0, acts: 0, told: 'not done' };
const HAPPENED: Seen = { ...ONCE, fence: 2, checks: 1, evidence: ['check_happened'] };
const UNCHECKED: Seen = {
  ...ONCE,
  state: 'unknown',
  person: 'give_up',
  told: 'not known',
  evidence: ['person_given_up'],
};
const GIVEN_UP: Seen = { ...UNCHECKED, fence: 2, checks: 1 };
const ASKED: Seen = { ...ONCE, person: 'happened', evidence: ['person_applied'] };
const TWICE = ['incident_second_applied'];

/** The ends that cells name. */
export const ENDS = {
  once: ONCE,
  /** The next attempt did it: the first one had not sent anything. */
  'once, later': { ...ONCE, fence: 2 },
  'same key': { ...ONCE, fence: 2, requests: 2 },
  doubled: { ...ONCE, fence: 2, requests: 2, acts: 2 },
  'checked: happened': HAPPENED,
  'checked: did not, run': { ...ONCE, fence: 2, checks: 1 },
  'checked: did not, closed': { ...NOT_DONE, fence: 2, checks: 1 },
  /** The person found that it was done, or that it was not (and it ran once more), or could not find out. */
  'asked: happened': ASKED,
  'asked: did not, run': { ...ONCE, fence: 2, person: 'did_not' },
  'asked: given up, done': GIVEN_UP,
  'asked: given up, not done': { ...GIVEN_UP, requests: 0, acts: 0 },
  'not done': NOT_DONE,
  /** The run was cancelled, and waited for this word: it did not happen, and nothing runs any more. */
  'asked: did not, closed': { ...NOT_DONE, person: 'did_not', evidence: ['person_void'] },

  /** A kill switch held it until it was lifted. */
  'held, once': { ...ONCE, held: 1 },
  'asked: did not, held, run': { ...ONCE, fence: 2, held: 1, person: 'did_not' },
  /** Nothing runs while a switch is set, not even a check: a person is asked at once. */
  'asked at once: given up, done': UNCHECKED,
  'asked at once: given up, not done': { ...UNCHECKED, requests: 0, acts: 0 },
  /** The run was cancelled while it was held: nothing does it after all, whoever wakes when the switch is lifted. */
  'held, not done': { ...NOT_DONE, held: 1 },

  // A stalled attempt that had acted before it was frozen: its late word is evidence.
  'same key, late word': { ...ONCE, fence: 2, requests: 2, evidence: ['late_applied'], incidents: TWICE },
  'doubled, late word': {
    ...ONCE,
    fence: 2,
    requests: 2,
    acts: 2,
    evidence: ['late_applied'],
    incidents: TWICE,
  },
  /** The shop met its own key: nothing was asked of anybody twice. */
  'once, late word': { ...ONCE, fence: 2, evidence: ['late_applied'], incidents: TWICE },
  'checked: happened, late word': { ...HAPPENED, evidence: ['check_happened', 'late_applied'] },
  'asked: happened, late word': { ...ASKED, evidence: ['person_applied', 'late_applied'] },
  'asked: given up, late word': { ...GIVEN_UP, evidence: ['person_given_up', 'late_applied'] },
  // One that was frozen after its claim and before it began: it must not begin.
  'once, later, late nothing': { ...ONCE, fence: 2, evidence: ['late_released'] },
  'checked: did not, run, late nothing': { ...ONCE, fence: 2, checks: 1, evidence: ['late_released'] },
  'asked: did not, run, late nothing': {
    ...ONCE,
    fence: 2,
    person: 'did_not',
    evidence: ['late_released'],
  },
  'asked: given up, not done, late nothing': {
    ...GIVEN_UP,
    requests: 0,
    acts: 0,
    evidence: ['person_given_up', 'late_released'],
  },
  // One that was frozen between its last look and the send. Nobody can fence it: the ledger can only say so.
  'beyond: checked, doubled': {
    ...ONCE,
    fence: 2,
    requests: 2,
    acts: 2,
    checks: 1,
    evidence: ['late_applied'],
    incidents: TWICE,
  },
  'beyond: asked, doubled': {
    ...ONCE,
    fence: 2,
    requests: 2,
    acts: 2,
    person: 'did_not',
    evidence: ['late_applied'],
    incidents: TWICE,
  },
} as const satisfies Record<string, Seen>;
export type End = keyof typeof ENDS;

type Row = Readonly<Record<Kind, End>>;

const all = (end: End): Row => row(end, end, end, end, end, end);

/** In the order of KINDS. */
function row(keyed: End, mislabelled: End, checkable: End, blind: End, never: End, shop: End): Row {
  return { keyed, mislabelled, checkable, blind, never, shop };
}

/** The attempt was lost, and whoever comes next finds what `checkable` effects can find. */
const LOST_UNSENT = row(
  'once, later',
  'once, later',
  'checked: did not, run',
  'asked: given up, not done',
  'asked: did not, run',
  'once, later',
);
const LOST_DONE = row(
  'same key',
  'doubled',
  'checked: happened',
  'asked: given up, done',
  'asked: happened',
  'once, later',
);

/** Nothing is run any more, not even with the same key: what cannot be looked up is asked. */
const CLOSED_UNSENT = row(
  'asked: did not, closed',
  'asked: did not, closed',
  'checked: did not, closed',
  'asked: given up, not done',
  'asked: did not, closed',
  'asked: did not, closed',
);
const CLOSED_DONE = row(
  'asked: happened',
  'asked: happened',
  'checked: happened',
  'asked: given up, done',
  'asked: happened',
  'asked: happened',
);

/** The attempt was lost, and nothing may begin: in every mode a person is asked. */
const STOPPED_UNSENT: Row = {
  ...all('asked: did not, held, run'),
  blind: 'asked at once: given up, not done',
};
const STOPPED_DONE: Row = { ...all('asked: happened'), blind: 'asked at once: given up, done' };

const WOKE_BEFORE_BEGINNING = row(
  'once, later, late nothing',
  'once, later, late nothing',
  'checked: did not, run, late nothing',
  'asked: given up, not done, late nothing',
  'asked: did not, run, late nothing',
  'once, later, late nothing',
);
const WOKE_BEFORE_SENDING = row(
  'same key, late word',
  'doubled, late word',
  'beyond: checked, doubled',
  'asked: given up, late word',
  'beyond: asked, doubled',
  'once, late word',
);
const WOKE_DONE = row(
  'same key, late word',
  'doubled, late word',
  'checked: happened, late word',
  'asked: given up, late word',
  'asked: happened, late word',
  'once, late word',
);

const MATRIX: Readonly<Record<Fault, Partial<Readonly<Record<Point, Row>>>>> = {
  kill: {
    'effect:before-claim': all('once'),
    'effect:after-claim': LOST_UNSENT,
    'tool:before-send': LOST_UNSENT,
    'tool:mid-act': LOST_DONE,
    'effect:after-act': LOST_DONE,
    'effect:before-settle': LOST_DONE,
    'effect:after-settle': all('once'),
  },
  // An attempt that does not hear of a cancellation is waited for.
  cancel: {
    'effect:before-claim': all('once'),
    'effect:after-claim': all('once'),
    'tool:before-send': all('once'),
    'tool:mid-act': all('once'),
    'effect:after-act': all('once'),
    'effect:before-settle': all('once'),
    'effect:after-settle': all('once'),
  },
  'cancel, heard': {
    'tool:before-send': all('not done'),
    'tool:mid-act': CLOSED_DONE,
  },
  'cancel, then kill': {
    'effect:before-claim': all('not done'),
    'effect:after-claim': CLOSED_UNSENT,
    'tool:before-send': CLOSED_UNSENT,
    'tool:mid-act': CLOSED_DONE,
    'effect:after-act': CLOSED_DONE,
    'effect:before-settle': CLOSED_DONE,
    'effect:after-settle': all('once'),
  },
  stall: {
    'effect:before-claim': all('once'),
    'effect:after-claim': WOKE_BEFORE_BEGINNING,
    'tool:before-send': WOKE_BEFORE_SENDING,
    'tool:mid-act': WOKE_DONE,
    'effect:after-act': WOKE_DONE,
    'effect:before-settle': WOKE_DONE,
    'effect:after-settle': all('once'),
  },
  // What was let through before the switch was set goes on.
  switch: {
    'effect:before-claim': all('held, once'),
    'effect:after-claim': all('once'),
  },
  'switch, then kill': {
    'effect:before-claim': all('held, once'),
    'effect:after-claim': STOPPED_UNSENT,
    'tool:before-send': STOPPED_UNSENT,
    'tool:mid-act': STOPPED_DONE,
    'effect:after-act': STOPPED_DONE,
    'effect:before-settle': STOPPED_DONE,
    'effect:after-settle': all('once'),
  },
  'switch, stall, cancel': { 'effect:before-claim': all('held, not done') },
};

export interface Cell {
  readonly name: string;
  readonly fault: Fault;
  readonly point: Point;
  readonly kind: Kind;
  readonly end: End;
}

/** The shop's tool is the real one: nothing can hold an attempt inside it. */
const hasPoint = (kind: Kind, point: Point) => kind !== 'shop' || point.startsWith('effect:');

export const CELLS: readonly Cell[] = FAULTS.flatMap((fault) =>
  POINTS.flatMap((point) => {
    const ends = MATRIX[fault][point];
    return KINDS.flatMap((kind) =>
      ends === undefined || !hasPoint(kind, point)
        ? []
        : [{ name: `${fault} at ${point}, ${kind}`, fault, point, kind, end: ends[kind] }],
    );
  }),
);
