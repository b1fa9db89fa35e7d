-- Notices: what people are to hear about, written in the transaction in which it came to be, and delivered afterwards.
-- Triggers write them, so that nothing can be opened, closed, handed over or accepted without one. Nothing here waits
-- for a notifier: a decision takes no lock that a delivery holds.

-- Ways out that workers of this database have. A notice is due to every one of them that is known when it is written.
create table notifiers (
  name     text primary key,
  seen_at  timestamptz not null default clock_timestamp()
);

create table notices (
  -- Also the id that receivers tell repeats by. Without a dot, because a signature joins its parts with one.
  id          text primary key,
  run         text not null,
  type        text not null,
  -- The very bytes that are sent and signed, at every attempt.
  body        text not null,
  -- Names the cause where a repeated activity could write the same notice again.
  once        text unique,
  created_at  timestamptz not null default clock_timestamp()
);
create index notices_run on notices (run);
create index notices_created on notices (created_at);

create table deliveries (
  notice          text not null references notices (id) on delete cascade,
  notifier        text not null,
  state           text not null default 'waiting' check (state in ('waiting', 'delivered', 'refused', 'given_up')),
  -- Counts up with every attempt; only the newest attempt may say that it failed.
  attempt         integer not null default 0,
  -- While an attempt runs this is the end of its lease: whoever crashed is followed by somebody else.
  due_at          timestamptz not null default clock_timestamp(),
  first_tried_at  timestamptz,
  why             text,
  closed_at       timestamptz,
  primary key (notice, notifier)
);
create index deliveries_due on deliveries (notifier, due_at) where state = 'waiting';

alter table handovers
  add column next_reminder_at timestamptz,
  add column reminded integer not null default 0,
  add column escalated_to text,
  add column escalated_at timestamptz;
create index handovers_due on handovers (next_reminder_at) where accepted_by is null;

create function iso_time(p_at timestamptz) returns text language sql stable as $$
  select to_char(p_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- False when this cause has written its notice already.
create function insert_notice(p_run text, p_type text, p_once text, p_data jsonb) returns boolean
language plpgsql as $$
declare
  new_id text := 'msg_' || replace(gen_random_uuid()::text, '-', '');
begin
  insert into notices (id, run, type, once, body)
    values (new_id, p_run, p_type, p_once,
      jsonb_build_object('type', p_type, 'timestamp', iso_time(clock_timestamp()), 'data', p_data)::text)
    on conflict (once) do nothing;
  if not found then
    return false;
  end if;
  insert into deliveries (notice, notifier) select new_id, n.name from notifiers n;
  return true;
end $$;

-- What a notice says about a request: ids, the summary, who may decide and by when. Never arguments, terms, amounts,
-- evidence or quotations.
create function insert_approval_notice(a approvals, p_type text, p_once text, p_more jsonb) returns boolean
language sql as $$
  select insert_notice(a.run, p_type, p_once, jsonb_build_object(
    'approval', a.id, 'run', a.run, 'workflowId', a.workflow_id,
    'agent', (select r.agent from runs r where r.run = a.run),
    'kind', a.kind, 'summary', a.summary, 'deadline', iso_time(a.deadline),
    'approvers', '{"people": [], "roles": []}'::jsonb || a.approvers::jsonb,
    'requesterMay', a.requester_may, 'quorum', a.quorum, 'state', a.state) || p_more)
$$;

create function notice_of_approval() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    perform insert_approval_notice(new, 'approval.opened', null, '{}'::jsonb);
  else
    perform insert_approval_notice(new, 'approval.closed', null,
      jsonb_build_object('by', coalesce(new.decision::jsonb -> 'by', 'null'::jsonb)));
  end if;
  return null;
end $$;
create trigger approval_opened after insert on approvals
  for each row when (new.state = 'open') execute function notice_of_approval();
create trigger approval_closed after update of state on approvals
  for each row when (new.state <> 'open' and new.state <> old.state) execute function notice_of_approval();

-- Somebody is reminded of an open request, or others may decide it from now on. Nothing when it has been closed since.
create function remind_approval(p_run text, p_id text, p_approvers jsonb, p_reminded boolean, p_escalated_to jsonb,
  p_once text) returns void
language plpgsql as $$
declare
  a approvals;
begin
  perform lock_run(p_run);
  update approvals set approvers = p_approvers::text where id = p_id and run = p_run and state = 'open' returning * into a;
  if not found then
    return;
  end if;
  if p_escalated_to is not null and insert_approval_notice(a, 'approval.escalated', p_once || '/escalated',
      jsonb_build_object('escalatedTo', p_escalated_to)) then
    perform audit_append(p_run, 'approval_escalated', a.key,
      jsonb_build_object('approval', p_id, 'to', p_escalated_to, 'approvers', p_approvers));
  end if;
  if p_reminded and insert_approval_notice(a, 'approval.reminder', p_once || '/reminder', '{}'::jsonb) then
    perform audit_append(p_run, 'approval_reminded', a.key, jsonb_build_object('approval', p_id));
  end if;
end $$;

create function insert_handover_notice(h handovers, p_type text) returns boolean language sql as $$
  select insert_notice(h.run, p_type, null, jsonb_build_object(
    'run', h.run, 'workflowId', r.workflow_id, 'agent', r.agent, 'queue', h.queue, 'summary', left(h.summary, 200),
    'reminded', h.reminded, 'escalatedTo', h.escalated_to, 'acceptedBy', h.accepted_by))
  from (select) one left join runs r on r.run = h.run
$$;

create function notice_of_handover() returns trigger language plpgsql as $$
begin
  perform insert_handover_notice(new, case tg_op when 'INSERT' then 'handover.opened' else 'handover.accepted' end);
  return null;
end $$;
create trigger handover_opened after insert on handovers
  for each row execute function notice_of_handover();
create trigger handover_accepted after update of accepted_by on handovers
  for each row when (old.accepted_by is null and new.accepted_by is not null) execute function notice_of_handover();

-- The first one has it; everybody after that is told who. No row: there is no such hand-over.
create function accept_handover(p_run text, p_by text, p_channel text)
returns table (won boolean, accepted_by text, accepted_at timestamptz)
language plpgsql as $$
declare
  first boolean;
begin
  perform lock_run(p_run);
  update handovers h set accepted_by = p_by, accepted_at = clock_timestamp(), next_reminder_at = null
    where h.run = p_run and h.accepted_by is null;
  first := found;
  if first then
    perform audit_append(p_run, 'handover_accepted', '', jsonb_build_object('by', p_by, 'channel', p_channel));
  end if;
  return query select first, h.accepted_by, h.accepted_at from handovers h where h.run = p_run;
end $$;

-- One reminder of a hand-over that is due and that nobody has accepted: p_times of them, then it goes to one further
-- queue, then p_later_times more, then it only stays in lists. Missed times are not made up for: one is enough.
create function remind_handover(p_run text, p_now timestamptz, p_every_ms bigint, p_times integer,
  p_later_ms bigint, p_later_times integer) returns text
language plpgsql as $$
declare
  h handovers;
begin
  perform lock_run(p_run);
  select * into h from handovers where run = p_run and accepted_by is null and next_reminder_at <= p_now for update;
  if not found then
    return null;
  elsif h.escalated_to is null and h.reminded >= p_times then
    update handovers set escalated_to = h.queue || '-escalation', escalated_at = p_now,
        next_reminder_at = p_now + p_later_ms * interval '1 millisecond'
      where run = p_run returning * into h;
    perform insert_handover_notice(h, 'handover.escalated');
    perform audit_append(p_run, 'handover_escalated', '', jsonb_build_object('from', h.queue, 'to', h.escalated_to));
    return 'escalated';
  end if;
  update handovers set reminded = h.reminded + 1, next_reminder_at = case
      when h.escalated_to is null then p_now + p_every_ms * interval '1 millisecond'
      when h.reminded + 1 < p_times + p_later_times then p_now + p_later_ms * interval '1 millisecond'
    end
    where run = p_run returning * into h;
  perform insert_handover_notice(h, 'handover.reminder');
  perform audit_append(p_run, 'handover_reminded', '',
    jsonb_build_object('queue', coalesce(h.escalated_to, h.queue), 'times', h.reminded));
  return 'reminded';
end $$;
