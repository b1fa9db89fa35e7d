import type { Addresses } from '../../e2e/lab.ts';

/** One promise, and the faults that could refute it. */
export interface Campaign {
  /** As in RELIABILITY.md: `R4`. */
  readonly id: string;
  /** What must hold, in one sentence. */
  readonly promise: string;
  run(how: How): Promise<Report>;
}

export interface How {
  /** What CI runs: seconds to a minute. */
  readonly quick: boolean;
  readonly seed: number;
  /** A folder of this campaign's own, for stacks and files; empty at the start. */
  readonly dir: string;
  /** A stack that campaigns share, started when the first one asks; whoever harms a part of it brings their own. */
  readonly addresses: () => Promise<Addresses>;
  progress(line: string): void;
}

export interface Report {
  /** Faults that were really put in. */
  readonly faults: number;
  readonly runs: number;
  /** Effects that the outside world saw. */
  readonly effects: number;
  /** Acknowledged and gone, asked for and never done, or done and not on record. */
  readonly lost: number;
  readonly duplicated: number;
  /** From the end of each fault (a process back, a link healed) to the first progress after it. */
  readonly recoveryMs: readonly number[];
  /** Histories that were replayed, of those that the load left. Without it the campaign replays none. */
  readonly histories?: { readonly replayed: number; readonly of: number };
  /** Broken promises, each naming the run and the invariant; one of them fails the campaign. */
  readonly problems: readonly string[];
  /** What did not happen often enough to prove anything; one of them fails the campaign. */
  readonly vacuous: readonly string[];
  /** What could not be tried here, each with the reason and what to do about it; absent where all of it was. */
  readonly leftOut?: readonly string[];
  /** Further figures, with the unit in the name. */
  readonly figures: Readonly<Record<string, number | string>>;
}
