-- Breakers: which stand open, what they are judged by, and what holds effects and new runs back. Who opens and closes
-- them is the governor (core/breakers.ts judges, store/governor.ts writes).

create table breakers (
  name             text primary key check (name = 'fleet' or name ~ '^(agent|release|tool|model|tenant):.'),
  -- Counts the changes: whoever judged an older version changes nothing.
  version          integer not null,
  state            text not null check (state in ('closed', 'open', 'half_open')),
  since            timestamptz,
  until            timestamptz,
  -- How many a half-open breaker lets through.
  probes           integer not null default 0,
  opens            integer not null,
  -- JSON, see `Why`, and the same in words; null while it is closed.
  why              text,
  reason           text,
  -- An operator's word, in force until the governor takes it back.
  override         text check (override in ('open', 'closed')),
  override_until   timestamptz,
  override_by      text,
  override_reason  text
);

create function breaker_stands(b breakers) returns text language sql immutable as $$
  select coalesce(b.override, b.state)
$$;

-- What a half-open breaker has let through since it is half-open: a call by its key, a new run by its id.
create table breaker_probes (
  name     text not null,
  version  integer not null,
  probe    text not null,
  primary key (name, version, probe)
);

-- How calls ended, for the readings: written with the answer that takes their results in, and forgotten after hours.
create table call_outcomes (
  id       bigint generated always as identity primary key,
  at       timestamptz not null default clock_timestamp(),
  run      text not null,
  agent    text not null,
  release  text not null,
  tenant   text,
  tool     text not null,
  outcome  text not null check (outcome in ('answered', 'said_no', 'broke', 'denied', 'looped', 'other'))
);
create index call_outcomes_at on call_outcomes (at);

-- Money by name and hour, for what is usual.
create table cost_hours (
  name       text not null,
  hour       timestamptz not null,
  micro_usd  bigint not null,
  primary key (name, hour)
);
create index cost_hours_hour on cost_hours (hour);

-- When the governor looked last.
create table governor (
  one      boolean primary key default true check (one),
  ran_at   timestamptz not null,
  changes  integer not null
);

-- What held a run when it was last held, for those who wake it; null once it was told.
alter table runs add column held_by text;
create index runs_held_by on runs (held_by, updated_at) where state = 'held' and held_by is not null;
create index runs_escalated on runs (ended_at) where outcome = 'escalated';
create index model_attempts_closed on model_attempts (closed_at);
create index effects_unknown on effects (settled_at) where state = 'unknown';
create index approvals_landings on approvals (opened_at) where kind = 'landing';

-- What a breaker that holds something back says of itself.
create function held_by(b breakers) returns table (held text, facts jsonb, until timestamptz) language sql stable as $$
  select 'breaker:' || b.name, jsonb_build_object('switch', 'breaker:' || b.name, 'version', b.version,
      'by', coalesce(b.override_by, 'holdfast'), 'reason', coalesce(b.override_reason, b.reason)),
    case when b.override is null then b.until else b.override_until end
$$;

-- Which of these breakers holds this back; no row: none does. `p_probe` names what would be let through: it counts once
-- for each breaker and half-open time, however often it comes, and what a run does that was let in counts with the run.
create function pass_breakers(p_names text[], p_run text, p_probe text)
returns table (held text, facts jsonb, until timestamptz) language plpgsql as $$
declare
  b breakers;
  granted breakers[] := '{}';
begin
  -- Most of the time there is nothing, and no lock is taken.
  if not exists (select from breakers x where x.name = any(p_names) and breaker_stands(x) <> 'closed') then
    return;
  end if;
  select * into b from breakers x where x.name = any(p_names) and breaker_stands(x) = 'open' order by x.name limit 1;
  if found then
    return query select * from held_by(b);
    return;
  end if;
  -- In one order, so that two claims never wait in a circle.
  for b in select * from breakers x where x.name = any(p_names) and breaker_stands(x) <> 'closed'
    order by x.name for update loop
    if breaker_stands(b) = 'open' then
      return query select * from held_by(b);
      return;
    end if;
    if exists (select from breaker_probes p
      where p.name = b.name and p.version = b.version and p.probe in (p_probe, p_run)) then
      continue;
    end if;
    if (select count(*) from breaker_probes p where p.name = b.name and p.version = b.version) >= b.probes then
      return query select * from held_by(b);
      return;
    end if;
    granted := granted || b;
  end loop;
  insert into breaker_probes (name, version, probe) select g.name, g.version, p_probe from unnest(granted) g;
end $$;

-- Where a channel points, and whether a run may begin now. A run that has begun is not asked again. What is held is in
-- the lists from then on, and audited once for each breaker that held it.
create function admit_run(p_run text, p_workflow_id text, p_namespace_id text, p_agent text, p_requester text, p_tenant text,
  p_channel text)
returns table (release text, held text, until timestamptz) language plpgsql as $$
declare
  pointed text;
  broken record;
begin
  select c.release into pointed from channels c where c.agent = p_agent and c.channel = p_channel;
  if pointed is null or not exists (select from breakers x where breaker_stands(x) <> 'closed')
    or exists (select from runs r where r.run = p_run and (r.release is not null or r.ended_at is not null)) then
    return query select pointed, null::text, null::timestamptz;
    return;
  end if;
  perform lock_run(p_run);
  select * into broken from pass_breakers(
    array['fleet', 'agent:' || p_agent, 'release:' || pointed, 'tenant:' || p_tenant], p_run, p_run);
  if broken.held is null then
    return query select pointed, null::text, null::timestamptz;
    return;
  end if;
  insert into runs as r (run, workflow_id, namespace_id, agent, requester, tenant, state, held_by)
    values (p_run, p_workflow_id, p_namespace_id, p_agent, p_requester, p_tenant, 'held', broken.held)
    on conflict (run) do update set state = 'held', held_by = excluded.held_by, updated_at = now();
  perform audit_once(p_run, 'run_held', '', broken.facts);
  return query select pointed, broken.held::text, broken.until::timestamptz;
end $$;

-- One change of a breaker, from the version that was judged. False: somebody else has changed it since.
create function write_breaker(p_name text, p_version integer, p_state text, p_since timestamptz, p_until timestamptz,
  p_probes integer, p_opens integer, p_why text, p_reason text, p_override text, p_override_until timestamptz, p_override_by text,
  p_override_reason text, p_event text, p_facts jsonb) returns boolean
language plpgsql as $$
begin
  perform lock_run('breakers');
  if p_version = 0 then
    insert into breakers (name, version, state, since, until, probes, opens, why, reason, override, override_until,
        override_by, override_reason)
      values (p_name, 1, p_state, p_since, p_until, p_probes, p_opens, p_why, p_reason, p_override, p_override_until,
        p_override_by, p_override_reason)
      on conflict do nothing;
  else
    update breakers set version = p_version + 1, state = p_state, since = p_since, until = p_until, probes = p_probes,
        opens = p_opens, why = p_why, reason = p_reason, override = p_override, override_until = p_override_until,
        override_by = p_override_by, override_reason = p_override_reason
      where name = p_name and version = p_version;
  end if;
  if not found then
    return false;
  end if;
  delete from breaker_probes where name = p_name and version <= p_version;
  perform audit_append('breakers', 'breaker_' || p_event, p_name, p_facts);
  return true;
end $$;

-- People hear of every change in how a breaker stands, and of every word of an operator.
create function notice_of_breaker() returns trigger language plpgsql as $$
begin
  perform insert_notice('breakers', 'breaker.' || case breaker_stands(new) when 'open' then 'opened' else breaker_stands(new) end,
    null, jsonb_build_object('breaker', new.name, 'state', breaker_stands(new), 'forced', new.override is not null,
      'by', coalesce(new.override_by, 'holdfast'), 'why', coalesce(new.override_reason, new.reason),
      'until', iso_time(case when new.override is null then new.until else new.override_until end)));
  return null;
end $$;
create trigger breaker_began after insert on breakers
  for each row when (breaker_stands(new) <> 'closed' or new.override is not null) execute function notice_of_breaker();
create trigger breaker_changed after update on breakers
  for each row when (breaker_stands(new) <> breaker_stands(old) or new.override is distinct from old.override
    or new.override_until is distinct from old.override_until) execute function notice_of_breaker();
