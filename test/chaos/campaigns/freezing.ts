import type { Sql } from '../../../src/store/connection.ts';
import { until } from '../../e2e/lab.ts';
import type { FleetWorker } from '../fleet/fleetWorker.ts';
import { pause } from '../fleet/patience.ts';

// A worker stops with effects in its hands, for so long that others take them over, and wakes.

/** What became of one effect that a frozen worker held. */
export interface Held {
  readonly key: string;
  readonly state: string;
  /** Another attempt claimed it, or made a question of it. */
  readonly takenOver: boolean;
  /** The frozen attempt said what it had done, and it did not count any more. */
  readonly lateWord: boolean;
  /** When it was settled for good, by the store's clock (ms of the epoch); null: not yet. */
  readonly settledAtMs: number | null;
}

export interface Freeze {
  readonly frozenAtMs: number;
  readonly grips: readonly Grip[];
  readonly held: readonly Held[];
}

export interface FreezeVerdict {
  readonly problems: readonly string[];
  readonly vacuous: readonly string[];
  /** From each freeze to the moment when everything that was frozen with it was settled. */
  readonly settledMs: readonly number[];
}

/** An effect, and the attempt that was frozen with it. */
export interface Grip {
  readonly key: string;
  readonly fence: number;
}

/** Freezes that held nothing, or nothing that anybody came for, are none: so often another one is tried. */
const TRIES = 3;
/** Longer than an effect takes: what is claimed since before is held by the one that is frozen. */
const LOOK_MS = 1_000;
const LOOKS = 20;
const TAKEN_MS = 45_000;
const SETTLED_MS = 60_000;

/** Null when no try met what a freeze is about. */
export async function freeze(sql: Sql, worker: FleetWorker, frozenMs: number): Promise<Freeze | null> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const frozen = await freezeAtWork(sql, worker);
    if (frozen === null) return null;
    const { grips, frozenAtMs } = frozen;
    await pause(frozenMs);
    // It wakes when others have come; where nobody does, what follows says so.
    await until('another worker', () => isOver(sql, grips), TAKEN_MS).catch(() => undefined);
    worker.signal('SIGCONT');
    const settled = async () => (await readHeld(sql, grips)).every(({ settledAtMs }) => settledAtMs !== null);
    // What is not settled by then is a problem of `judgeFreezes`, with its key.
    await until('the frozen effects', settled, SETTLED_MS).catch(() => undefined);
    const held = await readHeld(sql, grips);
    if (held.some(isShared) || held.some(({ settledAtMs }) => settledAtMs === null))
      return { frozenAtMs, grips, held };
  }
  return null;
}

/** What all freezes of a campaign have shown. */
export function judgeFreezes(freezes: readonly (Freeze | null)[]): FreezeVerdict {
  const met = freezes.flatMap((one, i) => (one === null ? [] : [{ ...one, ordinal: i + 1 }]));
  const open = met.flatMap(({ held }) => held.filter(({ settledAtMs }) => settledAtMs === null));
  return {
    problems: open.map(
      ({ key, state }) => `R7: ${key} was in the hands of a frozen worker, and is still ${state}`,
    ),
    vacuous: [
      ...freezes.flatMap((one, i) =>
        one === null ? [`freeze ${i + 1} held nothing that others came for`] : [],
      ),
      ...met.flatMap(({ held, ordinal }) =>
        held.some(isShared)
          ? []
          : [`freeze ${ordinal}: nobody else had what it held (${held.map(({ key }) => key)})`],
      ),
    ],
    settledMs: met.flatMap(({ frozenAtMs, held }) => {
      const atMs = held.flatMap(({ settledAtMs }) => settledAtMs ?? []);
      return atMs.length < held.length ? [] : [Math.max(...atMs) - frozenAtMs];
    }),
  };
}

/** Two have had it in their hands. */
export function isShared({ takenOver, lateWord }: Held): boolean {
  return takenOver || lateWord;
}

/** Freezes it with an effect in its hands; null when it never has one. */
async function freezeAtWork(
  sql: Sql,
  worker: FleetWorker,
): Promise<{ readonly frozenAtMs: number; readonly grips: readonly Grip[] } | null> {
  for (let looks = 1; looks <= LOOKS; looks += 1) {
    worker.signal('SIGSTOP');
    const frozenAtMs = Date.now();
    await pause(LOOK_MS);
    const grips = await sql<Grip[]>`
      select key, fence from effects
      where state = 'claimed' and claimed_at < to_timestamp(${frozenAtMs / 1_000}::float8)`;
    if (grips.length > 0) return { frozenAtMs, grips };
    worker.signal('SIGCONT');
    await pause(LOOK_MS);
  }
  return null;
}

/** Somebody came for one of them, or there was nobody to come for. */
async function isOver(sql: Sql, grips: readonly Grip[]): Promise<boolean> {
  const held = await readHeld(sql, grips);
  return held.some(({ takenOver }) => takenOver) || held.every(({ settledAtMs }) => settledAtMs !== null);
}

export async function readHeld(sql: Sql, grips: readonly Grip[]): Promise<readonly Held[]> {
  const rows = await sql<Row[]>`
    select e.key, e.state, e.fence, extract(epoch from e.settled_at)::float8 * 1000 as "settledAtMs",
      array(select v.kind from evidence v where v.key = e.key) as said,
      (select max(extract(epoch from v.at))::float8 * 1000 from evidence v
        where v.key = e.key and v.kind like 'person_%') as "toldAtMs"
    from effects e where e.key = any(${grips.map(({ key }) => key)})`;
  return rows.map(({ key, state, fence, settledAtMs, said, toldAtMs }) => ({
    key,
    state,
    takenOver: fence > fenceOf(grips, key) || state === 'unknown' || toldAtMs !== null,
    lateWord: said.some((kind) => kind.startsWith('late_')),
    settledAtMs: settledWhen(state, settledAtMs, toldAtMs),
  }));
}

interface Row extends Grip {
  readonly state: string;
  readonly settledAtMs: number | null;
  readonly said: readonly string[];
  /** When a person said what became of it. */
  readonly toldAtMs: number | null;
}

/** What nobody knows is settled by a person's word. */
function settledWhen(state: string, settledAtMs: number | null, toldAtMs: number | null): number | null {
  if (state === 'claimed') return null;
  return state === 'unknown' ? toldAtMs : settledAtMs;
}

function fenceOf(grips: readonly Grip[], key: string): number {
  return grips.find((grip) => grip.key === key)?.fence ?? 1;
}
