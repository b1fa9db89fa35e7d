import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { readAudit } from '../../src/store/audit.ts';
import { setBudget } from '../../src/store/budgets.ts';
import { setRate } from '../../src/store/rates.ts';
import { approvalsQuery, decideSignal, retrySignal, statusQuery } from '../../src/workflows/messages.ts';
import { type Bench, openBench } from '../store/bench.ts';
import { commitsOf } from './commits.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';

/** Never the same call twice, so that only money and limits stop it. */
const FOR_EVER = Array.from({ length: 400 }, (_, i) => call('look', `${i}`));
const LOOSE = { iterationsPerTurn: 400, toolCallsPerTurn: 400, activeMsPerTurn: 3_600_000 } as const;

const agent = labAgent([readTool('look'), effectTool('note')], {
  limits: {
    ...LOOSE,
    tokensPerRun: 100_000_000,
    costMicroUsdPerRun: 300_000,
    maxOutputTokens: 500,
    approvalMs: 60_000,
  },
});

let lab: Lab;
let bench: Bench;
beforeAll(async () => {
  const databaseUrl = inject('databaseUrl');
  lab = await openLab({
    databaseUrl,
    temporalAddress: inject('temporalAddress'),
    agents: [agent],
    conversations: [
      script('loop', FOR_EVER),
      script('short', [say('done')]),
      script('cold', [call('note'), say('done')]),
      script('one effect', [call('note'), say('done')]),
    ],
  });
  bench = await openBench({ serverUrl: databaseUrl, agents: [agent] });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
afterEach(async () => {
  await lab.sql`delete from budgets`;
  await lab.sql`delete from rates`;
  await lab.sql`delete from budget_windows`;
});

type Cap = Parameters<typeof setBudget>[1];
function cap(kind: Cap['kind'], capMicroUsd: number, atCap: Cap['atCap']): Promise<void> {
  const degradeTo = atCap === 'degrade' ? 'small' : null;
  return setBudget(lab.sql, { kind, subject: '*', capMicroUsd, atCap, degradeTo, by: 'boss', reason: '' });
}

const start = (message: string, user: string, limits = {}) =>
  lab.start({ agent: 'lab', message, once: true, requester: { id: user }, limits });

const phase = (handle: Handle, state: string) =>
  until(`the run to be ${state}`, async () => {
    const status = await handle.query(statusQuery);
    return status.state === state && status;
  });

async function decide(handle: Handle, kind: 'approve' | 'reject'): Promise<string> {
  const [record] = await until('the request', async () => {
    const records = await handle.query(approvalsQuery);
    return records.length > 0 && records;
  });
  const approval = record?.id ?? '';
  await handle.signal(decideSignal, { approval, kind, by: 'boss', channel: 'test' });
  return approval;
}

async function spentBy(user: string): Promise<{ spent: number; dearest: number; calls: number }> {
  const [row] = await lab.sql<{ spent: number; dearest: number; calls: number }[]>`
    select coalesce(sum(m.cost_micro_usd), 0)::bigint as spent, coalesce(max(m.cost_micro_usd), 0) as dearest,
      count(*)::integer as calls
    from model_attempts m join runs r using (run) where r.requester = ${user}`;
  return row ?? { spent: 0, dearest: 0, calls: 0 };
}

describe('a model that loops for ever', () => {
  test('costs a run at most its limit', async () => {
    const handle = await start('loop', 'runaway', { costMicroUsdPerRun: 40_000 });
    await phase(handle, 'landed');
    const { spent, calls } = await spentBy('runaway');
    expect(calls).toBeGreaterThan(5);
    expect(spent).toBeLessThanOrEqual(40_000);
    expect(spent).toBeGreaterThan(10_000);
    await decide(handle, 'reject');
    expect(await handle.result()).toMatchObject({ outcome: 'partial', reason: 'cost' });
  });

  test('costs a user at most the cap of the day, over several runs at once', async () => {
    const most = 60_000;
    await cap('user', most, 'land');
    const handles = await Promise.all(Array.from({ length: 5 }, () => start('loop', 'looper')));
    for (const handle of handles) await phase(handle, 'landed');
    const { spent, dearest, calls } = await spentBy('looper');
    expect(calls).toBeGreaterThan(10);
    expect(spent).toBeLessThanOrEqual(most);
    // Used up but for what calls and landings had to be certain of.
    expect(spent).toBeGreaterThan(most / 4);
    expect(dearest).toBeLessThan(most / 5);
    const windows =
      await lab.sql`select spent::integer, reserved::integer from budget_windows where scope = 'user:looper'`;
    expect(windows).toEqual([{ spent, reserved: 0 }]);
    for (const handle of handles) await decide(handle, 'reject');
    for (const handle of handles)
      expect(await handle.result()).toMatchObject({ outcome: 'partial', reason: 'budget' });
  });
});

describe('at a cap', () => {
  test('degrade: the same call at a cheaper tier, and a landing where that does not fit either', async () => {
    await cap('agent', 5_000, 'degrade');
    const handle = await start('loop', 'degraded');
    await phase(handle, 'landed');
    const rows = await lab.sql<{ model: string; calls: number }[]>`
      select m.model, count(*)::integer as calls from model_attempts m join runs r using (run)
      where r.requester = 'degraded' group by 1 order by 2 desc`;
    expect(rows[0]?.model).toMatch(/haiku/);
    expect((await spentBy('degraded')).spent).toBeLessThanOrEqual(5_000);
    expect(lab.model.problems).toEqual([]);
    await decide(handle, 'reject');
    expect((await handle.result()).reason).toBe('budget');
  });

  test('wait: the run is parked where lists show it, and goes on when there is room', async () => {
    await cap('fleet', 100_000, 'wait');
    const [window] = await lab.sql<
      { start: Date }[]
    >`select date_trunc('hour', clock_timestamp(), 'UTC') as start`;
    await lab.sql`insert into budget_windows (scope, window_start, spent) values ('fleet', ${window?.start ?? new Date()}, 99999)`;
    const handle = await start('short', 'patient');
    const { waitsFor } = await phase(handle, 'budget');
    expect(waitsFor).toMatch(/^the budget fleet to open again at \d{4}-/);
    await until(
      'the list to show it',
      async () =>
        (await lab.sql`select from runs where requester = 'patient' and state = 'budget'`).length === 1,
    );
    expect((await spentBy('patient')).calls).toBe(0);
    await cap('fleet', 1_000_000, 'wait');
    await handle.signal(retrySignal, { by: 'boss' });
    expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'done' });
  });

  test('ask: a yes allows one helping more, once and on record', async () => {
    await cap('user', 10, 'ask');
    const handle = await start('short', 'asker');
    const approval = await decide(handle, 'approve');
    const { run, outcome } = await handle.result();
    expect(outcome).toBe('completed');
    const granted = (await readAudit(lab.sql, run)).filter((row) => row.event === 'budget_granted');
    expect(granted.map(({ key, facts }) => [key, JSON.parse(facts)])).toMatchObject([
      [approval, { scope: 'user:asker', microUsd: 300_000, by: 'boss' }],
    ]);
  });

  test('a step still costs four committing statements under all caps and limits', async () => {
    for (const kind of ['run', 'user', 'tenant', 'agent', 'fleet'] as const)
      await cap(kind, 1_000_000, 'land');
    for (const name of ['starts:user', 'tool:note'])
      await setRate(lab.sql, { name, perDay: 100, by: 'boss', reason: '' });
    await (await start('cold', 'counted')).result();
    const play = async () => {
      const handle = await start('one effect', 'counted');
      expect((await handle.result()).outcome).toBe('completed');
      const { events } = await handle.fetchHistory();
      expect(
        (events ?? []).flatMap(
          (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
        ),
      ).toEqual(['callModel', 'runTool', 'callModel', 'endRun']);
    };
    expect(await commitsOf(lab.sql, play)).toBe(4 + 2 + 1);
  });
});

test('a start over the rate of its user ends as refused and says when to come back; nothing was asked', async () => {
  await setRate(lab.sql, { name: 'starts:user', perDay: 1, by: 'boss', reason: '' });
  expect((await (await start('short', 'eager')).result()).outcome).toBe('completed');
  const before = lab.model.requests;
  const refused = await (await start('short', 'eager')).result();
  expect(refused).toMatchObject({ outcome: 'refused', reason: 'rate_limited' });
  expect(refused.answer).toMatch(/the limit is 1 a day\. Come back at \d{4}-\d\d-\d\dT00:00:00\.000Z/);
  expect(lab.model.requests).toBe(before);
});

test('the sweeper asks the real engine, and closes what a terminated run left open', async () => {
  await cap('user', 10, 'ask');
  const handles = await Promise.all([start('short', 'gone'), start('short', 'here')]);
  for (const handle of handles) await phase(handle, 'landed');
  await handles[0].terminate('a test');
  await lab.sql`update runs set updated_at = now() - interval '1 hour' where requester in ('gone', 'here')`;
  // The run of a server that shares nothing but the database: this engine has never heard of it.
  await lab.sql`
    insert into runs (run, workflow_id, namespace_id, agent, requester, state, updated_at)
    values ('relsewhere', 'elsewhere', 'another', 'lab', 'foreign', 'waiting', now() - interval '1 hour')`;
  const { namespaceInfo } = await lab.client.workflowService.describeNamespace({ namespace: 'default' });
  // The activity as a worker has it, on the lab's database and engine.
  const swept = await bench.attempt((activities) => activities.sweep(), {
    client: lab.client as never,
    services: { sql: lab.sql, namespaceId: namespaceInfo?.id ?? '' },
  });
  expect(swept.closed).toBe(1);
  const rows = await lab.sql`
    select r.requester, r.state, r.reason, a.state as approval from runs r join approvals a using (run)
    where r.requester in ('gone', 'here') order by 1`;
  expect(await lab.sql`select state from runs where run = 'relsewhere'`).toEqual([{ state: 'waiting' }]);
  expect(rows).toEqual([
    { requester: 'gone', state: 'ended', reason: 'terminated', approval: 'withdrawn' },
    { requester: 'here', state: 'landed', reason: null, approval: 'open' },
  ]);
  await decide(handles[1], 'reject');
  await handles[1].result();
});
