import type { Failure } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isPassing } from './routes.ts';

/**
 * One circuit a model, in this process.
 *
 * K1. Closed: calls go. Failures in a row, a share of failures within a short time, or a rate limit that names its time
 *     open it.
 * K2. Open: no call goes until the time is over that the model API named, or our own, which doubles with each opening.
 * K3. Then one call goes, a probe. Each success lets one more run at a time; enough of them close the circuit, and one
 *     failure opens it again. So a recovered API is not met by everybody at once.
 * K4. What a call begun before the last opening says moves nothing: a hundred calls in flight open a circuit once.
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
/** Times are stretched by up to this share, never shortened. */
const SPREAD = 0.25;
const SPREAD_FLAT_MS = 500;

interface Circuit {
  /** Grows with every opening: passes of an earlier one have no say (K4). */
  opening: number;
  openUntilMs: number;
  /** Openings without a close in between. */
  openings: number;
  /** Calls that may run at once: infinite while closed. */
  width: number;
  /** When the calls began that run while the width counts. */
  readonly probes: Map<Pass, number>;
  inARow: number;
  recent: readonly { readonly atMs: number; readonly failed: boolean }[];
}

export function createCircuits({ nowMs, random, limits = DEFAULTS }: CircuitOptions): Circuits {
  const circuits = new Map<string, Circuit>();

  const trip = (circuit: Circuit, namedMs: number): void => {
    const ownMs = Math.min(limits.openMaxMs, limits.openFirstMs * 2 ** circuit.openings);
    circuit.openUntilMs = nowMs() + Math.max(ownMs, namedMs) * (1 + SPREAD * random());
    circuit.opening += 1;
    circuit.openings += 1;
    circuit.width = 1;
    circuit.probes.clear();
    forget(circuit);
  };

  const succeed = (circuit: Circuit): void => {
    remember(circuit, false);
    if (circuit.width === Number.POSITIVE_INFINITY) return;
    circuit.width += 1;
    if (circuit.width <= LIMITS.circuitRampCalls) return;
    circuit.width = Number.POSITIVE_INFINITY;
    circuit.openings = 0;
    circuit.probes.clear();
  };

  const fail = (circuit: Circuit, failure: Failure): void => {
    const namedMs = failure.kind === 'retryable' ? (failure.retryAfterMs ?? 0) : 0;
    remember(circuit, true);
    const opens =
      circuit.width !== Number.POSITIVE_INFINITY ||
      (failure.code === 'model_rate_limited' && namedMs > 0) ||
      circuit.inARow >= LIMITS.circuitFailuresInARow ||
      failsTooOften(circuit);
    if (opens) trip(circuit, namedMs);
  };

  const remember = (circuit: Circuit, failed: boolean): void => {
    const sinceMs = nowMs() - LIMITS.circuitWindowMs;
    circuit.inARow = failed ? circuit.inARow + 1 : 0;
    circuit.recent = [
      ...circuit.recent.filter(({ atMs }) => atMs > sinceMs),
      { atMs: nowMs(), failed },
    ].slice(-LIMITS.circuitWindowCallsMax);
  };

  const newPass = (circuit: Circuit): Pass => {
    const { opening } = circuit;
    let ended = false;
    const end = (say: () => void): void => {
      if (ended) return;
      ended = true;
      circuit.probes.delete(pass);
      if (circuit.opening === opening) say();
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
      const running = [...circuit.probes.values()].filter((atMs) => now - atMs < LIMITS.circuitProbeMs);
      if (running.length >= circuit.width) return { kind: 'wait', waitMs: LIMITS.routePollMs };
      const pass = newPass(circuit);
      if (circuit.width !== Number.POSITIVE_INFINITY) circuit.probes.set(pass, now);
      return { kind: 'go', pass };
    },
    spread: (waitMs) => Math.ceil(waitMs * (1 + SPREAD * random()) + SPREAD_FLAT_MS * random()),
  };
}

function newCircuit(): Circuit {
  return {
    opening: 0,
    openUntilMs: Number.NEGATIVE_INFINITY,
    openings: 0,
    width: Number.POSITIVE_INFINITY,
    probes: new Map(),
    inARow: 0,
    recent: [],
  };
}

function forget(circuit: Circuit): void {
  circuit.inARow = 0;
  circuit.recent = [];
}

function failsTooOften({ recent }: Circuit): boolean {
  if (recent.length < LIMITS.circuitWindowCalls) return false;
  return recent.filter(({ failed }) => failed).length >= recent.length * LIMITS.circuitFailureShare;
}
