-- What the store remembers for policies: classes of calls that have had an effect, and rules that approvers taught.
-- `tenant` is '' where a run has none.

create table seen_classes (
  tenant  text not null,
  agent   text not null,
  class   text not null,
  -- The call that was the first.
  key     text not null,
  at      timestamptz not null default clock_timestamp(),
  primary key (tenant, agent, class)
);

-- "And from now on": calls of this tool to this payee, in this currency and up to this amount, need no person.
create table learned_rules (
  id          bigint generated always as identity primary key,
  agent       text not null,
  tenant      text not null,
  tool        text not null,
  payee       text not null,
  currency    text not null,
  -- In the currency's major unit, inclusive.
  up_to       numeric not null check (up_to >= 0),
  until       timestamptz not null,
  approval    text not null unique,
  created_by  text not null,
  identity    text not null,
  created_at  timestamptz not null default clock_timestamp(),
  revoked_at  timestamptz,
  revoked_by  text
);
create index learned_rules_call on learned_rules (agent, tenant, tool, payee) where revoked_at is null;

-- Whom to wake when a switch is lifted.
create index runs_held on runs (run) where state = 'held';

-- Called by decide_approval, in its transaction. Who may teach was judged before (core/approvals.ts); what cannot be a
-- rule here is audited and left out, and the approval stands by itself.
create function learn_rule(a approvals, p_decision jsonb, p_decided_at timestamptz) returns void
language plpgsql as $$
declare
  r runs;
  amount jsonb := a.amount::jsonb;
  days text := p_decision #>> '{learn,days}';
  ends timestamptz;
  why text;
  rule bigint;
begin
  select * into r from runs where run = a.run;
  why := case
    when a.kind <> 'call' or a.tool is null then 'it is not about a call'
    when a.tier is null or a.tier not in ('write_safe', 'write_risky') then 'its tier cannot be learned'
    when a.requester_may = 'only' then 'it was the word of the customer'
    when a.quorum <> 1 then 'more than one person had to agree'
    when coalesce(a.payee, '') = '' then 'its payee is not known'
    when jsonb_typeof(amount -> 'value') is distinct from 'number' or coalesce(amount ->> 'currency', '') = ''
      then 'its amount is not known'
    when (amount ->> 'value')::numeric < 0 then 'its amount is negative'
    when r.run is null then 'its run is not on record'
    when coalesce(p_decision ->> 'by', '') = '' then 'nobody is named'
    when coalesce(days, '') !~ '^([1-9]|[1-8][0-9]|90)$' then 'days are 1 to 90'
  end;
  if why is not null then
    perform audit_append(a.run, 'rule_not_learned', a.key, jsonb_build_object('approval', a.id, 'why', why));
    return;
  end if;
  -- Counted from the decision, so that one which was recorded late does not last longer.
  ends := least(p_decided_at, clock_timestamp()) + days::integer * interval '1 day';
  insert into learned_rules (agent, tenant, tool, payee, currency, up_to, until, approval, created_by, identity)
    values (r.agent, coalesce(r.tenant, ''), a.tool, a.payee, amount ->> 'currency', (amount ->> 'value')::numeric, ends,
      a.id, p_decision ->> 'by', coalesce(p_decision ->> 'identity', 'unverified'))
    returning id into rule;
  perform audit_append(a.run, 'rule_learned', a.key, jsonb_build_object('approval', a.id, 'rule', rule, 'agent', r.agent,
    'tenant', r.tenant, 'tool', a.tool, 'payee', a.payee, 'upTo', amount, 'days', days::integer,
    'by', p_decision ->> 'by', 'identity', coalesce(p_decision ->> 'identity', 'unverified')));
end $$;

-- From its commit no effect starts under the rule. Returns false when it was revoked before, null when there is none.
create function revoke_rule(p_id bigint, p_by text, p_reason text, p_wait_ms integer) returns boolean
language plpgsql as $$
declare
  r learned_rules;
begin
  perform set_config('lock_timeout', p_wait_ms::text, true);
  perform lock_run('rules');
  perform close_gate();
  select * into r from learned_rules where id = p_id;
  if r.id is null then return null; end if;
  if r.revoked_at is not null then return false; end if;
  update learned_rules set revoked_at = clock_timestamp(), revoked_by = p_by where id = p_id;
  perform audit_append('rules', 'rule_revoked', p_id::text,
    jsonb_build_object('by', p_by, 'reason', p_reason, 'approval', r.approval));
  return true;
end $$;

-- Sets a kill switch, or gives one that is set a new reason. From its commit no new effect starts that it names.
create function set_switch(p_name text, p_by text, p_reason text, p_wait_ms integer) returns void
language plpgsql as $$
begin
  perform set_config('lock_timeout', p_wait_ms::text, true);
  perform lock_run('switches');
  perform close_gate();
  insert into switches (name, reason, set_by, set_at) values (p_name, p_reason, p_by, clock_timestamp())
    on conflict (name) do update set reason = excluded.reason, set_by = excluded.set_by, set_at = excluded.set_at;
  perform audit_append('switches', 'switch_set', p_name, jsonb_build_object('by', p_by, 'reason', p_reason));
end $$;

-- Returns false when it was not set.
create function lift_switch(p_name text, p_by text, p_reason text) returns boolean
language plpgsql as $$
begin
  perform lock_run('switches');
  delete from switches where name = p_name;
  if not found then return false; end if;
  perform audit_append('switches', 'switch_lifted', p_name, jsonb_build_object('by', p_by, 'reason', p_reason));
  return true;
end $$;

-- What a policy has to know about the calls of one step: which of their classes no effect has had yet, and which learned
-- rule covers them (the oldest of those that do). p_calls: [{key, tool, payee, currency, value, classes}].
create function call_facts(p_agent text, p_tenant text, p_calls jsonb)
returns table (key text, first_of text[], learned bigint) language sql stable as $$
  select c.key,
    array(
      select k.class from unnest(c.classes) with ordinality as k(class, nth)
      where not exists (select from seen_classes s
        where s.tenant = coalesce(p_tenant, '') and s.agent = p_agent and s.class = k.class)
      order by k.nth),
    (select min(r.id) from learned_rules r
      where r.agent = p_agent and r.tenant = coalesce(p_tenant, '') and r.tool = c.tool and r.payee = c.payee
        and r.currency = c.currency and c.value between 0 and r.up_to
        and r.revoked_at is null and r.until > clock_timestamp())
  from jsonb_to_recordset(p_calls) as c(key text, tool text, payee text, currency text, value numeric, classes text[])
$$;
