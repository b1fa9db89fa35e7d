import type { Benchmark, Goal, Table } from './benchmark.ts';
import { alternate, type Contender, median } from './rounds.ts';
import { makeCopy } from './start/copy.ts';
import { MILESTONES, timeDemo } from './start/demo.ts';
import { timeParts } from './start/parts.ts';

const ROUNDS = 5;
const PARTS_ROUNDS = 3;
const GOAL_S = 15;

type Measured = ReadonlyMap<string, readonly (readonly number[])[]>;
type Parts = readonly (readonly (readonly [string, number])[])[];

export const start: Benchmark = {
  name: 'start',
  question: 'How long does the demo take to its first answer with everything installed?',
  measure: async (how) => {
    const copy = makeCopy('again');
    const withoutData: Contender<readonly number[]> = {
      name: 'without data',
      measure: () => {
        copy.clear();
        return timeDemo(copy);
      },
    };
    // The one before it leaves the data.
    const withData: Contender<readonly number[]> = { name: 'with its data', measure: () => timeDemo(copy) };
    const veryFirst: Contender<readonly number[]> = {
      name: 'the very first time',
      measure: async (round) => {
        const other = makeCopy(`first-${round}`);
        try {
          return await timeDemo(other);
        } finally {
          other.remove();
        }
      },
    };
    try {
      const contenders = how.quick ? [withoutData, withData] : [withoutData, withData, veryFirst];
      const rounds = how.quick ? 1 : ROUNDS;
      const measured = await alternate(contenders, rounds, (round, name) =>
        how.progress(`round ${round + 1} of ${rounds}: ${name}`),
      );
      const parts: (readonly (readonly [string, number])[])[] = [];
      if (!how.quick)
        for (let round = 0; round < PARTS_ROUNDS; round += 1) {
          how.progress(`its parts, round ${round + 1} of ${PARTS_ROUNDS}`);
          parts.push(await timeParts(how));
        }
      return {
        goals: [...measured].map(goalOf),
        tables: [milestones(measured), ...(parts.length === 0 ? [] : [partsTable(parts)])],
        plots: [],
        problems: [],
        raw: { milestones: MILESTONES.map(({ name }) => name), demo: Object.fromEntries(measured), parts },
      };
    } finally {
      copy.remove();
    }
  },
};

function goalOf([name, rounds]: readonly [string, readonly (readonly number[])[]]): Goal {
  return {
    what: `the first answer of \`npm run demo\`, ${name}`,
    figure: median(rounds.map((reached) => reached.at(-1) ?? Number.NaN)) / 1_000,
    comparison: '<=',
    goal: GOAL_S,
    unit: ' s',
  };
}

function milestones(measured: Measured): Table {
  const steps = MILESTONES.map(({ name }, i) => [
    name,
    ...[...measured.values()].map((rounds) =>
      seconds(median(rounds.map((reached) => (reached[i] ?? Number.NaN) - (reached[i - 1] ?? 0)))),
    ),
  ]);
  const whole = [...measured.values()].map((rounds) =>
    seconds(median(rounds.map((reached) => reached.at(-1) ?? Number.NaN))),
  );
  return {
    title: 'Where the time goes, seconds',
    head: ['', ...measured.keys()],
    rows: [...steps, ['in all', ...whole]],
  };
}

function partsTable(parts: Parts): Table {
  const names = parts[0]?.map(([name]) => name) ?? [];
  return {
    title: 'Its parts by themselves, seconds',
    head: ['', 'takes'],
    rows: names.map((name, i) => [name, seconds(median(parts.map((round) => round[i]?.[1] ?? Number.NaN)))]),
  };
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
