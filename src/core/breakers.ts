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
export const BREAKER_KINDS = ['fleet', 'agent', 'release', 'tool', 'model', 'tenant'] as const;
export type BreakerKind = (typeof BREAKER_KINDS)[number];

/** What is measured. Every one is a share of bad ones, but `cost`: money of an hour as a multiple of the usual. */
export const METRICS = [
  'toolErrors',
  'toolRefusals',
  'modelErrors',
  'escalations',
  'denials',
  'loops',
  'limitHits',
  'cost',
] as const;
export type Metric = (typeof METRICS)[number];

/** What was seen of one name since its breaker last changed, and within the window of the measure. */
export interface Reading {
  readonly metric: Metric;
  /** The tool, where a release is judged tool by tool: what works hides nothing that does not. */
  readonly part: string | null;
  /** Of `cost`: micro-dollars spent, see `readCost`. */
  readonly bad: number;
  /** Of `cost`: what is usual for an hour, in micro-dollars; 0 where nobody can say. */
  readonly of: number;
  /** Runs that the bad ones come from. */
  readonly runs: number;
}

export interface Threshold {
  readonly kinds: readonly BreakerKind[];
  readonly windowMs: number;
  readonly openAbove: number;
  readonly closeAt: number;
  /** Fewer samples say nothing. Of `cost`: micro-dollars. */
  readonly minOf: number;
  readonly minRuns: number;
  /** A half-open breaker does not close before this: how long it takes until a bad one would show. */
  readonly proveMs: number;
}

export interface BreakerRules {
  readonly metrics: Readonly<Record<Metric, Threshold>>;
  readonly openMs: number;
  readonly openMaxMs: number;
  /** Closed for so long, it begins anew; half-open for so long without anybody who came, it closes. */
  readonly calmMs: number;
  readonly halfOpenMs: number;
  readonly probes: number;
  readonly provenBy: number;
  readonly reopenedBy: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The one table of thresholds. */
export const BREAKER_RULES: BreakerRules = {
  metrics: {
    toolErrors: of(['tool', 'release'], 10, { openAbove: 0.5, closeAt: 0.2, minOf: 10, minRuns: 3 }),
    // A "no" is an answer, and for some tools the usual one: only a tool that says nothing else any more is broken.
    toolRefusals: of(['tool'], 15, { openAbove: 0.9, closeAt: 0.7, minOf: 20, minRuns: 5 }),
    modelErrors: of(['model'], 5, { openAbove: 0.5, closeAt: 0.2, minOf: 10, minRuns: 3 }),
    escalations: of(['agent', 'release', 'tenant', 'fleet'], 60, {
      openAbove: 0.2,
      closeAt: 0.1,
      minOf: 20,
      minRuns: 5,
      proveMs: LIMITS.breakerHalfOpenMs,
    }),
    denials: of(['agent', 'release', 'tenant'], 15, {
      openAbove: 0.3,
      closeAt: 0.15,
      minOf: 20,
      minRuns: 3,
    }),
    loops: of(['agent', 'release'], 15, { openAbove: 0.2, closeAt: 0.1, minOf: 20, minRuns: 3 }),
    limitHits: of(['agent', 'release', 'fleet'], 60, {
      openAbove: 0.3,
      closeAt: 0.15,
      minOf: 20,
      minRuns: 5,
      proveMs: LIMITS.breakerHalfOpenMs,
    }),
    cost: of(['agent', 'tenant', 'fleet'], 60, {
      openAbove: 2,
      closeAt: 1.5,
      minOf: 1_000_000,
      minRuns: 3,
      proveMs: LIMITS.breakerHalfOpenMs,
    }),
  },
  openMs: LIMITS.breakerOpenMs,
  openMaxMs: LIMITS.breakerOpenMaxMs,
  calmMs: LIMITS.breakerCalmMs,
  halfOpenMs: LIMITS.breakerHalfOpenMs,
  probes: LIMITS.breakerProbes,
  provenBy: LIMITS.breakerProvenBy,
  reopenedBy: LIMITS.breakerReopenedBy,
};

function of(
  kinds: readonly BreakerKind[],
  windowMinutes: number,
  rest: Omit<Threshold, 'kinds' | 'windowMs' | 'proveMs'> & { readonly proveMs?: number },
): Threshold {
  return { kinds, windowMs: windowMinutes * MINUTE_MS, proveMs: MINUTE_MS, ...rest };
}

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

/** What was spent under a name before, by whole hours of the clock, in micro-dollars. */
export interface CostHistory {
  /** This hour of the day on past days, the hour before it, and so on back; days on which nothing was spent are left out. */
  readonly usual: readonly (readonly number[])[];
  /** The same hours today: this one (not over, and not looked at), the one before it, and so on back. */
  readonly today: readonly number[];
  /** The hours before this one, of a day and more, without those in which nothing was spent. */
  readonly trailing: readonly number[];
}

export interface CostReading {
  /** Spent in the sixty minutes up to now, less what the hours before had left unspent. */
  readonly bad: number;
  /** What is usual for these sixty minutes: 0 where nobody can say. */
  readonly of: number;
}

/**
 * Usual is the middle of the same time on past days, where there are enough of them, else the mean of the hours before.
 * What was held back, or waited for people, is spent later: hours that spent less than usual are taken off, so that
 * waiting is no runaway (B1). `intoHour`: the share of this hour that is over.
 */
export function readCost(history: CostHistory, spent: number, intoHour: number): CostReading {
  const at = (back: number) => usualOf(history, back);
  const usual = at(0) * intoHour + at(1) * (1 - intoHour);
  const unspent = (back: number) => Math.max(0, at(back) - (history.today[back] ?? 0));
  const left = history.today.reduce(
    (sum, _, back) => sum + (back === 0 ? 0 : back === 1 ? intoHour * unspent(1) : unspent(back)),
    0,
  );
  return { bad: Math.max(0, Math.round(spent - left)), of: Math.round(usual) };
}

function usualOf({ usual, trailing }: CostHistory, back: number): number {
  const days = usual[back] ?? [];
  if (days.length >= LIMITS.baselineDays) return median(days);
  if (trailing.length < LIMITS.baselineHours) return 0;
  return trailing.reduce((sum, one) => sum + one, 0) / trailing.length;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number) => sorted[i] ?? 0;
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
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
