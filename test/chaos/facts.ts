import type { RunId } from '../../src/core/ids.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { type ChainNode, loadChain } from '../../src/store/chain.ts';
import type { Sql } from '../../src/store/connection.ts';

/** What the stores say about a run, however it got there. */
export interface Facts {
  readonly run: { readonly state: string; readonly outcome: string | null };
  readonly effects: readonly {
    readonly key: string;
    readonly state: string;
    readonly fence: number;
    readonly approval: string | null;
    readonly args_hash: string;
  }[];
  readonly approvals: readonly {
    readonly id: string;
    readonly key: string;
    readonly kind: string;
    readonly state: string;
    readonly args_hash: string | null;
    readonly requester: string;
    readonly decided_by: string | null;
    readonly in_time: boolean;
    /** It was to be decided by a moment after it was opened. */
    readonly bounded: boolean;
    /** It says what is known about the attempts. */
    readonly evidenced: boolean;
  }[];
  readonly calls: readonly string[];
  /** What the model was told, in the order of the conversation. */
  readonly results: readonly { readonly call: string; readonly text: string }[];
  /** What lost attempts, checks and people said. */
  readonly evidence: readonly string[];
  /** How often the outside world acted for each key, by its own books. */
  readonly acts: Readonly<Record<string, number>>;
  readonly brokenAuditRow: number | null;
  readonly incidents: readonly string[];
}

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly tool_use_id?: string;
  readonly content?: string | readonly { readonly text?: string }[];
}

/** `actsOf` asks the books of whoever acted. */
export async function readFacts(
  sql: Sql,
  run: RunId,
  actsOf: (key: string) => Promise<number> | number,
): Promise<Facts> {
  const [row] = await sql<{ state: string; outcome: string | null; hash: never; seq: number | null }[]>`
    select r.state, r.outcome, n.hash, n.seq
    from runs r left join nodes n on n.run = r.run and n.hash = r.head where r.run = ${run}`;
  if (row === undefined) throw new Error(`the store has no run ${run}`);
  const effects = await sql<Facts['effects'][number][]>`
    select key, state, fence, approval, args_hash from effects where run = ${run} order by claimed_at`;
  const approvals = await sql<Facts['approvals'][number][]>`
    select id, key, kind, state, args_hash, requester, decision::jsonb ->> 'by' as decided_by,
      coalesce(decided_at <= deadline, true) as in_time, deadline > opened_at as bounded,
      coalesce(evidence, '') <> '' as evidenced
    from approvals where run = ${run} order by opened_at`;
  const evidence = await sql<{ kind: string }[]>`
    select kind from evidence where split_part(key, '/', 1) = ${run} order by id`;
  const chain: readonly ChainNode[] =
    row.seq === null ? [] : await loadChain(sql, run, { seq: row.seq, node: row.hash });
  const blocks = chain.flatMap((node) => node.message.content) as readonly Block[];
  const acts: Record<string, number> = {};
  for (const { key } of effects) acts[key] = await actsOf(key);
  const audit = await readAudit(sql, run);
  return {
    run: { state: row.state, outcome: row.outcome },
    effects,
    approvals,
    calls: blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id ?? ''] : [])),
    results: blocks.flatMap((block) =>
      block.type === 'tool_result' ? [{ call: block.tool_use_id ?? '', text: textOf(block) }] : [],
    ),
    evidence: evidence.map((one) => one.kind),
    acts,
    brokenAuditRow: firstBrokenRow(run, audit),
    incidents: audit.flatMap((one) => (one.event.startsWith('incident') ? [one.event] : [])),
  };
}

function textOf({ content = '' }: Block): string {
  return typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
}

/** What a result says about the deed. */
export type Told = 'done' | 'not done' | 'not known';

export function toldBy(text: string): Told {
  if (/^(Not run|Not done|Error)/.test(text)) return 'not done';
  return text.startsWith('It is not known') ? 'not known' : 'done';
}

/** What no order of events may break. `actsMax`: what is beyond everybody's reach is named by the test, not excused here. */
export function broken(facts: Facts, { actsMax }: { readonly actsMax: number }): readonly string[] {
  return [...brokenDeeds(facts, actsMax), ...brokenApprovals(facts), ...brokenConversation(facts)];
}

/** V1, and: never "not done" about something that happened, never "done" about something that did not. */
function brokenDeeds(facts: Facts, actsMax: number): readonly string[] {
  const problems: string[] = [];
  if (new Set(facts.effects.map((effect) => effect.key)).size !== facts.effects.length)
    problems.push('V1: two effects of one key');
  for (const { key, state } of facts.effects) {
    const acts = facts.acts[key] ?? 0;
    if (acts > actsMax) problems.push(`V1: the outside acted ${acts} times for ${key}`);
    if (acts > 0 && (state === 'void' || state === 'refused'))
      problems.push(`V1: ${key} is ${state} and was done`);
    if (acts === 0 && state === 'applied') problems.push(`V1: ${key} is applied and was not done`);
    if (state === 'claimed' && facts.run.state === 'ended')
      problems.push(`V1: the run ended and nobody asked what became of ${key}`);
  }
  const acts = Object.values(facts.acts).reduce((sum, one) => sum + one, 0);
  for (const { text } of facts.results) {
    if (acts > 0 && toldBy(text) === 'not done') problems.push(`told "${text}" about what was done`);
    if (acts === 0 && toldBy(text) === 'done') problems.push(`told "${text}" about what was not done`);
  }
  return problems;
}

/** V2. Everything here has to be asked for; what was never claimed, but closed at once, names no approval. */
function brokenApprovals(facts: Facts): readonly string[] {
  return facts.effects.flatMap((effect) => {
    if (effect.approval === null && effect.state === 'void') return [];
    const approval = facts.approvals.find((one) => one.id === effect.approval);
    const holds =
      approval?.state === 'approved' &&
      approval.key === effect.key &&
      approval.args_hash === effect.args_hash &&
      approval.in_time &&
      approval.decided_by !== approval.requester;
    return holds ? [] : [`V2: ${effect.key} was claimed without a standing approval`];
  });
}

/** V3, V5 and V8. */
function brokenConversation(facts: Facts): readonly string[] {
  const problems: string[] = [];
  // Nobody speaks with the model any more after a cancellation, so an open call may stay without its result.
  const least = facts.run.outcome === 'cancelled' ? 0 : 1;
  for (const call of facts.calls) {
    const results = facts.results.filter((result) => result.call === call).length;
    if (results < least || results > 1) problems.push(`V3: call ${call} has ${results} results`);
  }
  if (facts.results.some((result) => !facts.calls.includes(result.call)))
    problems.push('V3: a result without a call');
  const open = facts.approvals.filter((approval) => approval.state === 'open');
  if (facts.run.state === 'ended') {
    if (open.length > 0) problems.push('V5: the run ended with a request open');
  } else if (!open.some((approval) => approval.bounded))
    problems.push(`V5: the run is ${facts.run.state} and waits for nothing with a deadline`);
  if (facts.approvals.some((approval) => approval.kind === 'reconcile' && !approval.evidenced))
    problems.push('V5: a person is asked what happened and told nothing');
  if (facts.brokenAuditRow !== null)
    problems.push(`V8: audit row ${facts.brokenAuditRow} does not follow from the one before it`);
  return problems;
}
