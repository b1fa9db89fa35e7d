import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { RunToolInput } from '../../src/activities/types.ts';
import type { CallKey, Hash, RunId } from '../../src/core/ids.ts';
import { callKey } from '../../src/core/ids.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import type { Sql } from '../../src/store/connection.ts';
import {
  claimEffect,
  closeEffectRow,
  type Effect,
  type Lease,
  resolveEffectRow,
  settleEffect,
} from '../../src/store/ledger.ts';
import { liftSwitch, setSwitch } from '../../src/store/switches.ts';
import { NAMESPACE_ID } from './claimInputs.ts';
import * as model from './ledgerModel.ts';

/** One event. `pick` chooses among the attempts so far; an event that cannot happen now is left out. */
export type Operation =
  | {
      readonly kind: 'claim';
      /** A retry of the workflow's activity, or one from before a person's word. */
      readonly who: 'workflow' | 'zombie';
      readonly sameArguments: boolean;
      readonly termsHold: boolean;
      /** The learned rule that allows it. */
      readonly rule: 'none' | 'stands' | 'revoked';
    }
  | { readonly kind: 'act' | 'look' | 'actAndSay'; readonly pick: number }
  | { readonly kind: 'settle'; readonly pick: number; readonly said: model.Said }
  | { readonly kind: 'pass'; readonly until: 'lapsed' | 'quiet' }
  | {
      readonly kind: 'close';
      readonly look: 'tells' | 'cannot_tell' | 'dies';
      readonly sameArguments: boolean;
    }
  | { readonly kind: 'person'; readonly said: PersonSays }
  | { readonly kind: 'switch' }
  /** The next attempt, once the clock has passed whatever held it back. */
  | { readonly kind: 'takeOver' };

/** `closed`: nothing runs any more after this word. `wrongly`: it had happened. */
type PersonSays =
  | 'happened'
  | 'did_not'
  | 'wrongly_did_not'
  | 'did_not, closed'
  | 'wrongly_did_not, closed'
  | 'give_up';

const pick = fc.nat({ max: 5 });
const mostly = fc
  .boolean()
  .chain((first) =>
    first
      ? fc.constant(true)
      : fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  );

export const OPERATIONS: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      who: fc.constantFrom('workflow' as const, 'workflow' as const, 'workflow' as const, 'zombie' as const),
      sameArguments: mostly,
      termsHold: mostly,
      rule: fc.oneof(
        { weight: 4, arbitrary: fc.constant('none' as const) },
        { weight: 2, arbitrary: fc.constant('stands' as const) },
        { weight: 1, arbitrary: fc.constant('revoked' as const) },
      ),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('act' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const), pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('actAndSay' as const), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      pick,
      said: fc.constantFrom<model.Said>(
        'applied',
        'applied',
        'refused',
        'unknown',
        'released',
        'released',
        'lost',
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      until: fc.constantFrom('lapsed' as const, 'quiet' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('close' as const),
      look: fc.constantFrom('tells' as const, 'cannot_tell' as const, 'dies' as const),
      sameArguments: mostly,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('person' as const),
      said: fc.constantFrom<PersonSays>(
        'happened',
        'did_not',
        'did_not',
        'wrongly_did_not',
        'did_not, closed',
        'wrongly_did_not, closed',
        'give_up',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('switch' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('takeOver' as const) }) },
);

const HOUR_MS = 3_600_000;
/** Kinds of answer that say that nothing was done: for good, or up to now. */
const NOT_DONE = new Set(['void', 'held', 'stale']);

interface Play {
  readonly sql: Sql;
  readonly run: string;
  readonly key: CallKey;
  readonly lease: Lease;
}

/** Plays the events on the database and on the model, and throws where the two differ or a promise is broken. */
export async function playSequence(
  sql: Sql,
  run: string,
  mode: Effect,
  operations: readonly Operation[],
): Promise<void> {
  const play: Play = {
    sql,
    run,
    key: callKey(run as RunId, 1, 0),
    lease: { mode, leaseMs: HOUR_MS, settlesMs: mode === 'checkable' ? HOUR_MS : 0 },
  };
  await sql`
    insert into learned_rules (agent, tenant, tool, payee, currency, up_to, until, approval, created_by, identity, revoked_at)
    select 'lab', '', ${run}, 'payee', 'USD', 1, 'infinity', ${run} || kind, 'boss', 'signed',
      case kind when 'revoked' then clock_timestamp() end
    from unnest(array['stands', 'revoked']) as kind`;
  let world = model.newWorld(mode);
  for (const operation of operations) {
    const before = world.row;
    world = await step(play, world, operation);
    await compare(play, world, before);
  }
  const audit = await readAudit(sql, run);
  assert.equal(firstBrokenRow(run, audit), null, 'the audit chain is broken');
  assert.equal(
    audit.filter((row) => row.event.startsWith('incident')).length,
    world.incidents,
    'incidents are not those of the model',
  );
  assert.equal(
    audit.filter((row) => row.event === 'effect_held').length,
    world.held,
    'a held effect is told once for each time that the switch was set',
  );
  assert.equal(
    audit.filter((row) => row.event === 'effect_word_refused').length,
    world.refusedWords.size,
    'a word of a person that did not count is told once',
  );
  const evidence = await sql<{ kind: string; fence: number }[]>`
    select kind, fence from evidence where key = ${play.key} order by id`;
  assert.deepEqual([...evidence], world.evidence, 'the evidence is not that of the model');
  const late = audit.filter((row) => /^(effect_late|incident_)/.test(row.event)).length;
  assert.ok(
    late >= world.evidence.filter((one) => one.kind.startsWith('late_')).length,
    'a late word left no audit row',
  );
}

async function step(play: Play, world: model.World, operation: Operation): Promise<model.World> {
  switch (operation.kind) {
    case 'claim':
      return claim(play, world, operation);
    case 'act': {
      const attempt = world.attempts[operation.pick % world.attempts.length];
      const ready = attempt?.task === 'run' || attempt?.looked === true;
      const fits = attempt?.task !== 'closing' && attempt?.leased === true && !attempt.acted;
      return attempt !== undefined && ready && fits ? model.act(world, attempt) : world;
    }
    case 'actAndSay':
      return step(play, await step(play, world, { ...operation, kind: 'act' }), {
        kind: 'settle',
        pick: operation.pick,
        said: 'applied',
      });
    case 'look':
      return look(play, world, operation.pick);
    case 'settle': {
      const attempt = world.attempts[operation.pick % world.attempts.length];
      if (attempt === undefined || attempt.settled || !isHonest(world, attempt, operation.said)) return world;
      return settle(play, world, attempt, operation.said, false);
    }
    case 'pass':
      return pass(play, world, operation.until);
    case 'takeOver':
      return claim(play, await pass(play, world, 'quiet'), {
        kind: 'claim',
        who: 'workflow',
        sameArguments: true,
        termsHold: true,
        rule: 'none',
      });
    case 'close':
      // The first claim decides which arguments are on record.
      return world.row === null && !operation.sameArguments ? world : close(play, world, operation);
    case 'person':
      return person(play, world, operation.said);
    case 'switch': {
      const name = `tool:${play.run}`;
      const change = { name, by: 'boss', reason: 'a test' };
      await (world.off ? liftSwitch(play.sql, change) : setSwitch(play.sql, change));
      return { ...world, off: !world.off, told: false };
    }
    default:
      return operation satisfies never;
  }
}

/** M1: what an attempt of this history could say. A service that deduplicates refuses nothing that it has done. */
function isHonest(world: model.World, attempt: model.Attempt, said: model.Said): boolean {
  if (attempt.task === 'closing') return false;
  switch (said) {
    case 'applied':
      return attempt.acted;
    case 'released':
      return !attempt.acted && (attempt.task === 'run' || attempt.looked);
    case 'refused':
      return !attempt.acted && (attempt.task === 'run' || attempt.looked) && world.acts === 0;
    case 'unknown':
    case 'lost':
      return true;
    default:
      return said satisfies never;
  }
}

async function claim(
  play: Play,
  world: model.World,
  operation: Extract<Operation, { kind: 'claim' }>,
): Promise<model.World> {
  const generation = operation.who === 'workflow' ? world.generation : 1;
  const learned = operation.rule === 'none' ? null : await ruleOf(play, operation.rule);
  const input = { ...inputOf(play, operation), generation, learned };
  // The first claim decides which arguments are on record.
  if (world.row === null && !operation.sameArguments) return world;
  const ruleStands = operation.rule !== 'revoked';
  const expected = model.claim(world, { ...operation, ruleStands, generation });
  const came = await claimEffect(play.sql, input, play.lease, operation.termsHold);
  assert.equal(came.kind, expected.kind, `claim answers ${came.kind}, the design says ${expected.kind}`);
  if (came.kind === 'run' || came.kind === 'check') {
    assert.equal(came.fence, expected.world.row?.fence, 'the fence');
    assert.ok(!world.attempts.some((one) => one.leased), 'two attempts hold an unexpired lease');
  }
  assertDone(expected.world, came.kind);
  return expected.world;
}

async function ruleOf(play: Play, which: 'stands' | 'revoked'): Promise<string> {
  const [rule] = await play.sql<{ id: string }[]>`
    select id::text from learned_rules where approval = ${play.run + which}`;
  if (rule === undefined) throw new Error(`the play has no rule that is ${which}`);
  return rule.id;
}

async function pass(play: Play, world: model.World, until: 'lapsed' | 'quiet'): Promise<model.World> {
  const backMs = until === 'quiet' ? 2 * HOUR_MS : 1_000;
  await play.sql`
    update effects set lease_until = least(lease_until, clock_timestamp() - ${backMs} * interval '1 millisecond')
    where key = ${play.key}`;
  return model.pass(world, until);
}

/** The check of a `checkable` attempt, which sees what really happened. */
async function look(play: Play, world: model.World, index: number): Promise<model.World> {
  const attempt = world.attempts[index % world.attempts.length];
  if (attempt?.task !== 'look' || attempt.looked || attempt.settled || !attempt.leased) return world;
  if (world.acts > 0) return settle(play, world, attempt, 'applied', true);
  // M2: nobody before this attempt acted, which only this attempt knows as yet.
  return model.patchAttempt(world, attempt.fence, { looked: true });
}

async function settle(
  play: Play,
  world: model.World,
  attempt: model.Attempt,
  said: model.Said,
  found: boolean,
): Promise<model.World> {
  const expected = model.settle(world, attempt, said, found);
  const came = await settleEffect(play.sql, play.key, attempt.fence, {
    state: said,
    result: said === 'applied' || said === 'refused' ? '{}' : null,
    facts: found ? { check: 'happened' } : {},
    blob: null,
  });
  assert.equal(came.won, expected.won, `settle of fence ${attempt.fence} as ${said}`);
  return expected.world;
}

/** What the activity does: closes, and where it may look, looks and closes again. */
async function close(
  play: Play,
  world: model.World,
  operation: Extract<Operation, { kind: 'close' }>,
): Promise<model.World> {
  const found = operation.look;
  const expected = model.close(world, operation);
  const came = await closeEffectRow(
    play.sql,
    { ...inputOf(play, operation), generation: world.generation },
    play.lease,
  );
  assert.equal(came.kind, expected.kind, `close answers ${came.kind}, the design says ${expected.kind}`);
  assertDone(expected.world, came.kind);
  const attempt = expected.world.attempts.at(-1);
  if (came.kind !== 'lapsed' || attempt === undefined) return expected.world;
  assert.ok(!world.attempts.some((one) => one.leased), 'closed by a check while an attempt holds a lease');
  if (found === 'dies') return expected.world;
  if (found === 'cannot_tell') return settle(play, expected.world, attempt, 'unknown', false);
  if (world.acts > 0) return settle(play, expected.world, attempt, 'applied', true);
  const looked = { ...attempt, looked: true };
  return close(play, await settle(play, expected.world, looked, 'released', false), operation);
}

async function person(play: Play, world: model.World, said: PersonSays): Promise<model.World> {
  // The request is open only while the effect is unknown and its answer has not been acted on.
  const asked = world.row?.state === 'unknown' && world.generation <= world.row.generation;
  const happened = world.acts > 0;
  switch (said) {
    case 'did_not':
      return asked && !happened ? { ...world, generation: world.generation + 1 } : world;
    case 'wrongly_did_not':
      return asked && happened ? { ...world, generation: world.generation + 1, misled: true } : world;
    case 'did_not, closed':
      return happened ? world : resolve(play, world, 'void');
    case 'wrongly_did_not, closed': {
      // After an attempt has said that it acted, such a word misleads nobody.
      const misleads = asked && happened && !world.row.lateWord;
      return happened ? resolve(play, { ...world, misled: world.misled || misleads }, 'void') : world;
    }
    case 'happened':
      return asked && !happened ? world : resolve(play, world, 'applied');
    case 'give_up':
      return resolve(play, world, 'given_up');
    default:
      return said satisfies never;
  }
}

async function resolve(
  play: Play,
  world: model.World,
  state: 'applied' | 'void' | 'given_up',
): Promise<model.World> {
  if (world.row === null) return world;
  const expected = model.resolve(world, state);
  const result = state === 'applied' ? '{}' : null;
  const came = await resolveEffectRow(play.sql, play.key, { state, result, facts: { by: 'boss' } });
  assert.equal(came.state, expected.row?.state, `what stands after "${state}"`);
  return expected;
}

function assertDone(world: model.World, kind: string): void {
  if (NOT_DONE.has(kind))
    assert.ok(world.acts === 0 || world.misled, `"${kind}" about something that was done`);
}

async function compare(play: Play, world: model.World, before: model.Row | null): Promise<void> {
  const [row] = await play.sql<{ state: string; fence: number; generation: number; args_hash: string }[]>`
    select state, fence, generation, args_hash from effects where key = ${play.key}`;
  assert.equal(row?.state, world.row?.state, 'the state');
  assert.equal(row?.fence, world.row?.fence, 'the fence');
  assert.equal(row?.generation, world.row?.generation, 'the generation');
  if (row !== undefined) assert.equal(row.args_hash, 'a', 'the arguments on record');
  if (before !== null && ['applied', 'refused', 'void'].includes(before.state))
    assert.equal(row?.state, before.state, 'a final state has moved');
  if (!world.misled) {
    assert.ok(world.acts <= 1, 'it happened twice');
    if (row?.state === 'void' || row?.state === 'refused')
      assert.equal(world.acts, 0, `"${row.state}" about something that was done`);
  }
}

function inputOf(play: Play, { sameArguments }: { readonly sameArguments: boolean }): RunToolInput {
  return {
    run: play.run as RunId,
    workflowId: `wf-${play.run}`,
    namespaceId: NAMESPACE_ID,
    agent: 'lab',
    requester: { id: 'customer', tenant: null, roles: [] },
    release: 'release' as Hash,
    key: play.key,
    tool: play.run,
    argsHash: (sameArguments ? 'a' : 'b') as Hash,
    generation: 1,
    terms: null,
    classes: [],
    learned: null,
    approval: null,
  };
}
