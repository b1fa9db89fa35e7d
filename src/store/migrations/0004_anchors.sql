-- Anchors: every minute in which something was audited, one row that commits to the newest row of every chain.
-- An anchor's hash covers the anchor before it and the heads that moved since; so it covers every head there is, at
-- the cost of those that moved. A chain that is shortened, rewritten or gone no longer has a row its anchor has seen.

-- The transaction that wrote a row. Times do not say what an anchor has not seen yet: a transaction that began first
-- may commit last. Transactions do: everything older than the oldest one that still ran was visible.
alter table audit add column tx xid8 not null default pg_current_xact_id();
create index audit_tx on audit (tx, run);

-- Numbered without gaps. A minute without an anchor is a quiet one; a number without an anchor is a missing one.
create table anchors (
  n      integer primary key,
  at_us  bigint not null,
  heads  integer not null,
  hash   text not null,
  -- Every row of an older transaction has been seen. Where to look next, not part of what is promised.
  seen   xid8 not null
);

-- What an anchor saw: the newest row of a chain that had moved.
create table anchored_heads (
  run     text not null,
  seq     integer not null,
  hash    text not null,
  anchor  integer not null,
  primary key (run, seq)
);
create index anchored_heads_anchor on anchored_heads (anchor, run collate "C");

-- Any number will do, as long as it is nobody else's.
create function lock_anchors() returns boolean language sql as $$
  select pg_try_advisory_xact_lock(7263013)
$$;

-- Writes the next anchor: no row when another worker is at it, when this period of p_every_ms has its anchor (0: never
-- mind the time), and when no chain has moved. An anchor holds p_limit heads at most; a full one may be followed at
-- once. Every 60th looks at all rows instead of those of new transactions: on another server, to which a database was
-- moved, transactions count from elsewhere.
create function write_anchor(p_every_ms bigint, p_limit integer)
returns table (n integer, at_us bigint, heads integer, hash text)
language plpgsql as $$
#variable_conflict use_column
declare
  newest anchors;
  since xid8;
  horizon xid8;
  now_us bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
  next_n integer;
  found_heads integer;
  lines text;
begin
  if not lock_anchors() then return; end if;
  -- Taken before anything is read: what commits from here on is looked at again by the next anchor.
  horizon := pg_snapshot_xmin(pg_current_snapshot());
  select * into newest from anchors order by n desc limit 1;
  if p_every_ms > 0 and newest.heads < p_limit
    and newest.at_us / (p_every_ms * 1000) >= now_us / (p_every_ms * 1000) then return; end if;
  next_n := coalesce(newest.n, 0) + 1;
  -- A clock that was set back must not make a later anchor look like an earlier one.
  now_us := greatest(now_us, newest.at_us + 1);
  since := case when next_n % 60 = 0 or newest.seen is null or newest.seen > horizon then '0'::xid8 else newest.seen end;

  insert into anchored_heads (run, seq, hash, anchor)
    select moved.run, last.seq, last.hash, next_n
    from (select distinct a.run from audit a where a.tx >= since) moved
    cross join lateral (select a.seq, a.hash from audit a where a.run = moved.run order by a.seq desc limit 1) last
    where not exists (select from anchored_heads h where h.run = moved.run and h.seq >= last.seq)
    limit p_limit;
  get diagnostics found_heads = row_count;
  if found_heads = 0 then return; end if;

  select string_agg(h.seq || ' ' || h.hash || ' ' || h.run, E'\n' order by h.run collate "C") into lines
    from anchored_heads h where h.anchor = next_n;
  return query
    insert into anchors (n, at_us, heads, hash, seen)
    values (next_n, now_us, found_heads,
      encode(sha256(convert_to(
        concat_ws(E'\n', coalesce(newest.hash, 'anchors'), next_n, now_us, found_heads, lines), 'UTF8')), 'hex'),
      -- A full anchor may have left some out: they are looked for again from the same place.
      case when found_heads = p_limit then since else horizon end)
    returning anchors.n, anchors.at_us, anchors.heads, anchors.hash;
end $$;
