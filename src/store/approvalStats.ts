import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { parseFacts } from './audit.ts';
import type { Sql } from './connection.ts';

/**
 * How people decide on calls, from the rows of their requests. A request counts in the window in which it was opened.
 *
 * S1. A decision is a yes, a no or an edit of a person; expiry and withdrawal are none. With a quorum every vote is one
 *     decision of its person, and the request has one.
 * S2. Times run from the opening of the request, both by the run's clock. `hasty`: within `LIMITS.hastyMs`.
 * S3. Overridden: a yes whose effect the ledger has as refused, unknown or void, or whose terms changed before it ran;
 *     a no to a call that the same run asked for again with the same arguments, and got a yes. Whether somebody took an
 *     effect back by other means is in no row, so it is not in here.
 */
export interface ApprovalStatistics {
  readonly tools: readonly ToolStatistics[];
  readonly approvers: readonly ApproverStatistics[];
  /** What somebody should look at, in words. */
  readonly findings: readonly string[];
  /** Requests in the window; when there were more than are read, only the newest were. */
  readonly requests: number;
  readonly truncated: boolean;
}

interface Statistics {
  readonly approved: number;
  readonly rejected: number;
  readonly edited: number;
  readonly overridden: number;
  /** Null before the first decision. */
  readonly medianMs: number | null;
  readonly hastyShare: number | null;
}

export interface ToolStatistics extends Statistics {
  readonly tool: string;
  readonly asked: number;
  readonly open: number;
  readonly expired: number;
  readonly withdrawn: number;
  /** Of the decisions. */
  readonly approvedShare: number | null;
}

export interface ApproverStatistics extends Statistics {
  readonly by: string;
}

/** A request for a yes to a call, with what became of it. */
export interface AskedCall {
  readonly tool: string;
  readonly state: string;
  readonly openedAtMs: number;
  readonly decidedAtMs: number | null;
  /** JSON as the run wrote it. */
  readonly decision: string | null;
  /** Of the effect that was claimed under it. */
  readonly effect: string | null;
  /** The same call got a yes later. */
  readonly approvedLater: boolean;
}

export async function readApprovalStatistics(
  sql: Sql,
  filter: { readonly agent: string | null; readonly days: number },
): Promise<ApprovalStatistics> {
  const { agent, days } = filter;
  const tally = new ApprovalTally();
  await sql.begin('read only', async (tx) => {
    const requests = tx.batches<AskedCall>(LIMITS.auditBatchRows)`
    select a.tool, a.state, a.decision, e.state as effect,
      (extract(epoch from a.opened_at) * 1000)::float8 as "openedAtMs",
      (extract(epoch from a.decided_at) * 1000)::float8 as "decidedAtMs",
      a.state = 'rejected' and exists (select from approvals b where b.run = a.run and b.tool = a.tool
        and b.args_hash = a.args_hash and b.state = 'approved' and b.opened_at > a.opened_at) as "approvedLater"
    from approvals a
    left join effects e on e.key = a.key and e.approval = a.id
    where a.kind = 'call' and a.tool is not null and a.opened_at >= now() - ${days} * interval '1 day'
      and (${agent}::text is null or exists (select from runs r where r.run = a.run and r.agent = ${agent}))
    order by a.opened_at desc limit ${LIMITS.statisticsApprovals}`;
    for await (const rows of requests) for (const row of rows) tally.add(row);
  });
  return tally.statistics();
}

/** Adds requests up, one at a time. */
export class ApprovalTally {
  private requests = 0;
  private readonly tools = new Map<string, Counts>();
  private readonly approvers = new Map<string, Counts>();

  add(call: AskedCall): void {
    this.requests++;
    const tool = countsOf(this.tools, call.tool);
    tool.asked++;
    if (call.state === 'open' || call.state === 'expired' || call.state === 'withdrawn') tool[call.state]++;
    const said = saidOf(call);
    const { by, votes } = decisionOf(call);
    for (const vote of votes)
      countsOf(this.approvers, vote.by).add(
        'approved',
        vote.atMs - call.openedAtMs,
        said === 'approved' && isOverridden(call),
      );
    if (said === null || call.decidedAtMs === null) return;
    const tookMs = call.decidedAtMs - call.openedAtMs;
    tool.add(said, tookMs, isOverridden(call));
    if (by !== null && !(said === 'approved' && votes.some((vote) => vote.by === by)))
      countsOf(this.approvers, by).add(said, tookMs, isOverridden(call));
  }

  statistics(): ApprovalStatistics {
    const tools = largest(this.tools).map(([tool, counts]) => ({
      tool,
      asked: counts.asked,
      open: counts.open,
      ...counts.statistics(),
      expired: counts.expired,
      withdrawn: counts.withdrawn,
      approvedShare: share(counts.approved, counts.tookMs.length),
    }));
    const approvers = largest(this.approvers).map(([by, counts]) => ({ by, ...counts.statistics() }));
    return {
      tools,
      approvers,
      findings: [...tools.flatMap(findingOnTool), ...approvers.flatMap(findingOnApprover)],
      requests: this.requests,
      truncated: this.requests >= LIMITS.statisticsApprovals,
    };
  }
}

type Said = 'approved' | 'rejected' | 'edited';

class Counts {
  asked = 0;
  open = 0;
  expired = 0;
  withdrawn = 0;
  approved = 0;
  rejected = 0;
  edited = 0;
  overridden = 0;
  /** One for each decision. */
  readonly tookMs: number[] = [];

  add(said: Said, tookMs: number, overridden: boolean): void {
    this[said]++;
    this.tookMs.push(tookMs);
    if (overridden) this.overridden++;
  }

  statistics(): Statistics {
    const { approved, rejected, edited, overridden, tookMs } = this;
    const hasty = tookMs.filter((ms) => ms < LIMITS.hastyMs).length;
    return {
      approved,
      rejected,
      edited,
      overridden,
      medianMs: median(tookMs),
      hastyShare: share(hasty, tookMs.length),
    };
  }
}

function countsOf(all: Map<string, Counts>, name: string): Counts {
  const counts = all.get(name) ?? new Counts();
  all.set(name, counts);
  return counts;
}

/** Those with most behind them first. */
function largest(all: ReadonlyMap<string, Counts>): readonly (readonly [string, Counts])[] {
  const weight = ({ asked, tookMs }: Counts) => asked + tookMs.length;
  return [...all]
    .sort(([a, x], [b, y]) => weight(y) - weight(x) || (a < b ? -1 : 1))
    .slice(0, LIMITS.listRows);
}

/** `void`: a yes that was given, and stopped counting when its terms changed. */
function saidOf(call: AskedCall): Said | null {
  const { state } = call;
  if (state === 'approved' || state === 'void') return 'approved';
  if (state === 'rejected') return 'rejected';
  return state === 'answered' && decisionOf(call).kind === 'edit' ? 'edited' : null;
}

function isOverridden({ state, effect, approvedLater }: AskedCall): boolean {
  if (state === 'rejected') return approvedLater;
  return state === 'void' || effect === 'refused' || effect === 'unknown' || effect === 'void';
}

interface Decided {
  readonly by: string | null;
  readonly kind: string | null;
  readonly votes: readonly { readonly by: string; readonly atMs: number }[];
}

/** Older rows hold the number of votes only; then the one who decided stands for all. */
function decisionOf({ decision }: AskedCall): Decided {
  const { by, kind, votes } = parseFacts(decision ?? '');
  return {
    by: typeof by === 'string' ? by : null,
    kind: typeof kind === 'string' ? kind : null,
    votes: Array.isArray(votes) ? votes.flatMap(voteOf) : [],
  };
}

function voteOf(vote: unknown): Decided['votes'] {
  if (!isObject(vote) || typeof vote.by !== 'string' || typeof vote.atMs !== 'number') return [];
  return [{ by: vote.by, atMs: vote.atMs }];
}

function findingOnTool({
  tool,
  approved,
  rejected,
  edited,
  approvedShare,
}: ToolStatistics): readonly string[] {
  const decisions = approved + rejected + edited;
  if (decisions < LIMITS.findingDecisions || (approvedShare ?? 0) <= LIMITS.findingApprovalShare) return [];
  return [
    `the policy asks for what nobody refuses: ${tool} got a yes in ${approved} of ${decisions} decisions; let a rule allow what is harmless in it, so that people look at the rest`,
  ];
}

function findingOnApprover({
  by,
  approved,
  rejected,
  edited,
  hastyShare,
}: ApproverStatistics): readonly string[] {
  const decisions = approved + rejected + edited;
  if (decisions < LIMITS.findingDecisions || (hastyShare ?? 0) <= LIMITS.findingHastyShare) return [];
  return [
    `${by} decides without looking: ${Math.round((hastyShare ?? 0) * decisions)} of ${decisions} decisions took less than ${LIMITS.hastyMs / 1_000} s`,
  ];
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
