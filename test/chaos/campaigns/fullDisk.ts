// What a store that can write nothing may have let happen, by the outside's own books and the audit.

/** The time in which nothing could be committed, on this machine's clock. */
export interface FullTime {
  /** `tables`: they cannot grow, and PostgreSQL answers. `log`: it has no room for its log either, and is gone. */
  readonly what: 'tables' | 'log';
  /** The last claim before it was on record. */
  readonly closedAtMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Effects for which the outside acted meanwhile. */
  readonly acted: readonly string[];
  /** Calls that were asked of the store and refused, by activity. */
  readonly refused: Readonly<Record<string, number>>;
  /** Times that somebody read what is on record, and was answered. */
  readonly reads: number;
  /** Why they were not, in words. */
  readonly unread: readonly string[];
}

/** As the audit says it when all is over. */
export interface Claim {
  readonly key: string;
  readonly atMs: number;
}

export interface FullVerdict {
  readonly problems: readonly string[];
  readonly vacuous: readonly string[];
  /** Acts of effects that had been claimed before: they were under way when the disk became full. */
  readonly underWay: number;
  /** Claims while nothing could be committed. */
  readonly claimed: number;
}

export const EFFECT_CALL = 'runTool';

/** R27 for one such time: no claim, no act without a claim, and in `tables` every read answered. */
export function judgeFull(time: FullTime, claims: readonly Claim[], readsAtLeast: number): FullVerdict {
  const { what, closedAtMs, untilMs, acted, reads, unread } = time;
  const standing = new Set(claims.filter(({ atMs }) => atMs < closedAtMs).map(({ key }) => key));
  const bare = acted.filter((key) => !standing.has(key));
  const inside = claims.filter(({ atMs }) => atMs >= closedAtMs && atMs <= untilMs);
  const answers = what === 'tables';
  // Without its log nobody gets as far as an effect, unless they were there.
  const refused = answers ? (time.refused[EFFECT_CALL] ?? 0) : sumOf(time.refused);
  return {
    problems: [
      ...bare.map((key) => `R27: ${key} was done on a full disk, and no claim of it was on record`),
      ...inside.map(({ key }) => `R27: ${key} was claimed on a full disk`),
      ...(answers ? unread.map((why) => `R27: what is on record could not be read: ${why}`) : []),
    ],
    vacuous: [
      ...(answers && reads < readsAtLeast
        ? [`${reads} reads on a full disk, ${readsAtLeast} were expected`]
        : []),
      ...(refused === 0 ? [`no ${answers ? 'effect' : 'call'} was tried on a full disk (${what})`] : []),
    ],
    underWay: acted.length - bare.length,
    claimed: inside.length,
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
