import { agent as support } from '../../src/agents/support/index.ts';
import { DEFAULT_RUN_LIMITS } from '../../src/core/limits.ts';
import type { Addresses } from '../e2e/lab.ts';
import { CELLS, type Cell, ENDS, type Fault, type Seen } from './cells.ts';
import { ANYBODY, broken } from './checker.ts';
import { type Ended, type Fate, goOn, kill, play, stall } from './play.ts';

// The whole matrix, or a few of its cells, played and judged.

const FATES: Readonly<Record<Fault, Fate>> = {
  kill,
  cancel: goOn,
  'cancel, heard': goOn,
  'cancel, then kill': kill,
  stall,
  switch: goOn,
  'switch, then kill': kill,
  'switch, stall, cancel': stall,
};

/** Faults that are played at a time: what waits for leases waits together, and no worker has too many runs. */
const WAVES: readonly (readonly Fault[])[] = [
  ['cancel', 'cancel, heard', 'switch', 'switch, then kill'],
  ['kill', 'cancel, then kill', 'stall', 'switch, stall, cancel'],
];

type Ends = ReadonlyMap<Cell, Ended>;

export async function playMatrix(
  addresses: Addresses,
  progress: (line: string) => void = () => undefined,
): Promise<Ends> {
  const ends = new Map<Cell, Ended>();
  for (const faults of WAVES) {
    const cells = CELLS.filter(({ fault }) => faults.includes(fault));
    progress(`${cells.length} cells: ${faults.join('; ')}`);
    for (const [cell, end] of await playTogether(addresses, cells)) ends.set(cell, end);
  }
  return ends;
}

/** So few are at their points soon, and what they lose is waited for less long. */
const FEW_TIMEOUT_MS = 3_000;

export function playFew(addresses: Addresses, cells: readonly Cell[]): Promise<Ends> {
  return playTogether(addresses, cells, FEW_TIMEOUT_MS);
}

async function playTogether(addresses: Addresses, cells: readonly Cell[], mostMs?: number): Promise<Ends> {
  const played = await Promise.allSettled(
    [...new Set(cells.map(({ fault }) => FATES[fault]))].map((fate) =>
      play(
        addresses,
        cells.filter(({ fault }) => FATES[fault] === fate),
        { ...fate, toolTimeoutMs: Math.min(fate.toolTimeoutMs, mostMs ?? fate.toolTimeoutMs) },
      ),
    ),
  );
  return new Map(
    played.flatMap((one) => {
      if (one.status === 'rejected') throw one.reason;
      return [...one.value];
    }),
  );
}

/** What is not as the matrix says, and what no order of events may break. */
export function cellProblems(cell: Cell, { facts, decisions, seen }: Ended): readonly string[] {
  const expected: Seen = ENDS[cell.end];
  const limits = cell.kind === 'shop' ? support.release.limits : DEFAULT_RUN_LIMITS;
  const outcome = cell.fault.includes('cancel') ? 'cancelled' : 'completed';
  const names = Object.keys(expected) as (keyof Seen)[];
  const wrong = names.filter((name) => JSON.stringify(seen[name]) !== JSON.stringify(expected[name]));
  return [
    ...wrong.map(
      (name) =>
        `${name} is ${JSON.stringify(seen[name])}, and ${JSON.stringify(expected[name])} in "${cell.end}"`,
    ),
    ...broken(facts, {
      actsMax: expected.acts,
      asks: () => ANYBODY,
      decisions,
      reads: () => false,
      heard: [cell.name],
      limitMicroUsd: limits.costMicroUsdPerRun,
    }),
    ...(facts.run.outcome === outcome ? [] : [`the run ended as ${facts.run.outcome}, not as ${outcome}`]),
  ];
}
