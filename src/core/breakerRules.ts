import { LIMITS } from './limits.ts';

// What breakers are judged by: the measures, and the one table of thresholds.

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
