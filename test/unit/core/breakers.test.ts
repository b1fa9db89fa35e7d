import { describe, expect, test } from 'vitest';
import { type CostHistory, readCost } from '../../../src/core/breakerCost.ts';
import { BREAKER_RULES, METRICS, type Metric, type Reading } from '../../../src/core/breakerRules.ts';
import {
  type Breaker,
  type BreakerEvent,
  breakerKind,
  comeBackText,
  forceBreaker,
  judgeBreaker,
  newBreaker,
  releaseBreaker,
  standing,
  whyText,
} from '../../../src/core/breakers.ts';
import { random } from './breakerDay.ts';

const NOW = Date.parse('2030-03-05T12:30:00Z');
const MINUTE = 60_000;
const RULES = BREAKER_RULES;

const errors = (bad: number, of: number, runs = bad): Reading => ({
  metric: 'toolErrors',
  part: null,
  bad,
  of,
  runs,
});

/** A breaker after these looks: minutes since the start, and what was read then. */
function lookedAt(
  name: string,
  ...looks: readonly (readonly [minute: number, ...readings: Reading[]])[]
): Breaker {
  return looks.reduce(
    (breaker, [minute, ...readings]) => judgeBreaker(breaker, readings, RULES, NOW + minute * MINUTE).breaker,
    newBreaker(name),
  );
}

describe('opening', () => {
  test.each([
    ['more than half of ten calls, of three runs', errors(6, 10), 'opened'],
    ['exactly half', errors(5, 10), null],
    ['too few calls', errors(9, 9), null],
    ['all from two runs: one customer opens nothing', errors(20, 20, 2), null],
    ['nothing', errors(0, 50), null],
    ['a measure that is not for tools', { ...errors(50, 50), metric: 'escalations' } as const, null],
  ] as const)('%s', (_, reading, event) => {
    expect(judgeBreaker(newBreaker('tool:refund'), [reading], RULES, NOW).event).toBe(event);
  });

  test('escalations of more than 20 %, money of more than twice the usual', () => {
    const on = (name: string, reading: Reading) =>
      judgeBreaker(newBreaker(name), [reading], RULES, NOW).event;
    const escalated = (bad: number): Reading => ({ ...errors(bad, 50), metric: 'escalations' });
    expect([on('agent:support', escalated(10)), on('agent:support', escalated(11))]).toEqual([
      null,
      'opened',
    ]);
    const spent = (bad: number, of: number): Reading => ({ metric: 'cost', part: null, bad, of, runs: 9 });
    expect([on('fleet', spent(4_000_000, 2_000_000)), on('fleet', spent(4_000_001, 2_000_000))]).toEqual([
      null,
      'opened',
    ]);
    // Nobody knows what is usual, or it is a trifle.
    expect([on('fleet', spent(90_000_000, 0)), on('fleet', spent(900_000, 1_000))]).toEqual([null, null]);
  });

  test('the time it is open doubles each time in a row, up to an hour, and is short again after a calm time', () => {
    const open = (opens: number) => {
      let breaker = newBreaker('tool:refund');
      let nowMs = NOW;
      const times: number[] = [];
      for (let i = 0; i < opens; i++) {
        breaker = judgeBreaker(breaker, [errors(10, 10)], RULES, nowMs).breaker;
        const { state } = breaker;
        if (state.kind !== 'open') throw new Error(state.kind);
        times.push((state.untilMs - nowMs) / MINUTE);
        nowMs = state.untilMs;
        breaker = judgeBreaker(breaker, [], RULES, nowMs).breaker;
      }
      return { breaker, times, nowMs };
    };
    const { breaker, times, nowMs } = open(7);
    expect(times).toEqual([5, 10, 20, 40, 60, 60, 60]);
    const proven = judgeBreaker(breaker, [errors(0, 5, 0)], RULES, nowMs + 2 * MINUTE);
    expect(proven.event).toBe('closed');
    const soon = judgeBreaker(proven.breaker, [errors(10, 10)], RULES, nowMs + 60 * MINUTE).breaker;
    expect(soon.opens).toBe(8);
    const late = judgeBreaker(
      proven.breaker,
      [errors(10, 10)],
      RULES,
      nowMs + 2 * MINUTE + RULES.calmMs,
    ).breaker;
    expect(late.opens).toBe(1);
  });
});

describe('half-open', () => {
  const half = () => lookedAt('tool:refund', [0, errors(10, 10)], [5]);
  const look = (minute: number, ...readings: Reading[]) =>
    judgeBreaker(half(), readings, RULES, NOW + (5 + minute) * MINUTE).event;

  test('what the probes say decides, as soon as it is enough', () => {
    expect(half().state.kind).toBe('half_open');
    expect(look(1, errors(0, 3))).toBe('closed');
    expect(look(0.5, errors(0, 3))).toBeNull();
    expect(look(1, errors(0, 2))).toBeNull();
    expect(look(10, errors(0, 1))).toBe('closed');
    expect(look(1, errors(1, 3))).toBeNull();
    expect(look(1, errors(2, 3))).toBe('opened');
    expect(look(10, errors(1, 3))).toBe('opened');
  });

  test('probes that wait for people say nothing: others go, and nothing is opened for it', () => {
    const one = half();
    if (one.state.kind !== 'half_open') throw new Error('not half-open');
    const waiting: Breaker = { ...one, state: { ...one.state, taken: 5 } };
    const judged = judgeBreaker(waiting, [], RULES, NOW + 15 * MINUTE);
    expect(judged).toMatchObject({ event: 'half_open', breaker: { state: { probes: 5, taken: 0 } } });
  });

  test('nobody comes: nothing moves, and after a calm time it closes', () => {
    expect(look(11)).toBeNull();
    expect(look(RULES.calmMs / MINUTE)).toBe('closed');
  });

  test('another tool of the release proves nothing', () => {
    const part = (tool: string, bad: number, of: number): Reading => ({ ...errors(bad, of), part: tool });
    const held = lookedAt('release:x', [0, part('refund', 10, 10)], [5]);
    const at = NOW + 8 * MINUTE;
    expect(judgeBreaker(held, [part('lookup', 0, 40)], RULES, at).event).toBeNull();
    expect(judgeBreaker(held, [part('lookup', 0, 40), part('refund', 0, 3)], RULES, at).event).toBe('closed');
  });

  test('money is judged over the whole half-open time', () => {
    const spent = (bad: number, of: number): Reading => ({ metric: 'cost', part: null, bad, of, runs: 9 });
    const held = lookedAt('agent:a', [0, spent(9_000_000, 2_000_000)], [5]);
    const at = (minute: number, reading: Reading[]) =>
      judgeBreaker(held, reading, RULES, NOW + (5 + minute) * MINUTE).event;
    expect(at(5, [spent(900_000, 2_000_000)])).toBeNull();
    expect(at(10, [spent(400_000, 2_000_000)])).toBe('closed');
    expect(at(10, [spent(600_000, 2_000_000)])).toBe('opened');
    expect(at(10, [])).toBe('closed');
  });
});

describe('an operator’s word', () => {
  const word = (stands: 'open' | 'closed', untilMs: number | null = null) =>
    ({ stands, untilMs, by: 'olga', reason: 'knows better' }) as const;

  test('wins over everything that is read, until its time', () => {
    const forced = forceBreaker(newBreaker('tool:refund'), word('closed', NOW + 60 * MINUTE)).breaker;
    const all = [errors(50, 50)];
    expect(standing(forced)).toBe('closed');
    expect(judgeBreaker(forced, all, RULES, NOW + 59 * MINUTE)).toMatchObject({
      event: null,
      breaker: forced,
    });
    const over = judgeBreaker(forced, all, RULES, NOW + 60 * MINUTE);
    expect(over).toMatchObject({ event: 'released', breaker: { override: null, state: { kind: 'closed' } } });
  });

  test('taken back: what was held open is tried with a few first', () => {
    const forced = forceBreaker(newBreaker('fleet'), word('open')).breaker;
    expect(standing(forced)).toBe('open');
    const released = releaseBreaker(forced, RULES, NOW);
    expect(released).toMatchObject({
      event: 'released',
      breaker: { override: null, state: { kind: 'half_open' } },
    });
    expect(judgeBreaker(released.breaker, [], RULES, NOW + 10 * MINUTE).event).toBe('closed');
    expect(releaseBreaker(newBreaker('fleet'), RULES, NOW).event).toBeNull();
  });
});

describe('what is usual', () => {
  const history = (more: Partial<CostHistory> = {}): CostHistory => ({
    usual: [[10, 30, 20], [40, 40, 40], [], [], []],
    today: [0, 40, 0, 0, 0],
    trailing: [],
    ...more,
  });

  test('the middle of the same time on past days, in shares of the two hours', () => {
    expect(readCost(history(), 100, 0.25)).toEqual({ bad: 100, of: 35 });
    expect(
      readCost(history({ usual: [[1_000_000, 20, 20, 20], [20, 20, 20], [], [], []] }), 100, 1),
    ).toMatchObject({
      of: 20,
    });
  });

  test('else the mean of the hours before, else nothing can be said', () => {
    expect(readCost(history({ usual: [], today: [], trailing: [10, 20, 60] }), 100, 0.5)).toEqual({
      bad: 100,
      of: 30,
    });
    expect(readCost(history({ usual: [], today: [], trailing: [10, 20] }), 100, 0.5)).toEqual({
      bad: 100,
      of: 0,
    });
  });

  test('what hours before have left unspent is taken off; what they overspent gives nothing', () => {
    const usual = Array.from({ length: 5 }, () => [100, 100, 100]);
    expect(readCost({ usual, today: [0, 0, 0, 100, 100], trailing: [] }, 300, 0.5)).toEqual({
      bad: 150,
      of: 100,
    });
    expect(readCost({ usual, today: [0, 900, 900, 900, 900], trailing: [] }, 300, 0.5)).toEqual({
      bad: 300,
      of: 100,
    });
    expect(readCost({ usual, today: [0, 0, 0, 0, 0], trailing: [] }, 10, 0.5).bad).toBe(0);
  });
});

describe('words', () => {
  test('names', () => {
    expect(['fleet', 'tool:refund', 'tenant:a:b', 'model:x'].map(breakerKind)).toEqual([
      'fleet',
      'tool',
      'tenant',
      'model',
    ]);
    expect(['', 'tool:', 'tools:x', 'fleet:x', `tool:${'x'.repeat(300)}`].map(breakerKind)).toEqual(
      Array(5).fill(null),
    );
  });

  test('why, and when to come back', () => {
    expect(whyText({ kind: 'reading', reading: { ...errors(9, 10, 4), part: 'refund' } })).toBe(
      '9 of 10 calls failed (refund) (4 runs)',
    );
    expect(comeBackText(NOW)).toContain('after 2030-03-05 12:30 UTC');
    expect(comeBackText(null)).toContain('later');
  });
});

/** The rules again, said another way: as a table of what may follow what, and when. */
function reference(breaker: Breaker, readings: readonly Reading[], nowMs: number): BreakerEvent | null {
  const { state, override } = breaker;
  if (override !== null) return override.untilMs !== null && nowMs >= override.untilMs ? 'released' : null;
  const kind = breaker.name.split(':')[0] as never;
  const counts = (one: Reading) => RULES.metrics[one.metric].kinds.includes(kind);
  const tooMuch = readings.filter(counts).some(({ metric, bad, of, runs }) => {
    const { openAbove, minOf, minRuns } = RULES.metrics[metric];
    return runs >= minRuns && (metric === 'cost' ? bad : of) >= minOf && of > 0 && bad > openAbove * of;
  });
  if (state.kind === 'open') return nowMs >= state.untilMs ? 'half_open' : null;
  if (tooMuch) return 'opened';
  if (state.kind === 'closed') return null;
  const spanMs = nowMs - state.sinceMs;
  const end = spanMs >= RULES.halfOpenMs;
  if (state.why.kind === 'operator') return end ? 'closed' : null;
  const { metric, part } = state.why.reading;
  const { closeAt, proveMs } = RULES.metrics[metric];
  const mine = readings.filter(counts).find((one) => one.metric === metric && one.part === part);
  if (metric === 'cost') {
    if (!end) return null;
    return mine === undefined || mine.of === 0 || (mine.bad * 60 * MINUTE) / spanMs <= mine.of * closeAt
      ? 'closed'
      : 'opened';
  }
  if (mine === undefined || mine.of === 0)
    return end && state.taken > 0 ? 'half_open' : spanMs >= RULES.calmMs ? 'closed' : null;
  if (mine.bad / mine.of > closeAt) {
    if (end || mine.bad >= RULES.reopenedBy) return 'opened';
    return null;
  }
  return end || (spanMs >= proveMs && mine.of >= RULES.provenBy) ? 'closed' : null;
}

describe('random looks', () => {
  const SEED = Number(process.env.HOLDFAST_TEST_SEED ?? 20_300_305);
  const NAMES = ['fleet', 'agent:a', 'release:r', 'tool:t', 'model:m', 'tenant:x'];

  function play(seed: number, judge: typeof judgeBreaker): readonly string[] {
    const dice = random(seed);
    const pick = <Item>(list: readonly Item[]): Item => list[Math.floor(dice() * list.length)] as Item;
    const faults: string[] = [];
    let breaker = newBreaker(pick(NAMES));
    let nowMs = NOW;
    for (let i = 0; i < 60; i++) {
      nowMs += Math.floor(dice() * (dice() < 0.1 ? RULES.calmMs * 1.2 : 12 * MINUTE));
      const metrics = METRICS.filter(() => dice() < 0.3);
      const readings = metrics.map((metric: Metric): Reading => {
        const of = metric === 'cost' ? Math.floor(dice() * 4_000_000) : Math.floor(dice() * 40);
        const share = metric === 'cost' ? dice() * 4 : pick([0, dice(), 1]);
        const bad = Math.round(of * share);
        return {
          metric,
          part: dice() < 0.2 ? 'p' : null,
          bad,
          of,
          runs: Math.min(bad, Math.floor(dice() * 10)),
        };
      });
      const word = dice();
      if (word < 0.05)
        breaker = forceBreaker(breaker, {
          stands: pick(['open', 'closed'] as const),
          untilMs: dice() < 0.5 ? null : nowMs + Math.floor(dice() * 90 * MINUTE),
          by: 'olga',
          reason: 'chance',
        }).breaker;
      else if (word < 0.1) breaker = releaseBreaker(breaker, RULES, nowMs).breaker;
      if (breaker.state.kind === 'half_open' && dice() < 0.5)
        breaker = { ...breaker, state: { ...breaker.state, taken: Math.floor(dice() * 6) } };
      const before = breaker;
      const judged = judge(before, readings, RULES, nowMs);
      const wanted = reference(before, readings, nowMs);
      const say = (what: string) => faults.push(`look ${i} of ${before.name}: ${what}`);
      if (judged.event !== wanted) say(`${judged.event} instead of ${wanted}`);
      if (judged.event === null && JSON.stringify(judged.breaker) !== JSON.stringify(before))
        say('moved without a word');
      if (judge(before, [...readings].reverse(), RULES, nowMs).event !== judged.event)
        say('the order matters');
      const { state } = judged.breaker;
      if (state.kind === 'open' && judged.event === 'opened') {
        const openMs = state.untilMs - nowMs;
        if (openMs < RULES.openMs || openMs > RULES.openMaxMs) say(`open for ${openMs} ms`);
      }
      if (
        before.override !== null &&
        judged.event === null &&
        standing(judged.breaker) !== before.override.stands
      )
        say('an operator was overruled');
      breaker = judged.breaker;
    }
    return faults;
  }

  test(`5,000 breakers do what the reference says (seed ${SEED})`, () => {
    for (let i = 0; i < 5_000; i++) expect(play(SEED + i, judgeBreaker), `seed ${SEED + i}`).toEqual([]);
  });

  test.each([
    ['overrules operators', (b: Breaker) => ({ ...b, override: null })],
    ['never grows the time', (b: Breaker) => ({ ...b, opens: -5 })],
    ['forgets that it is half-open', (b: Breaker) => (b.state.kind === 'half_open' ? newBreaker(b.name) : b)],
  ])('a judge that %s is caught', (_, spoil) => {
    const bad: typeof judgeBreaker = (breaker, ...rest) => judgeBreaker(spoil(breaker), ...rest);
    const faults = Array.from({ length: 200 }, (__, i) => play(SEED + i, bad)).flat();
    expect(faults.length).toBeGreaterThan(0);
  });
});
