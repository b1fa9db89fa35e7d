import type { Failure } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isPassing } from './routes.ts';

/**
 * One circuit a model, in this process.
 *
 * K1. Closed: calls go. Failures in a row, or a share of failures within a short time, open it.
 * K2. Open: no call goes until the time is over that the model API named, or our own, which doubles with each opening.
 * K3. Then one call goes, a probe. Each success lets one more run at a time; enough of them close the circuit, and a
 *     failure of the first few opens it again. So a recovered API is not met by everybody at once.
 * K4. What a call begun before the last opening says moves nothing: a hundred calls in flight open a circuit once.
 * K5. A rate limit that names its time holds all calls for that time. Then half as many run at once as did, and slowly
 *     more: a limit that is always in force is lived with, not run into again and again.
 *
 * Workers do not talk to each other: each finds out for itself, with one probe at a time.
 */
export interface Circuits {
  /** Asks for one call. A pass that is given must be brought to its end, by one of its words or by `leave`. */
  admit(model: string): Admission;
  /** A wait made longer by up to a quarter and half a second: those who wait for one thing do not come back together. */
  spread(waitMs: number): number;
}

export type Admission =
  | { readonly kind: 'go'; readonly pass: Pass }
  /** Nobody may call now; after this long it is worth asking again. */
  | { readonly kind: 'wait'; readonly waitMs: number };

/** The right to make one call. The first word counts, later ones are ignored. */
export interface Pass {
  answered(): void;
  /** Only failures that are the model's own count (`PASSING_FAILURES`). */
  failed(failure: Failure): void;
  /** No call was made, or it says nothing about the model. */
  leave(): void;
}

export interface CircuitLimits {
  readonly openFirstMs: number;
  readonly openMaxMs: number;
}

export interface CircuitOptions {
  /** A clock that only goes forward. */
  readonly nowMs: () => number;
  /** From 0 to less than 1: spreads the probes of many workers. */
  readonly random: () => number;
  readonly limits?: CircuitLimits;
}

const DEFAULTS: CircuitLimits = {
  openFirstMs: LIMITS.circuitOpenFirstMs,
  openMaxMs: LIMITS.circuitOpenMaxMs,
};

interface Circuit {
  /** Grows with every hold: passes of an earlier one have no say (K4). */
  era: number;
  openUntilMs: number;
  /** Openings without a close in between. */
  openings: number;
  /** Calls that may run at once: infinite while closed. */
  width: number;
  /** From here on the width grows by one a round, not by one a call. */
  slowFrom: number;
  /** When the calls began that run. */
  readonly running: Map<Pass, number>;
  inARow: number;
  /** The newest last. */
  recent: { readonly atMs: number; readonly failed: boolean }[];
}

export function createCircuits({ nowMs, random, limits = DEFAULTS }: CircuitOptions): Circuits {
  const circuits = new Map<string, Circuit>();

  /** Nobody calls for so long; what runs now has no say any more. */
  const hold = (circuit: Circuit, holdMs: number, width: number): void => {
    circuit.openUntilMs = nowMs() + holdMs * (1 + LIMITS.circuitSpread * random());
    circuit.era += 1;
    circuit.width = width;
    circuit.running.clear();
    circuit.inARow = 0;
    circuit.recent = [];
  };

  const succeed = (circuit: Circuit): void => {
    remember(circuit, false);
    if (circuit.width === Number.POSITIVE_INFINITY) return;
    circuit.openings = 0;
    circuit.width += circuit.width < circuit.slowFrom ? 1 : 1 / circuit.width;
    if (circuit.width <= LIMITS.circuitRampCalls) return;
    circuit.width = Number.POSITIVE_INFINITY;
    circuit.slowFrom = Number.POSITIVE_INFINITY;
  };

  const fail = (circuit: Circuit, failure: Failure): void => {
    remember(circuit, true);
    const namedMs = failure.kind === 'retryable' ? (failure.retryAfterMs ?? 0) : 0;
    const limited = failure.code === 'model_rate_limited' && namedMs > 0;
    const half = Math.floor(circuit.running.size / 2);
    if (limited && half > 0) {
      circuit.slowFrom = half;
      hold(circuit, namedMs, half);
    } else if (limited || isFailing(circuit)) {
      // Not even one call goes through. A time that was named is doubled too: a second again and again means longer.
      const firstMs = limited ? namedMs : limits.openFirstMs;
      const ownMs = Math.min(limits.openMaxMs, firstMs * 2 ** circuit.openings);
      circuit.openings += 1;
      circuit.slowFrom = Number.POSITIVE_INFINITY;
      hold(circuit, Math.max(ownMs, namedMs), 1);
    }
  };

  const remember = (circuit: Circuit, failed: boolean): void => {
    const sinceMs = nowMs() - LIMITS.circuitWindowMs;
    circuit.inARow = failed ? circuit.inARow + 1 : 0;
    const { recent } = circuit;
    recent.push({ atMs: nowMs(), failed });
    while (recent.length > LIMITS.circuitWindowCallsMax || (recent[0]?.atMs ?? sinceMs + 1) <= sinceMs)
      recent.shift();
  };

  const newPass = (circuit: Circuit): Pass => {
    const { era } = circuit;
    let ended = false;
    const end = (say: () => void): void => {
      if (ended) return;
      ended = true;
      if (circuit.era === era) say();
      circuit.running.delete(pass);
    };
    const pass: Pass = {
      answered: () => end(() => succeed(circuit)),
      failed: (failure) =>
        end(() => {
          if (isPassing(failure.code)) fail(circuit, failure);
        }),
      leave: () => end(() => undefined),
    };
    return pass;
  };

  return {
    admit(model) {
      const circuit = circuits.get(model) ?? newCircuit();
      circuits.set(model, circuit);
      const now = nowMs();
      if (now < circuit.openUntilMs) return { kind: 'wait', waitMs: Math.ceil(circuit.openUntilMs - now) };
      if (isFull(circuit, now)) return { kind: 'wait', waitMs: LIMITS.routePollMs };
      const pass = newPass(circuit);
      circuit.running.set(pass, now);
      return { kind: 'go', pass };
    },
    spread: (waitMs) =>
      Math.ceil(waitMs * (1 + LIMITS.circuitSpread * random()) + LIMITS.circuitSpreadMs * random()),
  };
}

function newCircuit(): Circuit {
  return {
    era: 0,
    openUntilMs: Number.NEGATIVE_INFINITY,
    openings: 0,
    width: Number.POSITIVE_INFINITY,
    slowFrom: Number.POSITIVE_INFINITY,
    running: new Map(),
    inARow: 0,
    recent: [],
  };
}

/** A call that has said nothing for long keeps nobody waiting any more. */
function isFull({ running, width }: Circuit, nowMs: number): boolean {
  if (running.size < Math.floor(width)) return false;
  const young = [...running.values()].filter((atMs) => nowMs - atMs < LIMITS.circuitProbeMs);
  return young.length >= Math.floor(width);
}

/** Failures in a row, or one of the first few after it was open, or too large a share of them. */
function isFailing({ width, inARow, recent }: Circuit): boolean {
  if (width <= LIMITS.circuitFailuresInARow || inARow >= LIMITS.circuitFailuresInARow) return true;
  if (recent.length < LIMITS.circuitWindowCalls) return false;
  return recent.filter(({ failed }) => failed).length >= recent.length * LIMITS.circuitFailureShare;
}
