import type { RunToolInput } from '../activities/types.ts';
import type { CallKey, Hash } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { RateLimited, ToolRate } from '../core/rates.ts';
import type { Replay } from '../core/release.ts';
import type { Sql } from './connection.ts';
import { hashText } from './hash.ts';

/**
 * The effect ledger (the statements are functions in migrations/0001_trunk.sql).
 *
 * L1. An effect is claimed before it acts and settled after; both are one statement with its audit row.
 * L2. A key runs with one argument hash only.
 * L3. At most one attempt holds the lease; the fence says which, and a losing settle changes nothing.
 * L4. `void`, `applied` and `refused` are final. Only `void` and `refused` may be called "not done", and nothing is
 *     called so while an earlier attempt may have acted.
 * L5. All times are the database's.
 * L6. `held` and `stale` are no results: nothing was done and nothing was closed, and the same key may be claimed again.
 *     Whoever gives up on a held call closes it first (`closeEffect`).
 */
export type Effect = Exclude<Replay, 'pure'>;

export type Claim =
  | {
      readonly kind: 'run' | 'check';
      readonly fence: number;
      readonly generation: number;
      /** An earlier attempt may have acted: what this one says about itself does not speak for that one. */
      readonly doubt: boolean;
    }
  | { readonly kind: 'settled'; readonly state: 'applied' | 'refused'; readonly result: string }
  | { readonly kind: 'busy'; readonly remainingMs: number }
  | { readonly kind: 'void' | 'unknown' | 'mismatch' | 'stale' }
  /** `name`: of the kill switch, such as `tool:refund`. */
  | { readonly kind: 'held'; readonly name: string }
  | { readonly kind: 'not_approved'; readonly detail: string }
  /** The tool is called too often: nothing was written. */
  | { readonly kind: 'rate_limited'; readonly limited: RateLimited };

interface ClaimRow {
  readonly kind: Claim['kind'];
  readonly fence: number;
  readonly generation: number;
  readonly remaining_ms: number;
  readonly result: string | null;
  readonly detail: string | null;
}

export interface Lease {
  readonly mode: Effect;
  readonly leaseMs: number;
  /** 0 but for `checkable` effects. */
  readonly settlesMs: number;
}

/**
 * `termsHold`: what it was judged by (price, state, version) is still so. `rate`: how often the tool's author lets it
 * be called.
 */
export async function claimEffect(
  sql: Sql,
  input: RunToolInput,
  lease: Lease,
  termsHold: boolean,
  rate?: ToolRate,
): Promise<Claim> {
  const { approval } = input;
  const [row] = await sql<ClaimRow[]>`
    select * from claim_effect(${input.key}, ${input.run}, ${input.agent}, ${input.requester.tenant}, ${input.tool},
      ${input.release}, ${input.argsHash}, ${lease.mode}, ${lease.leaseMs}, ${lease.settlesMs}, ${input.generation},
      ${termsHold}, ${approval?.id ?? null},
      ${approval === null ? null : JSON.stringify(approval.decision)}::text::jsonb,
      ${approval === null ? null : new Date(approval.decidedAtMs).toISOString()}::text::timestamptz,
      ${input.learned}::text::bigint, ${[...input.classes]}::text[],
      ${rate === undefined ? null : JSON.stringify(rate)}::text::jsonb)`;
  if (row === undefined) throw new Error('claim_effect returned no row');
  switch (row.kind) {
    case 'run':
    case 'check':
      return {
        kind: row.kind,
        fence: row.fence,
        generation: row.generation,
        doubt: row.detail === 'doubt',
      };
    case 'settled':
      return {
        kind: 'settled',
        state: row.detail === 'applied' ? 'applied' : 'refused',
        result: row.result ?? '',
      };
    case 'busy':
      return { kind: 'busy', remainingMs: row.remaining_ms };
    case 'void':
    case 'unknown':
    case 'mismatch':
    case 'stale':
      return { kind: row.kind };
    case 'held':
      return { kind: 'held', name: row.detail ?? '' };
    case 'not_approved':
      return { kind: 'not_approved', detail: row.detail ?? '' };
    case 'rate_limited':
      return { kind: 'rate_limited', limited: JSON.parse(row.detail ?? '{}') as RateLimited };
    default:
      return row.kind satisfies never;
  }
}

/** How often a call was claimed after what allowed it had changed. */
export async function staleClaims(
  sql: Sql,
  { run, key }: Pick<RunToolInput, 'run' | 'key'>,
): Promise<number> {
  const [row] = await sql<{ times: number }[]>`
    select count(*)::int as times from audit where run = ${run} and event = 'effect_stale' and key = ${key}`;
  return row?.times ?? 0;
}

/** How an attempt ended: `released` says it did not act and may be tried again, `lost` that it cannot say. */
export type SettleState = 'applied' | 'refused' | 'unknown' | 'released' | 'lost';

export interface Settled {
  /** False when another attempt had taken over: what this one said is kept as evidence. */
  readonly won: boolean;
  readonly state: string;
  readonly result: string | null;
}

/** `result` is the outcome as JSON text; `blob` the text the model will read. */
export async function settleEffect(
  sql: Sql,
  key: CallKey,
  fence: number,
  settle: {
    readonly state: SettleState;
    readonly result: string | null;
    readonly facts: JsonObject;
    readonly blob: string | null;
  },
): Promise<Settled> {
  const [row] = await sql<Settled[]>`
    select * from settle_effect(${key}, ${fence}, ${settle.state}, ${settle.result}, ${JSON.stringify(settle.facts)}::text::jsonb,
      ${settle.blob === null ? null : hashText(settle.blob)}, ${settle.blob})`;
  if (row === undefined) throw new Error('settle_effect returned no row');
  return row;
}

export type Closing =
  | { readonly kind: 'busy'; readonly remainingMs: number }
  | { readonly kind: 'lapsed'; readonly fence: number }
  | { readonly kind: 'applied' | 'refused'; readonly result: string }
  | { readonly kind: 'unknown' | 'void' | 'mismatch' };

export async function closeEffectRow(sql: Sql, input: RunToolInput, lease: Lease): Promise<Closing> {
  const [row] = await sql<
    { kind: Closing['kind']; fence: number; remaining_ms: number; result: string | null }[]
  >`
    select * from close_effect(${input.key}, ${input.run}, ${input.tool}, ${input.release}, ${input.argsHash},
      ${lease.mode}, ${lease.leaseMs}, ${lease.settlesMs}, ${input.generation})`;
  if (row === undefined) throw new Error('close_effect returned no row');
  switch (row.kind) {
    case 'busy':
      return { kind: 'busy', remainingMs: row.remaining_ms };
    case 'lapsed':
      return { kind: 'lapsed', fence: row.fence };
    case 'applied':
    case 'refused':
      return { kind: row.kind, result: row.result ?? '' };
    case 'unknown':
    case 'void':
    case 'mismatch':
      return { kind: row.kind };
    default:
      return row.kind satisfies never;
  }
}

/** How an effect stands; `result` is its outcome as JSON text where it has one. */
export interface Standing {
  readonly state: 'claimed' | 'applied' | 'refused' | 'unknown' | 'void';
  readonly result: string | null;
}

/** A person's word, and what stands after it: a word that does not fit what is known by now changes nothing. */
export async function resolveEffectRow(
  sql: Sql,
  key: CallKey,
  said: {
    readonly state: 'applied' | 'void' | 'given_up';
    readonly result: string | null;
    readonly facts: JsonObject;
  },
): Promise<Standing> {
  const [row] = await sql<Standing[]>`
    select * from resolve_effect(${key}, ${said.state}, ${said.result}, ${JSON.stringify(said.facts)}::text::jsonb)`;
  if (row === undefined) throw new Error('resolve_effect returned no row');
  return row;
}

/**
 * What is known about an effect's attempts, for the person who has to say what became of it. `came` is the argument hash
 * of the call that asks: where it is not the one on record, that comes first.
 */
export async function evidenceOf(sql: Sql, key: CallKey, came: Hash): Promise<string> {
  const [effect] = await sql<
    { tool: string; fence: number; mode: string; state: string; claimed_at: Date; args_hash: string }[]
  >`
    select tool, fence, mode, state, claimed_at, args_hash from effects where key = ${key}`;
  if (effect === undefined) return `no attempt at ${key} is on record`;
  const rows = await sql<{ kind: string; facts: string; at: Date }[]>`
    select kind, facts, at from evidence where key = ${key} order by id limit 20`;
  const lines = rows.map((row) => `${row.at.toISOString()} ${row.kind} ${row.facts}`);
  const mixed =
    effect.args_hash === came
      ? []
      : [
          `this call came with arguments ${came} and was not run: its key is on record with arguments ${effect.args_hash}, which are ${effect.state}`,
        ];
  const head = `${effect.tool} (${effect.mode}), attempt ${effect.fence} claimed ${effect.claimed_at.toISOString()}, arguments ${effect.args_hash}`;
  return [...mixed, head, ...lines].join('\n').slice(0, 4_000);
}
