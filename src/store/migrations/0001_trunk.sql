-- The trunk: releases, runs, the conversation chain, the effect ledger, approvals, the audit chain.
-- Times of leases and deadlines are the database's; nobody else's clock counts.

create table releases (
  hash        text primary key,
  agent       text not null,
  body        text not null,
  created_at  timestamptz not null default now()
);

create table channels (
  agent       text not null,
  channel     text not null,
  release     text not null references releases (hash),
  moved_by    text not null,
  moved_at    timestamptz not null default now(),
  primary key (agent, channel)
);

create table runs (
  run             text primary key,
  workflow_id     text not null,
  -- The id that the engine gave its namespace: a name like `default` is that of many servers. Null: nobody knows.
  namespace_id    text,
  agent           text not null,
  release         text references releases (hash),
  requester       text not null,
  tenant          text,
  state           text not null,
  outcome         text,
  reason          text,
  step            integer not null default 0,
  tokens          bigint not null default 0,
  cost_micro_usd  bigint not null default 0,
  head            text,
  started_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  ended_at        timestamptz
);
create index runs_updated on runs (updated_at desc);
create index runs_workflow on runs (workflow_id);

-- The conversation: a hash-linked chain per run. Orphans (late answers of lost attempts) are nodes nobody points to.
create table nodes (
  run         text not null,
  hash        text not null,
  seq         integer not null,
  parent      text not null,
  role        text not null,
  body        text not null,
  -- The model that was asked for it; null for what no model said. Only that model may read its thinking.
  model       text,
  created_at  timestamptz not null default now(),
  primary key (run, hash)
);
create index nodes_order on nodes (run, seq);

create table blobs (
  run         text not null,
  hash        text not null,
  body        text not null,
  created_at  timestamptz not null default now(),
  primary key (run, hash)
);

-- The first stored answer of a step is the answer.
create table answers (
  run         text not null,
  step        integer not null,
  purpose     text not null,
  attempt     bigint not null,
  result      text not null,
  created_at  timestamptz not null default now(),
  primary key (run, step, purpose)
);

-- One row per try at the model: reserved before, settled after, booked by its successor when it never came back.
create table model_attempts (
  id                  bigint generated always as identity primary key,
  run                 text not null,
  step                integer not null,
  purpose             text not null,
  state               text not null check (state in ('open', 'settled', 'booked_unknown', 'released', 'orphan')),
  model               text not null,
  reserved_micro_usd  bigint not null,
  cost_micro_usd      bigint not null default 0,
  usage               text,
  request_id          text,
  failure             text,
  opened_at           timestamptz not null default clock_timestamp(),
  expires_at          timestamptz not null,
  closed_at           timestamptz
);
create index model_attempts_step on model_attempts (run, step, purpose);

create table effects (
  key              text primary key,
  run              text not null,
  tool             text not null,
  release          text not null,
  args_hash        text not null,
  mode             text not null check (mode in ('keyed', 'checkable', 'never')),
  state            text not null check (state in ('claimed', 'applied', 'refused', 'unknown', 'void')),
  generation       integer not null default 1,
  fence            integer not null default 1,
  -- The lease of an attempt that said it did not act: whoever comes next may simply run.
  clean            boolean not null default false,
  -- An attempt before this one may have acted, and nobody has looked: a word of this attempt cannot make it clean.
  doubt            boolean not null default false,
  lease_until      timestamptz not null,
  approval         text,
  -- For whom it is done, and what it would be the first of; null and empty where it was closed before any attempt.
  agent            text,
  tenant           text,
  classes          text[] not null default '{}',
  result           text,
  claimed_at       timestamptz not null default clock_timestamp(),
  settled_at       timestamptz
);
create index effects_run on effects (run);

-- What attempts reported after they had lost their lease, and what checks and people said.
create table evidence (
  id          bigint generated always as identity primary key,
  key         text not null,
  fence       integer not null,
  kind        text not null,
  facts       text not null,
  at          timestamptz not null default clock_timestamp()
);
create index evidence_key on evidence (key);

create table approvals (
  id            text primary key,
  run           text not null,
  workflow_id   text not null,
  kind          text not null check (kind in ('call', 'question', 'reconcile', 'landing', 'pause')),
  state         text not null
    check (state in ('open', 'approved', 'rejected', 'answered', 'expired', 'withdrawn', 'void')),
  key           text not null,
  tool          text,
  args_hash     text,
  tier          text,
  amount        text,
  payee         text,
  summary       text not null,
  reason        text not null,
  -- The model's own words, shown as a quotation.
  quote         text,
  rule          text,
  taint         text not null,
  release       text,
  requester     text not null,
  requester_may text not null check (requester_may in ('not', 'too', 'only')),
  -- JSON {people, roles}; escalation adds to it.
  approvers     text not null,
  quorum        integer not null,
  terms         text,
  -- What the terms were when it was asked before.
  former_terms  text,
  evidence      text,
  opened_at     timestamptz not null,
  deadline      timestamptz not null,
  on_expiry     text not null check (on_expiry in ('reject', 'escalate')),
  decision      text,
  decided_at    timestamptz
);
create index approvals_open on approvals (deadline) where state = 'open';
create index approvals_run on approvals (run);

create table handovers (
  run         text primary key,
  queue       text not null,
  summary     text not null,
  done        text not null,
  not_done    text not null,
  evidence    text not null,
  opened_at   timestamptz not null default now(),
  accepted_by text,
  accepted_at timestamptz
);

-- Kill switches: fleet, agent:NAME, tool:NAME, tenant:ID. A switch that is set holds effects back; it refuses none.
create table switches (
  name    text primary key check (name = 'fleet' or name ~ '^(agent|tool|tenant):.'),
  reason  text not null,
  set_by  text not null,
  set_at  timestamptz not null default now()
);

-- A hash-linked chain per run. A row that was edited, removed or slipped in breaks every later hash.
create table audit (
  run     text not null,
  seq     integer not null,
  at_us   bigint not null,
  event   text not null,
  key     text not null,
  facts   text not null,
  hash    text not null,
  primary key (run, seq)
);

-- Taken first by everything that writes an audit row of a run: one order of locks, so no deadlock between a claim, a
-- settle and the recording of decisions.
create function lock_run(p_run text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtextextended(p_run, 1))
$$;

-- The gate before every effect. Claims pass it together; whoever sets a switch or revokes a rule takes it alone. What was
-- closed before a claim passed is seen by it, and once the closing has returned, every claim that passed before is on
-- record. Always taken after `lock_run`. A claim sees what was committed while it waited because every statement of a
-- function has its own snapshot, which is so in READ COMMITTED only.
create function pass_gate() returns void language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'effects are claimed in READ COMMITTED only, this transaction is %: a switch could be overlooked',
      upper(current_setting('transaction_isolation'));
  end if;
  perform pg_advisory_xact_lock_shared(7263012);
end $$;

create function close_gate() returns void language sql as $$
  select pg_advisory_xact_lock(7263012)
$$;

create function audit_append(p_run text, p_event text, p_key text, p_facts jsonb) returns void
language plpgsql as $$
declare
  last_seq integer;
  last_hash text;
  now_us bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  perform lock_run(p_run);
  select seq, hash into last_seq, last_hash from audit where run = p_run order by seq desc limit 1;
  last_seq := coalesce(last_seq, 0) + 1;
  insert into audit (run, seq, at_us, event, key, facts, hash)
  values (p_run, last_seq, now_us, p_event, p_key, p_facts::text,
    encode(sha256(convert_to(
      concat_ws(E'\n', coalesce(last_hash, p_run), last_seq, now_us, p_event, p_key, p_facts::text), 'UTF8')), 'hex'));
end $$;

-- The same, for what may be told again: a row that says exactly this is there once.
create function audit_once(p_run text, p_event text, p_key text, p_facts jsonb) returns void
language plpgsql as $$
begin
  perform lock_run(p_run);
  if not exists (select from audit h
    where h.run = p_run and h.event = p_event and h.key = p_key and h.facts = p_facts::text) then
    perform audit_append(p_run, p_event, p_key, p_facts);
  end if;
end $$;

-- Whether an attempt at this step never came back: its answer may still come.
create function is_unanswered(p_run text, p_step integer, p_purpose text) returns boolean language sql volatile as $$
  select exists (select from model_attempts m where m.run = p_run and m.step = p_step and m.purpose = p_purpose
    and m.state = 'booked_unknown' and m.failure is null)
$$;

-- Before a model call. kind: answered (`stored` is the answer that stands) | ended (the run is over: nothing more is
-- reserved or spent) | opened (this attempt's worst case is reserved) | over_limit (it is not: the run has cost too much) |
-- over_budget (it is not, and `detail` names the cap) | refused_start (the run must not begin yet, and nothing was written).
-- A predecessor that never came back is booked. p_most_spent: what the run may have cost before this, attempts that were
-- lost and failed included; p_needs: what has to fit under every cap; p_grant: what a person allowed on top of one
-- (0006_budgets.sql).
create function open_attempt(
  p_run text, p_step integer, p_purpose text, p_model text, p_reserve bigint, p_ttl_ms bigint,
  p_workflow_id text, p_namespace_id text, p_agent text, p_requester text, p_tenant text, p_release text,
  p_most_spent bigint, p_needs bigint, p_grant jsonb
) returns table (kind text, attempt bigint, stored text, lost_micro_usd bigint, detail jsonb)
language plpgsql as $$
declare
  found_result text;
  over_at timestamptz;
  spent bigint;
  lost bigint;
  lost_ids bigint[];
  new_id bigint;
  why_not jsonb;
begin
  select a.result into found_result from answers a
    where a.run = p_run and a.step = p_step and a.purpose = p_purpose;
  if found then
    return query select 'answered', null::bigint, found_result, 0::bigint, null::jsonb;
    return;
  end if;
  why_not := refuse_start(p_run, p_requester, p_tenant);
  if why_not is not null then
    return query select 'refused_start', null::bigint, null::text, 0::bigint, why_not;
    return;
  end if;
  perform take_grant(p_run, p_grant);
  with booked as (
    update model_attempts m
      set state = 'booked_unknown', cost_micro_usd = m.reserved_micro_usd, closed_at = clock_timestamp()
      where m.run = p_run and m.step = p_step and m.purpose = p_purpose and m.state = 'open' returning m.id
  ) select array_agg(b.id) into lost_ids from booked b;
  -- The row's lock puts this before or after the end of the run, never beside it.
  insert into runs (run, workflow_id, namespace_id, agent, release, requester, tenant, state)
    values (p_run, p_workflow_id, p_namespace_id, p_agent, p_release, p_requester, p_tenant, 'running')
    on conflict (run) do update set release = excluded.release, updated_at = now(),
      state = case when runs.ended_at is null then 'running' else runs.state end,
      cost_micro_usd = (select coalesce(sum(m.cost_micro_usd), 0) from model_attempts m where m.run = p_run)
    returning ended_at, cost_micro_usd into over_at, spent;
  if over_at is not null then
    perform settle_windows(lost_ids);
    return query select 'ended', null::bigint, null::text, 0::bigint, null::jsonb;
    return;
  end if;
  if spent > p_most_spent then
    perform settle_windows(lost_ids);
    return query select 'over_limit', null::bigint, null::text, 0::bigint,
      jsonb_build_object('unanswered', is_unanswered(p_run, p_step, p_purpose));
    return;
  end if;
  select coalesce(sum(m.cost_micro_usd), 0) into lost from model_attempts m
    where m.run = p_run and m.step = p_step and m.purpose = p_purpose;
  insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, expires_at)
    values (p_run, p_step, p_purpose, 'open', p_model, p_reserve, clock_timestamp() + p_ttl_ms * interval '1 millisecond')
    returning id into new_id;
  why_not := reserve_budgets(new_id, lost_ids, p_needs, p_run, p_agent, p_requester, p_tenant);
  if why_not is not null then
    delete from model_attempts where id = new_id;
    return query select 'over_budget', null::bigint, null::text, 0::bigint,
      why_not || jsonb_build_object('unanswered', is_unanswered(p_run, p_step, p_purpose));
    return;
  end if;
  return query select 'opened', new_id, null::text, lost, null::jsonb;
end $$;

-- After a model call: chain, arguments, answer, usage and settlement in one statement. False: another attempt's
-- answer stands already; this one is kept as an orphan with its cost booked.
create function commit_answer(
  p_run text, p_step integer, p_purpose text, p_attempt bigint, p_result text, p_cost bigint, p_usage text,
  p_request_id text, p_tokens bigint, p_state text, p_head text,
  p_node_hash text[], p_node_seq integer[], p_node_parent text[], p_node_role text[], p_node_body text[],
  p_node_model text[], p_blob_hash text[], p_blob_body text[], p_notes jsonb
) returns boolean
language plpgsql as $$
declare
  first boolean;
  note jsonb;
begin
  -- Before any row: the one order of locks.
  if jsonb_array_length(p_notes) > 0 then
    perform lock_run(p_run);
  end if;
  insert into answers (run, step, purpose, attempt, result) values (p_run, p_step, p_purpose, p_attempt, p_result)
    on conflict do nothing;
  first := found;
  insert into nodes (run, hash, seq, parent, role, body, model)
    select p_run, n.hash, n.seq, n.parent, n.role, n.body, n.model
    from unnest(p_node_hash, p_node_seq, p_node_parent, p_node_role, p_node_body, p_node_model)
      as n(hash, seq, parent, role, body, model)
    on conflict do nothing;
  insert into blobs (run, hash, body)
    select p_run, b.hash, b.body from unnest(p_blob_hash, p_blob_body) as b(hash, body)
    on conflict do nothing;
  update model_attempts set state = case when first then 'settled' else 'orphan' end, cost_micro_usd = p_cost,
      usage = p_usage, request_id = p_request_id, closed_at = clock_timestamp()
    where id = p_attempt;
  -- What was lost and what came too late was paid for all the same. A late answer does not reopen an ended run.
  update runs set
      state = case when first and ended_at is null then p_state else state end,
      step = case when first then p_step else step end,
      head = case when first then p_head else head end,
      tokens = tokens + case when first then p_tokens else 0 end,
      cost_micro_usd = (select coalesce(sum(m.cost_micro_usd), 0) from model_attempts m where m.run = p_run),
      updated_at = now()
    where run = p_run;
  if first then
    for note in select * from jsonb_array_elements(p_notes) loop
      perform audit_append(p_run, 'guard_' || (note ->> 'kind'), '', note || jsonb_build_object('step', p_step, 'purpose', p_purpose));
    end loop;
  end if;
  perform settle_windows(array[p_attempt]);
  return first;
end $$;

-- Closes a try that failed. p_cost: what it was billed for; null where nobody can know, and then all that it had reserved.
-- The run's row follows, since no answer may come after this.
create function close_attempt(
  p_attempt bigint, p_state text, p_cost bigint, p_usage text, p_request_id text, p_failure text
) returns void
language plpgsql as $$
declare
  of_run text;
begin
  update model_attempts set state = p_state, cost_micro_usd = coalesce(p_cost, reserved_micro_usd), usage = p_usage,
      request_id = p_request_id, failure = p_failure, closed_at = clock_timestamp()
    where id = p_attempt and state = 'open' returning run into of_run;
  if not found then return; end if;
  update runs set updated_at = now(),
      cost_micro_usd = (select coalesce(sum(m.cost_micro_usd), 0) from model_attempts m where m.run = of_run)
    where run = of_run;
  perform settle_windows(array[p_attempt]);
end $$;

-- Records the decisions on approvals; the first one stands. An approval may teach a rule for calls like this one.
-- Returns how the row stands afterwards.
create function decide_approval(p_id text, p_state text, p_decision jsonb, p_decided_at timestamptz)
returns approvals language plpgsql as $$
declare
  row approvals;
begin
  update approvals set state = p_state, decision = p_decision::text, decided_at = p_decided_at
    where id = p_id and state = 'open' returning * into row;
  if found then
    perform audit_append(row.run, 'approval_' || p_state, row.key, jsonb_build_object('approval', p_id) || p_decision);
    if p_state = 'approved' and p_decision ? 'learn' then
      perform learn_rule(row, p_decision, p_decided_at);
    end if;
  else
    select * into row from approvals where id = p_id;
  end if;
  return row;
end $$;

-- When a later attempt may look at a claimed effect: after the lease, and for `checkable` ones after the time within
-- which an act that went out shows up; before that, "did not happen" would mean nothing.
create function effect_free_at(e effects, p_settles_ms bigint) returns timestamptz language sql immutable as $$
  select case when e.clean then e.lease_until
    else e.lease_until + case e.mode when 'checkable' then p_settles_ms else 0 end * interval '1 millisecond' end
$$;

-- An attempt has said that it acted since the effect was settled: who was asked before that has not read it.
create function acted_since(e effects) returns boolean language sql stable as $$
  select exists (select from evidence v where v.key = e.key and v.kind = 'late_applied' and v.at > e.settled_at)
$$;

-- An effect is held. Whoever waits claims again and again: one row says it for each time that the switch was set.
create function note_held(p_run text, p_key text, p_by text, p_facts jsonb) returns void language plpgsql as $$
begin
  update runs set held_by = p_by where run = p_run;
  perform audit_once(p_run, 'effect_held', p_key, p_facts);
end $$;

-- Just before an effect: one statement that checks switches, the approval and the learned rule, takes or finds the lease,
-- and audits. p_terms_hold: what it was judged by is still so. Terms and the learned rule matter only while no
-- attempt can have acted. What stands already is said whatever switches, approvals and terms are now: an effect that was
-- applied is never called "not run". kind: run | check | settled | busy | void | unknown | mismatch | stale | held |
-- not_approved | rate_limited; detail of `run` is `doubt` when an earlier attempt may have acted, of `held` the switch, or
-- the breaker as `breaker:NAME` (0007_breakers.sql), of `rate_limited` the window that is full. `held` and `stale` leave the
-- effect as it was: it may be claimed again. Of a call that comes too often nothing is written; p_rate is what the tool's
-- author allows (0006_budgets.sql).
create function claim_effect(
  p_key text, p_run text, p_agent text, p_tenant text, p_tool text, p_release text, p_args_hash text, p_mode text,
  p_lease_ms bigint, p_settles_ms bigint, p_generation integer, p_terms_hold boolean, p_approval text,
  p_decision jsonb, p_decided_at timestamptz, p_learned bigint, p_classes text[], p_rate jsonb
) returns table (kind text, fence integer, generation integer, remaining_ms bigint, result text, detail text)
language plpgsql as $$
declare
  e effects;
  a approvals;
  off switches;
  broken record;
  held jsonb;
  rule_stands boolean := true;
  too_often jsonb;
  may_have_acted boolean;
  new_lease timestamptz := clock_timestamp() + p_lease_ms * interval '1 millisecond';
begin
  perform lock_run(p_run);
  select * into e from effects where key = p_key for update;
  if e.args_hash <> p_args_hash then
    perform audit_append(p_run, 'effect_mismatch', p_key, jsonb_build_object('stored', e.args_hash, 'came', p_args_hash));
    return query select 'mismatch', e.fence, e.generation, 0::bigint, null::text, null::text;
    return;
  elsif e.state in ('applied', 'refused') then
    return query select 'settled', e.fence, e.generation, 0::bigint, e.result, e.state;
    return;
  elsif e.state = 'void' then
    return query select 'void', e.fence, e.generation, 0::bigint, null::text, null::text;
    return;
  elsif e.state = 'unknown' and p_generation <= e.generation then
    return query select 'unknown', e.fence, e.generation, 0::bigint, null::text, null::text;
    return;
  elsif e.state = 'unknown' and acted_since(e) then
    -- A person said "did not", but an attempt has said since they were asked that it acted: they are asked again.
    update effects set generation = p_generation, settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_unknown', p_key, jsonb_build_object('fence', e.fence, 'why', 'late evidence'));
    return query select 'unknown', e.fence, p_generation, 0::bigint, null::text, null::text;
    return;
  elsif e.state = 'claimed' and effect_free_at(e, p_settles_ms) > clock_timestamp() then
    return query select 'busy', e.fence, e.generation,
      ceil(extract(epoch from effect_free_at(e, p_settles_ms) - clock_timestamp()) * 1000)::bigint, null::text, null::text;
    return;
  elsif e.state = 'claimed' and not e.clean and e.mode = 'never' then
    update effects set state = 'unknown', settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_unknown', p_key, jsonb_build_object('fence', e.fence, 'why', 'attempt lost'));
    return query select 'unknown', e.fence, e.generation, 0::bigint, null::text, null::text;
    return;
  end if;

  -- From here on it would run.
  may_have_acted := coalesce(e.state = 'claimed' and not e.clean, false);
  perform pass_gate();
  select * into off from switches s
    where s.name in ('fleet', 'agent:' || p_agent, 'tool:' || p_tool, 'tenant:' || p_tenant) order by s.name limit 1;
  if off.name is not null and may_have_acted then
    update effects set state = 'unknown', settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_unknown', p_key, jsonb_build_object('fence', e.fence, 'why', 'switched off', 'switch', off.name));
    return query select 'unknown', e.fence, e.generation, 0::bigint, null::text, null::text;
    return;
  elsif off.name is not null then
    held := jsonb_build_object('switch', off.name, 'reason', off.reason, 'by', off.set_by,
      'sinceUs', (extract(epoch from off.set_at) * 1000000)::bigint);
    perform note_held(p_run, p_key, off.name, held);
    return query select 'held', 0, 0, 0::bigint, null::text, off.name;
    return;
  end if;

  -- A breaker holds also what an earlier attempt may have done: it is found out when it is claimed again, and not by
  -- asking people about every attempt that a broken tool has lost.
  select * into broken from pass_breakers(array['fleet', 'agent:' || p_agent, 'release:' || p_release,
    'tool:' || p_tool, 'tenant:' || p_tenant], p_run, p_key);
  if broken.held is not null then
    perform note_held(p_run, p_key, broken.held, broken.facts);
    return query select 'held', 0, 0, 0::bigint, null::text, broken.held::text;
    return;
  end if;

  if p_approval is not null then
    select * into a from approvals where id = p_approval for update;
    if a.state = 'open' and a.kind = 'call' and a.key = p_key and a.args_hash = p_args_hash and p_decided_at < a.deadline then
      a := decide_approval(p_approval, 'approved', p_decision, p_decided_at);
    end if;
    if a.state = 'void' and a.key = p_key and a.args_hash = p_args_hash and not may_have_acted then
      -- An attempt before this one has said so already, and was not heard.
      return query select 'stale', 0, 0, 0::bigint, null::text, null::text;
      return;
    end if;
    if a.id is null or a.kind <> 'call' or a.state <> 'approved' or a.key <> p_key
      or a.args_hash is distinct from p_args_hash or a.decided_at >= a.deadline then
      perform audit_append(p_run, 'effect_not_approved', p_key, jsonb_build_object('approval', p_approval, 'state', a.state));
      if may_have_acted then
        update effects set state = 'unknown', settled_at = clock_timestamp() where key = p_key;
        perform audit_append(p_run, 'effect_unknown', p_key, jsonb_build_object('fence', e.fence, 'why', 'no approval stands'));
        return query select 'unknown', e.fence, e.generation, 0::bigint, null::text, null::text;
        return;
      end if;
      return query select 'not_approved', 0, 0, 0::bigint, null::text, coalesce(a.state, 'no such approval');
      return;
    end if;
  end if;

  if p_learned is not null then
    rule_stands := exists (select from learned_rules r where r.id = p_learned and r.revoked_at is null
      and r.until > clock_timestamp() and r.agent = p_agent and r.tenant = coalesce(p_tenant, '') and r.tool = p_tool);
  end if;
  if not (p_terms_hold and rule_stands) and not may_have_acted then
    if not p_terms_hold and p_approval is not null then
      update approvals set state = 'void' where id = p_approval;
      perform audit_append(p_run, 'approval_void', p_key, jsonb_build_object('approval', p_approval, 'why', 'terms changed'));
    end if;
    perform audit_append(p_run, 'effect_stale', p_key, jsonb_build_object('approval', p_approval, 'learned', p_learned,
      'why', case when p_terms_hold then 'the learned rule does not stand' else 'terms changed' end));
    return query select 'stale', 0, 0, 0::bigint, null::text, null::text;
    return;
  end if;

  if e.key is null then
    too_often := take_tool_rate(p_run, p_key, p_tool, p_rate);
    if too_often is not null then
      return query select 'rate_limited', 0, 0, 0::bigint, null::text, too_often::text;
      return;
    end if;
    insert into effects (key, run, tool, release, args_hash, mode, state, generation, lease_until, approval, agent, tenant, classes)
      values (p_key, p_run, p_tool, p_release, p_args_hash, p_mode, 'claimed', p_generation, new_lease, p_approval,
        p_agent, p_tenant, p_classes);
    perform audit_append(p_run, 'effect_claimed', p_key, jsonb_build_object('tool', p_tool, 'argsHash', p_args_hash,
      'fence', 1, 'approval', p_approval, 'learned', p_learned));
    return query select 'run', 1, p_generation, 0::bigint, null::text, null::text;
    return;
  end if;

  update effects set state = 'claimed', fence = e.fence + 1, generation = greatest(p_generation, e.generation),
      clean = false, doubt = may_have_acted and e.mode = 'keyed', lease_until = new_lease, approval = p_approval,
      classes = p_classes, claimed_at = clock_timestamp(), settled_at = null
    where key = p_key;
  perform audit_append(p_run, 'effect_claimed', p_key, jsonb_build_object('tool', p_tool, 'argsHash', p_args_hash,
    'fence', e.fence + 1, 'generation', greatest(p_generation, e.generation), 'approval', p_approval,
    'learned', p_learned));
  return query select
    case when e.mode = 'checkable' and may_have_acted then 'check' else 'run' end,
    e.fence + 1, greatest(p_generation, e.generation), 0::bigint, null::text,
    case when may_have_acted then 'doubt' end;
  return;
end $$;

-- What an applied effect was the first of is known from now on. In one order, so that two settles never wait in a circle.
create function see_classes(e effects) returns void language plpgsql as $$
begin
  insert into seen_classes (tenant, agent, class, key)
    select coalesce(e.tenant, ''), e.agent, c.class, e.key
    from (select distinct unnest(e.classes) as class) c where e.agent is not null order by c.class
    on conflict do nothing;
end $$;

-- Just after an effect. p_state: applied | refused | unknown | released (the attempt is over and says it did not
-- act) | lost (the attempt is over and cannot say). Returns the state that stands and its result.
create function settle_effect(
  p_key text, p_fence integer, p_state text, p_result text, p_facts jsonb, p_blob_hash text, p_blob_body text
) returns table (won boolean, state text, result text)
language plpgsql as $$
declare
  e effects;
begin
  perform lock_run(split_part(p_key, '/', 1));
  select * into e from effects where key = p_key for update;
  if e.key is null then
    raise exception 'effect % was never claimed, so nothing about it can be settled', p_key;
  end if;
  if e.fence <> p_fence or e.state <> 'claimed' then
    insert into evidence (key, fence, kind, facts)
      values (p_key, p_fence, 'late_' || p_state, (p_facts || jsonb_build_object('result', p_result))::text);
    perform audit_append(e.run,
      case
        when p_state <> 'applied' then 'effect_late'
        -- The same attempt may say late what a person or a check has said for it already.
        when e.state = 'applied' and e.fence <> p_fence and not exists (
          select from evidence v where v.key = p_key and v.kind = 'check_happened') then 'incident_second_applied'
        when e.state in ('refused', 'void') then 'incident_applied_after_' || e.state
        else 'effect_late' end,
      p_key, p_facts || jsonb_build_object('fence', p_fence, 'said', p_state, 'stands', e.state));
    return query select false, e.state, e.result;
    return;
  end if;
  if p_state = 'applied' and p_facts ? 'check' then
    insert into evidence (key, fence, kind, facts) values (p_key, p_fence, 'check_happened', p_facts::text);
  elsif p_state = 'applied' and exists (
    select from evidence v where v.key = p_key and v.kind = 'late_applied' and v.fence <> p_fence) then
    perform audit_append(e.run, 'incident_second_applied', p_key, p_facts || jsonb_build_object('fence', p_fence));
  end if;
  if p_state in ('released', 'lost') then
    update effects set lease_until = clock_timestamp(), clean = (p_state = 'released' and not e.doubt) where key = p_key;
  else
    insert into blobs (run, hash, body) select e.run, p_blob_hash, p_blob_body where p_blob_hash is not null
      on conflict do nothing;
    update effects set state = p_state, result = p_result, settled_at = clock_timestamp() where key = p_key;
    if p_state = 'applied' then
      perform see_classes(e);
    end if;
    update runs set updated_at = now() where run = e.run;
  end if;
  perform audit_append(e.run, 'effect_' || p_state, p_key, p_facts || jsonb_build_object('fence', p_fence));
  return query select true, p_state, p_result;
end $$;

-- After the activity of an effect has failed for good: what may be said about it. kind: busy | lapsed | applied |
-- refused | unknown | void | mismatch. `lapsed` (checkable): the caller checks, holding the fence it was given.
create function close_effect(p_key text, p_run text, p_tool text, p_release text, p_args_hash text, p_mode text,
  p_lease_ms bigint, p_settles_ms bigint, p_generation integer)
returns table (kind text, fence integer, remaining_ms bigint, result text)
language plpgsql as $$
declare
  e effects;
begin
  perform lock_run(p_run);
  insert into effects (key, run, tool, release, args_hash, mode, state, lease_until, settled_at)
    values (p_key, p_run, p_tool, p_release, p_args_hash, p_mode, 'void', clock_timestamp(), clock_timestamp())
    on conflict do nothing;
  if found then
    perform audit_append(p_run, 'effect_void', p_key, '{}'::jsonb);
    return query select 'void', 1, 0::bigint, null::text;
    return;
  end if;
  select * into e from effects where key = p_key for update;
  if e.args_hash <> p_args_hash then
    perform audit_append(p_run, 'effect_mismatch', p_key, jsonb_build_object('stored', e.args_hash, 'came', p_args_hash));
    return query select 'mismatch', e.fence, 0::bigint, null::text;
  elsif e.state = 'unknown' and p_generation > e.generation and not acted_since(e) then
    -- A person has said "did not", nobody has said otherwise since, and it was not run again.
    update effects set state = 'void', generation = p_generation, settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_void', p_key, jsonb_build_object('fence', e.fence, 'generation', p_generation));
    return query select 'void', e.fence, 0::bigint, null::text;
  elsif e.state <> 'claimed' then
    return query select e.state, e.fence, 0::bigint, e.result;
  elsif effect_free_at(e, p_settles_ms) > clock_timestamp() then
    return query select 'busy', e.fence,
      ceil(extract(epoch from effect_free_at(e, p_settles_ms) - clock_timestamp()) * 1000)::bigint, null::text;
  elsif e.clean then
    update effects set state = 'void', settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_void', p_key, jsonb_build_object('fence', e.fence));
    return query select 'void', e.fence, 0::bigint, null::text;
  elsif e.mode = 'checkable' then
    update effects set fence = e.fence + 1, lease_until = clock_timestamp() + p_lease_ms * interval '1 millisecond'
      where key = p_key;
    return query select 'lapsed', e.fence + 1, 0::bigint, null::text;
  else
    update effects set state = 'unknown', settled_at = clock_timestamp() where key = p_key;
    perform audit_append(p_run, 'effect_unknown', p_key, jsonb_build_object('fence', e.fence, 'why', 'attempt lost'));
    return query select 'unknown', e.fence, 0::bigint, null::text;
  end if;
end $$;

-- A person's word on an unknown effect: applied | void | given_up. Returns what stands then. A word that may have been said
-- before counts once. One that does not fit what stands changes nothing, and is on record.
create function resolve_effect(p_key text, p_state text, p_result text, p_facts jsonb)
returns table (state text, result text)
language plpgsql as $$
declare
  e effects;
  why_not text;
begin
  perform lock_run(split_part(p_key, '/', 1));
  select * into e from effects where key = p_key for update;
  if e.key is null then
    raise exception 'effect % was never claimed, so nobody can say what became of it', p_key;
  end if;
  if exists (select from evidence v where v.key = p_key and v.fence = e.fence and v.kind = 'person_' || p_state
    and v.facts = p_facts::text) then
    return query select e.state, e.result;
    return;
  end if;
  if e.state <> 'unknown' then
    why_not := 'it is ' || e.state;
  elsif p_state = 'void' and acted_since(e) then
    why_not := 'an attempt has said since that it acted';
  end if;
  if why_not is not null then
    perform audit_once(e.run, 'effect_word_refused', p_key,
      p_facts || jsonb_build_object('said', p_state, 'stands', e.state, 'why', why_not));
    return query select e.state, e.result;
    return;
  end if;
  if p_state = 'applied' then
    update effects set state = 'applied', result = p_result, settled_at = clock_timestamp() where key = p_key
      returning * into e;
    perform see_classes(e);
  elsif p_state = 'void' then
    -- A person looked: it did not happen, and nobody wants it any more.
    update effects set state = 'void', settled_at = clock_timestamp() where key = p_key returning * into e;
  end if;
  insert into evidence (key, fence, kind, facts) values (p_key, e.fence, 'person_' || p_state, p_facts::text);
  perform audit_append(e.run, 'effect_resolved', p_key, p_facts || jsonb_build_object('said', p_state));
  return query select e.state, e.result;
end $$;
