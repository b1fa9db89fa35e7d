import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { PrepareCallInput, RunToolInput } from '../../src/activities/types.ts';
import type { PreparedCall } from '../../src/core/calls.ts';
import type { Hash } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { ANY_CLASS } from '../../src/core/matching.ts';
import { usd } from '../../src/core/money.ts';
import { claimEffect, closeEffectRow, settleEffect } from '../../src/store/ledger.ts';
import { releaseHash } from '../../src/store/releases.ts';
import { failed, success } from '../../src/tools/result.ts';
import { until } from '../e2e/lab.ts';
import { effectTool, labAgent, readTool } from '../e2e/labAgent.ts';
import { type Bench, newCall, openBench } from './bench.ts';
import { KEYED, newInput, ofTenant } from './claimInputs.ts';

/** What the facts of the tools are: by default the class and the payee that the argument names. */
let classes: (what: string) => readonly string[] = (what) => [`pay-to:${what}`];
let acts: () => ReturnType<typeof success> | ReturnType<typeof failed> = () => success('done');
const facts = {
  classes: ({ what }: { readonly what: string }) => classes(what),
  payee: ({ what }: { readonly what: string }) => what,
};
const agent = labAgent([
  effectTool('pay', () => acts(), { ...facts, timeoutMs: 100 }),
  effectTool('pay_never', () => acts(), { ...facts, timeoutMs: 100, replay: 'never' }),
  effectTool('wipe', () => acts(), { ...facts, tier: 'destructive' }),
  readTool('look'),
]);
const newer = labAgent([
  effectTool('pay', () => acts(), { ...facts, timeoutMs: 100, version: '2' }),
  readTool('look'),
]);
const second = labAgent([effectTool('pay', () => acts(), facts)], { name: 'second' });

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent, second] });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  classes = (what) => [`pay-to:${what}`];
  acts = () => success('done');
});

const firstUse = (tool: string, of = agent) => `first-use:${tool}@${releaseHash(of.release)}`;

/** Prepares a call with `what` as its argument, and hands out what is needed to run it. */
async function prepare(
  tool: string,
  what: string,
  options: { readonly tenant?: string; readonly of?: typeof agent } = {},
): Promise<{ readonly call: PreparedCall; readonly input: RunToolInput }> {
  const of = options.of ?? agent;
  const made = await newCall(bench, of, tool, { what });
  const input = { ...made, ...(options.tenant !== undefined && { requester: ofTenant(options.tenant) }) };
  const asked: PrepareCallInput = {
    ...input,
    callId: 'c1',
    arguments: { kind: 'stored', argsHash: input.argsHash },
    origins: [],
  };
  const call = await bench.attempt((activities) => activities.prepareCall(asked));
  expect(call).toMatchObject({ key: input.key, argsHash: input.argsHash, problem: null });
  return { call, input: { ...input, classes: call.classes, learned: call.learned } };
}

const run = (input: RunToolInput) => bench.attempt((activities) => activities.runTool(input));

describe('the first of a class', () => {
  test('is what no effect of this tenant and agent has been; every effect also has its first use', async () => {
    const first = await prepare('pay', 'card_1');
    expect(first.call.classes).toEqual([firstUse('pay'), 'pay-to:card_1']);
    expect(first.call.firstOf).toEqual(first.call.classes);
    // Prepared is not done: a second call before the first has happened is a first as well.
    expect((await prepare('pay', 'card_1')).call.firstOf).toEqual(first.call.classes);
    await run(first.input);
    expect((await prepare('pay', 'card_1')).call.firstOf).toEqual([]);
    expect((await prepare('pay', 'card_2')).call.firstOf).toEqual(['pay-to:card_2']);
    expect((await prepare('pay_never', 'card_1')).call.firstOf).toEqual([firstUse('pay_never')]);
    // Another tenant, no tenant, another agent: each has firsts of its own.
    expect((await prepare('pay', 'card_1', { tenant: 'acme' })).call.firstOf).toHaveLength(2);
    expect((await prepare('pay', 'card_1', { of: second })).call.firstOf).toEqual([
      firstUse('pay', second),
      'pay-to:card_1',
    ]);
    const [seen] = await bench.sql`select tenant, agent, key from seen_classes where class = 'pay-to:card_1'`;
    expect(seen).toEqual({ tenant: '', agent: 'lab', key: first.input.key });
  });

  test('in another release the use of a tool is a first again, the class is not', async () => {
    await run((await prepare('pay', 'card_r')).input);
    const known = await bench.sql<{ first_of: string[] }[]>`
      select first_of from call_facts('lab', null, ${JSON.stringify([
        { key: 'k', tool: 'pay', classes: ['first-use:pay@other', 'pay-to:card_r'] },
      ])}::text::jsonb)`;
    expect(known).toMatchObject([{ first_of: ['first-use:pay@other'] }]);
  });

  test('is still to come after a refusal, and after an attempt that nobody knows the end of', async () => {
    acts = () => failed('no such card');
    await run((await prepare('pay', 'card_f')).input);
    acts = () => {
      throw new Error('the wire broke');
    };
    const lost = await prepare('pay_never', 'card_f');
    expect((await run(lost.input)).kind).toBe('unknown');
    expect((await prepare('pay_never', 'card_f')).call.firstOf).toContain('pay-to:card_f');
    // A person says that it happened: then it was the first.
    await bench.attempt((activities) =>
      activities.resolveEffect({ ...lost.input, said: 'happened', result: 'ok', by: 'boss' }),
    );
    expect((await prepare('pay_never', 'card_f')).call.firstOf).toEqual([]);
  });

  test('is over when a check finds that a lost attempt acted', async () => {
    const lease = { mode: 'checkable', leaseMs: 1, settlesMs: 0 } as const;
    const input = newInput({ classes: ['checked:1'] });
    await claimEffect(bench.sql, input, lease, true);
    await bench.sql`update effects set lease_until = clock_timestamp() where key = ${input.key}`;
    const closing = await closeEffectRow(bench.sql, { ...input, classes: [] }, lease);
    if (closing.kind !== 'lapsed') throw new Error(closing.kind);
    const found = { state: 'applied', result: '{}', facts: { check: 'happened' }, blob: null } as const;
    await settleEffect(bench.sql, input.key, closing.fence, found);
    expect(await bench.sql`select from seen_classes where class = 'checked:1'`).toHaveLength(1);
  });

  test('a settle that lost its lease makes nothing seen', async () => {
    const input = newInput({ classes: ['late:1'] });
    await claimEffect(bench.sql, input, KEYED, true);
    const applied = { state: 'applied', result: '{}', facts: {}, blob: null } as const;
    expect((await settleEffect(bench.sql, input.key, 9, applied)).won).toBe(false);
    expect(await bench.sql`select from seen_classes where class = 'late:1'`).toHaveLength(0);
  });

  test('two settles with the same classes never wait in a circle: each takes them in one order', async () => {
    const { sql } = bench;
    const input = newInput({ classes: ['c:5', 'c:3', 'c:1'] });
    await claimEffect(sql, input, KEYED, true);
    let settling: Promise<unknown> = Promise.resolve();
    await sql.begin(async (tx) => {
      const see = (name: string) => tx`
        insert into seen_classes (tenant, agent, class, key) values ('', 'lab', ${name}, 'other') on conflict do nothing`;
      await see('c:3');
      const applied = { state: 'applied', result: '{}', facts: {}, blob: null } as const;
      settling = settleEffect(sql, input.key, 1, applied);
      await until('the settle waits for c:3', async () => {
        const waits = await sql`
          select from pg_locks l join pg_stat_activity a on a.pid = l.pid
          where not l.granted and l.locktype = 'transactionid' and a.datname = current_database()`;
        return waits.length === 1;
      });
      // It would be a deadlock if the settle had taken this one before.
      await see('c:5');
    });
    expect(await settling).toMatchObject({ won: true });
    const seen = await sql`select class, key from seen_classes where class like 'c:%' order by class`;
    expect(seen.map((row) => row.key)).toEqual([input.key, 'other', 'other']);
  });
});

describe('classes that cannot be known count as firsts of every kind', () => {
  test.each<[string, () => readonly string[]]>([
    [
      'the tool throws',
      () => {
        throw new Error('away');
      },
    ],
    ['it answers nonsense', () => 'pay-to:card_1' as never],
    ['there are too many', () => Array.from({ length: LIMITS.classesPerCall + 1 }, (_, i) => `a:${i}`)],
    ['one is too long', () => [`a:${'x'.repeat(LIMITS.classChars)}`]],
    ['one has no name', () => [':card_1']],
    ['one has no value', () => ['pay-to:']],
    ['one cannot be stored', () => ['pay-to:\u0000']],
    ['one is no text', () => [7 as never]],
  ])('when %s', async (_, broken) => {
    // The class itself has been seen, and so has the tool: without the mark no rule about first times would match.
    await run((await prepare('pay', 'card_1')).input);
    classes = broken;
    const { call, input } = await prepare('pay', 'card_1');
    expect(call.classes).toEqual([firstUse('pay')]);
    expect(call.firstOf).toEqual([ANY_CLASS]);
    // And what is not known is not remembered as seen.
    await run(input);
    const [count] = await bench.sql`select count(*)::int as n from seen_classes where class = ${ANY_CLASS}`;
    expect(count).toEqual({ n: 0 });
  });
});

describe('a learned rule is found when the call is prepared', () => {
  const teach = (tool: string, payee: string) => bench.sql`
    insert into learned_rules (agent, tenant, tool, payee, currency, up_to, until, approval, created_by, identity)
    values ('lab', '', ${tool}, ${payee}, 'USD', 1, clock_timestamp() + interval '1 day', ${`${tool} ${payee}`}, 'anna', 'signed')
    returning id`;

  test('and travels with it', async () => {
    const [rule] = await teach('pay', 'card_l');
    const { call } = await prepare('pay', 'card_l');
    expect(call).toMatchObject({ learned: String(rule?.id), payee: 'card_l', amount: usd(1) });
    expect((await prepare('pay', 'card_m')).call.learned).toBeNull();
  });

  test('never for a destructive tool, also where a rule from before it was one still stands', async () => {
    await teach('wipe', 'card_w');
    const { call } = await prepare('wipe', 'card_w');
    expect([call.learned, call.payee]).toEqual([null, 'card_w']);
  });
});

describe('preparing', () => {
  test('asks the store nothing about reads and calls that cannot run', async () => {
    await bench.sql`alter function call_facts(text, text, jsonb) rename to call_facts_away`;
    try {
      const read = await prepare('look', 'x');
      expect(read.call).toMatchObject({ classes: [], firstOf: [], learned: null });
      await expect(prepare('pay', 'x')).rejects.toMatchObject({ type: 'bug' });
    } finally {
      await bench.sql`alter function call_facts_away(text, text, jsonb) rename to call_facts`;
    }
  });

  test('a worker without the version of the tool lets others try; then the call carries the problem', async () => {
    const input = await newCall(bench, agent, 'pay');
    const asked: PrepareCallInput = {
      ...input,
      callId: 'c1',
      arguments: { kind: 'stored', argsHash: input.argsHash as Hash },
      origins: [],
    };
    const elsewhere = (number: number) =>
      bench.attempt((activities) => activities.prepareCall(asked), { number, agents: [newer] });
    for (const number of [1, LIMITS.releaseAttempts - 1])
      await expect(elsewhere(number)).rejects.toMatchObject({
        type: 'release_not_here',
        nonRetryable: false,
      });
    expect(await elsewhere(LIMITS.releaseAttempts)).toMatchObject({
      problem: expect.stringContaining('is not available'),
      argsHash: input.argsHash,
      classes: [],
      firstOf: [],
      learned: null,
    });
  });
});
