-- People and their roles, and the signed steering that has been used. Changes of people are audited as the chain 'people'.

create table people (
  id          text primary key,
  name        text not null,
  kind        text not null check (kind in ('person', 'service')),
  -- The only tenant whose runs this person may decide about; null: every tenant.
  tenant      text,
  roles       text[] not null,
  active      boolean not null,
  updated_at  timestamptz not null default now(),
  updated_by  text not null
);

create function person_facts(p people) returns jsonb language sql immutable as $$
  select case when p.id is null then null else
    jsonb_build_object('kind', p.kind, 'tenant', p.tenant, 'roles', to_jsonb(p.roles), 'active', p.active) end
$$;

-- Writes a whole person and its audit row: added | changed | removed | same. What is the same leaves no trace. The
-- name stays out of the audit: it decides nothing, and the chain cannot forget it.
create function set_person(
  p_id text, p_name text, p_kind text, p_tenant text, p_roles text[], p_active boolean, p_by text
) returns text language plpgsql as $$
declare
  old people;
  new people;
  what text;
begin
  perform lock_run('people');
  select * into old from people where id = p_id;
  if (old.name, old.kind, old.tenant, old.roles, old.active)
    is not distinct from (p_name, p_kind, p_tenant, p_roles, p_active) then
    return 'same';
  end if;
  insert into people as p (id, name, kind, tenant, roles, active, updated_by)
    values (p_id, p_name, p_kind, p_tenant, p_roles, p_active, p_by)
    on conflict (id) do update set name = excluded.name, kind = excluded.kind, tenant = excluded.tenant,
      roles = excluded.roles, active = excluded.active, updated_at = now(), updated_by = excluded.updated_by
    returning p.* into new;
  what := case when old.id is null then 'added' when old.active and not p_active then 'removed' else 'changed' end;
  perform audit_append('people', case what when 'removed' then 'person_removed' else 'person_set' end, p_id,
    jsonb_build_object('by', p_by, 'before', person_facts(old), 'after', person_facts(new)));
  return what;
end $$;

-- Signed steering counts once; an attempt that is repeated finds its own mark.
create table used_envelopes (
  signature   text primary key,
  run         text not null,
  n           integer not null,
  expires_at  timestamptz not null
);
create index used_envelopes_expiry on used_envelopes (expires_at);
