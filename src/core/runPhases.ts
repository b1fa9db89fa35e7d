/** What a run that does nothing waits for: only people, the clock or an operator move it. */
export interface Parked {
  /** It asks by a request; otherwise it waits for something that no request is about. */
  readonly asks: boolean;
  /** Until a person acts, nothing happens. */
  readonly needsPeople: boolean;
  /** What it waits for, and who can move it. */
  readonly words: string;
}

/** Every way in which a run stands, as its row, its status and the UI say it. Null: it works, is idle or is over. */
export const RUN_PHASES = {
  running: null,
  idle: null,
  waiting: {
    asks: true,
    needsPeople: true,
    words: 'people are asked: "holdfast show" says what, and of whom',
  },
  landed: {
    asks: true,
    needsPeople: true,
    words: 'a limit was reached: a person lets it continue, or stops it',
  },
  unknown: {
    asks: true,
    needsPeople: true,
    words: 'nobody knows whether an effect happened: a person has to look, and say',
  },
  held: {
    asks: false,
    needsPeople: false,
    words:
      'a kill switch or a breaker holds the run: "holdfast stop --list" and "holdfast breakers" show which',
  },
  paused: { asks: false, needsPeople: true, words: 'the run is paused: "holdfast resume" lets it go on' },
  outage: {
    asks: false,
    needsPeople: false,
    words: 'the model or the store is away: it is tried again every minute',
  },
  budget: {
    asks: false,
    needsPeople: false,
    words: 'a cap on money leaves no room: it goes on when the next window opens, or the cap is raised',
  },
  bug: {
    asks: false,
    needsPeople: true,
    words:
      'the run met an error of its own: "holdfast retry" goes on from where it stands, once it is mended',
  },
  ended: null,
} as const satisfies Readonly<Record<string, Parked | null>>;

export type RunPhase = keyof typeof RUN_PHASES;

/** How a run stands that asks for something. */
export type AskingPhase = Extract<RunPhase, 'waiting' | 'landed' | 'unknown' | 'paused'>;

/** How a run stands that waits, where its row may say something else; null where there is nothing to tell. */
export function owedPhase(shown: RunPhase, recorded: RunPhase | null): RunPhase | null {
  if (shown === recorded) return null;
  const isParked = RUN_PHASES[shown] !== null;
  const saysParked = recorded !== null && RUN_PHASES[recorded] !== null;
  // Beginning, answering and ending are told by those who do it.
  return isParked || saysParked ? shown : null;
}

/** In the order in which lists name them. */
export const RUN_PHASE_NAMES = Object.keys(RUN_PHASES) as readonly RunPhase[];

/** Null for what is not parked, and for a word of a newer version. */
export function parkedAs(phase: string): Parked | null {
  const known: Readonly<Record<string, Parked | null>> = RUN_PHASES;
  return known[phase] ?? null;
}
