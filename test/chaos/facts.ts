import type { RunId } from '../../src/core/ids.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { type ChainNode, loadChain } from '../../src/store/chain.ts';
import type { Sql } from '../../src/store/connection.ts';

/** What the stores say about a run, however it got there. */
export interface Facts {
  readonly run: { readonly state: string; readonly outcome: string | null };
  readonly effects: readonly {
    readonly key: string;
    readonly tool: string;
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
    readonly openedAtMs: number;
    readonly deadlineMs: number;
    readonly decidedAtMs: number | null;
    readonly decided_by: string | null;
    /** `approve`, `reject`, … */
    readonly decided: string | null;
    /** Everybody whose yes was counted. */
    readonly voters: readonly string[];
    /** It says what is known about the attempts. */
    readonly evidenced: boolean;
    /** What a person answered, as JSON text. */
    readonly answer: string | null;
  }[];
  /** What the audit says that people answered. */
  readonly answers: readonly { readonly approval: string; readonly by: string; readonly answer: string }[];
  /** What became of unknown effects by somebody's word. */
  readonly resolutions: readonly { readonly key: string; readonly said: string; readonly by: string }[];
  readonly calls: readonly string[];
  /** What the model was told, in the order of the conversation. */
  readonly results: readonly {
    readonly call: string;
    readonly text: string;
    /** The call as it was prepared: its key, which an effect of it has too, and its tool. */
    readonly key: string;
    readonly tool: string;
  }[];
  /** What people said, in the order of the conversation. */
  readonly said: readonly string[];
  /** What its model calls cost, and the most that one of them had reserved. */
  readonly spent: { readonly microUsd: number; readonly largestMicroUsd: number };
  /** What lost attempts, checks and people said. */
  readonly evidence: readonly string[];
  /** How often the outside world acted for each key, by its own books. */
  readonly acts: Readonly<Record<string, number>>;
  readonly brokenAuditRow: number | null;
  readonly incidents: readonly string[];
  /** Times that a kill switch held one of them, and claims that passed one that was set. */
  readonly held: number;
  readonly claimedWhileStopped: number;
}

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly tool_use_id?: string;
  readonly text?: string;
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
    select key, tool, state, fence, approval, args_hash from effects where run = ${run} order by claimed_at`;
  const approvals = await sql<Facts['approvals'][number][]>`
    select id, key, kind, state, args_hash, requester, (extract(epoch from opened_at) * 1000)::float8 as "openedAtMs",
      (extract(epoch from deadline) * 1000)::float8 as "deadlineMs",
      (extract(epoch from decided_at) * 1000)::float8 as "decidedAtMs",
      decision::jsonb ->> 'by' as decided_by, decision::jsonb ->> 'kind' as decided,
      array(select vote ->> 'by' from jsonb_array_elements(decision::jsonb -> 'votes') vote) as voters,
      coalesce(evidence, '') <> '' as evidenced, decision::jsonb ->> 'answer' as answer
    from approvals where run = ${run} order by opened_at`;
  const answers = await sql<Facts['answers'][number][]>`
    select facts::jsonb ->> 'approval' as approval, facts::jsonb ->> 'by' as by, facts::jsonb ->> 'answer' as answer
    from audit where run = ${run} and event = 'approval_answered' order by seq`;
  const evidence = await sql<{ key: string; kind: string; by: string | null }[]>`
    select key, kind, facts::jsonb ->> 'by' as by from evidence where split_part(key, '/', 1) = ${run} order by id`;
  const chain: readonly ChainNode[] =
    row.seq === null ? [] : await loadChain(sql, run, { seq: row.seq, node: row.hash });
  const blocks = chain.flatMap((node) => node.message.content) as readonly Block[];
  const said = chain.flatMap((node) => (node.message.role === 'user' ? node.message.content : []));
  const prepared = new Map(
    (
      await sql<{ id: string; key: string; tool: string }[]>`
        select call ->> 'callId' as id, call ->> 'key' as key, call ->> 'tool' as tool
        from answers a, jsonb_array_elements(a.result::jsonb -> 'calls') call where a.run = ${run}`
    ).map((call) => [call.id, call]),
  );
  const [spent] = await sql<Facts['spent'][]>`
    select coalesce(sum(cost_micro_usd), 0)::bigint as "microUsd",
      coalesce(max(reserved_micro_usd), 0) as "largestMicroUsd" from model_attempts where run = ${run}`;
  const acts: Record<string, number> = {};
  for (const { key } of effects) acts[key] = await actsOf(key);
  const audit = await readAudit(sql, run);
  return {
    run: { state: row.state, outcome: row.outcome },
    effects,
    approvals,
    answers,
    resolutions: evidence.flatMap(({ key, kind, by }) =>
      kind.startsWith(PERSON) ? [{ key, said: kind.slice(PERSON.length), by: by ?? '' }] : [],
    ),
    calls: blocks.flatMap((block) => (block.type === 'tool_use' ? [block.id ?? ''] : [])),
    results: blocks.flatMap((block) => {
      if (block.type !== 'tool_result') return [];
      const call = block.tool_use_id ?? '';
      const { key = '', tool = '' } = prepared.get(call) ?? {};
      return [{ call, text: textOf(block), key, tool }];
    }),
    said: (said as readonly Block[]).flatMap(({ type, text = '' }) => (type === 'text' ? [text] : [])),
    spent: spent ?? { microUsd: 0, largestMicroUsd: 0 },
    evidence: evidence.map((one) => one.kind),
    acts,
    brokenAuditRow: firstBrokenRow(run, audit),
    incidents: audit.flatMap((one) => (one.event.startsWith('incident') ? [one.event] : [])),
    held: audit.filter((one) => one.event === 'effect_held').length,
    claimedWhileStopped: await claimsWhileStopped(sql, run),
  };
}

const PERSON = 'person_';

/** By the audit's own times: claims of the run between the setting and the lifting of a switch on its tenant. */
async function claimsWhileStopped(sql: Sql, run: RunId): Promise<number> {
  const [row] = await sql<{ claims: number }[]>`
    select count(*)::int as claims
    from audit claim join runs r on r.run = claim.run
    where claim.run = ${run} and claim.event = 'effect_claimed' and (
      select s.event from audit s where s.run = 'switches' and s.key = 'tenant:' || r.tenant and s.at_us < claim.at_us
      order by s.seq desc limit 1) = 'switch_set'`;
  return row?.claims ?? 0;
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

/** The outcome that an answer states. */
export function outcomeOf(answer: string | null): string {
  const stated = JSON.parse(answer ?? 'null') as { readonly outcome?: string } | null;
  return stated?.outcome ?? 'nothing';
}
