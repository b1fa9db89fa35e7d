import type { RunRef } from '../activities/types.ts';
import { type Breaker, type BreakerState, type Judgement, type Why, whyText } from '../core/breakers.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { part, type Sql } from './connection.ts';
import { knownFor } from './knownFor.ts';

/**
 * Breakers as they stand (tables and functions in migrations/0007_breakers.sql). Claims and new runs ask them in the
 * statements they make anyway; the governor and operators change them, each change with its audit row in the chain
 * `breakers` and its notice, in one transaction.
 */
export interface StoredBreaker {
  readonly breaker: Breaker;
  /** 0: there is no row yet. */
  readonly version: number;
}

interface BreakerRow {
  readonly name: string;
  readonly version: number;
  readonly state: BreakerState['kind'];
  readonly since: Date | null;
  readonly until: Date | null;
  readonly probes: number;
  readonly taken: number;
  readonly opens: number;
  readonly why: string | null;
  readonly override: 'open' | 'closed' | null;
  readonly override_until: Date | null;
  readonly override_by: string | null;
  readonly override_reason: string | null;
}

/** Those that are not simply closed first, then by name. */
export async function listBreakers(sql: Sql): Promise<readonly StoredBreaker[]> {
  const rows = await sql<BreakerRow[]>`
    select b.*, ${TAKEN} from breakers b order by (b.state = 'closed' and b.override is null), name limit ${LIMITS.breakersListed}`;
  return rows.map(fromRow);
}

export async function findBreaker(sql: Sql, name: string): Promise<StoredBreaker | null> {
  const [row] = await sql<BreakerRow[]>`select b.*, ${TAKEN} from breakers b where name = ${name}`;
  return row === undefined ? null : fromRow(row);
}

const TAKEN = part`(select count(*)::int from breaker_probes p where p.name = b.name and p.version = b.version) as taken`;

function fromRow(row: BreakerRow): StoredBreaker {
  const { name, version, opens, override } = row;
  return {
    version,
    breaker: {
      name,
      opens,
      state: stateOf(row),
      override:
        override === null
          ? null
          : {
              stands: override,
              untilMs: row.override_until?.getTime() ?? null,
              by: row.override_by ?? '',
              reason: row.override_reason ?? '',
            },
    },
  };
}

function stateOf({ state: kind, since, until, probes, taken: came, why }: BreakerRow): BreakerState {
  if (kind === 'closed') return { kind, sinceMs: since?.getTime() ?? null };
  const times = { sinceMs: since?.getTime() ?? 0, untilMs: until?.getTime() ?? 0 };
  const because = JSON.parse(why ?? 'null') as Why;
  return kind === 'open'
    ? { kind, ...times, why: because }
    : { kind, ...times, probes, taken: came, why: because };
}

/** Writes a judgement that changed something. False: the breaker was changed by somebody else since `before` was read. */
export async function writeBreaker(
  sql: Sql,
  before: Pick<StoredBreaker, 'version'>,
  { breaker, event, why }: Judgement,
  by: string,
): Promise<boolean> {
  if (event === null) return false;
  const { name, state, opens, override } = breaker;
  const open = state.kind === 'closed' ? null : state;
  const facts = {
    by,
    state: state.kind,
    opens,
    untilMs: event === 'forced' ? (override?.untilMs ?? null) : (open?.untilMs ?? null),
    ...(override !== null && { forced: override.stands }),
    ...(why !== null && { reason: why.kind === 'operator' ? why.reason : whyText(why) }),
    ...(why?.kind === 'reading' && { reading: { ...why.reading } }),
  };
  const [row] = await sql<{ written: boolean }[]>`
    select write_breaker(${name}, ${before.version}, ${state.kind}, ${time(state.sinceMs)}::text::timestamptz,
      ${time(open?.untilMs ?? null)}::text::timestamptz, ${state.kind === 'half_open' ? state.probes : 0}, ${opens},
      ${open === null ? null : JSON.stringify(open.why)}, ${open === null ? null : whyText(open.why)},
      ${override?.stands ?? null}, ${time(override?.untilMs ?? null)}::text::timestamptz, ${override?.by ?? null},
      ${override?.reason ?? null}, ${event}, ${JSON.stringify(facts)}::text::jsonb) as written`;
  return row?.written === true;
}

export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** When the governor looked last (null: never), and what time it is, by the database's clock. */
export async function readGovernor(
  sql: Sql,
): Promise<{ readonly ranAtMs: number | null; readonly nowMs: number }> {
  const [row] = await sql<{ now: number; ran: number | null }[]>`
    select floor(extract(epoch from clock_timestamp()) * 1000)::float8 as now,
      (select floor(extract(epoch from ran_at) * 1000)::float8 from governor) as ran`;
  if (row === undefined) throw new Error('the database did not say what time it is');
  return { ranAtMs: row.ran, nowMs: row.now };
}

export type Admission =
  /** `release` is null where the channel points nowhere. */
  | { readonly kind: 'admitted'; readonly release: Hash | null }
  | {
      readonly kind: 'held';
      readonly release: Hash;
      /** `breaker:NAME`. */
      readonly name: string;
      /** Epoch milliseconds; null: until an operator says so. */
      readonly untilMs: number | null;
    };

/** Where the channel of a run points, and whether the run may begin. Repeating it is harmless. */
export async function admitRun(sql: Sql, ref: RunRef, channel: string): Promise<Admission> {
  const { run, workflowId, namespaceId, agent, requester } = ref;
  const [row] = await sql<{ release: Hash | null; held: string | null; until: Date | null }[]>`
    select * from admit_run(${run}, ${workflowId}, ${namespaceId}, ${agent}, ${requester.id}, ${requester.tenant}, ${channel})`;
  const release = row?.release ?? null;
  if (release === null || row === undefined || row.held === null) return { kind: 'admitted', release };
  return { kind: 'held', release, name: row.held, untilMs: row.until?.getTime() ?? null };
}

const OPEN = new WeakMap<Sql, () => Promise<ReadonlySet<string>>>();

/**
 * Names of the breakers that stand open, `openBreakersMs` old at most. For choices that are made anew each time, such as
 * which model is asked; what must not start under an open breaker is held where it is claimed.
 */
export function openBreakers(sql: Sql): Promise<ReadonlySet<string>> {
  const known = OPEN.get(sql) ?? knownFor(LIMITS.openBreakersMs, () => readOpenBreakers(sql));
  OPEN.set(sql, known);
  return known();
}

async function readOpenBreakers(sql: Sql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    select name from breakers b where breaker_stands(b) = 'open' limit ${LIMITS.breakersListed}`;
  return new Set(rows.map(({ name }) => name));
}
