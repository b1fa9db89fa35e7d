import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { BREAKER_RULES, type BreakerRules } from '../../src/core/breakerRules.ts';
import { governorId } from '../../src/governorSchedule.ts';
import { readGovernor } from '../../src/store/breakers.ts';
import { governBreakers } from '../../src/store/governor.ts';
import { failed, success } from '../../src/tools/result.ts';
import { cancelSignal, sendUpdate } from '../../src/workflows/messages.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';
import { auditOf, cardOf, cli, effectsOf, inState } from './peopleFacts.ts';

/**
 * Breakers on real parts. The readings are those that the runs leave; only the thresholds are those of a small fleet, and
 * the governor looks when the test says so.
 */

const RULES: BreakerRules = {
  ...BREAKER_RULES,
  metrics: {
    ...BREAKER_RULES.metrics,
    toolErrors: {
      ...BREAKER_RULES.metrics.toolErrors,
      kinds: ['tool'],
      minOf: 3,
      minRuns: 3,
      proveMs: 0,
    },
  },
  openMs: 1,
  probes: 1,
  provenBy: 1,
  reopenedBy: 1,
};

let broken = true;
const done = new Map<string, number>();
const pay = effectTool(
  'pay',
  ({ what }) => {
    if (broken) return failed('the bank does not answer', { retryable: true });
    done.set(what, (done.get(what) ?? 0) + 1);
    return success(`done ${what}`);
  },
  { retries: 0 },
);

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [
      labAgent([pay, readTool('look')]),
      labAgent([readTool('look')], { name: 'refusing', whileBroken: 'refuse' }),
    ],
  });
});
afterAll(() => lab[Symbol.asyncDispose]());
afterEach(async () => {
  await lab.sql`truncate breakers, breaker_probes, call_outcomes`;
});

const look = () => governBreakers(lab.sql, RULES);
/** The workflow that the schedule starts; in a test like this its own thresholds move nothing, and it wakes. */
const governor = () =>
  lab.client.workflow.execute<() => Promise<{ readonly changes: number; readonly woken: number }>>(
    'governor',
    {
      taskQueue: lab.config.taskQueue,
      workflowId: `governor-${performance.now()}`,
      args: [],
    },
  );

async function begin(
  what: string,
  more: { readonly agent?: string; readonly tool?: string } = {},
): Promise<Handle> {
  const { agent = 'lab', tool = 'pay' } = more;
  lab.model.add(script(what, [call(tool, what), say(`over ${what}`)]));
  return lab.start({ agent, message: what, once: true, requester: { id: 'customer' } });
}

async function breakTool(): Promise<void> {
  broken = true;
  const failing = await Promise.all(['x', 'y', 'z'].map((what) => begin(`${what}${performance.now()}`)));
  for (const handle of failing) {
    expect(await handle.result()).toMatchObject({ outcome: 'completed' });
    expect(await effectsOf(lab, handle)).toEqual(['refused 1']);
  }
}

describe('a tool that fails', () => {
  test('holds runs before their next effect; a probe closes it again, and everything goes on, each once', async () => {
    await breakTool();
    expect(await look()).toMatchObject([
      { name: 'tool:pay', event: 'opened', why: '3 of 3 calls failed (3 runs)' },
    ]);
    broken = false;

    const held = [await begin('a'), await begin('b'), await begin('c')];
    for (const handle of held) {
      await inState(lab, handle, 'held');
      expect(await effectsOf(lab, handle)).toEqual([]);
      expect(await auditOf(lab, handle, 'effect_held')).toMatchObject([
        { facts: { switch: 'breaker:tool:pay', by: 'holdfast', reason: '3 of 3 calls failed (3 runs)' } },
      ]);
      await until('the card', async () => (await cardOf(handle)).includes('the breaker "tool:pay" to close'));
    }
    // Reads go on, and so does whoever does not need it.
    expect(await (await begin('d', { tool: 'look' })).result()).toMatchObject({ answer: 'over d' });

    expect(await look()).toMatchObject([{ event: 'half_open' }]);
    expect(await governor()).toMatchObject({ woken: 1 });
    await until('the probe', async () => done.size === 1);
    const first = await until('its end', async () => {
      const rows = await lab.sql<{ workflow_id: string }[]>`
        select workflow_id from runs where outcome = 'completed' and workflow_id = any(${held.map((one) => one.workflowId)})`;
      return rows[0]?.workflow_id;
    });
    // Its probe is used up: the others wait on.
    expect(await governor()).toMatchObject({ woken: 0 });
    for (const handle of held.filter(({ workflowId }) => workflowId !== first))
      expect(await effectsOf(lab, handle)).toEqual([]);

    expect(await look()).toMatchObject([{ event: 'closed' }]);
    expect(await governor()).toMatchObject({ woken: 2 });
    for (const [i, what] of ['a', 'b', 'c'].entries()) {
      const handle = held[i] as Handle;
      expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: `over ${what}` });
      expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
      expect(done.get(what)).toBe(1);
    }
    expect(await lab.sql`select type from notices where run = 'breakers' order by created_at`).toEqual([
      { type: 'breaker.opened' },
      { type: 'breaker.half_open' },
      { type: 'breaker.closed' },
    ]);
    expect(lab.model.problems).toEqual([]);
  });

  test('opens again when the probe fails, and a held run can be cancelled', async () => {
    await breakTool();
    expect(await look()).toMatchObject([{ event: 'opened' }]);
    const held = [await begin('e'), await begin('f')];
    for (const handle of held) await inState(lab, handle, 'held');
    expect(await look()).toMatchObject([{ event: 'half_open' }]);
    await governor();
    await until('the probe', async () => {
      const rows = await lab.sql`select from call_outcomes where outcome = 'broke'`;
      return rows.length === 4;
    });
    expect(await look()).toMatchObject([{ event: 'opened' }]);
    const [other] = (
      await Promise.all(
        held.map(async (handle) => ((await effectsOf(lab, handle)).length === 0 ? [handle] : [])),
      )
    ).flat();
    if (other === undefined) throw new Error('both were let through');
    await other.signal(cancelSignal, { by: 'olga' });
    expect(await other.result()).toMatchObject({ outcome: 'cancelled' });
    expect(await effectsOf(lab, other)).toEqual(['void 1']);
  });
});

describe('new runs under an open breaker', () => {
  const force = async (...words: readonly string[]) =>
    expect(await cli(lab, ['breakers', ...words, '--by', 'olga'])).toMatchObject({ code: 0 });

  test('wait before anything is spent, are told so, and begin when it closes', async () => {
    await force('open', 'agent:lab', '--reason', 'a test');
    const before = lab.model.requests;
    const waiting = await begin('g', { tool: 'look' });
    await inState(lab, waiting, 'held');
    expect(await auditOf(lab, waiting, 'run_held')).toMatchObject([
      { facts: { switch: 'breaker:agent:lab', by: 'olga', reason: 'a test' } },
    ]);
    expect(
      await waiting.executeUpdate(sendUpdate, { args: [{ text: 'hello?', by: 'customer' }] }),
    ).toMatchObject({
      kind: 'waiting',
    });
    expect(lab.model.requests).toBe(before);
    expect(
      await lab.sql`select from model_attempts join runs using (run) where workflow_id = ${waiting.workflowId}`,
    ).toEqual([]);
    // It outlives its worker.
    await lab.stopWorker();
    await lab.startWorker();
    await force('close', 'agent:lab', '--reason', 'it was a test');
    expect(await governor()).toMatchObject({ woken: 1 });
    await until('it to be asked', async () => lab.model.requests > before);
    await waiting.terminate('what it was asked is in no script');
  });

  test('are refused where the agent says so, with when to come back', async () => {
    await force('open', 'fleet', '--reason', 'a test', '--for', '2h');
    const handle = await begin('h', { agent: 'refusing', tool: 'look' });
    expect(await handle.result()).toMatchObject({
      outcome: 'refused',
      reason: 'breaker_open',
      answer: expect.stringMatching(
        /Nothing was done\. Please come back after \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$/,
      ),
      costMicroUsd: 0,
    });
    expect(
      await lab.sql`select state, outcome, reason from runs where workflow_id = ${handle.workflowId}`,
    ).toEqual([{ state: 'ended', outcome: 'refused', reason: 'breaker_open' }]);
  });
});

test('a worker creates the schedule once, and what it starts looks', async () => {
  await using other = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([readTool('look')])],
    environment: { HOLDFAST_GOVERNOR: 'on' },
  });
  const schedule = other.client.schedule.getHandle(governorId(other.config.taskQueue));
  try {
    await other.stopWorker();
    await other.startWorker();
    const { spec, policies } = await schedule.describe();
    expect(spec.intervals).toMatchObject([{ every: 60_000 }]);
    expect(policies.overlap).toBe('SKIP');
    await schedule.trigger();
    await until('the governor to look', async () => (await readGovernor(other.sql)).ranAtMs);
  } finally {
    await schedule.delete();
  }
});
