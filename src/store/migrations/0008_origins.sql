-- Where the sensitive arguments of the call came from, as JSON: field, kind, from, tool. Facts of our own words; never a
-- value.
alter table approvals add column origins text not null default '[]';
