import type { Bundle } from '../driver.ts';
import { programOf } from './generate.ts';
import { play } from './play.ts';
import { addPlayed, addTally, newTally, type Tally } from './tally.ts';

/** Programs of one portion of work. Results are added up in the order of portions, whoever played them. */
export const PORTION = 25;

export interface Portion {
  readonly portion: number;
  readonly tally: Tally;
  /** Hashes of the kinds of states that were seen. */
  readonly states: readonly string[];
}

export interface CampaignOptions {
  readonly seed: number;
  /** Ends after the portion that reaches this many activations; null: never. */
  readonly activations: number | null;
  /** Ends when this says so. A campaign that is ended by time has no fixed length. */
  readonly isOver?: () => boolean;
  readonly onPortion?: (sofar: Campaign) => void;
}

export interface Campaign {
  readonly seed: number;
  readonly tally: Tally;
  readonly states: ReadonlySet<string>;
}

export async function playPortion(bundle: Bundle, seed: number, portion: number): Promise<Portion> {
  const tally = newTally();
  const states = new Set<string>();
  for (let number = portion * PORTION; number < (portion + 1) * PORTION; number += 1) {
    const played = await play(programOf(seed, number), { bundle });
    addPlayed(tally, number, played);
    for (const state of played.states) states.add(state);
  }
  return { portion, tally, states: [...states] };
}

/** Failures that end a campaign: what follows would mostly be the same ones again. */
const ENOUGH_FAILURES = 20;

/**
 * Plays portions until there are enough activations. `next` plays one; several may be asked for at a time, and what
 * comes of them counts in the order of their numbers only, so that it does not matter how many play them.
 */
export async function campaign(
  { seed, activations, isOver = () => false, onPortion }: CampaignOptions,
  players: readonly ((portion: number) => Promise<Portion>)[],
): Promise<Campaign> {
  const sofar = { seed, tally: newTally(), states: new Set<string>() };
  const waiting = new Map<number, Portion>();
  let next = 0;
  let counted = 0;
  const isDone = () =>
    isOver() ||
    sofar.tally.failed.length >= ENOUGH_FAILURES ||
    (activations !== null && sofar.tally.activations >= activations);
  const add = ({ tally, states }: Portion) => {
    addTally(sofar.tally, tally);
    for (const state of states) sofar.states.add(state);
  };
  const count = (portion: Portion) => {
    waiting.set(portion.portion, portion);
    for (let ready = waiting.get(counted); ready !== undefined && !isDone(); ready = waiting.get(counted)) {
      waiting.delete(counted);
      counted += 1;
      add(ready);
      onPortion?.(sofar);
    }
  };
  const work = async (playNext: (portion: number) => Promise<Portion>): Promise<void> => {
    while (!isDone()) {
      const mine = next;
      next += 1;
      count(await playNext(mine));
    }
  };
  await Promise.all(players.map(work));
  // Where time ends it no two campaigns are alike: what was played behind a slow one counts too.
  if (activations === null) for (const portion of waiting.values()) add(portion);
  return sofar;
}
