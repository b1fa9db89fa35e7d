import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import type { Effect } from '../../src/store/ledger.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { OPERATIONS, type Operation, playSequence } from './ledgerPlay.ts';

const SEQUENCES = 1_000;
const MODES: readonly Effect[] = ['keyed', 'checkable', 'never'];

const CLAIM = {
  kind: 'claim',
  who: 'workflow',
  sameArguments: true,
  termsHold: true,
  rule: 'none',
} as const satisfies Operation;
const CLOSE = { kind: 'close', look: 'tells', sameArguments: true } as const satisfies Operation;
const KNOWN: readonly {
  readonly name: string;
  readonly mode: Effect;
  readonly operations: readonly Operation[];
  readonly ends: string;
}[] = [
  {
    name: 'lost, then "did not" of the next attempt, is not "not done"',
    mode: 'keyed',
    operations: [
      CLAIM,
      { kind: 'act', pick: 0 },
      { kind: 'takeOver' },
      { kind: 'settle', pick: 1, said: 'released' },
      CLOSE,
    ],
    ends: 'unknown',
  },
  {
    name: 'it ends after its time and says so; a person who has not seen that is asked again',
    mode: 'never',
    operations: [
      CLAIM,
      { kind: 'act', pick: 0 },
      { kind: 'settle', pick: 0, said: 'unknown' },
      { kind: 'settle', pick: 0, said: 'applied' },
      { kind: 'person', said: 'wrongly_did_not' },
      CLAIM,
    ],
    ends: 'unknown',
  },
  {
    name: 'the same, and it is closed instead: it stays unknown',
    mode: 'never',
    operations: [
      CLAIM,
      { kind: 'act', pick: 0 },
      { kind: 'settle', pick: 0, said: 'unknown' },
      { kind: 'settle', pick: 0, said: 'applied' },
      { kind: 'person', said: 'wrongly_did_not' },
      CLOSE,
    ],
    ends: 'unknown',
  },
  {
    name: 'a person says "did not", and nobody wants it any more',
    mode: 'never',
    operations: [
      CLAIM,
      { kind: 'settle', pick: 0, said: 'unknown' },
      { kind: 'person', said: 'did_not' },
      CLOSE,
      CLAIM,
    ],
    ends: 'void',
  },
  {
    name: 'thrown off by the switch after it was done, it is still done',
    mode: 'keyed',
    operations: [CLAIM, { kind: 'actAndSay', pick: 0 }, { kind: 'switch' }, CLAIM],
    ends: 'applied',
  },
  {
    name: 'held back as long as the switch is set, told once, and then it runs',
    mode: 'never',
    operations: [
      { kind: 'switch' },
      CLAIM,
      CLAIM,
      { kind: 'switch' },
      CLAIM,
      { kind: 'settle', pick: 0, said: 'released' },
      { kind: 'switch' },
      CLAIM,
      { kind: 'switch' },
      CLAIM,
      { kind: 'actAndSay', pick: 1 },
    ],
    ends: 'applied',
  },
  {
    name: 'an attempt that may have acted is not held, it is unknown',
    mode: 'keyed',
    operations: [
      CLAIM,
      { kind: 'act', pick: 0 },
      { kind: 'settle', pick: 0, said: 'lost' },
      { kind: 'switch' },
      CLAIM,
    ],
    ends: 'unknown',
  },
  {
    name: 'under a rule that was revoked nothing starts, but what may have acted is finished',
    mode: 'keyed',
    operations: [
      { ...CLAIM, rule: 'revoked' },
      { ...CLAIM, rule: 'stands' },
      { kind: 'act', pick: 0 },
      { kind: 'settle', pick: 0, said: 'lost' },
      { ...CLAIM, rule: 'revoked' },
      { kind: 'actAndSay', pick: 1 },
    ],
    ends: 'applied',
  },
  {
    name: 'a closing with other arguments says nothing about those on record',
    mode: 'never',
    operations: [CLAIM, { kind: 'settle', pick: 0, said: 'released' }, { ...CLOSE, sameArguments: false }],
    ends: 'claimed',
  },
  {
    name: 'two attempts act, and the late one says so',
    mode: 'never',
    operations: [
      CLAIM,
      { kind: 'act', pick: 0 },
      { kind: 'settle', pick: 0, said: 'lost' },
      { kind: 'takeOver' },
      { kind: 'person', said: 'wrongly_did_not' },
      CLAIM,
      { kind: 'actAndSay', pick: 1 },
      { kind: 'settle', pick: 0, said: 'applied' },
    ],
    ends: 'applied',
  },
  {
    name: 'a check tells that the lost attempt acted',
    mode: 'checkable',
    operations: [CLAIM, { kind: 'act', pick: 0 }, { kind: 'takeOver' }, { kind: 'look', pick: 1 }],
    ends: 'applied',
  },
  {
    name: 'a closing check that dies is followed by another',
    mode: 'checkable',
    operations: [
      CLAIM,
      { kind: 'pass', until: 'quiet' },
      { ...CLOSE, look: 'dies' },
      CLOSE,
      { kind: 'pass', until: 'quiet' },
      CLOSE,
      CLAIM,
    ],
    ends: 'void',
  },
];

/**
 * What would break if attempts, lapsed leases, checks, people and switches came in any order: a second act, a "not
 * done" about something that was done, a settled row that moves, a stale attempt that is believed.
 */
describe('the ledger is the state machine of the design', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase(inject('databaseUrl'));
  });
  afterAll(() => database[Symbol.asyncDispose]());

  const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));
  const operations = fc.array(OPERATIONS, { minLength: 3, maxLength: 24, size: 'max' });
  const fromNothing = fc.record({ mode: fc.constantFrom(...MODES), operations });
  /** Some things take six events in a row (a double act does): two sequences in five begin as a known order does. */
  const fromKnown = fc
    .tuple(fc.constantFrom(...KNOWN), fc.nat(8), operations)
    .map(([known, length, tail]) => ({
      mode: known.mode,
      operations: [...known.operations.slice(0, length), ...tail],
    }));
  const sequences = fc.oneof({ weight: 3, arbitrary: fromNothing }, { weight: 2, arbitrary: fromKnown });
  let runs = 0;
  const check = (numRuns: number, withSeed: number, endOnFailure: boolean) =>
    fc.check(
      fc.asyncProperty(sequences, async ({ mode, operations }) => {
        await playSequence(database.sql, `r${runs++}`, mode, operations);
      }),
      { numRuns, seed: withSeed, endOnFailure },
    );

  /** By one of the known orders, or else by a random one. */
  const isNoticed = async () => {
    for (const { mode, operations } of KNOWN) {
      const held = await playSequence(database.sql, `r${runs++}`, mode, operations).then(
        () => true,
        () => false,
      );
      if (!held) return true;
    }
    return (await check(SEQUENCES, 7, true)).failed;
  };

  test(`${SEQUENCES} random orders of events, seed ${seed}`, async () => {
    console.log(`ledger: HOLDFAST_TEST_SEED=${seed}`);
    const result = await check(SEQUENCES, seed, false);
    expect(result.failed, fc.defaultReportMessage(result)).toBe(false);
    const [seen] = await database.sql<{ states: number; incidents: number; checks: number }[]>`
      select count(distinct (mode, state))::int as states,
        (select count(*)::int from audit where event like 'incident%') as incidents,
        (select count(*)::int from evidence where kind = 'check_happened') as checks from effects`;
    // Every mode has been in every state it can be in, or the sequences prove nothing.
    expect(seen?.states).toBe(15);
    expect(seen?.incidents).toBeGreaterThan(0);
    expect(seen?.checks).toBeGreaterThan(0);
    expect(firstBrokenRow('r0', await readAudit(database.sql, 'r0'))).toBeNull();
  }, 180_000);

  /** Each replaces a piece of a function in the database, and the property has to notice. */
  const PLANTED: readonly (readonly [fault: string, name: string, from: string, to: string])[] = [
    [
      'a stale fence settles',
      'settle_effect',
      "e.fence <> p_fence or e.state <> 'claimed'",
      "e.state <> 'claimed'",
    ],
    [
      'a settled row moves',
      'settle_effect',
      "e.fence <> p_fence or e.state <> 'claimed'",
      'e.fence <> p_fence',
    ],
    ['"did not" of one attempt clears another', 'settle_effect', 'and not e.doubt', ''],
    [
      'a second applied raises no incident',
      'settle_effect',
      "'incident_second_applied'\n",
      "'effect_late'\n",
    ],
    ['late words leave no evidence', 'settle_effect', "'late_' || p_state", "'said_' || p_state"],
    ['other arguments run', 'claim_effect', 'e.args_hash <> p_args_hash', 'false'],
    ['two leases at once', 'claim_effect', 'effect_free_at(e, p_settles_ms) > clock_timestamp()', 'false'],
    ['a lost `never` effect runs again', 'claim_effect', "e.mode = 'never'", 'false'],
    [
      'a lost `checkable` effect is not checked',
      'claim_effect',
      "e.mode = 'checkable' and may_have_acted",
      'false',
    ],
    ['unknown runs without a person', 'claim_effect', 'p_generation <= e.generation', 'false'],
    ['late words are not looked at', 'claim_effect', 'acted_since(e)', 'false'],
    ['the switch hides what was done', 'claim_effect', 'off.name is not null and may_have_acted', 'false'],
    ['the switch holds nothing', 'claim_effect', 'elsif off.name is not null then', 'elsif false then'],
    [
      'the switch closes what it should hold',
      'claim_effect',
      "return query select 'held'",
      "update effects set state = 'void' where key = p_key; return query select 'held'",
    ],
    ['a row for every try of a held effect', 'note_held', 'audit_once', 'audit_append'],
    [
      'stale although it may have acted',
      'claim_effect',
      'not (p_terms_hold and rule_stands) and not may_have_acted',
      'not (p_terms_hold and rule_stands)',
    ],
    ['changed terms run', 'claim_effect', 'not (p_terms_hold and rule_stands)', 'not rule_stands'],
    ['a revoked rule still allows', 'claim_effect', 'r.revoked_at is null', 'true'],
    ['other arguments are closed', 'close_effect', 'e.args_hash <> p_args_hash', 'false'],
    ['late words are not looked at before closing', 'close_effect', 'acted_since(e)', 'false'],
    ['void about something that was done', 'close_effect', 'elsif e.clean then', 'elsif true then'],
    [
      'closed while an attempt is alive',
      'close_effect',
      'effect_free_at(e, p_settles_ms) > clock_timestamp()',
      'false',
    ],
    [
      'a check before an act would show',
      'effect_free_at',
      "when 'checkable' then p_settles_ms",
      "when 'checkable' then 0",
    ],
    ['a person overrules what stands', 'resolve_effect', "e.state <> 'unknown'", 'false'],
    ['late words are not looked at before a person is believed', 'resolve_effect', 'acted_since(e)', 'false'],
    ['a word that did not count leaves no row', 'resolve_effect', 'perform audit_once', 'select'],
  ];
  test.each(PLANTED)('the property notices a planted fault: %s', async (_, name, from, to) => {
    const [row] = await database.sql<{ body: string }[]>`select pg_get_functiondef(${name}::regproc) as body`;
    const body = row?.body ?? '';
    expect(body).toContain(from);
    await database.sql.unsafe(body.replaceAll(from, to));
    try {
      expect(await isNoticed()).toBe(true);
    } finally {
      await database.sql.unsafe(body);
    }
  });

  test.each(KNOWN)('a known order: $name', async ({ mode, operations, ends }) => {
    const run = `known${runs++}`;
    await playSequence(database.sql, run, mode, operations);
    expect(await database.sql`select state from effects where run = ${run}`).toMatchObject([{ state: ends }]);
  });
});
