import type { Played } from './play.ts';

/** The states that a campaign must have been in, or it has not looked where it hurts. */
export const SOMETIMES: readonly string[] = [
  'a decision in the activation of its time-out, sent before it',
  'a decision in the activation of its time-out, sent too late',
  'a decision before its notice has succeeded',
  'continue-as-new with two approvals open',
  'continue-as-new with one of two votes',
  'continue-as-new while paused',
  'continue-as-new with a decision that nobody has verified',
  'continue-as-new with a held call',
  'budget out in the middle of a parallel batch',
  "the run's tokens ran out",
  "the run's cost ran out",
  'somebody allowed more',
  'a cap on money: wait',
  'a cap on money: ask',
  'a cap on money: land',
  'cancel during an effect',
  'cancelled while nobody knows',
  'two decisions in one activation',
  'two people said yes to one effect',
  'a decision that came too late',
  'the customer decided for themselves',
  'a message while a request is open',
  'a message sent twice',
  'a long text went to the store',
  'a sender was told that the run moves',
  'a pause during a model call',
  'people took over while a request was open',
  'no worker until after a deadline',
  'a worker lost in the middle of a task',
  'a quick read answered inside its task',
  'a quick read that fell back to an activity',
  'a quick read that was too slow for its task',
  'a quick read that ended its worker',
  'a task lost in the middle of what runs inside it',
  'what people said, verified inside its task',
  'a verification inside a task that ended its worker',
  'an unknown effect: a person said happened',
  'an unknown effect: a person said did_not, and it ran again',
  'an unknown effect: a person said give_up',
  'an outage, then an answer',
  'the circuit of the model was open',
  'held by a kill switch',
  'a kill switch lifted while a call was held',
  'a breaker held the start',
  'terms changed after the yes',
  'somebody was reminded',
  'a request was escalated',
  'landed, then went on',
  'a signal during the closing task',
  'cancelled before an answer was heard of',
  'ended as completed',
  'ended as partial',
  'ended as escalated',
  'ended as refused',
  'ended as cancelled',
];

/** What a hundred programs do at the very least; a campaign below that has proved nothing. */
const LEAST_IN_A_HUNDRED = {
  effects: 60,
  approvals: 60,
  decisions: 100,
  messages: 100,
  crashes: 25,
  moves: 25,
} as const;

/** What programs came to, added up in the order of their numbers. Plain JSON. */
export interface Tally {
  programs: number;
  activations: number;
  replayed: number;
  crashes: number;
  moves: number;
  effects: number;
  approvals: number;
  decisions: number;
  messages: number;
  /** Programs in which no effect was applied and nobody was asked. */
  quiet: number;
  readonly reached: Record<string, number>;
  readonly failed: { readonly program: number; readonly violation: string }[];
}

export function newTally(): Tally {
  return {
    programs: 0,
    activations: 0,
    replayed: 0,
    crashes: 0,
    moves: 0,
    effects: 0,
    approvals: 0,
    decisions: 0,
    messages: 0,
    quiet: 0,
    reached: {},
    failed: [],
  };
}

export function addPlayed(tally: Tally, program: number, played: Played): void {
  add(tally, { ...played, programs: 1, quiet: played.effects + played.approvals === 0 ? 1 : 0 });
  for (const state of played.reached) tally.reached[state] = (tally.reached[state] ?? 0) + 1;
  for (const violation of played.violations.slice(0, 3)) tally.failed.push({ program, violation });
}

export function addTally(tally: Tally, other: Tally): void {
  add(tally, other);
  for (const [state, count] of Object.entries(other.reached))
    tally.reached[state] = (tally.reached[state] ?? 0) + count;
  tally.failed.push(...other.failed);
}

const COUNTS = [
  'programs',
  'activations',
  'replayed',
  'crashes',
  'moves',
  'effects',
  'approvals',
  'decisions',
  'messages',
  'quiet',
] as const;

function add(tally: Tally, other: Readonly<Record<(typeof COUNTS)[number], number>>): void {
  for (const name of COUNTS) tally[name] += other[name];
}

/** Why a campaign proves nothing although nothing failed: too little happened, or not where it hurts. */
export function vacuities(tally: Tally, sometimes: readonly string[] = SOMETIMES): readonly string[] {
  const { programs, reached } = tally;
  const found = Object.entries(LEAST_IN_A_HUNDRED).flatMap(([name, least]) => {
    const count = tally[name as keyof typeof LEAST_IN_A_HUNDRED];
    return count * 100 < least * programs || programs === 0
      ? [`too little happened: ${count} ${name} in ${programs} programs, expected are ${least} in a hundred`]
      : [];
  });
  const missed = sometimes.filter((state) => reached[state] === undefined);
  return [...found, ...missed.map((state) => `never reached: ${state}`)];
}
