import type { Benchmark, Findings, Goal, How, Plot, Table } from './benchmark.ts';
import { alternate, median, medianRatio, quantile } from './rounds.ts';
import { bare, holdfast, type Load, type Stepping, type Taken } from './steps/contenders.ts';

/** Concurrent runs, steps of each, and rounds. */
interface Setting extends Load {
  readonly rounds: number;
}

const FULL: readonly Setting[] = [
  { runs: 1, stepsPerRun: 40, rounds: 7 },
  { runs: 10, stepsPerRun: 20, rounds: 7 },
  { runs: 100, stepsPerRun: 10, rounds: 5 },
  { runs: 1_000, stepsPerRun: 5, rounds: 3 },
];
const QUICK: readonly Setting[] = [
  { runs: 1, stepsPerRun: 5, rounds: 2 },
  { runs: 10, stepsPerRun: 3, rounds: 2 },
];

const BARE = 'engine alone, two activities';
const BARE_LOCAL = 'engine alone, one of them local';
const EFFECT = 'Holdfast, an effect in the ledger';
const READ = 'Holdfast, a read';
const QUICK_READ = 'Holdfast, a quick read';

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
  const contenders = all.map((one) => ({ name: one.name, measure: () => one.take(setting) }));
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
          rounds.map(({ elapsedMs, stepMs }) => ({
            elapsedMs: round(elapsedMs),
            p50Ms: round(quantile(stepMs, 0.5)),
            p95Ms: round(quantile(stepMs, 0.95)),
          })),
        ]),
      ),
    })),
  };
}

function goalsOf(setting: Setting, taken: Measured): readonly Goal[] {
  const rounds = (name: string) => taken.get(name) ?? [];
  const ratio = (of: (one: Taken) => number, name: string) =>
    medianRatio(rounds(name).map(of), rounds(BARE).map(of));
  const rate = (one: Taken) => perSecond(setting, one);
  const at = `${setting.runs} at once`;
  return [
    {
      what: `${at}: p50 of a step with an effect / the engine's`,
      figure: ratio(p50Of, EFFECT),
      comparison: '<=',
      goal: 1.05,
      unit: 'x',
    },
    {
      what: `${at}: steps per second with an effect / the engine's`,
      figure: ratio(rate, EFFECT),
      comparison: '>=',
      goal: 0.9,
      unit: 'x',
    },
    {
      what: `${at}: steps per second with quick reads / the engine's`,
      figure: ratio(rate, QUICK_READ),
      comparison: '>=',
      goal: 1.4,
      unit: 'x',
    },
  ];
}

function tableOf(setting: Setting, taken: Measured): Table {
  const base = median((taken.get(BARE) ?? []).map((one) => perSecond(setting, one)));
  return {
    title: `${setting.runs} runs at once, ${setting.stepsPerRun} steps each, medians of ${setting.rounds} rounds`,
    head: ['', 'p50 ms', 'p95 ms', 'steps/s', 'of the engine'],
    rows: [...taken].map(([name, rounds]) => {
      const rate = median(rounds.map((one) => perSecond(setting, one)));
      return [
        name,
        median(rounds.map(p50Of)).toFixed(1),
        median(rounds.map(({ stepMs }) => quantile(stepMs, 0.95))).toFixed(1),
        rate.toFixed(1),
        `${(rate / base).toFixed(2)}x`,
      ];
    }),
  };
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
      points: measured.map(({ setting, taken }) => [
        setting.runs,
        median((taken.get(contender) ?? []).map((one) => of(setting, one))),
      ]),
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
