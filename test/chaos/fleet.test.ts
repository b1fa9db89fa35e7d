import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { until } from '../e2e/lab.ts';
import { type Fleet, openFleet } from './fleet/fleet.ts';
import { judge, type Verdict } from './fleet/judge.ts';
import type { Mind, RunKind } from './fleet/mix.ts';
import { replayAll } from './fleet/replays.ts';
import { SECRET } from './fleet/secrecy.ts';
import { quietRuntime } from './quiet.ts';

quietRuntime();

/** Somebody says no, somebody wants it otherwise, and one of two landings is refused. */
const SEED = 43;
const ENOUGH = { runsAtLeast: 24, effectsAtLeast: 12, replaysMost: 0 };
const LOAD_MS = 120_000;

describe('a fleet under a small load without faults', () => {
  let fleet: Fleet;
  let calm: Verdict;
  beforeAll(async () => {
    fleet = await openFleet({
      addresses: { databaseUrl: inject('databaseUrl'), temporalAddress: inject('temporalAddress') },
      seed: SEED,
      workers: 1,
    });
    await fleet.load({
      runs: 24,
      concurrency: 8,
      mix: { read: 1, parallel: 1, asked: 3, keyed: 2, checkable: 2, never: 2, chat: 2, landing: 1 },
    }).done;
    calm = await judge(fleet, { ...ENOUGH, replaysMost: 100 });
  }, LOAD_MS);
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test('is judged whole: every kind of run came to its end', () => {
    expect(calm).toMatchObject({ problems: [], vacuous: [], runs: 24, lost: 0, duplicated: 0 });
    expect(calm).toMatchObject({ histories: { replayed: 24, of: 24 }, figures: { cardsRead: 20 } });
    const kinds = new Set(fleet.runs.map(({ plan }) => plan.kind));
    expect(kinds.size).toBe(8);
    expect(calm.figures.acknowledgedDecisions).toBeGreaterThan(3);
  });

  test('is judged vacuous where too little happened', async () => {
    const { vacuous } = await judge(fleet, { runsAtLeast: 25, effectsAtLeast: 1_000, replaysMost: 0 });
    expect(vacuous.join()).toMatch(/24 runs ended, 25 were expected.* effects, 1000 were expected/);
  });

  test('a history that differs in one activity is not replayed, and a secret in it is found', async () => {
    const [noted] = fleet.runs;
    const handle = fleet.client.workflow.getHandle(noted?.plan.workflowId ?? '');
    const history = await handle.fetchHistory();
    const scheduled = history.events?.find((event) => event.activityTaskScheduledEventAttributes);
    const type = scheduled?.activityTaskScheduledEventAttributes?.activityType;
    if (type) type.name = `planted ${SECRET}`;
    const client = { workflow: { getHandle: () => ({ fetchHistory: async () => history }) } };
    const { problems, ...counted } = await replayAll(client, [handle.workflowId], 1);
    expect(counted).toEqual({ read: 1, replayed: 0, differing: [handle.workflowId] });
    expect(problems.join('\n')).toMatch(/^V7: .*\nV6: /);
  });

  // One after the other: each row stays changed, and the next one has to be found beside it. Each has a run of its own:
  // where two meet in one run, the one may hide the other.
  const taken = new Set<string>();
  const take = async (kind: RunKind, mind?: Mind) => {
    const noted = fleet.runs
      .filter(({ plan }) => plan.kind === kind && (mind === undefined || plan.mind === mind))
      .sort((a, b) => a.plan.ordinal - b.plan.ordinal)
      .find(({ plan }) => !taken.has(plan.workflowId));
    if (noted === undefined)
      throw new Error(`no run of kind ${kind}${mind ? ` (${mind})` : ''} is left to plant this in`);
    const { workflowId } = noted.plan;
    taken.add(workflowId);
    const [row] = await fleet.sql<{ run: string; key: string | null; approval: string | null }[]>`
      select r.run, e.key, e.approval from runs r left join effects e using (run) where workflow_id = ${workflowId}`;
    if (row === undefined) throw new Error(`the store does not know ${workflowId}`);
    return { run: row.run, key: row.key ?? '', approval: row.approval ?? '' };
  };
  const headOf = async (kind: RunKind, seq: number) =>
    fleet.sql`
      update runs r set head = n.hash from nodes n
      where n.run = r.run and n.seq = ${seq} and r.run = ${(await take(kind)).run}`;

  test.each<[fault: string, plant: () => Promise<unknown>, problem: RegExp, counted?: Partial<Verdict>]>([
    [
      'an effect that was done twice',
      async () => fleet.payments.plant((await take('keyed')).key, 1),
      /V1: the outside acted 2 times/,
      { duplicated: 1 },
    ],
    [
      'an effect that is said to be done, and was not',
      async () => fleet.payments.plant((await take('checkable')).key, -1),
      /V1: .* is applied and was not done/,
      { lost: 1 },
    ],
    [
      'an effect that nobody put on record',
      async () => fleet.payments.plant('r/1/0', 1),
      /V1: r\/1\/0 was done and the ledger has no row of it/,
      { lost: 2 },
    ],
    [
      'an effect that was given up',
      async () => {
        const { key } = await take('never');
        fleet.payments.plant(key, -1);
        await fleet.sql`update effects set state = 'void' where key = ${key}`;
      },
      /never, \w+: pay_never was asked for and never done: void/,
      { lost: 3 },
    ],
    [
      'an effect that is gone',
      async () => {
        const { key } = await take('keyed');
        fleet.payments.plant(key, -fleet.payments.of(key).acts);
        await fleet.sql`delete from effects where key = ${key}`;
      },
      /pay_keyed was asked for and never done: no row/,
      { lost: 4 },
    ],
    [
      'a run that was left to people',
      async () => fleet.sql`update runs set outcome = 'escalated' where run = ${(await take('read')).run}`,
      /its customer was told completed, and the store says escalated\n.*it ended as escalated, not as completed/,
      { lost: 5 },
    ],
    [
      'an approval that nobody gave',
      async () => fleet.sql`update approvals set decision = null, decided_at = null
        where id = ${(await take('asked', 'approve')).approval}`,
      /V2: .* was claimed on an approval without a yes, a name or a time/,
    ],
    [
      'a rejection that was executed',
      async () => {
        const { run } = await take('asked', 'reject');
        const [row] = await fleet.sql<{ key: string }[]>`
          update approvals set state = 'approved', decision = (decision::jsonb ||
            '{"kind": "approve", "votes": [{"by": "boss"}]}')::text
          where run = ${run} returning key`;
        const key = row?.key ?? '';
        await fleet.sql`insert into effects (key, run, tool, release, args_hash, mode, state, lease_until, approval)
          select key, run, tool, release, args_hash, 'keyed', 'applied', now(), id from approvals where key = ${key}`;
        fleet.payments.plant(key, 1);
      },
      /V2: .* was claimed on the word of boss: those who may have not said yes.*\n.*(told|pay_asked\) was done and nobody wanted it)/,
    ],
    [
      "a stranger's yes",
      async () => {
        const { approval } = await take('asked', 'approve');
        const [row] = await fleet.sql<{ args_hash: string }[]>`
          update approvals set decision = (decision::jsonb ||
            '{"by": "passer-by", "votes": [{"by": "passer-by"}]}')::text
          where id = ${approval} returning args_hash`;
        const argsHash = row?.args_hash ?? '';
        fleet.people.note({ approval, by: 'passer-by', kind: 'approve', argsHash, atMs: Date.now() });
      },
      /V2: .* was claimed on the word of passer-by/,
    ],
    [
      'an approval that is gone',
      async () => fleet.sql`delete from approvals where id = ${(await take('asked', 'approve')).approval}`,
      /V2: .* was claimed without a standing approval/,
    ],
    ['a call without a result', () => headOf('parallel', 2), /V3: call .* has 0 results/],
    [
      'a conversation that was edited',
      async () => fleet.sql`update nodes set body = replace(body, 'fleet', 'float') where seq = 1
        and run = ${(await take('parallel')).run}`,
      /V3: its conversation cannot be read/,
    ],
    [
      'a secret in a table',
      async () =>
        fleet.sql`update approvals set summary = ${SECRET} where run = ${(await take('asked', 'edit')).run}`,
      /V7: a secret is in table approvals/,
    ],
    [
      'a secret in the log of a worker',
      async () => {
        const leaking = new URL('../unit/chaos/fixtures/leakingWorker.ts', import.meta.url);
        const worker = await fleet.startWorker({}, leaking);
        await until('its log', async () => worker.leaked());
        // The judge asks for cards where somebody lives, and this one does not answer.
        await worker.kill();
      },
      /V7: a secret is in the log of worker \d+/,
    ],
    [
      'a message that was acknowledged, and is gone',
      () => headOf('chat', 2),
      /V9: "and this is word 2 of customer \d+" was acknowledged and is in the conversation 0 times/,
    ],
    [
      'a decision that was acknowledged, and is gone',
      async () =>
        fleet.sql`update approvals set state = 'open', decision = null where run = ${(await take('landing')).run}`,
      /V9: the decision on .* was acknowledged, and it is still open/,
    ],
    [
      'a start that was acknowledged, and is gone',
      async () => fleet.sql`delete from runs where run = ${(await take('never')).run}`,
      /V9: its start was acknowledged, and the store does not know it/,
    ],
    [
      'a run that was started twice',
      async () => fleet.sql`insert into runs (run, workflow_id, agent, requester, state)
        select 'again', workflow_id, agent, requester, state from runs where run = ${(await take('checkable')).run}`,
      /V1: .* was started 2 times/,
    ],
    [
      'a run that spent more than it may',
      async () => fleet.sql`update model_attempts set cost_micro_usd = 600000 where id = (
        select max(id) from model_attempts where run = ${(await take('checkable')).run})`,
      /V4: it spent \d+ micro-dollars of 500000/,
    ],
    [
      'a run that waits for nothing',
      async () => fleet.sql`update runs set state = 'running', ended_at = null
        where run = ${(await take('keyed')).run}`,
      /V5: the run is running and waits for nothing with a deadline/,
    ],
    [
      'a worker that died by itself',
      async () => {
        const [worker] = fleet.workers;
        process.kill(worker?.pid ?? 0, 'SIGKILL');
        await worker?.exited;
      },
      /worker \d+ ended by itself \(signal SIGKILL\)/,
    ],
    // The last one: it is found in every run, and the judge tells of so many problems only.
    [
      'a row of the audit that was changed',
      async () => fleet.sql`update audit set event = 'effect_applied' where event = 'effect_claimed'`,
      /V8: audit row \d+ does not follow/,
    ],
  ])('%s is found', async (_, plant, problem, counted = {}) => {
    expect((await judge(fleet, ENOUGH)).problems.join('\n')).not.toMatch(problem);
    await plant();
    const verdict = await judge(fleet, ENOUGH);
    expect(verdict.problems.join('\n')).toMatch(problem);
    expect(verdict).toMatchObject(counted);
  });
});
