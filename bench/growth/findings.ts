import type { Findings, Goal, Plot, Table } from '../benchmark.ts';
import { median, type Ratio, ratioOf, ratioWords } from '../rounds.ts';
import type { Book } from './book.ts';
import type { Chain } from './chain.ts';
import type { Reading } from './reading.ts';

/** One book, read round by round in three ways. */
export interface Series {
  readonly book: Book;
  readonly holdfast: readonly Reading[];
  readonly transcript: readonly Reading[];
  /** Steps of the loop that keeps nothing, in milliseconds. */
  readonly inMemory: readonly (readonly number[])[];
  /** The engine alone. */
  readonly chain: Chain;
}

const HISTORY_GOAL = 150;
const HISTORY_GOAL_CALLS = 100;
const FLAT_GOAL = 1.25;
/** What begins (a pool, a cache, a first plan of a statement) is not part of the early steps. */
const WARM_UP_STEPS = 3;
const SHARE = 0.1;

export function findingsOf(series: readonly Series[]): Findings {
  return {
    goals: series.flatMap(goalsOf),
    tables: series.flatMap((one) => [costOf(one), eventsOf(one)]),
    plots: series.flatMap(plotsOf),
    problems: series.flatMap(problemsOf),
    raw: series,
  };
}

function goalsOf({ book, holdfast, transcript }: Series): readonly Goal[] {
  const flatness = lateOverEarly(holdfast.map(({ stepMs }) => stepMs));
  const flat: Goal = {
    what: `latency of Holdfast's last tenth of steps over its first, ${book.name}`,
    figure: flatness.median,
    spread: [flatness.smallest, flatness.largest],
    comparison: '<=',
    goal: FLAT_GOAL,
    unit: 'x',
  };
  // The ratio grows with the calls: it says something of this one length only, and only where both got there.
  if (book.calls !== HISTORY_GOAL_CALLS) return [flat];
  return [
    {
      what: `history bytes of the whole transcript over Holdfast's, ${book.name}`,
      figure: ratioOf(transcript.map(bytesOf), holdfast.map(bytesOf)).median,
      comparison: '>=',
      goal: HISTORY_GOAL,
      unit: 'x',
    },
    flat,
  ];
}

/** A run of ours that did not get to its end; where the whole transcript dies is a finding. */
function problemsOf({ book, holdfast, transcript }: Series): readonly string[] {
  return [
    ...holdfast
      .filter(({ ended, stepMs }) => ended !== 'completed' || stepMs.length !== book.calls)
      .map(({ ended, stepMs }) => `Holdfast, ${book.name}: ${ended} after ${stepMs.length} calls`),
    ...transcript
      .filter(({ stepMs }) => stepMs.length < Math.min(book.calls, 20))
      .map(({ ended, stepMs }) => `whole transcript, ${book.name}: ${ended} after ${stepMs.length} calls`),
  ];
}

function costOf({ book, holdfast, transcript, inMemory, chain }: Series): Table {
  const row = (name: string, readings: readonly Reading[]) => {
    const steps = readings.map(({ stepMs }) => stepMs);
    const calls = median(steps.map((ms) => ms.length));
    return [
      name,
      calls,
      [...new Set(readings.map(({ ended }) => ended))].join('; '),
      kilobytes(bytesAt(readings)),
      (bytesAt(readings) / 1_000 / calls).toFixed(2),
      kilobytes(median(readings.map((reading) => reading.serverHistoryBytes))),
      kilobytes(median(readings.map((reading) => reading.tableBytes))),
      ...latencies(steps),
      milliseconds(median(readings.map(({ replays }) => Math.max(0, ...replays.map(({ ms }) => ms))))),
      milliseconds(median(readings.map(({ replays }) => replays.at(-1)?.ms ?? 0))),
    ];
  };
  return {
    title: book.name,
    head: [
      'loop',
      'calls',
      'ended',
      'history kB',
      'a call',
      'by the server kB',
      'tables kB',
      'first tenth ms',
      'last tenth ms',
      'last / first',
      'worst replay ms',
      'replay at the end ms',
    ],
    rows: [
      row('Holdfast', holdfast),
      row('whole transcript', transcript),
      [
        'no engine',
        median(inMemory.map((ms) => ms.length)),
        'completed',
        ...['-', '-', '-', '-'],
        ...latencies(inMemory),
        '-',
        '-',
      ],
      [
        'bare chain of the engine',
        chain.calls,
        'completed',
        kilobytes(chain.bytes),
        (chain.bytes / 1_000 / chain.calls).toFixed(2),
        ...['-', '-', '-', '-', '-', '-', '-'],
      ],
    ],
  };
}

/** Where the bytes of a history go: per model call, the largest first. */
function eventsOf({ book, holdfast, transcript, chain }: Series): Table {
  const perCall = (loop: string, of: Pick<Reading, 'bytesByEvent'> | undefined, calls: number) =>
    Object.entries(of?.bytesByEvent ?? {})
      .map(([kind, bytes]) => [loop, kind, Math.round(bytes / calls)] as const)
      .filter(([, , bytes]) => bytes > 0)
      .sort(([, , a], [, , b]) => b - a);
  return {
    title: `${book.name}: history bytes per call, by event`,
    head: ['loop', 'event', 'bytes'],
    rows: [
      ...perCall('Holdfast', holdfast[0], holdfast[0]?.stepMs.length ?? 1),
      ...perCall('whole transcript', transcript[0], transcript[0]?.stepMs.length ?? 1),
      ...perCall('bare chain of the engine', chain, chain.calls),
    ],
  };
}

function plotsOf({ book, holdfast, transcript, inMemory }: Series): readonly Plot[] {
  const x = { label: 'model call' } as const;
  const lines = (pointsOf: (readings: readonly Reading[]) => Plot['lines'][number]['points']) => [
    { name: 'Holdfast', points: pointsOf(holdfast) },
    { name: 'whole transcript', points: pointsOf(transcript) },
  ];
  const name = `${book.calls}-calls`;
  return [
    {
      name: `history-${name}`,
      title: `Bytes of history, ${book.name}`,
      x,
      y: { label: 'bytes', log: true },
      lines: lines(([first]) => thinned(first?.bytesAfterCall ?? [])),
    },
    {
      name: `latency-${name}`,
      title: `Time from one model request to the next, ${book.name}`,
      x,
      y: { label: 'ms, median of a window' },
      lines: [
        ...lines((readings) => smoothed(readings.map(({ stepMs }) => stepMs))),
        { name: 'no engine', points: smoothed(inMemory) },
      ],
    },
    {
      name: `replay-${name}`,
      title: `Replay for a worker that has forgotten the run, ${book.name}`,
      x,
      y: { label: 'ms' },
      lines: lines((readings) => {
        const all = readings.flatMap(({ replays }) => replays);
        const calls = [...new Set(all.map(({ call }) => call))].sort((a, b) => a - b);
        return calls.map((at) => [at, median(all.filter(({ call }) => call === at).map(({ ms }) => ms))]);
      }),
    },
  ];
}

const POINTS = 25;

/** Every few calls, the last one included. */
function thinned(values: readonly number[]): Plot['lines'][number]['points'] {
  const every = Math.max(1, Math.floor(values.length / POINTS));
  return values.flatMap((value, i) =>
    (i + 1) % every === 0 || i === values.length - 1 ? [[i + 1, value] as const] : [],
  );
}

/** The median of each window over all rounds. */
function smoothed(rounds: readonly (readonly number[])[]): Plot['lines'][number]['points'] {
  const calls = Math.min(...rounds.map((steps) => steps.length));
  const window = Math.max(1, Math.floor(calls / POINTS));
  return Array.from({ length: Math.floor(calls / window) }, (_, i) => {
    const values = rounds.flatMap((steps) => steps.slice(i * window, (i + 1) * window));
    return [Math.round((i + 0.5) * window), median(values)] as const;
  });
}

function bytesOf({ historyBytes }: Reading): number {
  return historyBytes;
}

function bytesAt(readings: readonly Reading[]): number {
  return median(readings.map(bytesOf));
}

function lateOverEarly(rounds: readonly (readonly number[])[]): Ratio {
  return ratioOf(rounds.map(late), rounds.map(early));
}

function early(steps: readonly number[]): number {
  // A run that ended while it still warmed up has no other steps.
  const from = Math.min(WARM_UP_STEPS, steps.length - 1);
  return median(steps.slice(from, from + Math.max(1, Math.floor(steps.length * SHARE))));
}

function late(steps: readonly number[]): number {
  return median(steps.slice(-Math.max(1, Math.floor(steps.length * SHARE))));
}

function latencies(rounds: readonly (readonly number[])[]): readonly [string, string, string] {
  if (rounds.some((steps) => steps.length === 0)) return ['-', '-', '-'];
  return [
    milliseconds(median(rounds.map(early))),
    milliseconds(median(rounds.map(late))),
    ratioWords(lateOverEarly(rounds)),
  ];
}

function kilobytes(bytes: number): number {
  return Math.round(bytes / 1_000);
}

function milliseconds(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0);
}
