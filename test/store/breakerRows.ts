import { expect } from 'vitest';
import type { Reading } from '../../src/core/breakerRules.ts';
import { newBreaker } from '../../src/core/breakers.ts';
import { findBreaker, writeBreaker } from '../../src/store/breakers.ts';
import type { Sql } from '../../src/store/connection.ts';

// Breakers, and rows as runs leave them.

export const NOW = Date.parse('2030-03-05T12:30:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
const READING: Reading = { metric: 'toolErrors', part: null, bad: 9, of: 10, runs: 5 };
export const at = (ms: number) => new Date(ms).toISOString();

/** Moves a breaker as the governor would. */
export async function moveBreaker(
  sql: Sql,
  name: string,
  to: 'open' | 'half_open' | 'closed',
  nowMs = NOW,
): Promise<void> {
  const before = (await findBreaker(sql, name)) ?? { breaker: newBreaker(name), version: 0 };
  const why = { kind: 'reading', reading: READING } as const;
  const times = { sinceMs: nowMs, untilMs: nowMs + 5 * MINUTE };
  const state =
    to === 'closed'
      ? ({ kind: 'closed', sinceMs: nowMs } as const)
      : to === 'open'
        ? ({ kind: 'open', ...times, why } as const)
        : ({ kind: 'half_open', ...times, probes: 2, taken: 0, why } as const);
  const event = to === 'open' ? 'opened' : to;
  expect(
    await writeBreaker(sql, before, { breaker: { ...before.breaker, state }, event, why }, 'holdfast'),
  ).toBe(true);
}

/** Rows as runs leave them. */
export const planting = (sql: Sql) => ({
  run: (run: string, more: { agent?: string; release?: string; tenant?: string | null } = {}) =>
    sql`insert into runs (run, workflow_id, agent, release, requester, tenant, state)
      values (${run}, ${run}, ${more.agent ?? 'lab'}, 'release', 'c', ${more.tenant ?? null}, 'running') on conflict do nothing`,
  call: (run: string, outcome: string, atMs: number, more: { tool?: string; release?: string } = {}) =>
    sql`insert into call_outcomes (at, run, agent, release, tenant, tool, outcome) values (${at(atMs)}::text::timestamptz,
      ${run}, 'lab', ${more.release ?? 'release'}, 'acme', ${more.tool ?? 'note'}, ${outcome})`,
  answer: (
    run: string,
    atMs: number,
    more: { cost?: number; failure?: string | null; model?: string } = {},
  ) =>
    sql`insert into model_attempts (run, step, purpose, state, model, reserved_micro_usd, cost_micro_usd, failure, expires_at, closed_at)
      values (${run}, 1, 'act', ${more.failure ? 'released' : 'settled'}, ${more.model ?? 'm1'}, 0, ${more.cost ?? 0},
        ${more.failure ?? null}, now(), ${at(atMs)}::text::timestamptz)`,
  end: (run: string, outcome: string, reason: string, atMs: number) =>
    sql`update runs set state = 'ended', outcome = ${outcome}, reason = ${reason}, ended_at = ${at(atMs)}::text::timestamptz
      where run = ${run}`,
});
