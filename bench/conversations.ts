import type { Benchmark, Goal, Plot, Table } from './benchmark.ts';
import { PATIENCE_MS } from './conversations/customers.ts';
import { carry, PARTS, type Part, type Setting, SLICE_MS, type Taken } from './conversations/load.ts';
import { megabytes } from './live/usage.ts';
import { quantile } from './rounds.ts';

const FULL: readonly Setting[] = [200, 500, 1_000].map((open) => ({
  open,
  beforeMs: 90_000,
  pieces: 3,
  pieceMs: 60_000,
  hurry: 1,
}));
const QUICK: readonly Setting[] = [{ open: 20, beforeMs: 6_000, pieces: 2, pieceMs: 4_000, hurry: 10 }];
const GOAL_MS = 1_000;
/** A run with fewer shows nothing. */
const FEWEST_REPLIES = 10;

export const conversations: Benchmark = {
  name: 'conversations',
  question: 'How much longer than the model itself does a reply take while many conversations are live?',
  measure: async (how) => {
    const taken: Taken[] = [];
    for (const setting of how.quick ? QUICK : FULL) taken.push(await carry(how, setting));
    return {
      goals: taken.map(goalOf),
      tables: [overheads(taken), processorTime(taken), memory(taken), tasks(taken), course(taken)],
      plots: [
        {
          name: 'overhead',
          title: 'A reply beyond the model’s own time',
          x: { label: 'live conversations' },
          y: { label: 'milliseconds' },
          lines: QUANTILES.map(([name, share]) => ({
            name,
            points: taken.map((one) => [one.open, quantile(overheadsOf(one), share)]),
          })),
        },
        ...courses(taken),
      ],
      problems: taken.flatMap(problemsOf),
      raw: taken.map(({ replies, ...rest }) => ({
        ...rest,
        replies: replies.map(({ turn, sentAtMs, tookMs, overheadMs, late }) => [
          turn,
          Math.round(sentAtMs),
          Math.round(tookMs),
          Math.round(overheadMs),
          late ? 1 : 0,
        ]),
      })),
    };
  },
};

const QUANTILES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const;

const NAMES: Readonly<Record<Part, string>> = {
  worker: 'the worker',
  temporal: 'Temporal server',
  postgres: 'PostgreSQL',
  model: 'the scripted model',
  customers: 'customers and client',
};

function goalOf(taken: Taken): Goal {
  const p95s = piecesOf(taken).map((piece) => quantile(overheadsOf(piece), 0.95));
  return {
    what: `${taken.open} live conversations: a reply beyond the model's own time, p95`,
    figure: quantile(overheadsOf(taken), 0.95),
    spread: [Math.min(...p95s), Math.max(...p95s)],
    comparison: '<=',
    goal: GOAL_MS,
    unit: ' ms',
  };
}

/** The measured time in parts of the same length, each with what was said in it: how steady it was. */
function piecesOf({ replies, measuredMs, pieces }: Taken): readonly Pick<Taken, 'replies'>[] {
  const pieceMs = measuredMs / pieces;
  return Array.from({ length: pieces }, (_, i) => ({
    replies: replies.filter(({ sentAtMs }) => Math.floor(sentAtMs / pieceMs) === i),
  }));
}

function overheads(taken: readonly Taken[]): Table {
  const among = (values: readonly number[]) => `${Math.min(...values)} to ${Math.max(...values)}`;
  return {
    title: 'A reply beyond the model’s own time; in brackets by piece of the measured time',
    head: [
      'live conversations',
      'customers',
      'open runs',
      'replies',
      'replies/s',
      'of them first turns, %',
      'model p50 ms',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'first turns p95 ms',
      `none within ${PATIENCE_MS / 1_000} s`,
    ],
    rows: taken.map((one) => {
      const firsts = (of: Pick<Taken, 'replies'>) => ({
        replies: of.replies.filter(({ turn }) => turn === 0),
      });
      const share = (of: Pick<Taken, 'replies'>) =>
        Math.round((100 * firsts(of).replies.length) / Math.max(1, of.replies.length));
      return [
        one.open,
        one.customers,
        among(one.slices.map(({ openRuns }) => openRuns)),
        one.replies.length,
        ((one.replies.length * 1_000) / one.measuredMs).toFixed(1),
        `${share(one)} (${among(piecesOf(one).map(share))})`,
        Math.round(
          quantile(
            one.replies.map(({ tookMs, overheadMs }) => tookMs - overheadMs),
            0.5,
          ),
        ),
        ...QUANTILES.map(([, q]) => {
          const figure = (of: Pick<Taken, 'replies'>) => Math.round(quantile(overheadsOf(of), q));
          return `${figure(one)} (${among(piecesOf(one).map(figure))})`;
        }),
        Math.round(quantile(overheadsOf(firsts(one)), 0.95)),
        one.replies.filter(({ late }) => late).length,
      ];
    }),
  };
}

function processorTime(taken: readonly Taken[]): Table {
  return {
    title: 'Processor time for a reply, ms',
    head: ['live conversations', ...PARTS.map((part) => NAMES[part]), 'all', 'processors busy'],
    rows: taken.map(({ open, cpuMs, replies, measuredMs }) => {
      const all = PARTS.reduce((sum, part) => sum + cpuMs[part], 0);
      return [
        open,
        ...[...PARTS.map((part) => cpuMs[part]), all].map((ms) =>
          (ms / Math.max(1, replies.length)).toFixed(1),
        ),
        (all / measuredMs).toFixed(2),
      ];
    }),
  };
}

function memory(taken: readonly Taken[]): Table {
  return {
    title: 'Memory at the end',
    head: ['live conversations', ...PARTS.map((part) => NAMES[part])],
    rows: taken.map(({ open, memoryBytes }) => [open, ...PARTS.map((part) => megabytes(memoryBytes[part]))]),
  };
}

function tasks(taken: readonly Taken[]): Table {
  return {
    title: 'The worker’s cache and queues',
    head: [
      'live conversations',
      'cache misses',
      'evictions',
      'workflow task waits, ms',
      'activity waits, ms',
    ],
    rows: taken.map(({ open, worker }) => [
      open,
      worker.cacheMisses,
      worker.evictions,
      worker.workflowTaskWaitMs.toFixed(1),
      worker.activityWaitMs.toFixed(1),
    ]),
  };
}

/** The largest crowd, a few seconds at a time. */
function slicesOf(taken: readonly Taken[]) {
  const most = taken.at(-1);
  return (most?.slices ?? []).map(({ fromMs, untilMs, cpuMs, openRuns }) => {
    const replies = (most?.replies ?? []).filter(({ sentAtMs }) => sentAtMs >= fromMs && sentAtMs < untilMs);
    const busy = (parts: readonly Part[]) =>
      parts.reduce((sum, part) => sum + cpuMs[part], 0) / (untilMs - fromMs);
    return {
      atS: Math.round(untilMs / 1_000),
      messages: replies.length,
      first: replies.filter(({ turn }) => turn === 0).length,
      openRuns,
      p95: quantile(overheadsOf({ replies }), 0.95),
      busy,
    };
  });
}

function course(taken: readonly Taken[]): Table {
  return {
    title: `${taken.at(-1)?.open} live conversations, every ${SLICE_MS / 1_000} s`,
    head: [
      's',
      'messages',
      'of them first',
      'open runs',
      'p95 ms',
      ...PARTS.map((part) => `${NAMES[part]}, busy`),
      'all',
    ],
    rows: slicesOf(taken).map(({ atS, messages, first, openRuns, p95, busy }) => [
      atS,
      messages,
      first,
      openRuns,
      Math.round(p95),
      ...PARTS.map((part) => busy([part]).toFixed(2)),
      busy(PARTS).toFixed(2),
    ]),
  };
}

function courses(taken: readonly Taken[]): readonly Plot[] {
  const slices = slicesOf(taken);
  const x = { label: 'seconds of the measured time' };
  const title = `${taken.at(-1)?.open} live conversations`;
  return [
    {
      name: 'course-latency',
      title: `${title}: a reply beyond the model’s own time, p95`,
      x,
      y: { label: 'milliseconds', log: true },
      lines: [{ name: 'p95', points: slices.map(({ atS, p95 }) => [atS, Math.max(1, p95)]) }],
    },
    {
      name: 'course-processors',
      title: `${title}: processors busy`,
      x,
      y: { label: 'processors' },
      lines: [
        ...PARTS.map((part) => ({
          name: NAMES[part],
          points: slices.map(({ atS, busy }) => [atS, busy([part])] as const),
        })),
        { name: 'all', points: slices.map(({ atS, busy }) => [atS, busy(PARTS)]) },
      ],
    },
  ];
}

function problemsOf({ open, replies, problems }: Taken): readonly string[] {
  const few =
    replies.length < FEWEST_REPLIES
      ? [`${replies.length} replies were measured: too few to say anything`]
      : [];
  return [...problems, ...few].map((problem) => `${open} conversations: ${problem}`);
}

function overheadsOf({ replies }: Pick<Taken, 'replies'>): readonly number[] {
  const all = replies.map(({ overheadMs }) => overheadMs);
  return all.length === 0 ? [0] : all;
}
