/** How often a tool may be called, by everybody together but for `perRun`. */
export interface ToolRate {
  readonly perRun?: number;
  /** In a minute and in a day of the database's clock (UTC). */
  readonly perMinute?: number;
  readonly perDay?: number;
}

/** A limit that is reached. */
export interface RateLimited {
  /** `SUBJECT/minute`, `SUBJECT/day`, or `SUBJECT/run ID`. */
  readonly scope: string;
  readonly limit: number;
  /** When its window turns, in milliseconds since 1970; null for a run's own, which never does. */
  readonly comeBackAtMs: number | null;
}

/** `3 a minute`. */
export function rateWords({ scope, limit }: RateLimited): string {
  const unit = scope.slice(scope.lastIndexOf('/') + 1).split(' ')[0] ?? '';
  return `${limit} a ${unit === 'run' ? 'conversation' : unit}`;
}

/** For the model: how often, and whether and when a retry helps. */
export function rateDetail(limited: RateLimited): string {
  return limited.comeBackAtMs === null
    ? `${rateWords(limited)}; a retry will not help in this conversation`
    : `${rateWords(limited)}; a retry helps from ${new Date(limited.comeBackAtMs).toISOString()} on`;
}
