import { randomOf } from '../../hostile/random.ts';
import { CELLS, type Cell, ENDS, FAULTS, type Fault } from '../cells.ts';
import { cellProblems, playFew, playMatrix } from '../matrix.ts';
import type { Ended } from '../play.ts';
import type { Campaign, Report } from './campaign.ts';

/** In quick of each fault so many cells; frozen processes are for the whole matrix, they take longest. */
const QUICK_CELLS = 3;
const QUICK_FAULTS: readonly Fault[] = FAULTS.filter((fault) => !fault.includes('stall'));

/** R3: every kind of effect, at every point of its way, in every kind of trouble. */
export const r3: Campaign = {
  id: 'R3',
  promise:
    'an effect is done once, once with its key, checked or asked about, wherever its attempt is disturbed',
  run: async ({ quick, seed, addresses, progress }) => {
    const cells = quick ? drawn(seed) : CELLS;
    const ends = quick
      ? await playFew(await addresses(), cells)
      : await playMatrix(await addresses(), progress);
    return reportOf(cells, ends);
  },
};

/** Cells by the seed, so many of each fault, with as many points and kinds among them as can be. */
function drawn(seed: number): readonly Cell[] {
  const random = randomOf(seed);
  const taken: Cell[] = [];
  const rarity = ({ point, kind }: Cell) =>
    taken.filter((one) => one.point === point).length + taken.filter((one) => one.kind === kind).length;
  for (const fault of QUICK_FAULTS)
    for (let count = 0; count < QUICK_CELLS; count += 1) {
      const left = CELLS.filter((cell) => cell.fault === fault && !taken.includes(cell));
      const rarest = Math.min(...left.map(rarity));
      const cell = random.any(left.filter((one) => rarity(one) === rarest));
      if (cell !== null) taken.push(cell);
    }
  return taken;
}

function reportOf(cells: readonly Cell[], ends: ReadonlyMap<Cell, Ended>): Report {
  const played = cells.flatMap((cell) => {
    const ended = ends.get(cell);
    return ended === undefined ? [] : [{ cell, ended, expected: ENDS[cell.end] }];
  });
  const count = (holds: (one: (typeof played)[number]) => boolean) => played.filter(holds).length;
  const effects = played.reduce((sum, { ended }) => sum + ended.seen.acts, 0);
  return {
    faults: played.length,
    runs: played.length,
    effects,
    lost: count(({ ended, expected }) => ended.seen.acts < expected.acts),
    duplicated: count(({ ended, expected }) => ended.seen.acts > expected.acts),
    recoveryMs: played.flatMap(({ ended }) => (ended.backMs === null ? [] : [ended.backMs])),
    problems: played.flatMap(({ cell, ended }) =>
      cellProblems(cell, ended).map((problem) => `${cell.name}: ${problem}`),
    ),
    vacuous: [
      ...(played.length < cells.length ? [`${played.length} of ${cells.length} cells were played`] : []),
      ...(effects < cells.length / 2 ? [`${effects} effects in ${cells.length} cells`] : []),
    ],
    figures: {
      ...Object.fromEntries(
        [...new Set(cells.map(({ fault }) => fault))].map((fault) => [
          `cells, ${fault}`,
          count(({ cell }) => cell.fault === fault),
        ]),
      ),
      doneTwiceByALyingLabel: count(({ cell, ended }) => ended.seen.acts > 1 && cell.kind === 'mislabelled'),
      doneTwiceBeyondAllFences: count(
        ({ cell, ended }) => ended.seen.acts > 1 && cell.kind !== 'mislabelled',
      ),
      stickyTimeoutOfWorkersMs: '2000 (by default 10000)',
      askedAPerson: count(({ ended }) => ended.seen.person !== null),
    },
  };
}
