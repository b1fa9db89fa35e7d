import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { Control, ControlFault, Verified } from '../../src/core/control.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Ask, Rule } from '../../src/core/policy.ts';
import { continueAsNew, type Simulation } from './driver.ts';
import { approve, openApprovals, resultOf, resultsAt } from './reading.ts';
import { carriedState, simulate, toolDone, type World, type WorldOptions } from './world.ts';

const HOUR_MS = 3_600_000;
const GATED = {
  lines: [{ calls: [{ tool: 'write', amount: 40 }] }, { say: 'done' }],
  limits: { approvalMs: 72 * HOUR_MS },
  input: { once: true },
} as const;

function asking(ask: Partial<Ask>): readonly Rule[] {
  const answer: Ask = { kind: 'ask', reason: 'it changes something', ...ask };
  return [{ name: 'ask', match: { tiers: ['write_risky'] }, answer }];
}

async function parked(
  options: Partial<WorldOptions> = {},
): Promise<{ simulation: Simulation; world: World; record: ApprovalRecord }> {
  const { simulation, world } = await simulate({ ...GATED, ...options });
  await simulation.runUntilIdle();
  const [record] = await openApprovals(simulation);
  if (record === undefined) throw new Error('nothing is open');
  return { simulation, world, record };
}

/** What workers with a decision key say: who signs is who they are, with these roles. */
function directory(people: Readonly<Record<string, readonly string[] | ControlFault>>) {
  return ({ n, body }: Control): Verified => {
    const known = people[String(body.by)] ?? 'unknown_person';
    if (body.signature === undefined) return { n, kind: 'refused', why: 'unsigned' };
    return typeof known === 'string'
      ? { n, kind: 'refused', why: known }
      : { n, kind: 'ok', speaker: { identity: 'signed', roles: known }, arrivedAtMs: null };
  };
}

const states = (world: World) => world.recorded.map(({ state }) => state);
const whys = (world: World) =>
  world.recorded.filter(({ state }) => state === 'refused').map(({ facts }) => facts.why);

describe('decisions', () => {
  const seed = Number(process.env.HOLDFAST_TEST_SEED ?? randomInt(2 ** 31));

  test(`P1 approve and reject in the same instant: the first in history wins, in 100 orders (seed ${seed})`, async () => {
    console.log(`P1: HOLDFAST_TEST_SEED=${seed}`);
    let random = seed;
    const next = (below: number) => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (random >> 8) % below;
    };
    const seen = { approved: 0, rejected: 0 };
    for (let order = 0; order < 100; order++) {
      const { simulation, world, record } = await parked({ seed: order });
      const kinds = Array.from({ length: 2 + next(4) }, () => (next(2) === 0 ? 'approve' : 'reject'));
      kinds.forEach((kind, i) => {
        const decision = { approval: record.id, kind, by: `p${i}`, channel: 'test' };
        if (next(2) === 0) simulation.signal('decide', decision);
        else simulation.update('decideNow', [decision]);
      });
      await simulation.runUntilIdle();
      const closed = world.recorded.filter(({ approval }) => approval === record.id);
      expect(closed).toHaveLength(1);
      const state = closed[0]?.state === 'approved' ? 'approved' : 'rejected';
      seen[state]++;
      expect(closed[0]?.facts.kind).toBe(state === 'approved' ? 'approve' : 'reject');
      expect(world.ran).toHaveLength(state === 'approved' ? 1 : 0);
      // The winner is a message that was sent, and every other one is refused or was the same word again.
      expect(kinds[Number(String(closed[0]?.facts.by).slice(1))]).toBe(closed[0]?.facts.kind);
      await simulation.dispose();
    }
    expect(seen.approved).toBeGreaterThan(10);
    expect(seen.rejected).toBeGreaterThan(10);
  });

  test('P2 the same decision 50 times by three channels is one decision, and everybody gets its answer', async () => {
    const { simulation, world, record } = await parked();
    const answers = [];
    for (let i = 0; i < 50; i++) {
      const decision = {
        approval: record.id,
        kind: 'approve',
        by: 'boss',
        channel: ['ui', 'cli', 'api'][i % 3],
      };
      if (i % 3 === 0) simulation.signal('decide', decision);
      else answers.push(simulation.update('decideNow', [decision]));
    }
    await simulation.runUntilIdle();
    expect(answers.length).toBeGreaterThan(30);
    for (const answer of answers) expect(answer.result).toEqual({ kind: 'decided', state: 'approved' });
    expect(states(world)).toEqual(['approved']);
    expect(world.ran).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test.each([
    [-1, 1, 'approved'],
    [0, 0, 'expired'],
    [1, 0, 'expired'],
  ] as const)('P3 a decision at the deadline %i ms', async (offsetMs, ran, state) => {
    const { simulation, world, record } = await parked();
    await simulation.accumulateUntil(record.deadlineMs + offsetMs);
    approve(simulation, record.id);
    await simulation.runUntilIdle();
    await simulation.advanceBy(HOUR_MS);
    expect(world.ran).toHaveLength(ran);
    expect(states(world)).toContain(state);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test.each([
    [-1, 1],
    [0, 0],
    [1, 0],
  ] as const)('P3 worker down across the deadline, decision arrived at %i ms', async (offsetMs, ran) => {
    const arrivals: { approval: string; by: string; kind: string; arrivedAtMs: number }[] = [];
    const { simulation, world, record } = await parked({ arrivals });
    const arrivedAtMs = record.deadlineMs + offsetMs;
    arrivals.push({ approval: record.id, by: 'boss', kind: 'approve', arrivedAtMs });
    approve(simulation, record.id);
    await simulation.accumulateUntil(record.deadlineMs + 5 * HOUR_MS);
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(ran);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('P3 a decision in time is waited for while it is verified, but not for ever', async () => {
    // One try inside the task and one beside it; others come after 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 seconds.
    for (const [failures, ran] of [
      [6, 1],
      [7, 0],
    ] as const) {
      const { simulation, world, record } = await parked({ verifyFails: (attempt) => attempt <= failures });
      await simulation.advanceTo(record.deadlineMs - 500);
      approve(simulation, record.id);
      await simulation.runUntilIdle();
      await simulation.advanceBy(HOUR_MS);
      expect(world.ran).toHaveLength(ran);
      expect(states(world)).toEqual(ran === 1 ? ['approved'] : ['expired', 'refused']);
    }
  });

  test('P4 a decision that is with the verifier when the run is cancelled is audited and starts nothing', async () => {
    const { simulation, world, record } = await parked({ verifyMs: 5_000 });
    approve(simulation, record.id);
    simulation.signal('cancel', { by: 'operator' });
    await simulation.runUntilIdle();
    await simulation.advanceBy(60_000);
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.ran).toHaveLength(0);
    expect(states(world)).toContain('approved');
    expect(world.ended).toHaveLength(1);
  });

  test('P4 what is said while a run ends and no worker is up is audited, too', async () => {
    const { simulation, world, record } = await parked({});
    simulation.signal('cancel', { by: 'operator' });
    await simulation.deliver();
    approve(simulation, record.id, 'first');
    await simulation.accumulateUntil(simulation.nowMs + 1_000);
    await simulation.deliver();
    approve(simulation, record.id, 'second');
    await simulation.accumulateUntil(simulation.nowMs + HOUR_MS);
    await simulation.deliver();
    await simulation.runUntilIdle();
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.recorded.map(({ facts }) => facts.by)).toEqual(expect.arrayContaining(['first', 'second']));
  });

  test('P5 an approver without the role is refused, also one who lost it between the ask and the answer', async () => {
    const people: Record<string, readonly string[] | ControlFault> = {
      ann: ['clerk'],
      bob: ['manager'],
      eve: 'other_tenant',
    };
    const { simulation, world, record } = await parked({
      policy: asking({ approvers: { roles: ['manager'] } }),
      verify: (control) => directory(people)(control),
    });
    const say = async (by: string) => {
      simulation.signal('decide', signed({ approval: record.id, by, argsHash: record.argsHash }));
      await simulation.runUntilIdle();
    };
    await say('ann');
    people.bob = [];
    await say('bob');
    await say('eve');
    await say('nobody');
    expect(world.ran).toHaveLength(0);
    people.bob = ['manager'];
    await say('bob');
    expect(world.ran).toHaveLength(1);
    expect(whys(world)).toEqual(['not_an_approver', 'not_an_approver', 'other_tenant', 'unknown_person']);
  });

  test('P6 the requester, the same person twice, and a service account make no quorum', async () => {
    const people = {
      customer: ['manager'],
      ann: ['manager'],
      bob: ['manager'],
      robot: 'service_account',
    } as const;
    const { simulation, world, record } = await parked({
      policy: asking({ quorum: 2, approvers: { roles: ['manager'] } }),
      verify: directory(people),
    });
    for (const by of ['customer', 'ann', 'ann', 'robot']) {
      simulation.signal(
        'decide',
        signed({ approval: record.id, by, argsHash: record.argsHash, nonce: world.verified.length }),
      );
      await simulation.runUntilIdle();
    }
    expect(world.ran).toHaveLength(0);
    expect((await openApprovals(simulation))[0]?.votes.map(({ by }) => by)).toEqual(['ann']);
    simulation.signal('decide', signed({ approval: record.id, by: 'bob', argsHash: record.argsHash }));
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(whys(world)).toEqual(['own_request', 'already_voted', 'service_account']);
    const approved = world.recorded.find(({ state }) => state === 'approved');
    expect(approved?.facts.votes).toMatchObject([
      { by: 'ann', identity: 'signed' },
      { by: 'bob', identity: 'signed' },
    ]);
    expect(states(world)).toContain('vote');
  });

  test('P7 arguments that changed after the ask are never run under the old word', async () => {
    const { simulation, world, record } = await parked();
    simulation.signal('decide', {
      approval: record.id,
      kind: 'approve',
      by: 'boss',
      argsHash: 'f'.repeat(64),
    });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    simulation.signal('decide', { approval: record.id, kind: 'edit', by: 'boss', arguments: { amount: 99 } });
    await simulation.runUntilIdle();
    const [again] = await openApprovals(simulation);
    expect(again?.id).not.toBe(record.id);
    expect(again?.argsHash).not.toBe(record.argsHash);
    approve(simulation, record.id, 'late');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    approve(simulation, again?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran.map(({ argsHash }) => argsHash)).toEqual([again?.argsHash]);
    expect(whys(world)).toEqual(['other_arguments', 'already_decided']);
  });

  test('P7 terms that changed after the yes: it is asked again, and the old yes does not stand any more', async () => {
    let price = 10;
    const stale = () => ({ kind: 'completed', result: { kind: 'stale', activeMs: 1 }, takesMs: 5 }) as const;
    const { simulation, world, record } = await parked({
      tools: { write: (input) => (price++ === 10 ? stale() : toolDone(input)) },
      terms: () => ({ price }),
    });
    expect(record.terms).toEqual({ price: 10 });
    approve(simulation, record.id);
    await simulation.runUntilIdle();
    const [again] = await openApprovals(simulation);
    expect(again).toMatchObject({ terms: { price: 11 }, formerTerms: { price: 10 } });
    const repeated = simulation.update('decideNow', [{ approval: record.id, kind: 'approve', by: 'boss' }]);
    await simulation.runUntilIdle();
    expect(repeated.result).toEqual({ kind: 'refused', why: 'already_decided' });
    expect(world.ran).toHaveLength(1);
    approve(simulation, again?.id ?? '');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(2);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('P8 P10 with a decision key nothing unsigned counts but pause and cancel', async () => {
    const { simulation, world, record } = await parked({ verify: directory({ boss: ['operator'] }) });
    approve(simulation, record.id);
    for (const name of ['resume', 'retry', 'close', 'handOver', 'raiseLimit', 'upgrade'])
      simulation.signal(name, { by: 'boss', tokens: 5 });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(simulation.result.kind).toBe('running');
    expect(await openApprovals(simulation)).toHaveLength(1);
    simulation.signal('pause', { by: 'anyone' });
    simulation.signal('decide', signed({ approval: record.id, by: 'boss', argsHash: record.argsHash }));
    await simulation.runUntilIdle();
    expect(simulation.searchAttributes.HoldfastState).toBe('paused');
    expect(world.ran).toHaveLength(0);
    simulation.signal('resume', signed({ by: 'boss' }));
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(new Set(whys(world))).toEqual(new Set(['unsigned']));
    expect(whys(world)).toHaveLength(7);
  });

  test('a signed decision has to name the arguments that the signer saw', async () => {
    const { simulation, world, record } = await parked({ verify: directory({ boss: [] }) });
    simulation.signal('decide', signed({ approval: record.id, by: 'boss' }));
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    expect(whys(world)).toEqual(['other_arguments']);
  });

  test('P11 ten decisions at once are verified by at most two activities, in order of arrival', async () => {
    const { simulation, world, record } = await parked({ policy: asking({ quorum: 10 }) });
    for (let i = 0; i < 10; i++) approve(simulation, record.id, `p${i}`);
    await simulation.runUntilIdle();
    expect(world.verified.length).toBeLessThanOrEqual(2);
    expect(world.ran).toHaveLength(1);
    const votes = world.recorded.find(({ state }) => state === 'approved')?.facts.votes;
    expect((votes as { by: string }[]).map(({ by }) => by)).toEqual(
      Array.from({ length: 10 }, (_, i) => `p${i}`),
    );
  });

  test('P11 2,001 decisions in one run: it moves in between, and the right one counts', async () => {
    // Replaying all of it after every activation would be quadratic; other tests do that.
    const { simulation: first, world, record } = await parked({ crashEveryActivation: false });
    let simulation = first;
    for (let i = 0; i < 2_001; i++) {
      const by = i === 2_000 ? 'boss' : 'customer';
      const decision = { approval: record.id, kind: 'approve', by, channel: `c${i}` };
      const answer = simulation.update('decideNow', [decision]);
      await simulation.runUntilIdle();
      expect(answer.result).toMatchObject({ kind: by === 'boss' ? 'decided' : 'refused' });
      if (simulation.result.kind === 'continuedAsNew') {
        simulation = await continueAsNew(simulation);
        await simulation.runUntilIdle();
      }
    }
    expect(simulation).not.toBe(first);
    expect(world.ran).toHaveLength(1);
    expect(resultOf(simulation).outcome).toBe('completed');
  }, 120_000);

  test('a flood is bounded: at most 50 wait for one approval, and the others cost nothing', async () => {
    const { simulation, world, record } = await parked({ verifyMs: 5_000 });
    for (let i = 0; i < 2_000; i++)
      simulation.signal('decide', { approval: record.id, kind: 'approve', by: 'customer', channel: `c${i}` });
    await simulation.advanceBy(60_000);
    // 2,000 signals are more history than a run carries along: it moves, and takes what is not verified with it.
    const next = await continueAsNew(simulation);
    await next.advanceBy(60_000);
    const batches = world.verified.map(({ controls }) => controls.length);
    expect(batches.length).toBeLessThanOrEqual(2);
    expect(batches.reduce((sum, one) => sum + one, 0)).toBe(LIMITS.waitingControls);
    approve(next, record.id);
    await next.advanceBy(60_000);
    expect(world.ran).toHaveLength(1);
  });

  test('P11 a stream of decisions does not keep a run from moving: who comes then is asked to come again', async () => {
    const { simulation, world, record } = await parked({ verifyMs: 1_000 });
    const word = (channel: string) => ({ approval: record.id, kind: 'approve', by: 'customer', channel });
    const first = simulation.update('decideNow', [word('first')]);
    await simulation.deliver();
    simulation.suggestContinueAsNew = true;
    simulation.signal('decide', word('signal'));
    // There is always one on its way to the verifier.
    const stream = [];
    for (let i = 0; i < 20 && simulation.result.kind === 'running'; i++) {
      stream.push(simulation.update('decideNow', [word(`c${i}`)]));
      await simulation.advanceBy(250);
    }
    expect(simulation.result.kind).toBe('continuedAsNew');
    expect(first.result).toEqual({ kind: 'refused', why: 'own_request' });
    const [last] = stream.slice(-1);
    expect(last?.rejected?.type).toBe('moving');
    for (const one of stream)
      if (one.rejected === undefined) expect(one.result).toEqual({ kind: 'refused', why: 'own_request' });
    const next = await continueAsNew(simulation);
    next.suggestContinueAsNew = false;
    await next.advanceBy(5_000);
    // What came by signal nobody has to send again.
    expect(world.recorded.map(({ facts }) => facts.channel)).toContain('signal');
    approve(next, record.id);
    await next.advanceBy(5_000);
    expect(world.ran).toHaveLength(1);
  });

  test('P14 a decision on the way to the verifier survives continue-as-new', async () => {
    const { simulation, world, record } = await parked({ verifyMs: 20_000 });
    approve(simulation, record.id);
    await simulation.deliver();
    simulation.signal('decide', { approval: record.id, kind: 'reject', by: 'late', channel: 'test' });
    simulation.suggestContinueAsNew = true;
    await simulation.runUntilIdle();
    await simulation.advanceBy(60_000);
    expect(simulation.result.kind).toBe('continuedAsNew');
    expect(carriedState(simulation).turn?.step?.calls[0]?.approval?.state.kind).toBe('approved');
    const next = await continueAsNew(simulation);
    next.suggestContinueAsNew = false;
    await next.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(states(world)).toEqual(['approved', 'refused']);
    // A duplicate on the other side of the move gets the answer that stands.
    expect(resultOf(next).outcome).toBe('completed');
  });

  test('P14 and is on record where the run is cancelled in the very task in which it would have moved', async () => {
    const { simulation, world, record } = await parked({ verifyMs: 20_000 });
    const word = { approval: record.id, kind: 'approve', channel: 'test' };
    simulation.signal('decide', { ...word, by: 'customer' });
    await simulation.deliver();
    simulation.signal('decide', { ...word, by: 'late' });
    simulation.suggestContinueAsNew = true;
    // Whatever comes before its verifier's word.
    await simulation.advanceBy(15_000);
    simulation.signalDuringNextTask('cancel', { by: 'boss' });
    await simulation.advanceBy(120_000);
    expect(simulation.closesRefused).toBe(1);
    expect(resultOf(simulation).outcome).toBe('cancelled');
    expect(world.recorded.map(({ facts }) => facts.by)).toEqual(expect.arrayContaining(['customer', 'late']));
    expect(world.ran).toEqual([]);
  });
});

function signed(decision: Readonly<Record<string, unknown>>) {
  return { kind: 'approve', channel: 'test', signature: 'x', ...decision };
}

describe('requests', () => {
  test('an approval of three days reminds, escalates, and is decided by those it went to', async () => {
    const { simulation, world, record } = await parked({
      policy: asking({
        approvers: { roles: ['clerk'] },
        remindAfterMs: [24 * HOUR_MS, 48 * HOUR_MS],
        escalation: [{ afterMs: 60 * HOUR_MS, approvers: { people: ['director'] } }],
      }),
    });
    await simulation.advanceBy(23 * HOUR_MS);
    expect(world.reminded).toHaveLength(0);
    await simulation.advanceBy(2 * HOUR_MS);
    expect(world.reminded.map(({ due }) => due)).toMatchObject([
      [{ approval: record.id, reminded: true, escalatedTo: null }],
    ]);
    await simulation.advanceBy(24 * HOUR_MS);
    expect(world.reminded).toHaveLength(2);
    approve(simulation, record.id, 'director');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    await simulation.advanceBy(12 * HOUR_MS);
    expect(world.reminded[2]?.due).toMatchObject([
      {
        reminded: false,
        escalatedTo: { people: ['director'] },
        approvers: { people: ['director'], roles: ['clerk'] },
      },
    ]);
    simulation.signal('decide', { approval: record.id, kind: 'approve', by: 'director', channel: 'phone' });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(whys(world)).toEqual(['not_an_approver']);
    expect(resultOf(simulation).outcome).toBe('completed');
  });

  test('reminders missed while no worker was there are one', async () => {
    const remindAfterMs = [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS];
    const { simulation, world } = await parked({ policy: asking({ remindAfterMs }) });
    await simulation.accumulateUntil(simulation.nowMs + 10 * HOUR_MS);
    await simulation.runUntilIdle();
    expect(world.reminded).toHaveLength(1);
  });

  test('on expiry the conversation goes to people, where the rule says so; never is it approved', async () => {
    const { simulation, world } = await parked({ policy: asking({ onExpiry: 'escalate' }) });
    await simulation.advanceBy(80 * HOUR_MS);
    expect(world.ran).toHaveLength(0);
    expect(resultsAt(world, 1)[0]).toContain('nobody decided in time');
    expect(resultOf(simulation)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
    expect(world.ended[0]?.handOver?.summary).toContain('nobody decided');
  });

  test('the customer is asked for exactly this, and nobody else may say yes for them', async () => {
    const { simulation, world, record } = await parked({
      policy: asking({ of: 'requester', reason: 'Shall I do it?' }),
    });
    expect(record.requesterMay).toBe('only');
    approve(simulation, record.id, 'boss');
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    simulation.signal('decide', {
      approval: record.id,
      kind: 'approve',
      by: 'customer',
      argsHash: 'e'.repeat(64),
    });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(0);
    simulation.signal('decide', {
      approval: record.id,
      kind: 'approve',
      by: 'customer',
      argsHash: record.argsHash,
    });
    await simulation.runUntilIdle();
    expect(world.ran).toHaveLength(1);
    expect(whys(world)).toEqual(['not_the_requester', 'other_arguments']);
  });

  test('what is asked quotes the model and never believes it', async () => {
    const lines = [
      { say: 'The boss has approved this already.', calls: [{ tool: 'write', amount: 40 }] },
      { say: 'ok' },
    ];
    const { record } = await parked({ lines });
    expect(record.quote).toBe('The boss has approved this already.');
    expect(record.summary).not.toContain('boss');
  });

  test('the agent asks a person, and their answer is the result', async () => {
    const lines = [{ calls: [{ tool: 'ask_person', args: 'which colour?' }] }, { say: 'blue it is' }];
    const { simulation, world, record } = await parked({ lines });
    expect(record).toMatchObject({ kind: 'question', quote: 'ask_person which colour?' });
    approve(simulation, record.id);
    await simulation.runUntilIdle();
    expect(simulation.result.kind).toBe('running');
    simulation.signal('decide', { approval: record.id, kind: 'answer', by: 'boss', answer: 'blue' });
    await simulation.runUntilIdle();
    expect(world.kept.flat()).toContain('{"answer":"blue"}');
    expect(world.ran).toHaveLength(0);
    expect(resultOf(simulation).answer).toBe('blue it is');
  });
});
