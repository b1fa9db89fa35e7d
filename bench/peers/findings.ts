import type { Findings, Plot, Table } from '../benchmark.ts';
import { median } from '../rounds.ts';
import type { Contender } from './contenders.ts';
import type { Killed } from './kills.ts';
import type { Measured, Shape, Speed } from './speed.ts';

export interface Taken {
  readonly contenders: readonly Contender[];
  /** Why the peers are not there; null when they are. */
  readonly absent: string | null;
  readonly speeds: readonly Speed[];
  readonly kills: readonly Killed[];
  /** Requests that the model refused: a contender that sends them is not measured fairly. */
  readonly refused: readonly string[];
}

type Success = Extract<Measured, { readonly kind: 'measured' }>;

const OURS = 'Holdfast';

export function findingsOf(taken: Taken): Findings {
  const doubled = taken.kills.filter(({ contender, acts }) => contender === OURS && acts !== 1);
  const broken = taken.kills.filter(({ held }) => held === false);
  return {
    goals: [
      {
        what: `payments that Holdfast made twice, or not at all, after ${count(taken.kills, OURS)} kills`,
        figure: doubled.length,
        comparison: '<=',
        goal: 0,
        unit: '',
      },
    ],
    tables: [...absence(taken), rates(taken), latencies(taken), bytes(taken), killed(taken), READING],
    plots: plotsOf(taken),
    problems: [
      ...broken.map(({ payment, acts, ended }) => `Holdfast, ${payment}: paid ${acts} times, ${ended}`),
      ...failuresOf(taken).filter((words) => words.startsWith(OURS)),
      ...taken.refused.slice(0, 5).map((words) => `the model refused a request: ${words}`),
      ...(count(taken.kills, OURS) === 0 ? ['nothing was killed: there is nothing to see'] : []),
    ],
    raw: taken,
  };
}

function absence({ absent }: Taken): readonly Table[] {
  if (absent === null) return [];
  return [{ title: 'Peers', head: ['LangGraph, DBOS, @temporalio/ai-sdk'], rows: [[absent]] }];
}

function rates({ contenders, speeds }: Taken): Table {
  return byShape('Turns per second, median of rounds', contenders, speeds, (measured) =>
    median(measured.map(({ turnsPerSecond }) => turnsPerSecond)).toFixed(1),
  );
}

function latencies({ contenders, speeds }: Taken): Table {
  return byShape('A turn, p50 in ms, median of rounds', contenders, speeds, (measured) =>
    median(measured.map(({ turnsMs }) => median(turnsMs))).toFixed(1),
  );
}

function byShape(
  title: string,
  contenders: readonly Contender[],
  speeds: readonly Speed[],
  cellOf: (measured: readonly Success[]) => string,
): Table {
  return {
    title,
    head: ['', ...speeds.map(({ shape }) => wordsOf(shape))],
    rows: contenders.map(({ name }) => [
      name,
      ...speeds.map((speed) => {
        const measured = successes(speed, name);
        return measured.length === 0 ? firstFailure(speed, name) : cellOf(measured);
      }),
    ]),
  };
}

/** Of the longest single conversation: what stands in tables of the contender's own, and in its history. */
function bytes({ contenders, speeds }: Taken): Table {
  const speed = longestAlone(speeds);
  const kilobytes = (value: number) => Math.round(value / 1_000);
  return {
    title: `Stored by ${speed === null ? 'no conversation' : wordsOf(speed.shape)}, kB, median of rounds`,
    head: ['', 'tables and indexes', 'history', 'a turn'],
    rows: contenders.flatMap(({ name, modelActivity }) => {
      if (speed === null) return [];
      const measured = successes(speed, name);
      if (measured.length === 0) return [[name, firstFailure(speed, name), '', '']];
      const middle = (of: (one: Success) => number) => median(measured.map(of));
      const history = ({ historyBytes }: Success) => historyBytes ?? 0;
      const stored = middle((one) => one.tableBytes + history(one));
      return [
        [
          name,
          kilobytes(middle((one) => one.tableBytes)),
          modelActivity === null ? '-' : kilobytes(middle(history)),
          (stored / 1_000 / (speed.shape.turns * speed.shape.repeats)).toFixed(1),
        ],
      ];
    }),
  };
}

function killed({ kills }: Taken): Table {
  const rows = new Map<string, Killed[]>();
  for (const one of kills) {
    const key = `${one.contender} ${one.payment}`;
    rows.set(key, [...(rows.get(key) ?? []), one]);
  }
  const each = (values: readonly (string | number)[]) => [...new Set(values)].join(', ');
  return {
    title: 'kill -9 after a tool has paid and before its result is stored, then a new process',
    head: ['', 'payment', 'kills', 'money moved', 'asked for', 'looked up', 'then', 'seconds from the kill'],
    rows: [...rows.values()].map((of) => [
      of[0]?.contender ?? '',
      of[0]?.payment ?? '',
      of.length,
      `${each(of.map(({ acts }) => acts))}x`,
      `${each(of.map(({ requests }) => requests))}x`,
      `${each(of.map(({ checks }) => checks))}x`,
      each(of.map(({ ended }) => ended)),
      median(of.map(({ seconds }) => seconds)).toFixed(1),
    ]),
  };
}

const READING: Table = {
  title: 'How to read this',
  head: ['what', 'why'],
  rows: [
    ['A turn is one model call and one tool call', 'and each conversation has one last answer besides.'],
    [
      'An engine costs more a step than a library',
      'DBOS and LangGraph write to PostgreSQL from the process that acts; a step on Temporal goes through a server: a task to the worker, its result back, six events of history for each activity.',
    ],
    [
      'What that buys',
      'Runs that survive their process and move to another at once, timers and signals without a poller, no lock on who goes on, one place to see and stop every run. Holdfast adds to each step: limits reserved and settled, policy, audit, ledger.',
    ],
    [
      'Seconds after a kill',
      "The next process has to start first. The libraries go on when it is there, or when somebody asks them to. The engine gives an attempt its time-out (6 s here), since it may still be alive elsewhere, and the run's next task waits for the worker that is gone before any worker may take it (5 s, set alike for both). Holdfast's lease on the effect (11 s) runs out meanwhile.",
    ],
    [
      'LangGraph, async',
      'Checkpoints are written while the next step runs: a process that dies early may leave a conversation that nobody knows of ("Received no input writes"), its payment made.',
    ],
    [
      'Made easy for the peers',
      'The model answers LangGraph, DBOS and the AI SDK in one piece and Holdfast as a stream; LangGraph keeps plain JSON messages; all have pools of 20 connections and were warmed up.',
    ],
    [
      '@temporalio/ai-sdk',
      'Version 1.17.0 with its own family of packages: newer ones refuse Node 20. Its activity takes the whole transcript and gives back what the provider returns, the request body included.',
    ],
  ],
};

function plotsOf({ contenders, speeds }: Taken): readonly Plot[] {
  const alone = longestAlone(speeds);
  const crowded = speeds.filter(({ shape }) => shape.lanes > 1);
  const lines = (pointsOf: (name: string) => Plot['lines'][number]['points']) =>
    contenders
      .map(({ name }) => ({ name, points: pointsOf(name) }))
      .filter(({ points }) => points.length > 0);
  return [
    {
      name: 'rate',
      title: `Turns per second, ${crowded[0]?.shape.lanes ?? 0} conversations at a time`,
      x: { label: 'turns of a conversation', log: true },
      y: { label: 'turns per second', log: true },
      lines: lines((name) =>
        crowded.flatMap((speed) => {
          const rate = successes(speed, name).map(({ turnsPerSecond }) => turnsPerSecond);
          return rate.length === 0 ? [] : [[speed.shape.turns, median(rate)] as const];
        }),
      ),
    },
    {
      name: 'turn',
      title: 'One conversation: how long each turn took',
      x: { label: 'turn' },
      y: { label: 'ms, median of a window and of rounds' },
      lines: lines((name) => (alone === null ? [] : windows(successes(alone, name)))),
    },
  ];
}

const WINDOW_TURNS = 5;

function windows(measured: readonly Success[]): Plot['lines'][number]['points'] {
  const turns = Math.min(...measured.map(({ turnsMs }) => turnsMs.length));
  if (measured.length === 0) return [];
  return Array.from({ length: Math.floor(turns / WINDOW_TURNS) }, (_, i) => {
    const from = i * WINDOW_TURNS;
    return [
      from + Math.ceil(WINDOW_TURNS / 2),
      median(measured.flatMap(({ turnsMs }) => turnsMs.slice(from, from + WINDOW_TURNS))),
    ] as const;
  });
}

function longestAlone(speeds: readonly Speed[]): Speed | null {
  const alone = speeds.filter(({ shape }) => shape.lanes === 1);
  return alone.sort((a, b) => b.shape.turns - a.shape.turns)[0] ?? null;
}

function successes({ measured }: Speed, name: string): readonly Success[] {
  return (measured[name] ?? []).filter((one): one is Success => one.kind === 'measured');
}

function failuresOf({ speeds }: Taken): readonly string[] {
  return speeds.flatMap(({ shape, measured }) =>
    Object.entries(measured).flatMap(([name, rounds]) =>
      rounds.flatMap((one) => (one.kind === 'failed' ? [`${name}, ${wordsOf(shape)}: ${one.why}`] : [])),
    ),
  );
}

function firstFailure({ measured }: Speed, name: string): string {
  const failed = (measured[name] ?? []).find((one) => one.kind === 'failed');
  return failed?.kind === 'failed' ? `failed: ${failed.why}` : '-';
}

function wordsOf({ turns, lanes }: Shape): string {
  return `${lanes} x ${turns} ${turns === 1 ? 'turn' : 'turns'}`;
}

function count(kills: readonly Killed[], name: string): number {
  return kills.filter(({ contender }) => contender === name).length;
}
