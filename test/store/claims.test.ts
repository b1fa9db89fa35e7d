import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import { type ApprovalId, callKey, type Hash, type RunId } from '../../src/core/ids.ts';
import { readAudit } from '../../src/store/audit.ts';
import { connect } from '../../src/store/connection.ts';
import { claimEffect, closeEffectRow, type Lease, settleEffect } from '../../src/store/ledger.ts';
import { insertApprovals, insertDecisions } from '../../src/store/records.ts';
import { openDatabase, type TestDatabase } from './database.ts';

const KEYED: Lease = { mode: 'keyed', leaseMs: 3_600_000, settlesMs: 0 };
const DECIDED_AT_MS = Date.parse('2030-01-01T12:00:00Z');
const DEADLINE_MS = DECIDED_AT_MS + 60_000;

let database: TestDatabase;
let runs = 0;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
});
afterAll(() => database[Symbol.asyncDispose]());

describe('one claim at a time', () => {
  test('of twenty claims of one key at once exactly one may run; the others learn how long to wait', async () => {
    const pools = Array.from({ length: 4 }, () => connect(database.url, { maxConnections: 5 }));
    try {
      const input = newInput();
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) => claimEffect(pools[i % 4] ?? database.sql, input, KEYED, true)),
      );
      expect(claims.filter((claim) => claim.kind === 'run')).toHaveLength(1);
      const busy = claims.filter((claim) => claim.kind === 'busy');
      expect(busy).toHaveLength(19);
      for (const claim of busy) expect(claim.remainingMs).toBeGreaterThan(KEYED.leaseMs - 60_000);
      expect(await eventsOf(input.run)).toEqual(['effect_claimed']);
    } finally {
      await Promise.all(pools.map((pool) => pool.end({ timeout: 5 })));
    }
  });

  test('of twenty take-overs of one lapsed lease exactly one runs, with the next fence', async () => {
    const input = newInput();
    await claimEffect(database.sql, input, KEYED, true);
    await lapse(input);
    const claims = await Promise.all(
      Array.from({ length: 20 }, () => claimEffect(database.sql, input, KEYED, true)),
    );
    expect(claims.filter((claim) => claim.kind !== 'busy')).toEqual([
      { kind: 'run', fence: 2, generation: 1, doubt: true },
    ]);
  });

  test('a claim and a closing at once: either it runs and is not closed, or it is void and never runs', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const input = newInput();
        const [claim, closing] = await Promise.all([
          claimEffect(database.sql, input, KEYED, true),
          closeEffectRow(database.sql, input, KEYED),
        ]);
        return `${claim.kind} ${closing.kind}`;
      }),
    );
    for (const outcome of outcomes) expect(['run busy', 'void void']).toContain(outcome);
  });

  test('claims, settles and the recording of decisions of one run never deadlock', async () => {
    const input = newInput();
    const inputs = Array.from({ length: 12 }, (_, i) => ({ ...input, key: callKey(input.run, 1, i) }));
    await insertApprovals(database.sql, approvalsFor(inputs));
    const decisions = [...inputs].reverse().map((one) => ({
      approval: approvalOf(one),
      state: 'approved' as const,
      facts: { by: 'boss' },
      atMs: DECIDED_AT_MS,
    }));
    const work = inputs.map(async (one) => {
      const claim = await claimEffect(database.sql, approved(one), KEYED, true);
      if (claim.kind !== 'run') throw new Error(`claim of ${one.key}: ${claim.kind}`);
      return settleEffect(database.sql, one.key, claim.fence, {
        state: 'applied',
        result: '{}',
        facts: {},
        blob: 'b',
      });
    });
    const recorded = Array.from({ length: 6 }, () =>
      insertDecisions(database.sql, { run: input.run, decisions, state: null }),
    );
    const [settled] = await Promise.all([Promise.all(work), Promise.all(recorded)]);
    expect(settled.every((one) => one.won)).toBe(true);
    const events = await eventsOf(input.run);
    expect(events.filter((event) => event === 'approval_approved')).toHaveLength(12);
  });
});

describe('kill switches', () => {
  test.each([
    ['fleet', 'fleet'],
    ['one agent', 'agent:lab'],
    ['one tool', 'tool:note'],
  ])('stop the claims of %s, each with an audit row, and hold for that call', async (_, name) => {
    const input = newInput();
    await switchOff(name, async () => {
      expect(await claimEffect(database.sql, input, KEYED, true)).toEqual({
        kind: 'switched_off',
        detail: `${name}: a test`,
      });
      expect(await eventsOf(input.run)).toEqual(['effect_switched_off']);
    });
    // It was reported as not done: an attempt that wakes up later must not do it after all.
    expect(await claimEffect(database.sql, input, KEYED, true)).toEqual({ kind: 'void' });
    expect(await claimEffect(database.sql, newInput(), KEYED, true)).toMatchObject({ kind: 'run' });
  });

  test('another agent and another tool are not stopped', async () => {
    await switchOff('agent:other', () =>
      switchOff('tool:other', async () => {
        expect(await claimEffect(database.sql, newInput(), KEYED, true)).toMatchObject({ kind: 'run' });
      }),
    );
  });

  test('what was done before the switch is not called "not run" after it', async () => {
    const done = newInput();
    await claimEffect(database.sql, done, KEYED, true);
    await settleEffect(database.sql, done.key, 1, {
      state: 'applied',
      result: '{"a":1}',
      facts: {},
      blob: null,
    });
    const lost = newInput();
    await claimEffect(database.sql, lost, KEYED, true);
    await lapse(lost);
    await switchOff('fleet', async () => {
      expect(await claimEffect(database.sql, done, KEYED, true)).toEqual({
        kind: 'settled',
        state: 'applied',
        result: '{"a":1}',
      });
      // Nobody knows whether it was done, and it may not be done again: a person has to say.
      expect(await claimEffect(database.sql, lost, KEYED, true)).toEqual({ kind: 'unknown' });
    });
  });
});

describe('a gated effect runs only under its own standing approval', () => {
  test('decided in time, for this call and these arguments: it runs, and the approval is recorded with it', async () => {
    const input = newInput();
    await insertApprovals(database.sql, approvalsFor([input]));
    expect(await claimEffect(database.sql, approved(input), KEYED, true)).toMatchObject({ kind: 'run' });
    expect(await eventsOf(input.run)).toEqual(['approval_opened', 'approval_approved', 'effect_claimed']);
    expect(await stateOf(approvalOf(input))).toBe('approved');
    const [row] = await database.sql<
      { approval: string }[]
    >`select approval from effects where key = ${input.key}`;
    expect(row?.approval).toBe(approvalOf(input));
  });

  test('the decision that was recorded before stands: a claim does not replace it', async () => {
    const input = newInput();
    await insertApprovals(database.sql, approvalsFor([input]));
    await decide(input, 'approved', 'first');
    expect(await claimEffect(database.sql, approved(input), KEYED, true)).toMatchObject({ kind: 'run' });
    const [row] = await database.sql<{ by: string }[]>`
      select decision::jsonb ->> 'by' as by from approvals where id = ${approvalOf(input)}`;
    expect(row?.by).toBe('first');
  });

  test.each(['rejected', 'expired', 'withdrawn', 'answered'] as const)(
    'not when it was %s',
    async (state) => {
      const input = newInput();
      await insertApprovals(database.sql, approvalsFor([input]));
      await decide(input, state, 'boss');
      await expectRefused(approved(input), state);
      expect(await stateOf(approvalOf(input))).toBe(state);
    },
  );

  test('not when nobody opened it', async () => {
    await expectRefused(approved(newInput()), 'no such approval');
  });

  test.each([
    ['for other arguments', { args_hash: 'other' }],
    ['for another call', { key: 'r/9/9' }],
    ['with a deadline that had passed', { deadline: new Date(DECIDED_AT_MS) }],
    ['for a landing, which speaks about no call', { kind: 'landing', args_hash: null }],
  ])('not when it is %s; and the claim does not decide that approval on the way', async (_, change) => {
    const input = newInput();
    await insertApprovals(database.sql, approvalsFor([input]));
    await database.sql`update approvals set ${database.sql(change)} where id = ${approvalOf(input)}`;
    await expectRefused(approved(input), 'open');
    expect(await stateOf(approvalOf(input))).toBe('open');
  });

  test('changed terms stop it while nothing can have acted, and only then', async () => {
    const fresh = newInput();
    await insertApprovals(database.sql, approvalsFor([fresh]));
    expect(await claimEffect(database.sql, approved(fresh), KEYED, false)).toEqual({ kind: 'stale' });
    expect(await eventsOf(fresh.run)).toContain('effect_stale');
    // An attempt that says it did not act leaves nothing that could have.
    await claimEffect(database.sql, approved(fresh), KEYED, true);
    await settleEffect(database.sql, fresh.key, 1, {
      state: 'released',
      result: null,
      facts: {},
      blob: null,
    });
    expect(await claimEffect(database.sql, approved(fresh), KEYED, false)).toEqual({ kind: 'stale' });
    // One that was lost may have: its idempotency key has to be used again, whatever the price is now.
    await claimEffect(database.sql, approved(fresh), KEYED, true);
    await lapse(fresh);
    expect(await claimEffect(database.sql, approved(fresh), KEYED, false)).toMatchObject({
      kind: 'run',
      fence: 3,
    });
  });
});

async function expectRefused(input: RunToolInput, detail: string): Promise<void> {
  expect(await claimEffect(database.sql, input, KEYED, true)).toEqual({ kind: 'not_approved', detail });
  expect(await eventsOf(input.run)).toContain('effect_not_approved');
  expect(await database.sql`select from effects where key = ${input.key}`).toHaveLength(0);
}

function newInput(): RunToolInput {
  const run = `rclaims${runs++}` as RunId;
  return {
    run,
    workflowId: `wf-${run}`,
    agent: 'lab',
    requester: { id: 'customer', tenant: null, roles: [] },
    release: 'release' as Hash,
    key: callKey(run, 1, 0),
    tool: 'note',
    argsHash: 'hash' as Hash,
    generation: 1,
    terms: null,
    approval: null,
  };
}

function approvalOf(input: RunToolInput): ApprovalId {
  return `${input.key}/1` as ApprovalId;
}

function approved(input: RunToolInput): RunToolInput {
  return {
    ...input,
    approval: { id: approvalOf(input), decision: { by: 'boss' }, decidedAtMs: DECIDED_AT_MS },
  };
}

function approvalsFor(inputs: readonly RunToolInput[]): Parameters<typeof insertApprovals>[1] {
  const [first] = inputs;
  if (first === undefined) throw new Error('no input');
  return {
    run: first.run,
    workflowId: first.workflowId,
    agent: first.agent,
    requester: first.requester,
    release: null,
    records: inputs.map((input) => ({
      id: approvalOf(input),
      kind: 'call' as const,
      key: input.key,
      tool: input.tool,
      argsHash: input.argsHash,
      tier: 'write_risky' as const,
      amount: null,
      summary: 'note',
      reason: 'a test asks',
      approvers: [],
      quorum: 1,
      openedAtMs: DECIDED_AT_MS - 60_000,
      deadlineMs: DEADLINE_MS,
      state: { kind: 'open' as const },
      votes: [],
    })),
    state: 'waiting',
    evidence: null,
    terms: {},
  };
}

async function decide(input: RunToolInput, state: string, by: string): Promise<void> {
  await insertDecisions(database.sql, {
    run: input.run,
    decisions: [{ approval: approvalOf(input), state, facts: { by }, atMs: DECIDED_AT_MS }],
    state: null,
  });
}

async function stateOf(approval: string): Promise<string | undefined> {
  const [row] = await database.sql<{ state: string }[]>`select state from approvals where id = ${approval}`;
  return row?.state;
}

async function eventsOf(run: RunId): Promise<readonly string[]> {
  return (await readAudit(database.sql, run)).map((row) => row.event);
}

async function lapse(input: RunToolInput): Promise<void> {
  await database.sql`update effects set lease_until = clock_timestamp() where key = ${input.key}`;
}

async function switchOff(name: string, work: () => Promise<void>): Promise<void> {
  await database.sql`insert into switches (name, reason, set_by) values (${name}, 'a test', 'boss')`;
  try {
    await work();
  } finally {
    await database.sql`delete from switches where name = ${name}`;
  }
}
