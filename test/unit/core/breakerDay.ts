import { type CostHistory, readCost } from '../../../src/core/breakerCost.ts';
import { BREAKER_RULES, type Metric, type Reading } from '../../../src/core/breakerRules.ts';
import {
  type Breaker,
  type BreakerEvent,
  breakerKind,
  judgeBreaker,
  newBreaker,
  standing,
} from '../../../src/core/breakers.ts';

/**
 * A day of a small fleet, minute by minute: traffic by the hour, a tool that is down from 8:00 to 8:30, a bad release of a tool at 10:00 (rolled back at 12:30), a
 * cost runaway from 14:00 to 15:30, people who let everything wait from 16:00 to 21:00, a quiet night in which single
 * things fail. What breakers hold waits, and comes when they let it through.
 */
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

export interface DayCall {
  readonly atMs: number;
  readonly run: string;
  readonly agent: string;
  readonly release: string;
  readonly tenant: string;
  readonly tool: string;
  readonly outcome: 'answered' | 'said_no' | 'broke' | 'denied' | 'looped';
}

export interface DayAnswer extends Omit<DayCall, 'tool' | 'outcome'> {
  readonly costMicroUsd: number;
}

export interface DayEnd extends Omit<DayCall, 'tool' | 'outcome'> {
  readonly kind: 'completed' | 'escalated' | 'landed';
  /** It came to this because nobody had decided in time. */
  readonly waitedInVain: boolean;
}

export interface DayEvents {
  readonly calls: DayCall[];
  readonly answers: DayAnswer[];
  readonly ends: DayEnd[];
}

export interface Move {
  readonly minute: number;
  readonly name: string;
  readonly event: BreakerEvent;
  readonly metric: Metric | null;
}

/** Who keeps the events and moves the breakers: in memory below, in PostgreSQL in test/store/breakerDay.test.ts. */
export interface DayGovernor {
  record(events: DayEvents): Promise<void> | void;
  look(nowMs: number): Promise<readonly Omit<Move, 'minute'>[]> | readonly Omit<Move, 'minute'>[];
  /** Somebody was let through a half-open breaker. */
  take(name: string, run: string): Promise<void> | void;
  breakers(): Promise<readonly Breaker[]> | readonly Breaker[];
}

/** New runs a minute, by the hour. */
const TRAFFIC = [0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 1, 3, 5, 6, 6, 6, 6, 6, 6, 6, 6, 5, 4, 4, 3, 2, 1, 0.5];

export const usualMicroUsd = (hour: number, share: number): number =>
  Math.round((TRAFFIC[hour % 24] ?? 0) * 60 * share * 45_000);

/** Of all that is spent, what is usual for a name. */
export const SHARES: Readonly<Record<string, number>> = {
  fleet: 1,
  'agent:support': 0.8,
  'agent:sales': 0.2,
  ...Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`tenant:t${i}`, 1 / 6])),
};

export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface DayRun {
  readonly run: string;
  readonly agent: string;
  readonly tenant: string;
  release: string;
}

export async function playDay(options: {
  readonly governor: DayGovernor;
  readonly startMs: number;
  readonly seed: number;
  readonly stepMinutes?: number;
}): Promise<{ readonly moves: readonly Move[]; readonly heldAtEnd: number; readonly runs: number }> {
  const { governor, startMs, seed, stepMinutes = 1 } = options;
  const dice = random(seed);
  const chance = (share: number) => dice() < share;
  const moves: Move[] = [];
  let starting: DayRun[] = [];
  let acting: DayRun[] = [];
  const waiting: { readonly atMinute: number; readonly one: DayRun }[] = [];
  const passed = new Map<string, number>();
  const letIn = new Set<string>();
  let runs = 0;
  let owed = 0;

  for (let minute = 0; minute < 24 * 60; minute += stepMinutes) {
    const nowMs = startMs + minute * MINUTE_MS;
    const hour = minute / 60;
    const events: DayEvents = { calls: [], answers: [], ends: [] };
    const stand = new Map((await governor.breakers()).map((one) => [one.name, one]));
    const passes = async (run: string, names: readonly string[]): Promise<boolean> => {
      const found = names.flatMap((name) => stand.get(name) ?? []);
      if (found.some((one) => standing(one) === 'open')) return false;
      const at = ({ name, state }: Breaker) => `${name} ${state.sinceMs}`;
      // What a run does that was let in counts with the run.
      const half = found.filter((one) => standing(one) === 'half_open' && !letIn.has(`${at(one)} ${run}`));
      const left = ({ state }: Breaker) => (state.kind === 'half_open' ? state.probes : 0);
      if (half.some((one) => (passed.get(at(one)) ?? 0) >= left(one))) return false;
      for (const one of half) {
        passed.set(at(one), (passed.get(at(one)) ?? 0) + 1);
        letIn.add(`${at(one)} ${run}`);
        await governor.take(one.name, run);
      }
      return true;
    };
    const at = () => nowMs - Math.floor(dice() * stepMinutes * MINUTE_MS * 0.9);
    const down = minute >= 480 && minute < 510;
    const bad = minute >= 600 && minute < 750;
    const slow = minute >= 960 && minute < 1260;

    owed += (TRAFFIC[Math.floor(hour)] ?? 0) * stepMinutes;
    for (; owed >= 1; owed--) {
      const agent = chance(0.8) ? 'support' : 'sales';
      starting.push({ run: `d${runs++}`, agent, tenant: `t${Math.floor(dice() * 6)}`, release: '' });
    }
    const held: DayRun[] = [];
    for (const one of starting) {
      one.release = one.agent === 'sales' ? 'sales-1' : bad ? 'support-2' : 'support-1';
      const entry = ['fleet', `agent:${one.agent}`, `release:${one.release}`, `tenant:${one.tenant}`];
      if (!(await passes(one.run, entry))) {
        held.push(one);
        continue;
      }
      const runaway = one.agent === 'sales' && minute >= 840 && minute < 930;
      const base = { run: one.run, agent: one.agent, release: one.release, tenant: one.tenant };
      events.answers.push({
        ...base,
        atMs: at(),
        costMicroUsd: (20_000 + dice() * 20_000) * (runaway ? 5 : 1),
      });
      events.calls.push({
        ...base,
        atMs: at(),
        tool: 'lookup',
        outcome: chance(0.96) ? 'answered' : chance(0.5) ? 'broke' : 'denied',
      });
      acting.push(one);
    }
    starting = held;

    const stillActing: DayRun[] = [];
    for (const one of acting) {
      const base = { run: one.run, agent: one.agent, release: one.release, tenant: one.tenant };
      const names = [
        'fleet',
        `agent:${one.agent}`,
        `release:${one.release}`,
        `tenant:${one.tenant}`,
        'tool:refund',
      ];
      if (one.agent === 'support') {
        if (slow && chance(0.5)) {
          waiting.push({ atMinute: minute + 60 + Math.floor(dice() * 120), one });
          continue;
        }
        if (!(await passes(one.run, names))) {
          stillActing.push(one);
          continue;
        }
        const broken = one.release === 'support-2' || down ? 0.9 : 0.02;
        const outcome = chance(broken) ? 'broke' : chance(0.15) ? 'said_no' : 'answered';
        events.calls.push({ ...base, atMs: at(), tool: 'refund', outcome });
      }
      events.answers.push({ ...base, atMs: at(), costMicroUsd: 10_000 + dice() * 10_000 });
      const kind = chance(0.05) ? 'escalated' : chance(0.05) ? 'landed' : 'completed';
      events.ends.push({ ...base, atMs: at(), kind, waitedInVain: false });
    }
    acting = stillActing;
    for (const { one } of waiting.filter(
      ({ atMinute }) => atMinute <= minute && atMinute > minute - stepMinutes,
    )) {
      const base = { run: one.run, agent: one.agent, release: one.release, tenant: one.tenant };
      // Nobody has decided: the model is told, and gives most of them to people.
      events.answers.push({ ...base, atMs: at(), costMicroUsd: 10_000 });
      events.ends.push({
        ...base,
        atMs: at(),
        kind: chance(0.7) ? 'escalated' : 'completed',
        waitedInVain: true,
      });
    }
    await governor.record(events);
    for (const move of await governor.look(nowMs)) moves.push({ ...move, minute });
  }
  return { moves, heldAtEnd: starting.length + acting.length, runs };
}

/** Keeps everything in memory, and reads it by the words of the readings rather than by their SQL. */
export function memoryGovernor(options: {
  readonly startMs: number;
  /** A planted fault: whoever waited for people in vain counts as escalated. */
  readonly countsWaiting?: boolean;
  /** A planted fault: another judge. */
  readonly judge?: typeof judgeBreaker;
}): DayGovernor {
  const { startMs, countsWaiting = false, judge = judgeBreaker } = options;
  const all: DayEvents = { calls: [], answers: [], ends: [] };
  const breakers = new Map<string, Breaker>();
  /** By name and hour. */
  const spending = new Map<string, number>();
  const keep = (events: DayEvents) => {
    for (const { atMs, agent, tenant, costMicroUsd } of events.answers)
      for (const name of ['fleet', `agent:${agent}`, `tenant:${tenant}`]) {
        const key = `${name} ${Math.floor((atMs - startMs) / HOUR_MS)}`;
        spending.set(key, (spending.get(key) ?? 0) + costMicroUsd);
      }
    all.calls.push(...events.calls);
    all.answers.push(...events.answers);
    all.ends.push(...events.ends);
  };
  const forget = (nowMs: number) => {
    for (const list of [all.calls, all.answers, all.ends] as { readonly atMs: number }[][])
      list.splice(
        0,
        Math.max(
          0,
          list.findIndex((one) => one.atMs > nowMs - HOUR_MS),
        ),
      );
  };
  return {
    record: keep,
    breakers: () => [...breakers.values()],
    take: (name) => {
      const one = breakers.get(name);
      if (one?.state.kind === 'half_open')
        breakers.set(name, { ...one, state: { ...one.state, taken: one.state.taken + 1 } });
    },
    look: (nowMs) => {
      forget(nowMs);
      const suspects = new Set(
        [...breakers.values()].flatMap((one) =>
          standing(one) !== 'closed' && one.name.startsWith('release:') ? [one.name.slice(8)] : [],
        ),
      );
      const others = (release: string, tool: string) => {
        const { windowMs, minOf, closeAt } = BREAKER_RULES.metrics.toolErrors;
        const calls = all.calls.filter(
          (one) =>
            one.atMs > nowMs - windowMs &&
            one.tool === tool &&
            one.release !== release &&
            one.outcome !== 'denied',
        );
        const broke = calls.filter((one) => one.outcome === 'broke').length;
        return calls.length >= minOf && broke <= closeAt * calls.length;
      };
      const tally = new Map<
        string,
        { bad: Set<string>; of: Set<string>; runs: Set<string>; spent: number }
      >();
      const add = (
        metric: Metric,
        one: DayAnswer | DayCall | DayEnd,
        item: string,
        bad: boolean,
        spent = 0,
      ) => {
        const { kinds, windowMs } = BREAKER_RULES.metrics[metric];
        const tool = 'tool' in one ? one.tool : null;
        for (const kind of kinds) {
          const value = {
            fleet: '',
            agent: one.agent,
            release: one.release,
            tenant: one.tenant,
            tool,
            model: null,
          }[kind];
          if (value === null) continue;
          const name = kind === 'fleet' ? 'fleet' : `${kind}:${value}`;
          const since = breakers.get(name)?.state.sinceMs ?? Number.NEGATIVE_INFINITY;
          if (one.atMs <= nowMs - windowMs || one.atMs > nowMs || one.atMs <= since) continue;
          if (kind === 'tool' && suspects.has(one.release)) continue;
          const part = kind === 'release' && metric === 'toolErrors' ? tool : null;
          const key = JSON.stringify([name, metric, part]);
          const sums = tally.get(key) ?? { bad: new Set(), of: new Set(), runs: new Set(), spent: 0 };
          tally.set(key, sums);
          sums.of.add(item);
          sums.spent += spent;
          if (bad) sums.bad.add(item);
          if (bad) sums.runs.add(one.run);
        }
      };
      all.calls.forEach((one) => {
        const item = `${one.run} ${one.tool} ${one.atMs}`;
        if (one.outcome !== 'denied' && one.outcome !== 'looped') {
          add('toolErrors', one, item, one.outcome === 'broke');
          add('toolRefusals', one, item, one.outcome === 'said_no');
        }
        add('denials', one, item, one.outcome === 'denied');
        add('loops', one, item, one.outcome === 'looped');
      });
      for (const one of all.answers) {
        add('escalations', one, one.run, false);
        add('limitHits', one, one.run, false);
        add('cost', one, one.run, true, one.costMicroUsd);
      }
      for (const one of all.ends) {
        if (one.kind === 'escalated' && (countsWaiting || !one.waitedInVain))
          add('escalations', one, one.run, true);
        if (one.kind === 'landed') add('limitHits', one, one.run, true);
      }
      const hour = (nowMs - startMs) / HOUR_MS;
      const moves: Omit<Move, 'minute'>[] = [];
      const readings = new Map<string, Reading[]>([...breakers.keys()].map((name) => [name, []]));
      for (const [key, { bad, of: every, runs, spent }] of tally) {
        const [name, metric, part] = JSON.parse(key) as [string, Metric, string | null];
        const isHalf = breakers.get(name)?.state.kind === 'half_open';
        if (part !== null && !isHalf && !others(name.slice('release:'.length), part)) continue;
        const counted =
          metric === 'cost'
            ? readCost(historyOf(name, hour, spending), spent, hour % 1)
            : { bad: bad.size, of: every.size };
        readings.set(name, [...(readings.get(name) ?? []), { metric, part, ...counted, runs: runs.size }]);
      }
      for (const [name, mine] of readings) {
        const judgement = judge(breakers.get(name) ?? newBreaker(name), mine, BREAKER_RULES, nowMs);
        if (judgement.event === null) continue;
        breakers.set(name, judgement.breaker);
        moves.push({ name, event: judgement.event, metric: metricOf(judgement.breaker) });
      }
      return moves;
    },
  };
}

export function metricOf({ state }: Breaker): Metric | null {
  return state.kind === 'closed' || state.why.kind === 'operator' ? null : state.why.reading.metric;
}

/** Seven days like this one went before. */
function historyOf(name: string, hour: number, spending: ReadonlyMap<string, number>): CostHistory {
  const back = [0, 1, 2, 3, 4].map((one) => Math.floor(hour) - one);
  const usual = (h: number) => usualMicroUsd((h + 24) % 24, SHARES[name] ?? 0);
  return {
    usual: back.map((h) => Array.from({ length: 7 }, () => usual(h))),
    today: back.map((h) => (h < 0 ? usual(h) : (spending.get(`${name} ${h}`) ?? 0))),
    trailing: [],
  };
}

/** What must be true of the day; everything that is not, in words. */
export function dayFaults(moves: readonly Move[]): readonly string[] {
  const faults: string[] = [];
  const opened = moves.filter(({ event }) => event === 'opened');
  const between = (name: string, from: number, to: number) =>
    opened.filter((one) => one.name === name && one.minute >= from && one.minute < to);
  if (between('tool:refund', 480, 510).length < 1) faults.push('the tool that was down was not held');
  if (between('release:support-2', 600, 630).length < 1) faults.push('the bad release was not held');
  if (between('agent:sales', 840, 900).length < 1) faults.push('the cost runaway was not held');
  for (const { name, minute, metric } of opened) {
    // What a breaker holds comes later, and an hour of money remembers for an hour.
    const expected =
      (name === 'tool:refund' && metric === 'toolErrors' && minute >= 480 && minute < 540) ||
      (name === 'release:support-2' && metric === 'toolErrors' && minute >= 600) ||
      (name === 'agent:sales' && metric === 'cost' && minute >= 840 && minute < 990);
    if (!expected) faults.push(`${name} opened at minute ${minute} for ${metric}`);
    if (breakerKind(name) === null) faults.push(`${name} is no name`);
  }
  for (const name of new Set(moves.map((one) => one.name))) {
    const mine = moves.filter((one) => one.name === name);
    // Nobody runs the bad release any more but those who are pinned to it.
    if (mine.at(-1)?.event !== 'closed' && name !== 'release:support-2')
      faults.push(`${name} is not closed when the day ends`);
    if (mine.filter(({ event }) => event === 'opened').length > 7) faults.push(`${name} flaps`);
    mine.forEach((one, i) => {
      const next = mine[i + 1];
      if (one.event === 'closed' && next !== undefined && next.minute - one.minute < 5)
        faults.push(`${name} flaps at minute ${next.minute}`);
    });
  }
  return faults;
}
