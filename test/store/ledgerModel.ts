import type { Effect } from '../../src/store/ledger.ts';

/**
 * The effect ledger as DESIGN.md I5 describes it, for one key, without a database. It knows what the ledger cannot:
 * which attempts really acted. Time does not pass by itself; `lapse` and `quiet` move it.
 *
 * M1. Attempts are honest: they act only inside their lease, and say "did not" only when they did not.
 * M2. `accused` are the attempts that may have acted and of whom nobody has said what they did. A word of an attempt
 *     clears itself; a check clears everybody before it; a person's "did not" clears all.
 */
export interface Attempt {
  readonly fence: number;
  /** `look`: a check comes before anything else. */
  readonly task: 'run' | 'look' | 'closing';
  readonly looked: boolean;
  /** Its own lease has not run out, and it has not given it back. */
  readonly leased: boolean;
  readonly acted: boolean;
  /** It has said its last word. One that said "unknown" or "lost" may still find out. */
  readonly settled: boolean;
}

export interface Row {
  readonly state: 'claimed' | 'applied' | 'refused' | 'unknown' | 'void';
  readonly fence: number;
  readonly generation: number;
  /** `held`, then `lapsed`, then `quiet`: so long after the lapse that an act would show by now. */
  readonly lease: 'held' | 'lapsed' | 'quiet';
  readonly accused: readonly number[];
  /** An attempt said that it acted after the effect had become unknown. */
  readonly lateWord: boolean;
}

export interface World {
  readonly mode: Effect;
  readonly row: Row | null;
  readonly attempts: readonly Attempt[];
  readonly off: boolean;
  /** This setting of the switch has held the effect back, which is told once. */
  readonly told: boolean;
  /** Rows that tell of it. */
  readonly held: number;
  /** How often it really happened. */
  readonly acts: number;
  /** What the workflow would claim with: raised when a person says "did not". */
  readonly generation: number;
  /** A person said "did not" about something that had happened: no ledger can make that good. */
  readonly misled: boolean;
  readonly incidents: number;
  readonly evidence: readonly { readonly kind: string; readonly fence: number }[];
  /** Words of people that did not fit what stood by then, each once. */
  readonly refusedWords: ReadonlySet<string>;
}

export type Said = 'applied' | 'refused' | 'unknown' | 'released' | 'lost';

export function newWorld(mode: Effect): World {
  return {
    mode,
    row: null,
    attempts: [],
    off: false,
    told: false,
    held: 0,
    acts: 0,
    generation: 1,
    misled: false,
    incidents: 0,
    evidence: [],
    refusedWords: new Set(),
  };
}

export interface ClaimFacts {
  readonly sameArguments: boolean;
  readonly generation: number;
  readonly termsHold: boolean;
  /** The learned rule it runs under, when there is one, has not been revoked. */
  readonly ruleStands: boolean;
}

export function claim(world: World, facts: ClaimFacts): { readonly kind: string; readonly world: World } {
  const { row, mode } = world;
  const stays = (kind: string) => ({ kind, world });
  if (row !== null && !facts.sameArguments) return stays('mismatch');
  const standing = row === null ? null : standingAnswer(world, row, facts.generation);
  if (standing !== null) return standing;
  const mayHaveActed = row?.state === 'claimed' && row.accused.length > 0;
  const fresh: Row = {
    state: 'void',
    fence: 1,
    generation: facts.generation,
    lease: 'lapsed',
    accused: [],
    lateWord: false,
  };
  if (world.off)
    return row !== null && mayHaveActed
      ? { kind: 'unknown', world: { ...world, row: { ...row, state: 'unknown', lateWord: false } } }
      : { kind: 'held', world: { ...world, told: true, held: world.held + (world.told ? 0 : 1) } };
  if (!(facts.termsHold && facts.ruleStands) && !mayHaveActed) return stays('stale');
  const fence = (row?.fence ?? 0) + 1;
  const task = mayHaveActed && mode === 'checkable' ? 'look' : 'run';
  const before = mayHaveActed ? row.accused : [];
  const taken: Row = {
    ...fresh,
    state: 'claimed',
    fence,
    generation: Math.max(facts.generation, row?.generation ?? 1),
    lease: 'held',
    accused: task === 'run' ? [...before, fence] : before,
  };
  return { kind: task === 'look' ? 'check' : 'run', world: granted({ ...world, row: taken }, fence, task) };
}

/** What is said without anything running; null where it would run. */
function standingAnswer(
  world: World,
  row: Row,
  generation: number,
): { readonly kind: string; readonly world: World } | null {
  switch (row.state) {
    case 'applied':
    case 'refused':
      return { kind: 'settled', world };
    case 'void':
      return { kind: 'void', world };
    case 'unknown':
      if (generation <= row.generation) return { kind: 'unknown', world };
      return row.lateWord
        ? { kind: 'unknown', world: { ...world, row: { ...row, generation, lateWord: false } } }
        : null;
    case 'claimed':
      if (!isFree(row, world.mode)) return { kind: 'busy', world };
      return world.mode === 'never' && row.accused.length > 0
        ? { kind: 'unknown', world: { ...world, row: { ...row, state: 'unknown', lateWord: false } } }
        : null;
    default:
      return row.state satisfies never;
  }
}

function isFree(row: Row, mode: Effect): boolean {
  if (row.lease === 'held') return false;
  return mode !== 'checkable' || row.accused.length === 0 || row.lease === 'quiet';
}

function granted(world: World, fence: number, task: Attempt['task']): World {
  const attempt = { fence, task, looked: false, leased: true, acted: false, settled: false };
  return { ...world, attempts: [...world.attempts, attempt] };
}

export function patchAttempt(world: World, fence: number, change: Partial<Attempt>): World {
  return {
    ...world,
    attempts: world.attempts.map((one) => (one.fence === fence ? { ...one, ...change } : one)),
  };
}

/** `found`: the word is a check's, about an attempt before this one. */
export function settle(
  world: World,
  attempt: Attempt,
  said: Said,
  found: boolean,
): { readonly won: boolean; readonly world: World } {
  const { row } = world;
  if (row === null) throw new Error('an attempt without a row');
  const { fence } = attempt;
  const settled = said !== 'unknown' && said !== 'lost';
  const done = patchAttempt(world, fence, { settled, leased: false });
  const heard = (kind: string) => done.evidence.some((one) => one.kind === kind);
  if (row.state !== 'claimed' || row.fence !== fence) {
    const second = row.state === 'applied' && row.fence !== fence && !heard('check_happened');
    const contradicts = row.state === 'refused' || row.state === 'void';
    return {
      won: false,
      world: {
        ...done,
        row: row.state === 'unknown' && said === 'applied' ? { ...row, lateWord: true } : row,
        incidents: done.incidents + (said === 'applied' && (second || contradicts) ? 1 : 0),
        evidence: [...done.evidence, { kind: `late_${said}`, fence }],
      },
    };
  }
  if (said === 'lost') return { won: true, world: { ...done, row: { ...row, lease: 'lapsed' } } };
  if (said === 'released') {
    const cleared = attempt.looked ? [] : row.accused.filter((one) => one !== fence);
    return { won: true, world: { ...done, row: { ...row, lease: 'lapsed', accused: cleared } } };
  }
  const second =
    said === 'applied' &&
    !found &&
    done.evidence.some((one) => one.kind === 'late_applied' && one.fence !== fence);
  return {
    won: true,
    world: {
      ...done,
      row: { ...row, state: said, lateWord: false },
      incidents: done.incidents + (second ? 1 : 0),
      evidence: found ? [...done.evidence, { kind: 'check_happened', fence }] : done.evidence,
    },
  };
}

/** The attempt acts, if it is still inside its lease. A service that deduplicates does it once. */
export function act(world: World, attempt: Attempt): World {
  const acted = patchAttempt(world, attempt.fence, { acted: true });
  const acts = world.mode === 'keyed' ? 1 : world.acts + 1;
  const row =
    world.row !== null && attempt.looked
      ? { ...world.row, accused: [...world.row.accused, attempt.fence] }
      : world.row;
  return { ...acted, row, acts };
}

export function close(
  world: World,
  facts: Pick<ClaimFacts, 'sameArguments'>,
): { readonly kind: string; readonly world: World } {
  const { row, mode } = world;
  if (row !== null && !facts.sameArguments) return { kind: 'mismatch', world };
  if (row === null)
    return {
      kind: 'void',
      world: {
        ...world,
        row: { state: 'void', fence: 1, generation: 1, lease: 'lapsed', accused: [], lateWord: false },
      },
    };
  // A person has said that it did not happen, nobody has said otherwise since, and it was not run again.
  if (row.state === 'unknown' && world.generation > row.generation && !row.lateWord)
    return {
      kind: 'void',
      world: { ...world, row: { ...row, state: 'void', generation: world.generation } },
    };
  if (row.state !== 'claimed') return { kind: row.state, world };
  if (!isFree(row, mode)) return { kind: 'busy', world };
  if (row.accused.length === 0) return { kind: 'void', world: { ...world, row: { ...row, state: 'void' } } };
  if (mode !== 'checkable')
    return { kind: 'unknown', world: { ...world, row: { ...row, state: 'unknown', lateWord: false } } };
  const fence = row.fence + 1;
  return {
    kind: 'lapsed',
    world: granted({ ...world, row: { ...row, fence, lease: 'held' } }, fence, 'closing'),
  };
}

/** A person's word on what nobody runs any more. Said again it counts once; one that does not fit is only on record. */
export function resolve(world: World, said: 'applied' | 'void' | 'given_up'): World {
  const { row } = world;
  if (row === null) throw new Error('a word on an effect that was never claimed');
  const kind = `person_${said}`;
  if (world.evidence.some((one) => one.kind === kind && one.fence === row.fence)) return world;
  const fits = row.state === 'unknown' && !(said === 'void' && row.lateWord);
  if (!fits) return { ...world, refusedWords: new Set([...world.refusedWords, `${said} ${row.state}`]) };
  return {
    ...world,
    row: said === 'given_up' ? row : { ...row, state: said },
    evidence: [...world.evidence, { kind, fence: row.fence }],
  };
}

/** The clock moves past the lease of whoever holds it, or further: past the time in which an act would show. */
export function pass(world: World, until: 'lapsed' | 'quiet'): World {
  const { row } = world;
  if (row === null) return world;
  return {
    ...world,
    row: { ...row, lease: until === 'quiet' || row.lease === 'quiet' ? 'quiet' : 'lapsed' },
    attempts: world.attempts.map((one) => ({ ...one, leased: false })),
  };
}
