import type { Benchmark, Findings, Goal, How, Plot, Table } from './benchmark.ts';
import { alternate, median, quantile, type Ratio, ratioOf, ratioWords } from './rounds.ts';
import { bare, holdfast, type Load, type Stepping, type Taken } from './steps/contenders.ts';

/** Concurrent runs, steps of each, and rounds. */
interface Setting extends Load {
  readonly rounds: number;
  /** What is measured here; without it everything. The long settings leave out what no goal asks for. */
  readonly only?: readonly string[];
}

const BARE = 'engine alone, two activities';
const BARE_LOCAL = 'engine alone, one of them local';
const EFFECT = 'Holdfast, an effect in the ledger';
const READ = 'Holdfast, a read';
const QUICK_READ = 'Holdfast, a quick read';

/** What the goals compare. */
const GOALS = [BARE, EFFECT, QUICK_READ];

const FULL: readonly Setting[] = [
  { runs: 1, stepsPerRun: 40, rounds: 11 },
  { runs: 10, stepsPerRun: 20, rounds: 9 },
  { runs: 100, stepsPerRun: 10, rounds: 6, only: [...GOALS, BARE_LOCAL] },
  { runs: 1_000, stepsPerRun: 3, rounds: 4, only: GOALS },
];
const QUICK: readonly Setting[] = [
  { runs: 1, stepsPerRun: 5, rounds: 2 },
  { runs: 10, stepsPerRun: 3, rounds: 2, only: GOALS },
];

/** Latencies are of the same load only where in every loop at least so large a part of the runs is in a step at a time. */
const FEWEST_IN_STEP = 0.8;

type Measured = ReadonlyMap<string, readonly Taken[]>;

export const steps: Benchmark = {
  name: 'steps',
  question:
    'What does a step of one model call and one tool call cost beside the same activities on the bare engine?',
  measure: async (how) => {
    const settings = how.quick ? QUICK : FULL;
    await using bareLoop = await bare(how.stack, BARE, 'bareLoop');
    await using bareLocal = await bare(how.stack, BARE_LOCAL, 'bareLocalLoop');
    const ours = await holdfast(how.stack, [
      { name: EFFECT, tool: 'act' },
      { name: READ, tool: 'look' },
      { name: QUICK_READ, tool: 'look_quickly' },
    ]);
    try {
      const all: Stepping[] = [bareLoop, bareLocal, ...ours];
      // Bundles, caches, prepared statements and the server's own warm-up.
      for (const one of all) await one.take({ runs: 3, stepsPerRun: 3 });
      const measured: { readonly setting: Setting; readonly taken: Measured }[] = [];
      for (const setting of settings) measured.push({ setting, taken: await measureAt(how, all, setting) });
      return findingsOf(measured);
    } finally {
      for (const one of ours) await one[Symbol.asyncDispose]();
    }
  },
};

function measureAt(how: How, all: readonly Stepping[], setting: Setting): Promise<Measured> {
  const contenders = all
    .filter(({ name }) => setting.only?.includes(name) ?? true)
    .map((one) => ({ name: one.name, measure: () => one.take(setting) }));
  return alternate(contenders, setting.rounds, (round, name) =>
    how.progress(`${setting.runs} at once, round ${round + 1} of ${setting.rounds}: ${name}`),
  );
}

function findingsOf(measured: readonly { readonly setting: Setting; readonly taken: Measured }[]): Findings {
  const goals = measured.flatMap(({ setting, taken }) => goalsOf(setting, taken));
  return {
    goals,
    tables: measured.map(({ setting, taken }) => tableOf(setting, taken)),
    plots: [
      plotOf('throughput', 'steps per second', measured, perSecond),
      plotOf('latency', 'milliseconds a step, p50', measured, p50),
    ],
    problems: [],
    raw: measured.map(({ setting, taken }) => ({
      ...setting,
      contenders: Object.fromEntries(
        [...taken].map(([name, rounds]) => [
          name,
          rounds.map((one) => ({
            elapsedMs: round(one.elapsedMs),
            startMs: round(one.startMs),
            endMs: round(one.endMs),
            p50Ms: round(p50Of(one)),
            p95Ms: round(quantile(one.stepMs, 0.95)),
            inStep: round(inStep(one)),
          })),
        ]),
      ),
    })),
  };
}

function goalsOf(setting: Setting, taken: Measured): readonly Goal[] {
  const rate = (one: Taken) => perSecond(setting, one);
  const at = `${setting.runs} at once`;
  const goal = (
    what: string,
    { median, smallest, largest }: Ratio,
    than: Pick<Goal, 'comparison' | 'goal'>,
  ) => ({
    what: `${at}: ${what} / the engine's`,
    figure: median,
    spread: [smallest, largest] as const,
    unit: 'x',
    ...than,
  });
  return [
    ...(isLoaded(setting, taken)
      ? [
          goal('p50 of a step with an effect', besideBare(taken, EFFECT, p50Of), {
            comparison: '<=',
            goal: 1.05,
          }),
        ]
      : []),
    goal('steps per second with an effect', besideBare(taken, EFFECT, rate), { comparison: '>=', goal: 0.9 }),
    goal('steps per second with quick reads', besideBare(taken, QUICK_READ, rate), {
      comparison: '>=',
      goal: 1.4,
    }),
  ];
}

/** Runs are told to step one after the other: of very many the first have finished before the last have begun. */
function isLoaded({ runs }: Setting, taken: Measured): boolean {
  return [...taken.values()].every((rounds) => median(rounds.map(inStep)) >= FEWEST_IN_STEP * runs);
}

/** The only definition of a ratio here: round by round. */
function besideBare(taken: Measured, name: string, of: (one: Taken) => number): Ratio {
  return ratioOf((taken.get(name) ?? []).map(of), (taken.get(BARE) ?? []).map(of));
}

function tableOf(setting: Setting, taken: Measured): Table {
  const { runs, stepsPerRun, rounds: count } = setting;
  const rate = (one: Taken) => perSecond(setting, one);
  const loaded = isLoaded(setting, taken);
  return {
    title: `${runs} at once, ${stepsPerRun} steps each: medians of ${count} rounds; ratios are medians of the rounds’ own (smallest to largest)`,
    head: [
      '',
      'p50 ms',
      'of the engine',
      'p95 ms',
      'steps/s',
      'of the engine',
      'in a step, mean',
      'start and first step, ms a run',
      'end, ms a run',
    ],
    rows: [...taken].map(([name, rounds]) => {
      const middle = (of: (one: Taken) => number) => median(rounds.map(of)).toFixed(1);
      return [
        name,
        middle(p50Of),
        loaded ? ratioWords(besideBare(taken, name, p50Of)) : 'another load',
        middle(({ stepMs }) => quantile(stepMs, 0.95)),
        middle(rate),
        ratioWords(besideBare(taken, name, rate)),
        middle(inStep),
        middle(({ startMs }) => startMs / runs),
        middle(({ endMs }) => endMs / runs),
      ];
    }),
  };
}

/** How many runs were between two model calls, on average over the measured time. */
function inStep({ stepMs, elapsedMs }: Taken): number {
  return stepMs.reduce((sum, ms) => sum + ms, 0) / elapsedMs;
}

function plotOf(
  name: string,
  label: string,
  measured: readonly { readonly setting: Setting; readonly taken: Measured }[],
  of: (setting: Setting, one: Taken) => number,
): Plot {
  const names = [...(measured[0]?.taken.keys() ?? [])];
  return {
    name,
    title: `One model call and one tool call: ${label}`,
    x: { label: 'runs at once', log: true },
    y: { label },
    lines: names.map((contender) => ({
      name: contender,
      points: measured.flatMap(({ setting, taken }) => {
        const rounds = taken.get(contender) ?? [];
        return rounds.length === 0
          ? []
          : [[setting.runs, median(rounds.map((one) => of(setting, one)))] as const];
      }),
    })),
  };
}

function perSecond({ runs, stepsPerRun }: Setting, { elapsedMs }: Taken): number {
  return (runs * stepsPerRun * 1_000) / elapsedMs;
}

function p50Of({ stepMs }: Taken): number {
  return quantile(stepMs, 0.5);
}

function p50(_: Setting, taken: Taken): number {
  return p50Of(taken);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
