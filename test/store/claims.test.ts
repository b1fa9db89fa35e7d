import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunToolInput } from '../../src/activities/types.ts';
import { callKey, type Hash, type RunId } from '../../src/core/ids.ts';
import { readAudit } from '../../src/store/audit.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import { claimEffect, closeEffectRow, evidenceOf, settleEffect } from '../../src/store/ledger.ts';
import { insertDecisions } from '../../src/store/records.ts';
import {
  approvalOf,
  approved,
  DECIDED_AT_MS,
  decide,
  eventsOf,
  KEYED,
  lapse,
  newInput,
  openApprovals,
  stateOf,
} from './claimInputs.ts';
import { openDatabase, type TestDatabase } from './database.ts';

let database: TestDatabase;
let sql: Sql;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  sql = database.sql;
});
afterAll(() => database[Symbol.asyncDispose]());

describe('one claim at a time', () => {
  test('of twenty claims of one key at once exactly one may run; the others learn how long to wait', async () => {
    const pools = Array.from({ length: 4 }, () => connect(database.url, { maxConnections: 5 }));
    try {
      const input = newInput();
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) => claimEffect(pools[i % 4] ?? sql, input, KEYED, true)),
      );
      expect(claims.filter((claim) => claim.kind === 'run')).toHaveLength(1);
      const busy = claims.filter((claim) => claim.kind === 'busy');
      expect(busy).toHaveLength(19);
      for (const claim of busy) expect(claim.remainingMs).toBeGreaterThan(KEYED.leaseMs - 60_000);
      expect(await eventsOf(sql, input.run)).toEqual(['effect_claimed']);
    } finally {
      await Promise.all(pools.map((pool) => pool.end({ timeoutMs: 5_000 })));
    }
  });

  test('of twenty take-overs of one lapsed lease exactly one runs, with the next fence', async () => {
    const input = newInput();
    await claimEffect(sql, input, KEYED, true);
    await lapse(sql, input);
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimEffect(sql, input, KEYED, true)));
    expect(claims.filter((claim) => claim.kind !== 'busy')).toEqual([
      { kind: 'run', fence: 2, generation: 1, doubt: true },
    ]);
  });

  test('a claim and a closing at once: either it runs and is not closed, or it is void and never runs', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const input = newInput();
        const [claim, closing] = await Promise.all([
          claimEffect(sql, input, KEYED, true),
          closeEffectRow(sql, input, KEYED),
        ]);
        return `${claim.kind} ${closing.kind}`;
      }),
    );
    for (const outcome of outcomes) expect(['run busy', 'void void']).toContain(outcome);
  });

  test('claims, settles and the recording of decisions of one run never deadlock', async () => {
    const input = newInput();
    const inputs = Array.from({ length: 12 }, (_, i) => ({ ...input, key: callKey(input.run, 1, i) }));
    await openApprovals(sql, inputs);
    const decisions = [...inputs].reverse().map((one) => ({
      approval: approvalOf(one),
      state: 'approved' as const,
      facts: { by: 'boss' },
      atMs: DECIDED_AT_MS,
    }));
    const work = inputs.map(async (one) => {
      const claim = await claimEffect(sql, approved(one), KEYED, true);
      if (claim.kind !== 'run') throw new Error(`claim of ${one.key}: ${claim.kind}`);
      return settleEffect(sql, one.key, claim.fence, {
        state: 'applied',
        result: '{}',
        facts: {},
        blob: 'b',
      });
    });
    const recorded = Array.from({ length: 6 }, () =>
      insertDecisions(sql, { run: input.run, decisions, state: null }),
    );
    const [settled] = await Promise.all([Promise.all(work), Promise.all(recorded)]);
    expect(settled.every((one) => one.won)).toBe(true);
    const events = await eventsOf(sql, input.run);
    expect(events.filter((event) => event === 'approval_approved')).toHaveLength(12);
  });

  test('a claim outside READ COMMITTED, where a switch could be overlooked, is refused', async () => {
    const claimed = sql.begin('isolation level repeatable read', (tx) =>
      claimEffect(tx as unknown as Sql, newInput(), KEYED, true),
    );
    await expect(claimed).rejects.toThrow('READ COMMITTED only, this transaction is REPEATABLE READ');
  });
});

describe('a key belongs to one set of arguments', () => {
  test.each(['claim', 'close'] as const)(
    'a %s with others never runs and changes nothing; both hashes are evidence and audited',
    async (how) => {
      const input = newInput();
      await claimEffect(sql, input, KEYED, true);
      await lapse(sql, input);
      const other = { ...input, argsHash: 'other' as Hash };
      const before = await sql`select * from effects where key = ${input.key}`;
      const answer =
        how === 'claim'
          ? await claimEffect(sql, other, KEYED, true)
          : await closeEffectRow(sql, other, KEYED);
      expect(answer).toEqual({ kind: 'mismatch' });
      expect(await sql`select * from effects where key = ${input.key}`).toEqual(before);
      const row = (await readAudit(sql, input.run)).at(-1);
      expect(row?.event).toBe('effect_mismatch');
      expect(JSON.parse(row?.facts ?? '')).toEqual({ stored: 'hash', came: 'other' });
      const [first] = (await evidenceOf(sql, input.key, other.argsHash)).split('\n');
      expect(first).toMatch(/arguments other and was not run: .* with arguments hash, which are claimed$/);
      expect(await evidenceOf(sql, input.key, input.argsHash)).toMatch(/^note \(keyed\), attempt 1 claimed/);
    },
  );
});

describe('a gated effect runs only under its own standing approval', () => {
  test('decided in time, for this call and these arguments: it runs, and the approval is recorded with it', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    expect(await claimEffect(sql, approved(input), KEYED, true)).toMatchObject({ kind: 'run' });
    expect(await eventsOf(sql, input.run)).toEqual([
      'approval_opened',
      'approval_approved',
      'effect_claimed',
    ]);
    expect(await stateOf(sql, approvalOf(input))).toBe('approved');
    const [row] = await sql<{ approval: string }[]>`select approval from effects where key = ${input.key}`;
    expect(row?.approval).toBe(approvalOf(input));
  });

  test('the decision that was recorded before stands: a claim does not replace it', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await decide(sql, input, 'approved', { by: 'first' });
    expect(await claimEffect(sql, approved(input), KEYED, true)).toMatchObject({ kind: 'run' });
    const [row] = await sql<{ by: string }[]>`
      select decision::jsonb ->> 'by' as by from approvals where id = ${approvalOf(input)}`;
    expect(row?.by).toBe('first');
  });

  test.each(['rejected', 'expired', 'withdrawn', 'answered'] as const)(
    'not when it was %s',
    async (state) => {
      const input = newInput();
      await openApprovals(sql, [input]);
      await decide(sql, input, state, { by: 'boss' });
      await expectRefused(approved(input), state);
      expect(await stateOf(sql, approvalOf(input))).toBe(state);
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
    await openApprovals(sql, [input]);
    await sql`update approvals a set (args_hash, key, deadline, kind) = (select args_hash, key, deadline, kind
      from jsonb_populate_record(a, ${change})) where id = ${approvalOf(input)}`;
    await expectRefused(approved(input), 'open');
    expect(await stateOf(sql, approvalOf(input))).toBe('open');
  });

  test('nothing is called "not approved" while an attempt before may have acted: nobody knows', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await claimEffect(sql, approved(input), KEYED, true);
    await lapse(sql, input);
    await sql`update approvals set state = 'withdrawn' where id = ${approvalOf(input)}`;
    expect(await claimEffect(sql, approved(input), KEYED, true)).toEqual({ kind: 'unknown' });
    expect((await eventsOf(sql, input.run)).slice(-2)).toEqual(['effect_not_approved', 'effect_unknown']);
  });
});

describe('the id of a request', () => {
  test('that is told again opens nothing new', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await openApprovals(sql, [input]);
    expect(await eventsOf(sql, input.run)).toEqual(['approval_opened']);
  });

  test.each([
    { argsHash: 'other' as Hash },
    { key: callKey('rother' as RunId, 9, 9) },
    { kind: 'landing' as const },
    { openedAtMs: DECIDED_AT_MS - 30_000 },
  ])('never stands for two: %j', async (change) => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await expect(openApprovals(sql, [input], change)).rejects.toThrow(approvalOf(input));
    expect(await eventsOf(sql, input.run)).toEqual(['approval_opened']);
    const [row] = await sql`select args_hash, kind from approvals where id = ${approvalOf(input)}`;
    expect(row).toEqual({ args_hash: 'hash', kind: 'call' });
  });
});

describe('an approval speaks about what was true when it was given', () => {
  test('changed terms void it: nothing runs, and it does not come back when they do', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    expect(await claimEffect(sql, approved(input), KEYED, false)).toEqual({ kind: 'stale' });
    const events = ['approval_opened', 'approval_approved', 'approval_void', 'effect_stale'];
    expect(await eventsOf(sql, input.run)).toEqual(events);
    expect(await stateOf(sql, approvalOf(input))).toBe('void');
    expect(await sql`select from effects where key = ${input.key}`).toHaveLength(0);
    // The answer may have been lost on the way: the next attempt hears the same, and nothing more is written.
    expect(await claimEffect(sql, approved(input), KEYED, true)).toEqual({ kind: 'stale' });
    expect(await eventsOf(sql, input.run)).toEqual(events);
  });

  test('for another call or other arguments, a void approval is no approval at all', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await claimEffect(sql, approved(input), KEYED, false);
    const other = { ...approved(input), argsHash: 'other' as Hash };
    expect(await claimEffect(sql, other, KEYED, true)).toEqual({ kind: 'not_approved', detail: 'void' });
  });

  test('changed terms stop it while nothing can have acted, and only then', async () => {
    const fresh = newInput();
    await openApprovals(sql, [fresh]);
    await claimEffect(sql, approved(fresh), KEYED, true);
    // One that was lost may have acted: its idempotency key has to be used again, whatever the price is now.
    await lapse(sql, fresh);
    expect(await claimEffect(sql, approved(fresh), KEYED, false)).toMatchObject({ kind: 'run', fence: 2 });
    expect(await stateOf(sql, approvalOf(fresh))).toBe('approved');

    const clean = newInput();
    await openApprovals(sql, [clean]);
    await claimEffect(sql, approved(clean), KEYED, true);
    // An attempt that says it did not act leaves nothing that could have.
    await settleEffect(sql, clean.key, 1, { state: 'released', result: null, facts: {}, blob: null });
    expect(await claimEffect(sql, approved(clean), KEYED, false)).toEqual({ kind: 'stale' });
    expect(await stateOf(sql, approvalOf(clean))).toBe('void');
  });

  test('what was done under it stays done, and leaves it approved', async () => {
    const input = newInput();
    await openApprovals(sql, [input]);
    await claimEffect(sql, approved(input), KEYED, true);
    await settleEffect(sql, input.key, 1, { state: 'applied', result: '{}', facts: {}, blob: null });
    expect(await claimEffect(sql, approved(input), KEYED, false)).toMatchObject({ kind: 'settled' });
    expect(await stateOf(sql, approvalOf(input))).toBe('approved');
  });
});

async function expectRefused(input: RunToolInput, detail: string): Promise<void> {
  expect(await claimEffect(sql, input, KEYED, true)).toEqual({ kind: 'not_approved', detail });
  expect(await eventsOf(sql, input.run)).toContain('effect_not_approved');
  expect(await sql`select from effects where key = ${input.key}`).toHaveLength(0);
}
