import type { Benchmark } from './benchmark.ts';
import { CONTENDERS, type Contender } from './peers/contenders.ts';
import { findingsOf } from './peers/findings.ts';
import { arePeersInstalled, HOW_TO_INSTALL, installPeers } from './peers/install.ts';
import { type Killed, killInPayment } from './peers/kills.ts';
import { measureSpeed, type Shape } from './peers/speed.ts';
import { openTable, type Table } from './peers/table.ts';

const SHAPES: readonly Shape[] = [
  { turns: 1, lanes: 1, repeats: 20 },
  { turns: 1, lanes: 10, repeats: 10 },
  { turns: 20, lanes: 1, repeats: 1 },
  { turns: 20, lanes: 10, repeats: 1 },
  { turns: 100, lanes: 1, repeats: 1 },
  { turns: 100, lanes: 10, repeats: 1 },
];
const ROUNDS = 3;
const QUICK_SHAPES: readonly Shape[] = [
  { turns: 1, lanes: 1, repeats: 3 },
  { turns: 5, lanes: 3, repeats: 1 },
];

export const peers: Benchmark = {
  name: 'peers',
  question:
    'What does Holdfast cost beside other ways to keep a conversation, and what does each do after a kill -9?',
  measure: async ({ quick, stack, progress }) => {
    const absent = await whyAbsent(quick, progress);
    // Holdfast alone is no comparison: it would take the place of one.
    if (absent !== null && !quick) return { goals: [], tables: [], plots: [], problems: [absent], raw: null };
    const contenders = CONTENDERS.filter(({ installed }) => absent === null || !installed);
    const rounds = quick ? 1 : ROUNDS;
    await using table = await openTable(stack);
    const kills: Killed[] = [];
    for (let round = 0; round < rounds; round += 1) {
      progress(`kill -9 in a tool call, round ${round + 1} of ${rounds}`);
      kills.push(...(await killAll(table, contenders)));
    }
    const speeds = await measureSpeed(table, contenders, quick ? QUICK_SHAPES : SHAPES, {
      rounds,
      progress,
    });
    return findingsOf({ contenders, absent, speeds, kills, refused: table.model.problems });
  },
};

/** Side by side; one that cannot be started ends the benchmark, but not before the others have ended. */
async function killAll(table: Table, contenders: readonly Contender[]): Promise<readonly Killed[]> {
  const settled = await Promise.allSettled(contenders.map((one) => killInPayment(table, one)));
  return settled.flatMap((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** Null when the peers are there. A quick run installs nothing. */
async function whyAbsent(quick: boolean, progress: (line: string) => void): Promise<string | null> {
  if (arePeersInstalled()) return null;
  if (quick) return `not installed: run ${HOW_TO_INSTALL}, or the benchmark in full, which does it`;
  const why = await installPeers(progress);
  return why === null ? null : `they could not be installed (${why}): run ${HOW_TO_INSTALL}`;
}
