import { type CostHistory, readCost } from '../core/breakerCost.ts';
import { type BreakerRules, METRICS, type Reading } from '../core/breakerRules.ts';
import { LIMITS } from '../core/limits.ts';
import { time } from './breakers.ts';
import type { Sql } from './connection.ts';

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

/**
 * One pass. `item` is what is counted once: a call, an attempt, or for measures of conversations the run. A conversation
 * that came to people because somebody took it, or because nobody had decided in time, was no failure (B1).
 */
async function readRates(sql: Sql, rules: BreakerRules, nowMs: number): Promise<readonly Row[]> {
  const measured = METRICS.filter((metric) => metric !== 'cost').flatMap((metric) =>
    rules.metrics[metric].kinds.map((kind) => ({ metric, kind, windowMs: rules.metrics[metric].windowMs })),
  );
  const tools = rules.metrics.toolErrors;
  const longestMs = Math.max(...measured.map(({ windowMs }) => windowMs));
  return sql<Row[]>`
    with span as (select ${time(nowMs)}::text::timestamptz as upto,
        ${time(nowMs - longestMs)}::text::timestamptz as since),
    measured as (select * from jsonb_to_recordset(${JSON.stringify(measured)}::text::jsonb)
      as m(metric text, kind text, "windowMs" float8)),
    events as (
      select v.metric, c.at, c.run, 'c' || c.id as item, v.bad, c.agent, c.release, c.tenant, c.tool, null as model
      from span, call_outcomes c cross join lateral (values
        ('toolErrors', c.outcome = 'broke', c.outcome in ('answered', 'said_no', 'broke')),
        ('toolRefusals', c.outcome = 'said_no', c.outcome in ('answered', 'said_no', 'broke')),
        ('denials', c.outcome = 'denied', true),
        ('loops', c.outcome = 'looped', true)) as v(metric, bad, counts)
      where c.at > span.since and c.at <= span.upto and v.counts
      union all
      select 'toolErrors', e.settled_at, e.run, 'e' || e.key, true, e.agent, e.release, e.tenant, e.tool, null
      from span, effects e where e.state = 'unknown' and e.settled_at > span.since and e.settled_at <= span.upto
      union all
      select 'modelErrors', m.closed_at, m.run, 'm' || m.id,
        coalesce(m.failure = any(${[...MODEL_FAILURES]}), false), null, null, null, null, m.model
      from span, model_attempts m
      where m.closed_at > span.since and m.closed_at <= span.upto
        and (m.state = 'settled' or m.failure = any(${[...MODEL_FAILURES]}))
      union all
      select v.metric, m.closed_at, m.run, m.run, false, r.agent, r.release, r.tenant, null, null
      from span, model_attempts m join runs r on r.run = m.run
        cross join lateral (values ('escalations'), ('limitHits')) as v(metric)
      where m.state = 'settled' and m.closed_at > span.since and m.closed_at <= span.upto
      union all
      select 'escalations', r.ended_at, r.run, r.run, true, r.agent, r.release, r.tenant, null, null
      from span, runs r
      where r.outcome = 'escalated' and r.reason <> 'outage' and r.ended_at > span.since and r.ended_at <= span.upto
        and not exists (select from approvals a where a.run = r.run and a.state = 'expired')
        and not exists (select from audit h where h.run = r.run and h.event = 'steer_handOver')
      union all
      select 'limitHits', a.opened_at, a.run, a.run, true, r.agent, r.release, r.tenant, null, null
      from span, approvals a join runs r on r.run = a.run
      where a.kind = 'landing' and a.opened_at > span.since and a.opened_at <= span.upto),
    named as (
      select e.metric, e.at, e.run, e.item, e.bad, e.release, m."windowMs", case m.kind when 'fleet' then 'fleet'
        when 'agent' then 'agent:' || e.agent when 'release' then 'release:' || e.release
        when 'tool' then 'tool:' || e.tool when 'model' then 'model:' || e.model
        when 'tenant' then 'tenant:' || e.tenant end as name,
        case when m.kind = 'release' and m.metric = 'toolErrors' then e.tool end as part
      from events e join measured m on m.metric = e.metric
      where m.kind <> 'tool' or e.release not in (select substr(x.name, 9) from breakers x
        where x.name like 'release:%' and breaker_stands(x) <> 'closed')),
    tools as (
      select e.tool, e.release, count(*) as of, count(*) filter (where e.bad) as bad
      from span, events e
      where e.metric = 'toolErrors'
        and e.at > span.upto - ${tools.windowMs}::float8 * interval '1 millisecond'
      group by 1, 2),
    elsewhere as (
      select t.tool, t.release from tools t join tools o on o.tool = t.tool and o.release <> t.release
      group by 1, 2 having sum(o.of) >= ${tools.minOf} and sum(o.bad) <= ${tools.closeAt}::float8 * sum(o.of))
    select n.name, n.metric, n.part, count(distinct n.item) filter (where n.bad)::int as bad,
      count(distinct n.item)::int as of, count(distinct n.run) filter (where n.bad)::int as runs
    from span, named n left join breakers b on b.name = n.name
    where n.name is not null and length(n.name) <= ${LIMITS.breakerNameChars}
      and n.at > span.upto - n."windowMs" * interval '1 millisecond' and (b.since is null or n.at > b.since)
      and (n.part is null or b.state = 'half_open' or (n.part, n.release) in (select tool, release from elsewhere))
    group by n.name, n.metric, n.part, b.state
    having bool_or(n.bad) or b.state = 'half_open'
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
      select k.name, date_trunc('hour', m.closed_at, 'UTC'), sum(m.cost_micro_usd)
      from model_attempts m join runs r on r.run = m.run cross join lateral ${names(sql, kinds)}
      where m.closed_at >= ${time(hourMs - HOUR_MS)}::text::timestamptz
        and m.closed_at <= ${time(nowMs)}::text::timestamptz and k.name is not null
      group by 1, 2 having sum(m.cost_micro_usd) > 0
    on conflict (name, hour) do update set micro_usd = excluded.micro_usd
      where cost_hours.micro_usd <> excluded.micro_usd`;
  const spent = await sql<{ name: string; spent: number; runs: number }[]>`
    select k.name, sum(m.cost_micro_usd)::float8 as spent, count(distinct m.run)::int as runs
    from model_attempts m join runs r on r.run = m.run cross join lateral ${names(sql, kinds)}
      left join breakers b on b.name = k.name
    where m.closed_at > ${time(nowMs - windowMs)}::text::timestamptz
      and m.closed_at <= ${time(nowMs)}::text::timestamptz
      and k.name is not null and (b.since is null or m.closed_at > b.since)
    group by k.name, b.state having sum(m.cost_micro_usd) >= ${minOf} or b.state = 'half_open'
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
function names(sql: Sql, kinds: readonly string[]) {
  return sql`(select case kind when 'fleet' then 'fleet' when 'agent' then 'agent:' || r.agent
      when 'release' then 'release:' || r.release when 'tenant' then 'tenant:' || r.tenant
      when 'model' then 'model:' || m.model end as name
    from unnest(${[...kinds]}::text[]) kind) k`;
}
