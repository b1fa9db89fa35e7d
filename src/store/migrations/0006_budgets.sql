-- Money and rate: caps over windows, what is reserved and spent in them, limits of starts and tool calls.
-- Windows are UTC, by the database's clock. No cap, no limit, and nothing is counted.
--
-- M1. A call is reserved in every scope that caps it, or in none; what is reserved and spent never passes a cap.
-- M2. The windows of an attempt are those of its reservation, whenever it ends.
-- M3. What a window says is the sum of its attempts: each counts with what it has reserved while it is open, and with its
--     cost from then on (`settle_windows` moves the difference).
-- M4. Order of locks: the run's (advisory), attempts, the run's row, windows. Windows come last, in one order, and the row
--     that everybody shares comes last of all.

create table budgets (
  kind           text not null check (kind in ('run', 'user', 'tenant', 'agent', 'fleet')),
  -- `*` is every one; a subject of its own comes before it.
  subject        text not null check (subject <> ''),
  cap_micro_usd  bigint not null check (cap_micro_usd >= 0),
  at_cap         text not null check (at_cap in ('degrade', 'ask', 'land', 'wait')),
  degrade_to     text check (degrade_to in ('small', 'standard')),
  set_by         text not null,
  set_at         timestamptz not null default clock_timestamp(),
  primary key (kind, subject),
  check (kind <> 'fleet' or subject = '*'),
  -- The window of a run never turns.
  check (kind <> 'run' or at_cap <> 'wait'),
  check ((degrade_to is not null) = (at_cap = 'degrade'))
);

-- `grant:RUN/SCOPE` is what a person allowed one run on top of a cap: only there `allowed` is set.
create table budget_windows (
  scope         text collate "C" not null,
  window_start  timestamptz not null,
  allowed       bigint,
  reserved      bigint not null default 0,
  spent         bigint not null default 0,
  primary key (scope, window_start)
) with (fillfactor = 50);

alter table model_attempts
  add column scopes         text[] not null default '{}',
  add column window_starts  timestamptz[] not null default '{}',
  -- What it counts with in its windows at the moment.
  add column held_micro_usd    bigint not null default 0,
  add column booked_micro_usd  bigint not null default 0;
create index model_attempts_open on model_attempts (expires_at) where state = 'open';

create type budget_cap as (
  scope text, starts timestamptz, ends timestamptz, cap bigint, at_cap text, degrade_to text
);

-- A user belongs to a tenant, where there is one.
create function user_subject(p_tenant text, p_requester text) returns text language sql immutable as $$
  select case when p_tenant is null then replace(p_requester, '/', '%2F')
    else replace(p_tenant, '/', '%2F') || '/' || replace(p_requester, '/', '%2F') end
$$;

-- The caps that apply to a run now, with their windows.
create function caps_of(p_run text, p_agent text, p_requester text, p_tenant text) returns setof budget_cap
language sql volatile as $$
  select distinct on (s.kind)
    (case s.kind when 'fleet' then 'fleet' else s.kind || ':' || s.subject end, s.starts, s.ends, b.cap_micro_usd,
      b.at_cap, b.degrade_to)::budget_cap
  from (select clock_timestamp() as t) now
  cross join lateral (values
    ('run', p_run, 'epoch'::timestamptz, 'infinity'::timestamptz),
    ('user', user_subject(p_tenant, p_requester), date_trunc('day', t, 'UTC'), date_trunc('day', t, 'UTC') + interval '24 hours'),
    ('tenant', p_tenant, date_trunc('day', t, 'UTC'), date_trunc('day', t, 'UTC') + interval '24 hours'),
    ('agent', p_agent, date_trunc('day', t, 'UTC'), date_trunc('day', t, 'UTC') + interval '24 hours'),
    ('fleet', '*', date_trunc('hour', t, 'UTC'), date_trunc('hour', t, 'UTC') + interval '1 hour')
  ) as s(kind, subject, starts, ends)
  join budgets b on b.kind = s.kind and b.subject in (s.subject, '*')
  where s.subject is not null
  order by s.kind, b.subject = '*'
$$;

-- Where a scope stands in the order of locks.
create function scope_place(p_scope text) returns integer language sql immutable as $$
  select array_position(array['grant', 'run', 'user', 'tenant', 'agent', 'fleet'], split_part(p_scope, ':', 1))
$$;

create function grant_scope(p_run text, p_scope text) returns text language sql immutable as $$
  select 'grant:' || p_run || '/' || p_scope
$$;

-- Locks windows in the one order (M4), making those that are new.
create function lock_windows(p_scopes text[], p_starts timestamptz[]) returns void language plpgsql as $$
declare
  w record;
begin
  for w in
    select distinct scope_place(u.scope) as place, u.scope collate "C" as scope, u.starts
    from unnest(p_scopes, p_starts) as u(scope, starts) order by 1, 2, 3
  loop
    perform from budget_windows b where b.scope = w.scope and b.window_start = w.starts for update;
    if not found then
      insert into budget_windows (scope, window_start) values (w.scope, w.starts) on conflict do nothing;
      perform from budget_windows b where b.scope = w.scope and b.window_start = w.starts for update;
    end if;
  end loop;
end $$;

create type budget_move as (scope text, starts timestamptz, reserved bigint, spent bigint);

-- Brings the windows of attempts in line with their states (M3). The caller holds the attempts' rows, and takes no
-- other lock after this.
create function settle_windows(p_attempts bigint[]) returns void language plpgsql as $$
declare
  moves budget_move[];
begin
  select array_agg(d) into moves from (
    select w.scope, w.starts,
      sum(case m.state when 'open' then m.reserved_micro_usd else 0 end - m.held_micro_usd)::bigint as reserved,
      sum(case m.state when 'open' then 0 else m.cost_micro_usd end - m.booked_micro_usd)::bigint as spent
    from model_attempts m cross join lateral unnest(m.scopes, m.window_starts) as w(scope, starts)
    where m.id = any(p_attempts) group by 1, 2) d;
  if moves is null then return; end if;
  update model_attempts m set
      held_micro_usd = case m.state when 'open' then m.reserved_micro_usd else 0 end,
      booked_micro_usd = case m.state when 'open' then 0 else m.cost_micro_usd end
    where m.id = any(p_attempts);
  perform lock_windows(array(select d.scope from unnest(moves) d), array(select d.starts from unnest(moves) d));
  update budget_windows b set reserved = b.reserved + d.reserved, spent = b.spent + d.spent
    from unnest(moves) d where b.scope = d.scope and b.window_start = d.starts;
end $$;

-- What each cap says to a call, once its windows are locked. A cap that no window could ever fit is not waited for.
create function judge_caps(p_caps budget_cap[], p_run text, p_needs bigint)
returns table (scope text, starts timestamptz, ends timestamptz, degrade_to text, does text, fits boolean,
  granted boolean)
language sql volatile as $$
  select c.scope, c.starts, c.ends, c.degrade_to,
    case when c.at_cap = 'wait' and p_needs > c.cap then 'land' else c.at_cap end,
    w.reserved + w.spent + p_needs <= c.cap,
    coalesce(g.reserved + g.spent + p_needs <= g.allowed, false)
  from unnest(p_caps) c
    join budget_windows w on w.scope = c.scope and w.window_start = c.starts
    left join budget_windows g on g.scope = grant_scope(p_run, c.scope) and g.window_start = c.starts
$$;

-- Reserves an attempt that was just made in every window that caps it, and books those before it. p_needs: what must fit
-- (the call, and the landing after it). Null: it is reserved. Else the cap that it does not fit under, the least
-- forgiving one first; then nothing is reserved.
create function reserve_budgets(p_attempt bigint, p_lost bigint[], p_needs bigint, p_run text, p_agent text,
  p_requester text, p_tenant text)
returns jsonb language plpgsql as $$
declare
  caps budget_cap[];
  locked_scopes text[];
  locked_starts timestamptz[];
  over jsonb;
begin
  select array_agg(c) into caps from caps_of(p_run, p_agent, p_requester, p_tenant) c;
  select array_agg(l.scope), array_agg(l.starts) into locked_scopes, locked_starts from (
    select c.scope, c.starts from unnest(caps) c
    union all
    select b.scope, b.window_start from unnest(caps) c
      join budget_windows b on b.scope = grant_scope(p_run, c.scope) and b.window_start = c.starts
    union all
    select w.scope, w.starts from model_attempts m
      cross join lateral unnest(m.scopes, m.window_starts) as w(scope, starts) where m.id = any(p_lost)) l;
  if locked_scopes is null then return null; end if;
  perform lock_windows(locked_scopes, locked_starts);
  perform settle_windows(p_lost);
  select jsonb_build_object('scope', j.scope, 'atCap', j.does, 'degradeTo', j.degrade_to,
      'startMs', (extract(epoch from j.starts) * 1000)::bigint,
      'untilMs', case when j.ends = 'infinity' then null else (extract(epoch from j.ends) * 1000)::bigint end)
    into over
    from judge_caps(caps, p_run, p_needs) j where not j.fits and not j.granted
    order by array_position(array['land', 'ask', 'wait', 'degrade'], j.does), j.ends desc limit 1;
  if over is not null then return over; end if;
  update model_attempts m set scopes = l.scopes, window_starts = l.starts from (
      select coalesce(array_agg(n.scope), '{}') as scopes, coalesce(array_agg(n.starts), '{}') as starts from (
        select j.scope, j.starts from judge_caps(caps, p_run, p_needs) j
        union all
        select grant_scope(p_run, j.scope), j.starts from judge_caps(caps, p_run, p_needs) j where not j.fits) n) l
    where m.id = p_attempt;
  perform settle_windows(array[p_attempt]);
  return null;
end $$;

-- One helping on top of a cap for one run, in one window, by a person's word on a request; a word counts once. Takes the
-- run's lock, so it comes first in its transaction.
create function take_grant(p_run text, p_grant jsonb) returns void language plpgsql as $$
declare
  told boolean;
begin
  if p_grant is null then return; end if;
  select exists (select from audit a
    where a.run = p_run and a.event = 'budget_granted' and a.key = p_grant ->> 'approval') into told;
  if told then return; end if;
  perform lock_run(p_run);
  select exists (select from audit a
    where a.run = p_run and a.event = 'budget_granted' and a.key = p_grant ->> 'approval') into told;
  if told then return; end if;
  insert into budget_windows as b (scope, window_start, allowed)
    values (grant_scope(p_run, p_grant ->> 'scope'), to_timestamp((p_grant ->> 'startMs')::bigint / 1000.0),
      (p_grant ->> 'microUsd')::bigint)
    on conflict (scope, window_start) do update set allowed = b.allowed + excluded.allowed;
  perform audit_append(p_run, 'budget_granted', p_grant ->> 'approval', p_grant - 'approval');
end $$;

-- Books reservations whose attempts never came back and had no successor: those that have expired, or all of one run that
-- is gone. All that they had reserved counts as spent; an answer that comes after all puts its real cost in their place.
create function book_attempts(p_run text, p_limit integer) returns integer language plpgsql as $$
declare
  ids bigint[];
  of_runs text[];
begin
  with due as (
    select m.id from model_attempts m
    where m.state = 'open' and case when p_run is null then m.expires_at < clock_timestamp() else m.run = p_run end
    order by m.expires_at limit p_limit for update skip locked
  ), booked as (
    update model_attempts m
      set state = 'booked_unknown', cost_micro_usd = m.reserved_micro_usd, closed_at = clock_timestamp()
      from due where m.id = due.id returning m.id, m.run
  ) select array_agg(b.id), array_agg(distinct b.run) into ids, of_runs from booked b;
  if ids is null then return 0; end if;
  perform from runs r where r.run = any(of_runs) order by r.run for update;
  -- `updated_at` stays: that a reservation expired is no sign of life.
  update runs r set cost_micro_usd = (select coalesce(sum(m.cost_micro_usd), 0) from model_attempts m where m.run = r.run)
    where r.run = any(of_runs);
  perform settle_windows(ids);
  return cardinality(ids);
end $$;

-- Sets a cap, or changes one. Audited in the chain `budgets`. It counts what is reserved from now on.
create function set_budget(p_kind text, p_subject text, p_cap bigint, p_at_cap text, p_degrade_to text, p_by text,
  p_reason text)
returns void language plpgsql as $$
begin
  perform lock_run('budgets');
  insert into budgets (kind, subject, cap_micro_usd, at_cap, degrade_to, set_by)
    values (p_kind, p_subject, p_cap, p_at_cap, p_degrade_to, p_by)
    on conflict (kind, subject) do update set cap_micro_usd = excluded.cap_micro_usd, at_cap = excluded.at_cap,
      degrade_to = excluded.degrade_to, set_by = excluded.set_by, set_at = clock_timestamp();
  perform audit_append('budgets', 'budget_set', p_kind || ':' || p_subject, jsonb_build_object('by', p_by,
    'reason', p_reason, 'capMicroUsd', p_cap, 'atCap', p_at_cap, 'degradeTo', p_degrade_to));
end $$;

-- Returns false when there was none.
create function clear_budget(p_kind text, p_subject text, p_by text, p_reason text) returns boolean
language plpgsql as $$
begin
  perform lock_run('budgets');
  delete from budgets where kind = p_kind and subject = p_subject;
  if not found then return false; end if;
  perform audit_append('budgets', 'budget_cleared', p_kind || ':' || p_subject,
    jsonb_build_object('by', p_by, 'reason', p_reason));
  return true;
end $$;

-- Rates: how often a run may start and a tool may be called. `starts:user`, `starts:tenant`, one of them with `:SUBJECT`, or
-- `tool:NAME`. A window is a minute or a day (UTC), or the whole run.
create table rates (
  name        text primary key check (name ~ '^(starts:(user|tenant)(:.+)?|tool:.+)$'),
  per_run     integer check (per_run >= 0),
  per_minute  integer check (per_minute >= 0),
  per_day     integer check (per_day >= 0),
  set_by      text not null,
  set_at      timestamptz not null default clock_timestamp(),
  check (coalesce(per_run, per_minute, per_day) is not null),
  check (per_run is null or name like 'tool:%')
);

create table rate_windows (
  scope         text collate "C" not null,
  window_start  timestamptz not null,
  -- After this nobody asks for it any more.
  ends_at       timestamptz not null,
  uses          integer not null default 0,
  primary key (scope, window_start)
) with (fillfactor = 50);
create index rate_windows_ended on rate_windows (ends_at);

-- What has been counted in a window: a call by its key, a start by its run. They are as many as the window lets through.
create table rate_uses (
  scope         text collate "C" not null,
  window_start  timestamptz not null,
  used_by       text not null,
  primary key (scope, window_start, used_by),
  foreign key (scope, window_start) references rate_windows on delete cascade
);

create type rate_limit as (scope text, starts timestamptz, ends timestamptz, most integer);

-- The windows of one subject in which something is limited.
create function rate_limits(p_scope text, p_run text, p_per_run integer, p_per_minute integer, p_per_day integer)
returns setof rate_limit language sql volatile as $$
  select (w.scope, w.starts, w.ends, w.most)::rate_limit
  from (select clock_timestamp() as t) now
  cross join lateral (values
    (p_scope || '/run ' || p_run, 'epoch'::timestamptz, 'infinity'::timestamptz, p_per_run),
    (p_scope || '/minute', date_trunc('minute', t, 'UTC'), date_trunc('minute', t, 'UTC') + interval '1 minute', p_per_minute),
    (p_scope || '/day', date_trunc('day', t, 'UTC'), date_trunc('day', t, 'UTC') + interval '24 hours', p_per_day)
  ) as w(scope, starts, ends, most)
  where w.most is not null
$$;

-- Counts one use in every window, or in none. p_used_by: who comes; whoever comes again (an attempt after another one, a
-- workflow task that is repeated) was counted. Null: it was counted. Else the window that is full; of several the one that
-- opens last.
create function take_rates(p_limits rate_limit[], p_used_by text) returns jsonb language plpgsql as $$
declare
  l rate_limit;
  uncounted rate_limit[] := '{}';
  why_not jsonb;
begin
  if coalesce(cardinality(p_limits), 0) = 0 then return null; end if;
  for l in select u.* from unnest(p_limits) u order by u.scope collate "C", u.starts loop
    insert into rate_windows (scope, window_start, ends_at)
      values (l.scope, l.starts, case when l.ends = 'infinity' then clock_timestamp() + interval '100 days' else l.ends end)
      on conflict do nothing;
    if found then
      delete from rate_uses u where u.scope = l.scope and u.window_start < l.starts;
    end if;
    perform from rate_windows w where w.scope = l.scope and w.window_start = l.starts for update;
    if not exists (select from rate_uses u
      where u.scope = l.scope and u.window_start = l.starts and u.used_by = p_used_by) then
      uncounted := uncounted || l;
    end if;
  end loop;
  select jsonb_build_object('scope', u.scope, 'limit', u.most,
      'comeBackAtMs', case when u.ends = 'infinity' then null else (extract(epoch from u.ends) * 1000)::bigint end)
    into why_not
    from unnest(uncounted) u join rate_windows w on w.scope = u.scope and w.window_start = u.starts
    where w.uses >= u.most order by u.ends desc limit 1;
  if why_not is not null then return why_not; end if;
  update rate_windows w set uses = w.uses + 1
    from unnest(uncounted) u where w.scope = u.scope and w.window_start = u.starts;
  insert into rate_uses (scope, window_start, used_by) select u.scope, u.starts, p_used_by from unnest(uncounted) u;
  return null;
end $$;

-- Why a run must not begin yet; null when it may (it is counted then), or has begun: it has its release then. One that a
-- breaker holds is in the lists already, and has not.
create function refuse_start(p_run text, p_requester text, p_tenant text) returns jsonb language plpgsql as $$
declare
  limits rate_limit[];
begin
  if exists (select from runs r where r.run = p_run and (r.release is not null or r.ended_at is not null)) then
    return null;
  end if;
  select array_agg(l) into limits
    from (values ('starts:user', user_subject(p_tenant, p_requester)), ('starts:tenant', p_tenant)) as s(kind, subject)
    cross join lateral (
      select r.per_minute, r.per_day from rates r where r.name in (s.kind, s.kind || ':' || s.subject)
      order by r.name = s.kind limit 1) r
    cross join lateral rate_limits(s.kind || ':' || s.subject, p_run, null, r.per_minute, r.per_day) l
    where s.subject is not null;
  return take_rates(limits, p_run);
end $$;

-- One call of a tool, by its key. p_own: what its author declared, {perRun, perMinute, perDay}; the tighter one counts.
create function take_tool_rate(p_run text, p_key text, p_tool text, p_own jsonb) returns jsonb language plpgsql as $$
declare
  limits rate_limit[];
begin
  select array_agg(l) into limits
    from (select 1) one left join rates r on r.name = 'tool:' || p_tool
    cross join lateral rate_limits('tool:' || p_tool, p_run, least(r.per_run, (p_own ->> 'perRun')::integer),
      least(r.per_minute, (p_own ->> 'perMinute')::integer), least(r.per_day, (p_own ->> 'perDay')::integer)) l;
  return take_rates(limits, p_key);
end $$;

-- Sets a limit, or changes one. Audited in the chain `rates`.
create function set_rate(p_name text, p_per_run integer, p_per_minute integer, p_per_day integer, p_by text,
  p_reason text)
returns void language plpgsql as $$
begin
  perform lock_run('rates');
  insert into rates (name, per_run, per_minute, per_day, set_by)
    values (p_name, p_per_run, p_per_minute, p_per_day, p_by)
    on conflict (name) do update set per_run = excluded.per_run, per_minute = excluded.per_minute,
      per_day = excluded.per_day, set_by = excluded.set_by, set_at = clock_timestamp();
  perform audit_append('rates', 'rate_set', p_name, jsonb_build_object('by', p_by, 'reason', p_reason,
    'perRun', p_per_run, 'perMinute', p_per_minute, 'perDay', p_per_day));
end $$;

-- Returns false when there was none.
create function clear_rate(p_name text, p_by text, p_reason text) returns boolean language plpgsql as $$
begin
  perform lock_run('rates');
  delete from rates where name = p_name;
  if not found then return false; end if;
  perform audit_append('rates', 'rate_cleared', p_name, jsonb_build_object('by', p_by, 'reason', p_reason));
  return true;
end $$;

-- The sweeper: runs that nobody has touched for long are looked at, one after another (store/sweep.ts).
alter table runs add column looked_at timestamptz;
create index runs_open on runs (namespace_id, coalesce(looked_at, '-infinity'), run) where ended_at is null;

-- What becomes of the effects of a run that is gone: an attempt that said it did not act is closed, of every other nobody
-- knows, and what it says late is evidence. Null, and nothing changed, while an attempt may still act.
create function close_lost_effects(p_run text) returns integer language plpgsql as $$
declare
  e effects;
  unknown integer := 0;
begin
  if exists (select from effects f where f.run = p_run and f.state = 'claimed' and f.lease_until > clock_timestamp()) then
    return null;
  end if;
  for e in select * from effects f where f.run = p_run and f.state = 'claimed' order by f.key for update loop
    update effects set state = case when e.clean then 'void' else 'unknown' end, settled_at = clock_timestamp()
      where key = e.key;
    perform audit_append(p_run, case when e.clean then 'effect_void' else 'effect_unknown' end, e.key,
      jsonb_build_object('fence', e.fence, 'why', 'its run was terminated'));
    unknown := unknown + case when e.clean then 0 else 1 end;
  end loop;
  return unknown;
end $$;
