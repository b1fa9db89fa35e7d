import { randomUUID } from 'node:crypto';
import { openLab } from '../test/e2e/lab.ts';
import type { Benchmark, Goal, How, Plot, Table } from './benchmark.ts';
import { bare, type Decided, type Deciding, holdfast, PAYING } from './decisions/contenders.ts';
import { memoryPlot, parkedTables, parkMany } from './decisions/parked.ts';
import { openPayments } from './decisions/payments.ts';
import { payer } from './live/agents.ts';
import { startChild } from './live/child.ts';
import { alternate, median, quantile, ratioOf } from './rounds.ts';

interface Setting {
  readonly rounds: number;
  readonly perRound: number;
}

const FULL: Setting = { rounds: 8, perRound: 20 };
const QUICK: Setting = { rounds: 2, perRound: 4 };
const GOAL = 1.5;
/** The fewest that the engine can do with: whatever was parked before is forgotten. */
const TINY_CACHE = { maxCachedWorkflows: 2 };

/** How the worker was found when the word came. */
type Place = 'warm' | 'evicted';
type Measured = ReadonlyMap<string, readonly (readonly Decided[])[]>;

export const decisions: Benchmark = {
  name: 'decisions',
  question: 'How long from a decision to its effect, and what do runs cost that wait for one?',
  measure: async (how) => {
    await using payments = await openPayments();
    await using lab = await openLab({
      ...how.stack,
      agents: [payer],
      conversations: [PAYING],
      worker: false,
      environment: { PAYMENTS_URL: payments.url },
    });
    const bareQueue = `bare-${randomUUID()}`;
    const ours = holdfast(lab, payments);
    const contenders = [ours, bare(lab.client, bareQueue, payments)];
    const at = async (place: Place) => {
      await using _worker = await startChild('worker.ts', {
        ...lab.environment,
        BENCH_BARE_QUEUE: bareQueue,
        BENCH_SETTINGS: JSON.stringify(place === 'warm' ? {} : TINY_CACHE),
      });
      return await measureAt(how, place, contenders);
    };
    const measured = new Map<Place, Measured>();
    for (const place of ['warm', 'evicted'] as const) measured.set(place, await at(place));
    const parked = await parkMany(how, lab, ours);
    return {
      goals: [...measured].map(([place, taken]) => goalOf(place, taken)),
      tables: [...[...measured].map(([place, taken]) => tableOf(place, taken)), ...parkedTables(parked)],
      plots: [plotOf(measured), memoryPlot(parked)],
      problems: lab.model.problems.map((problem) => `the scripted model refused: ${problem}`),
      raw: {
        ...Object.fromEntries([...measured].map(([place, taken]) => [place, Object.fromEntries(taken)])),
        parked,
      },
    };
  },
};

async function measureAt(how: How, place: Place, contenders: readonly Deciding[]): Promise<Measured> {
  const { rounds, perRound } = how.quick ? QUICK : FULL;
  // Bundles, prepared statements, pools and whatever else is slow the first time.
  for (const one of contenders) await decideAll(one, perRound);
  return alternate(
    contenders.map((one) => ({ name: one.name, measure: () => decideAll(one, perRound) })),
    rounds,
    (round, name) => how.progress(`${place}, round ${round + 1} of ${rounds}: ${name}`),
  );
}

/** One after the other: how long one takes by itself is the question. */
async function decideAll(one: Deciding, count: number): Promise<readonly Decided[]> {
  const decided: Decided[] = [];
  for (const workflowId of await one.park(count)) decided.push(await one.decide(workflowId));
  return decided;
}

const WORDS = {
  warm: 'the run in the worker’s cache',
  evicted: 'the run forgotten by its worker',
} as const satisfies Record<Place, string>;

function goalOf(place: Place, taken: Measured): Goal {
  const p50s = (name: string) => (taken.get(name) ?? []).map((round) => median(round.map(effectOf)));
  const ratio = ratioOf(p50s('Holdfast'), p50s('the engine alone'));
  return {
    what: `decision to effect / the engine's signal to activity, p50, ${WORDS[place]}`,
    figure: ratio.median,
    spread: [ratio.smallest, ratio.largest],
    comparison: '<=',
    goal: GOAL,
    unit: 'x',
  };
}

function tableOf(place: Place, taken: Measured): Table {
  return {
    title: `From the word to the effect, ${WORDS[place]}; on record: from the event of the signal to that of the result`,
    head: ['', 'decisions', 'effect p50 ms', 'p95 ms', 'on record p50 ms', 'p95 ms'],
    rows: [...taken].map(([name, rounds]) => {
      const all = rounds.flat();
      const recorded = all.map(({ recordedMs }) => recordedMs);
      return [
        name,
        all.length,
        quantile(all.map(effectOf), 0.5).toFixed(1),
        quantile(all.map(effectOf), 0.95).toFixed(1),
        quantile(recorded, 0.5).toFixed(1),
        quantile(recorded, 0.95).toFixed(1),
      ];
    }),
  };
}

function plotOf(measured: ReadonlyMap<Place, Measured>): Plot {
  return {
    name: 'latency',
    title: 'Decisions whose effect had happened by then',
    x: { label: 'milliseconds after the word', log: true },
    y: { label: 'share' },
    lines: [...measured].flatMap(([place, taken]) =>
      [...taken].map(([name, rounds]) => ({
        name: `${name}, ${place}`,
        points: shares(rounds.flat().map(effectOf)),
      })),
    ),
  };
}

/** The cumulative share at every fortieth of the values, which is as many points as a plot can show. */
function shares(values: readonly number[]): readonly (readonly [number, number])[] {
  const sorted = [...values].sort((a, b) => a - b);
  const every = Math.max(1, Math.floor(sorted.length / 40));
  return sorted
    .map((value, i) => [value, (i + 1) / sorted.length] as const)
    .filter((_, i) => (i + 1) % every === 0);
}

function effectOf({ effectMs }: Decided): number {
  return effectMs;
}
