import {
  BREAKER_KINDS,
  type BreakerKind,
  type BreakerRules,
  METRICS,
  type Metric,
  type Reading,
  type Threshold,
} from './breakerRules.ts';
import { LIMITS } from './limits.ts';

/**
 * Breakers: what keeps a failing or runaway part of the fleet from going on. Pure; who reads and who enforces is elsewhere
 * (store/breakers.ts, `claim_effect`, `admit_run`).
 *
 * B1. A breaker opens only for what went wrong by itself. A person who has not answered yet, or at all, is no reading.
 * B2. It opens above one rate and closes at a lower one, on enough samples, of enough runs: one customer opens nothing.
 * B3. Open is for a time, longer with each time in a row, up to a bound; then a few are let through, and they decide.
 * B4. After each change only what happened since then is judged: what opened a breaker does not open it twice.
 * B5. The narrowest is blamed: a release for a tool only where the tool works for other releases; and what a release does
 *     whose own breaker is not closed says nothing about the tool, so that runs pinned to it do not fail the tool's probes.
 * B6. While an operator's word is in force nothing else moves the breaker.
 */
const HOUR_MS = 3_600_000;

/** Why a breaker is not closed. */
export type Why =
  | { readonly kind: 'reading'; readonly reading: Reading }
  | { readonly kind: 'operator'; readonly by: string; readonly reason: string };

export type BreakerState =
  /** `sinceMs` is null for one that has never been anything else. */
  | { readonly kind: 'closed'; readonly sinceMs: number | null }
  | { readonly kind: 'open'; readonly sinceMs: number; readonly untilMs: number; readonly why: Why }
  | {
      readonly kind: 'half_open';
      readonly sinceMs: number;
      readonly untilMs: number;
      /** How many are let through until then. */
      readonly probes: number;
      /** How many came by now. */
      readonly taken: number;
      readonly why: Why;
    };

export interface Override {
  readonly stands: 'open' | 'closed';
  /** Null: until somebody takes it back. */
  readonly untilMs: number | null;
  readonly by: string;
  readonly reason: string;
}

export interface Breaker {
  /** `fleet`, `agent:NAME`, `release:HASH`, `tool:NAME`, `model:NAME` or `tenant:ID`. */
  readonly name: string;
  readonly state: BreakerState;
  /** Openings in a row, without a calm time between them. */
  readonly opens: number;
  readonly override: Override | null;
}

export function newBreaker(name: string): Breaker {
  return { name, state: { kind: 'closed', sinceMs: null }, opens: 0, override: null };
}

/** The kind that a name is of; null for what is no name of a breaker. */
export function breakerKind(name: string): BreakerKind | null {
  if (name === 'fleet') return 'fleet';
  if (name.length > LIMITS.breakerNameChars) return null;
  const [kind, ...rest] = name.split(':');
  const known = BREAKER_KINDS.find((one) => one === kind && one !== 'fleet');
  return known === undefined || rest.join(':') === '' ? null : known;
}

/** How it stands for those who come to it: an operator's word wins. */
export function standing({ state, override }: Breaker): BreakerState['kind'] {
  return override?.stands ?? state.kind;
}

export type BreakerEvent = 'opened' | 'half_open' | 'closed' | 'forced' | 'released';

export interface Judgement {
  readonly breaker: Breaker;
  /** Null: it stays as it was. */
  readonly event: BreakerEvent | null;
  readonly why: Why | null;
}

/** `readings`: those since the breaker's state began (B4). The same inputs give the same answer; nothing else is looked at. */
export function judgeBreaker(
  breaker: Breaker,
  readings: readonly Reading[],
  rules: BreakerRules,
  nowMs: number,
): Judgement {
  const { state, override } = breaker;
  if (override !== null)
    return override.untilMs === null || nowMs < override.untilMs
      ? { breaker, event: null, why: null }
      : releaseBreaker(breaker, rules, nowMs);
  const kind = breakerKind(breaker.name);
  const mine = readings.filter(({ metric }) => kind !== null && rules.metrics[metric].kinds.includes(kind));
  const bad = METRICS.flatMap((metric) => mine.filter((one) => one.metric === metric)).find((reading) =>
    exceeds(reading, rules.metrics[reading.metric]),
  );
  const why: Why | null = bad === undefined ? null : { kind: 'reading', reading: bad };
  switch (state.kind) {
    case 'closed':
      return why === null ? { breaker, event: null, why } : opened(breaker, why, rules, nowMs);
    case 'open':
      return nowMs < state.untilMs
        ? { breaker, event: null, why: null }
        : halfOpened(breaker, state.why, rules, nowMs);
    case 'half_open':
      return why === null
        ? judgeProbes(breaker, state, mine, rules, nowMs)
        : opened(breaker, why, rules, nowMs);
    default:
      return state satisfies never;
  }
}

function exceeds({ metric, bad, of: all, runs }: Reading, threshold: Threshold): boolean {
  const samples = metric === 'cost' ? bad : all;
  return (
    all > 0 && samples >= threshold.minOf && runs >= threshold.minRuns && bad / all > threshold.openAbove
  );
}

/** What the probes say about that for which it had opened. Those who wait for people say nothing, and others go (B1). */
function judgeProbes(
  breaker: Breaker,
  state: Extract<BreakerState, { kind: 'half_open' }>,
  readings: readonly Reading[],
  rules: BreakerRules,
  nowMs: number,
): Judgement {
  const sinceMs = nowMs - state.sinceMs;
  const over = sinceMs >= rules.halfOpenMs;
  if (state.why.kind === 'operator')
    return over ? closed(breaker, nowMs) : { breaker, event: null, why: null };
  const { metric, part } = state.why.reading;
  const threshold = rules.metrics[metric];
  const reading = readings.find((one) => one.metric === metric && one.part === part) ?? {
    ...{ metric, part, bad: 0, of: 0, runs: 0 },
  };
  if (metric === 'cost') {
    if (!over) return { breaker, event: null, why: null };
    // Nothing is spent, or nothing is known about what is usual: either way nothing runs away.
    const anHour = (reading.bad * HOUR_MS) / sinceMs;
    return reading.of === 0 || anHour <= reading.of * threshold.closeAt
      ? closed(breaker, nowMs)
      : opened(breaker, { kind: 'reading', reading }, rules, nowMs);
  }
  const good = reading.of > 0 && reading.bad / reading.of <= threshold.closeAt;
  if (!good && reading.of > 0 && (over || reading.bad >= rules.reopenedBy))
    return opened(breaker, { kind: 'reading', reading }, rules, nowMs);
  if (good && (over || (sinceMs >= threshold.proveMs && reading.of >= rules.provenBy)))
    return closed(breaker, nowMs);
  // Those who were let through have said nothing yet, or nobody came at all.
  if (over && state.taken > 0) return halfOpened(breaker, state.why, rules, nowMs);
  return sinceMs >= rules.calmMs ? closed(breaker, nowMs) : { breaker, event: null, why: null };
}

function opened(breaker: Breaker, why: Why, rules: BreakerRules, nowMs: number): Judgement {
  const { state } = breaker;
  const calm = state.kind === 'closed' && (state.sinceMs === null || nowMs - state.sinceMs >= rules.calmMs);
  const opens = calm ? 1 : Math.min(breaker.opens + 1, LIMITS.breakerOpens);
  const untilMs = nowMs + Math.min(rules.openMs * 2 ** (opens - 1), rules.openMaxMs);
  return {
    breaker: { ...breaker, opens, state: { kind: 'open', sinceMs: nowMs, untilMs, why } },
    event: 'opened',
    why,
  };
}

function halfOpened(breaker: Breaker, why: Why, rules: BreakerRules, nowMs: number): Judgement {
  const { halfOpenMs, probes } = rules;
  const state = {
    kind: 'half_open',
    sinceMs: nowMs,
    untilMs: nowMs + halfOpenMs,
    probes,
    taken: 0,
    why,
  } as const;
  return { breaker: { ...breaker, state }, event: 'half_open', why };
}

function closed(breaker: Breaker, nowMs: number): Judgement {
  return { breaker: { ...breaker, state: { kind: 'closed', sinceMs: nowMs } }, event: 'closed', why: null };
}

/** An operator's word, in force at once and until it ends or is taken back. */
export function forceBreaker(breaker: Breaker, override: Override): Judgement {
  const { by, reason } = override;
  return { breaker: { ...breaker, override }, event: 'forced', why: { kind: 'operator', by, reason } };
}

/** After an operator's word: what was held open is tried with a few, what was held closed is judged from here on. */
export function releaseBreaker(breaker: Breaker, rules: BreakerRules, nowMs: number): Judgement {
  const { override } = breaker;
  if (override === null) return { breaker, event: null, why: null };
  const { by, reason } = override;
  const why: Why = { kind: 'operator', by, reason };
  const free = { ...breaker, override: null };
  const next = override.stands === 'open' ? halfOpened(free, why, rules, nowMs) : closed(free, nowMs);
  return { ...next, event: 'released', why };
}

const METRIC_WORDS: Readonly<Record<Metric, string>> = {
  toolErrors: 'calls failed',
  toolRefusals: 'calls were answered with no',
  modelErrors: 'model calls failed',
  escalations: 'conversations went to people',
  denials: 'calls were denied by policy',
  loops: 'calls were repeats of the one before',
  limitHits: 'conversations hit a limit',
  cost: 'spent in an hour',
};

/** One clause for people: `12 of 20 calls failed (7 runs)`. */
export function whyText(why: Why): string {
  if (why.kind === 'operator') return `${why.by}: ${why.reason}`;
  const { metric, part, bad, of: all, runs } = why.reading;
  if (metric === 'cost')
    return `$${(bad / 1_000_000).toFixed(2)} ${METRIC_WORDS.cost}, usual are $${(all / 1_000_000).toFixed(2)} (${runs} runs)`;
  return `${bad} of ${all} ${METRIC_WORDS[metric]}${part === null ? '' : ` (${part})`} (${runs} runs)`;
}

/** What a customer reads whose conversation is not begun now. */
export function comeBackText(untilMs: number | null): string {
  const when =
    untilMs === null
      ? 'later'
      : `after ${new Date(untilMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `We cannot take this on right now. Nothing was done. Please come back ${when}.`;
}

/** Of what a held call or run names: a breaker, not a kill switch. */
export function isBreaker(name: string): boolean {
  return name.startsWith(BREAKER);
}

/** The breaker or kill switch that holds something, in words. */
export function holderText(name: string): string {
  return isBreaker(name)
    ? `the breaker "${name.slice(BREAKER.length)}" to close`
    : `the switch "${name}" to be lifted`;
}

const BREAKER = 'breaker:';
