import { describe, expect, test } from 'vitest';
import { findingsOf as growthOf, type Series } from '../../../bench/growth/findings.ts';
import type { Reading } from '../../../bench/growth/reading.ts';
import { CONTENDERS } from '../../../bench/peers/contenders.ts';
import { findingsOf as peersOf, type Taken } from '../../../bench/peers/findings.ts';
import { judge, type Killed } from '../../../bench/peers/kills.ts';
import type { Measured } from '../../../bench/peers/speed.ts';

const BYTES = 1_000;

function measured(turnsMs: readonly number[]): Measured {
  return { kind: 'measured', turnsPerSecond: 10, turnsMs, tableBytes: BYTES, historyBytes: 500 };
}

const [ours] = CONTENDERS;
const KEPT: Killed = {
  contender: 'Holdfast',
  payment: "replay: 'keyed'",
  acts: 1,
  requests: 2,
  checks: 0,
  ended: 'completed',
  held: true,
  seconds: 12,
};
const TAKEN: Taken = {
  contenders: CONTENDERS,
  absent: null,
  speeds: [
    {
      shape: { turns: 2, lanes: 1, repeats: 1 },
      measured: Object.fromEntries(CONTENDERS.map(({ name }) => [name, [measured([1, 2])]])),
    },
  ],
  kills: [KEPT],
  refused: [],
};

describe('findings beside the peers', () => {
  test('a sound run has no problem', () => {
    const { problems, goals } = peersOf(TAKEN);
    expect(problems).toEqual([]);
    expect(goals.map(({ figure }) => figure)).toEqual([0]);
  });

  test('a payment of ours that was made twice, or by a run that then ended otherwise, fails the benchmark', () => {
    const [payment] = ours?.payments ?? [];
    if (payment === undefined) throw new Error('Holdfast pays for nothing');
    const account = { acts: 1, requests: 1, checks: 0 };
    expect(judge(payment, account, payment.ends ?? '')).toBe(true);
    expect(judge(payment, { ...account, acts: 2 }, payment.ends ?? '')).toBe(false);
    expect(judge(payment, { ...account, acts: 0 }, payment.ends ?? '')).toBe(false);
    expect(judge(payment, account, 'Holdfast ended (0)')).toBe(false);
    expect(judge({ ...payment, ends: null }, { ...account, acts: 2 }, 'completed')).toBeNull();
    const { problems, goals } = peersOf({ ...TAKEN, kills: [{ ...KEPT, acts: 2, held: false }] });
    expect(problems).toEqual([expect.stringContaining('paid 2 times')]);
    expect(goals[0]?.figure).toBe(1);
  });

  test('without a kill there is nothing to see, and that is a problem', () => {
    expect(peersOf({ ...TAKEN, kills: [] }).problems).toEqual([
      expect.stringContaining('nothing was killed'),
    ]);
  });

  test('a failure of ours, and whatever the model refuses, fails it; a failure of a peer is told in its cell', () => {
    const failing = (name: string): Taken => ({
      ...TAKEN,
      speeds: TAKEN.speeds.map((speed) => ({
        ...speed,
        measured: { ...speed.measured, [name]: [{ kind: 'failed', why: 'history too large' }] },
      })),
    });
    expect(peersOf(failing('Holdfast')).problems).toHaveLength(1);
    const { problems, tables } = peersOf(failing('DBOS'));
    expect(problems).toEqual([]);
    expect(tables[0]?.rows.at(-1)).toEqual(['DBOS', 'failed: history too large']);
    expect(peersOf({ ...TAKEN, refused: ['400 no'] }).problems).toHaveLength(1);
  });

  test('what is stored by a turn is tables and history, and nothing that others may have written', () => {
    const stored = peersOf(TAKEN).tables.find(({ title }) => title.startsWith('Stored by 1 x 2 turns'));
    expect(stored?.rows.map(([name, , history, turn]) => [name, history, turn]).slice(0, 2)).toEqual([
      ['Holdfast', 1, '0.8'],
      ['@temporalio/ai-sdk', 1, '0.8'],
    ]);
  });

  test('peers that are not installed are a row that says how to install them', () => {
    const { tables } = peersOf({
      ...TAKEN,
      absent: 'not installed: run this',
      contenders: CONTENDERS.slice(0, 1),
    });
    expect(tables[0]?.rows).toEqual([['not installed: run this']]);
  });
});

function reading(calls: number, historyBytes: number, ended = 'completed'): Reading {
  return {
    ended,
    stepMs: Array.from({ length: calls }, (_, i) => (i < calls / 2 ? 10 : 20)),
    historyBytes,
    serverHistoryBytes: historyBytes,
    executions: 1,
    bytesAfterCall: Array.from({ length: calls }, (_, i) => (historyBytes * (i + 1)) / calls),
    bytesByEvent: { 'callModel scheduled': historyBytes },
    tableBytes: BYTES,
    replays: [{ call: calls, ms: 100 }],
  };
}

const SERIES: Series = {
  book: { name: '100 calls', calls: 100, pageBytes: 8_000, seed: 1 },
  holdfast: [reading(100, 1_000)],
  transcript: [reading(100, 200_000)],
  inMemory: [Array.from({ length: 100 }, () => 1)],
  chain: { bytes: 245_000, bytesByEvent: { 'model scheduled': 245_000 }, calls: 100 },
};

describe('findings about growth', () => {
  test('the ratio of bytes, and of late steps to early ones', () => {
    const { goals, problems } = growthOf([SERIES]);
    expect(goals.map(({ figure }) => figure)).toEqual([200, 2]);
    expect(problems).toEqual([]);
  });

  test('a run of ours that stops early is a problem; where the whole transcript dies is a figure', () => {
    expect(growthOf([{ ...SERIES, holdfast: [reading(99, 1_000)] }]).problems).toHaveLength(1);
    expect(growthOf([{ ...SERIES, holdfast: [reading(100, 1_000, 'partial')] }]).problems).toHaveLength(1);
    const died = growthOf([{ ...SERIES, transcript: [reading(60, 200_000, 'history size exceeds limit')] }]);
    expect(died.problems).toEqual([]);
    expect(died.tables[0]?.rows[1]?.slice(0, 3)).toEqual([
      'whole transcript',
      60,
      'history size exceeds limit',
    ]);
    expect(growthOf([{ ...SERIES, transcript: [reading(3, 900, 'refused')] }]).problems).toHaveLength(1);
  });

  test('the worst replay stands beside the last one, and a bare chain beside both loops', () => {
    const replayed = {
      ...reading(100, 1_000),
      replays: [50, 850, 75].map((ms, i) => ({ call: 30 * i, ms })),
    };
    const [cost] = growthOf([{ ...SERIES, holdfast: [replayed] }]).tables;
    expect(cost?.rows[0]?.slice(-2)).toEqual(['850', '75.0']);
    expect(cost?.rows.at(-1)?.slice(0, 5)).toEqual([
      'bare chain of the engine',
      100,
      'completed',
      245,
      '2.45',
    ]);
    expect(new Set(cost?.rows.map((row) => row.length))).toEqual(new Set([cost?.head.length]));
  });

  test('another length has no goal for the ratio: it grows with the calls', () => {
    const { goals } = growthOf([
      { ...SERIES, book: { ...SERIES.book, calls: 20 }, holdfast: [reading(20, 9)] },
    ]);
    expect(goals).toHaveLength(1);
  });
});
