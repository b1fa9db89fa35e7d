import type { DecisionRefusal } from '../core/approvals.ts';
import { type Part, part, type Sql } from './connection.ts';
import { type ApprovalRow, approvalColumns, approvalRow, type DatabaseApproval } from './views.ts';

/** Whose inbox. `roles` are those of the directory, or what somebody says they are. */
export interface InboxReader {
  readonly id: string;
  /** The only tenant whose runs this person may decide about; null: every tenant. */
  readonly tenant: string | null;
  readonly roles: readonly string[];
}

/** A request that still can be decided. Times by the database's clock. */
export interface InboxRow extends ApprovalRow {
  /** Why this person cannot decide it; null when they can. The words of `decideApproval`, which has the last one. */
  readonly why: Extract<
    DecisionRefusal,
    'other_tenant' | 'not_the_requester' | 'own_request' | 'not_an_approver' | 'already_voted'
  > | null;
  /** Yes of people so far; the quorum says how many it takes. */
  readonly votes: number;
  readonly reminded: number;
  readonly ageMs: number;
  readonly leftMs: number;
}

/**
 * What waits for this person, the nearest deadline first; with `all` what waits for others too. The same rules as in
 * `core/approvals.ts`, as far as rows know them, so that the limit counts what is shown.
 */
export async function listInbox(
  sql: Sql,
  reader: InboxReader,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<readonly InboxRow[]> {
  const { id, tenant, roles } = reader;
  // Facts are canonical JSON, in which a name within quotes cannot be part of another text.
  const says = (member: string, value: Part) =>
    part`strpos(h.facts, ${`"${member}": `}::text || to_jsonb(${value}::text)::text) > 0`;
  const more = part`,
    (select count(*)::int from audit h where h.run = a.run and h.event = 'vote'
      and ${says('approval', part`a.id`)}) as votes,
    (select count(*)::int from audit h where h.run = a.run and h.event = 'approval_reminded' and h.key = a.key
      and ${says('approval', part`a.id`)}) as reminded,
    (extract(epoch from now() - a.opened_at) * 1000)::float8 as age_ms,
    (extract(epoch from a.deadline - now()) * 1000)::float8 as left_ms,
    case
      when ${tenant}::text is not null and r.tenant is distinct from ${tenant} then 'other_tenant'
      when a.requester_may = 'only' and a.requester <> ${id} then 'not_the_requester'
      when a.requester_may = 'not' and a.requester = ${id} then 'own_request'
      when a.requester_may <> 'only' and not (a.requester_may = 'too' and a.requester = ${id})
        and (coalesce(a.approvers::jsonb -> 'people', '[]') <> '[]' or coalesce(a.approvers::jsonb -> 'roles', '[]') <> '[]')
        and not coalesce(a.approvers::jsonb -> 'people' ? ${id}, false)
        and not coalesce(a.approvers::jsonb -> 'roles' ?| ${[...roles]}::text[], false) then 'not_an_approver'
      when exists (select from audit h where h.run = a.run and h.event = 'vote'
        and ${says('approval', part`a.id`)} and ${says('by', part`${id}`)}) then 'already_voted'
    end as why`;
  const rows = await sql<(DatabaseApproval & DatabaseInbox)[]>`
    select * from (${approvalColumns(more)} where a.state = 'open' and a.deadline > now()) open
    where ${filter.all} or why is null order by deadline, id limit ${filter.limit}`;
  return rows.map((row) => ({
    ...approvalRow(row),
    why: row.why,
    votes: row.votes,
    reminded: row.reminded,
    ageMs: Math.max(0, Math.round(row.age_ms)),
    leftMs: Math.round(row.left_ms),
  }));
}

interface DatabaseInbox extends Pick<InboxRow, 'why' | 'votes' | 'reminded'> {
  readonly age_ms: number;
  readonly left_ms: number;
}
