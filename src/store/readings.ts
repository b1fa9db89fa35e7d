import { type CostHistory, readCost } from '../core/breakerCost.ts';
import { type BreakerRules, METRICS, type Metric, type Reading } from '../core/breakerRules.ts';
import { LIMITS } from '../core/limits.ts';
import { time } from './breakers.ts';
import { part, type Sql } from './connection.ts';

// What breakers are judged by, read from what is in the store anyway: how calls and model attempts ended, how runs ended,
// what was spent. B4: of every name only what happened since its breaker last changed.

const HOUR_MS = 3_600_000;

/** Readings by name. A half-open breaker gets one as soon as anything happened, every other one once something was bad. */
export async function readReadings(
  sql: Sql,
  rules: BreakerRules,
  nowMs: number,
): Promise<ReadonlyMap<string, readonly Reading[]>> {
  const rows = [...(await readRates(sql, rules, nowMs)), ...(await readCosts(sql, rules, nowMs))];
  const byName = new Map<string, Reading[]>();
  for (const { name, ...reading } of rows) byName.set(name, [...(byName.get(name) ?? []), reading]);
  return byName;
}

type Row = Reading & { readonly name: string };

/** Measures of conversations: each counts once, however much it did. */
const PER_RUN: readonly Metric[] = ['escalations', 'limitHits'];
const PER_CALL: readonly Metric[] = ['toolErrors', 'toolRefusals', 'denials', 'loops'];

/**
 * One pass. A conversation that came to people because somebody took it, or because nobody had decided in time, was no
 * failure (B1).
 */
async function readRates(sql: Sql, rules: BreakerRules, nowMs: number): Promise<readonly Row[]> {
  const measured = METRICS.filter((metric) => metric !== 'cost').flatMap((metric) =>
    rules.metrics[metric].kinds.map((kind) => ({
      metric,
      kind,
      since: time(nowMs - rules.metrics[metric].windowMs),
      perRun: PER_RUN.includes(metric),
    })),
  );
  const since = (metrics: readonly Metric[]) =>
    part`${time(nowMs - Math.max(...metrics.map((metric) => rules.metrics[metric].windowMs)))}::text::timestamptz`;
  const upto = part`${time(nowMs)}::text::timestamptz`;
  const tools = rules.metrics.toolErrors;
  return sql<Row[]>`
    with measured as (select * from jsonb_to_recordset(${JSON.stringify(measured)}::text::jsonb)
      as m(metric text, kind text, since timestamptz, "perRun" boolean)),
    calls as (
      select at, run, agent, release, tenant, tool, outcome from call_outcomes
      where at > ${since(PER_CALL)} and at <= ${upto}
      union all
      select settled_at, run, agent, release, tenant, tool, 'broke' from effects
      where state = 'unknown' and settled_at > ${since(PER_CALL)} and settled_at <= ${upto}),
    served as (
      select m.run, max(m.closed_at) as at from model_attempts m
      where m.state = 'settled' and m.closed_at > ${since(PER_RUN)} and m.closed_at <= ${upto} group by m.run),
    events as (
      select v.metric, c.at, c.run, v.bad, c.agent, c.release, c.tenant, c.tool, null as model
      from calls c cross join lateral (values
        ('toolErrors', c.outcome = 'broke', c.outcome in ('answered', 'said_no', 'broke')),
        ('toolRefusals', c.outcome = 'said_no', c.outcome in ('answered', 'said_no', 'broke')),
        ('denials', c.outcome = 'denied', true),
        ('loops', c.outcome = 'looped', true)) as v(metric, bad, counts)
      where v.counts
      union all
      select 'modelErrors', m.closed_at, m.run, coalesce(m.failure = any(${[...MODEL_FAILURES]}), false),
        null, null, null, null, m.model
      from model_attempts m
      where m.closed_at > ${since(['modelErrors'])} and m.closed_at <= ${upto}
        and (m.state = 'settled' or m.failure = any(${[...MODEL_FAILURES]}))
      union all
      select v.metric, s.at, s.run, false, r.agent, r.release, r.tenant, null, null
      from served s join runs r on r.run = s.run
        cross join lateral (select unnest(${[...PER_RUN]}::text[]) as metric) v
      union all
      select 'escalations', r.ended_at, r.run, true, r.agent, r.release, r.tenant, null, null
      from runs r
      where r.outcome = 'escalated' and r.reason <> 'outage'
        and r.ended_at > ${since(['escalations'])} and r.ended_at <= ${upto}
        and not exists (select from approvals a where a.run = r.run and a.state = 'expired')
        and not exists (select from audit h where h.run = r.run and h.event = 'steer_handOver')
      union all
      select 'limitHits', a.opened_at, a.run, true, r.agent, r.release, r.tenant, null, null
      from approvals a join runs r on r.run = a.run
      where a.kind = 'landing' and a.opened_at > ${since(['limitHits'])} and a.opened_at <= ${upto}),
    named as (
      select e.metric, e.at, e.run, e.bad, e.release, m.since, m."perRun", case m.kind when 'fleet' then 'fleet'
        when 'agent' then 'agent:' || e.agent when 'release' then 'release:' || e.release
        when 'tool' then 'tool:' || e.tool when 'model' then 'model:' || e.model
        when 'tenant' then 'tenant:' || e.tenant end as name,
        case when m.kind = 'release' and m.metric = 'toolErrors' then e.tool end as part
      from events e join measured m on m.metric = e.metric
      where m.kind <> 'tool' or e.release not in (select substr(x.name, 9) from breakers x
        where x.name like 'release:%' and breaker_stands(x) <> 'closed')),
    tools as (
      select c.tool, c.release, count(*) as of, count(*) filter (where c.outcome = 'broke') as bad
      from calls c
      where c.outcome in ('answered', 'said_no', 'broke') and c.at > ${since(['toolErrors'])}
      group by 1, 2),
    elsewhere as (
      select t.tool, t.release from tools t join tools o on o.tool = t.tool and o.release <> t.release
      group by 1, 2 having sum(o.of) >= ${tools.minOf} and sum(o.bad) <= ${tools.closeAt}::float8 * sum(o.of)),
    runs_of as (
      select n.name, n.metric, n.part, n."perRun", n.run, b.state, count(*) as n,
        count(*) filter (where n.bad) as bad
      from named n left join breakers b on b.name = n.name
      where n.name is not null and length(n.name) <= ${LIMITS.breakerNameChars}
        and n.at > n.since and (b.since is null or n.at > b.since)
        and (n.part is null or b.state = 'half_open' or (n.part, n.release) in (select tool, release from elsewhere))
      group by n.name, n.metric, n.part, n."perRun", n.run, b.state)
    select name, metric, part,
      sum(case when "perRun" then least(bad, 1) else bad end)::int as bad,
      sum(case when "perRun" then 1 else n end)::int as of, count(*) filter (where bad > 0)::int as runs
    from runs_of
    group by name, metric, part, state having sum(bad) > 0 or state = 'half_open'
    order by 4 desc, 1, 2, 3 limit ${LIMITS.breakerReadings}`;
}

/** Failures that speak of the model's service. Of ours, or of our accounts, no other model would heal. */
const MODEL_FAILURES = [
  'model_overloaded',
  'model_unavailable',
  'model_timeout',
  'model_stalled',
  'model_garbled',
];

async function readCosts(sql: Sql, rules: BreakerRules, nowMs: number): Promise<readonly Row[]> {
  const { kinds, windowMs, minOf } = rules.metrics.cost;
  const hourMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  await sql`
    insert into cost_hours (name, hour, micro_usd)
      select k.name, m.hour, sum(m.cost)
      from (
        select run, model, date_trunc('hour', closed_at, 'UTC') as hour, sum(cost_micro_usd) as cost
        from model_attempts
        where closed_at >= ${time(hourMs - HOUR_MS)}::text::timestamptz
          and closed_at <= ${time(nowMs)}::text::timestamptz and cost_micro_usd > 0
        group by 1, 2, 3) m
        join runs r on r.run = m.run cross join lateral ${names(kinds)}
      where k.name is not null group by 1, 2
    on conflict (name, hour) do update set micro_usd = excluded.micro_usd
      where cost_hours.micro_usd <> excluded.micro_usd`;
  // By run first: what is spent on each side of a breaker's last change is told apart for those that changed lately only.
  const spent = await sql<{ name: string; spent: number; runs: number }[]>`
    with changed as (select name, since, state from breakers
        where since > ${time(nowMs - windowMs)}::text::timestamptz or state = 'half_open'),
      sums as (
        select m.run, m.model, max(c.since) as since, sum(m.cost_micro_usd) as cost
        from model_attempts m
          left join lateral (select since from changed where since < m.closed_at order by since desc limit 1) c on true
        where m.closed_at > ${time(nowMs - windowMs)}::text::timestamptz
          and m.closed_at <= ${time(nowMs)}::text::timestamptz and m.cost_micro_usd > 0
        group by m.run, m.model, c.since)
    select k.name, sum(m.cost)::float8 as spent, count(distinct m.run)::int as runs
    from sums m join runs r on r.run = m.run cross join lateral ${names(kinds)}
      left join changed b on b.name = k.name
    where k.name is not null and (b.since is null or m.since >= b.since)
    group by k.name, b.state having sum(m.cost) >= ${minOf} or b.state = 'half_open'
    order by 2 desc limit ${LIMITS.breakerReadings}`;
  const hours = await readHours(
    sql,
    spent.map(({ name }) => name),
    hourMs,
  );
  const intoHour = (nowMs - hourMs) / HOUR_MS;
  return spent.map(({ name, spent: inAnHour, runs }) => ({
    name,
    metric: 'cost',
    part: null,
    ...readCost(historyOf(hours.get(name) ?? new Map(), hourMs), inAnHour, intoHour),
    runs,
  }));
}

/** Micro-dollars by hour, of each of these names. */
async function readHours(
  sql: Sql,
  spenders: readonly string[],
  hourMs: number,
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  if (spenders.length === 0) return new Map();
  const rows = await sql<{ name: string; hours: number[]; spent: number[] }[]>`
    select name, array_agg((extract(epoch from hour) * 1000)::float8) as hours, array_agg(micro_usd::float8) as spent
    from cost_hours
    where name = any(${[...spenders]}::text[]) and hour < ${time(hourMs)}::text::timestamptz
      and (hour >= ${time(hourMs - LIMITS.baselineHoursMax * HOUR_MS)}::text::timestamptz
        or hour = any(${wantedHours(hourMs).map(time)}::text[]::timestamptz[]))
    group by name`;
  return new Map(
    rows.map(({ name, hours, spent }) => [name, new Map(hours.map((at, i) => [at, spent[i] ?? 0]))]),
  );
}

const DAYS_BACK = Array.from({ length: LIMITS.baselineDaysMax }, (_, i) => i + 1);
const HOURS_BACK = Array.from({ length: LIMITS.unspentHours }, (_, i) => i);

/** The same hours of past days. */
function wantedHours(hourMs: number): readonly number[] {
  return HOURS_BACK.flatMap((back) => DAYS_BACK.map((days) => hourMs - (back + 24 * days) * HOUR_MS));
}

function historyOf(spent: ReadonlyMap<number, number>, hourMs: number): CostHistory {
  const at = (back: number) => spent.get(hourMs - back * HOUR_MS) ?? 0;
  const isSpent = (microUsd: number) => microUsd > 0;
  return {
    usual: HOURS_BACK.map((back) => DAYS_BACK.map((days) => at(back + 24 * days)).filter(isSpent)),
    today: HOURS_BACK.map(at),
    trailing: Array.from({ length: LIMITS.baselineHoursMax }, (_, i) => at(i + 1)).filter(isSpent),
  };
}

/** The names that a run `r` spends under. */
function names(kinds: readonly string[]) {
  return part`(select case kind when 'fleet' then 'fleet' when 'agent' then 'agent:' || r.agent
      when 'release' then 'release:' || r.release when 'tenant' then 'tenant:' || r.tenant
      when 'model' then 'model:' || m.model end as name
    from unnest(${[...kinds]}::text[]) kind) k`;
}
