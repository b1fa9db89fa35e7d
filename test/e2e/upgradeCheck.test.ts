import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { checkOpenRuns, type UpgradeCheck } from '../../src/commands/upgradeCheck.ts';
import type { Bundle } from '../../src/replay/bundle.ts';
import { readHistories } from '../../src/replay/history.ts';
import { NotReplayableError, SHIPPED_HISTORIES } from '../../src/replay/shipped.ts';
import { PLANTED_CHANGES, type PlantedChange, plant } from '../replay/plant.ts';
import { sharedBundle } from '../sharedBundle.ts';
import { type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, script } from './labAgent.ts';
import { cli, openRequest } from './peopleFacts.ts';

/** Runs that are parked on a real server, seen by a build that has not begun them. */

const NAMES = ['one', 'two', 'three'];
let lab: Lab;
let bundle: Bundle;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([effectTool('note')], { policy: ASK_ALL })],
    conversations: NAMES.map((name) => script(name, [call('note')])),
  });
  bundle = await sharedBundle();
  for (const message of NAMES)
    await openRequest(lab, await lab.start({ agent: 'lab', message, requester: { id: 'customer' } }));
  await listed(NAMES.length);
});
afterAll(() => lab[Symbol.asyncDispose]());

const listed = (count: number) =>
  until(`${count} runs to be listed`, async () => {
    const query = `TaskQueue = '${lab.config.taskQueue}' AND ExecutionStatus = 'Running'`;
    return (await lab.client.workflow.count(query)).count === count;
  });
const check = (of: Bundle, limit = 100) =>
  checkOpenRuns({ client: lab.client, taskQueue: lab.config.taskQueue, limit, bundle: of });

function changed(what: string): PlantedChange {
  const found = PLANTED_CHANGES.find((one) => one.what === what);
  if (found === undefined) throw new Error(`no change is called "${what}"`);
  return found;
}

describe('parked runs', () => {
  test('replay with this build, by the command line and without a worker', async () => {
    await lab.stopWorker();
    const ran = await cli(lab, ['upgrade-check', '--json']);
    await lab.startWorker();
    expect(ran).toMatchObject({ code: 0 });
    const answer = JSON.parse(ran.stdout) as UpgradeCheck;
    expect(answer).toMatchObject({ taskQueue: lab.config.taskQueue, open: 3, leftOut: 0, mend: null });
    expect(answer.runs.map(({ kind }) => kind)).toEqual(['replays', 'replays', 'replays']);
  });

  test('that a changed build would break are named, with the event; what is left out is counted', async () => {
    const found = await check(plant(bundle, changed('a changed activity type')));
    expect(found.runs).toHaveLength(3);
    for (const run of found.runs)
      expect(run).toMatchObject({
        kind: 'differs',
        at: expect.stringMatching(/^event \d+ ActivityTaskScheduled \(openApprovals\)$/),
        why: expect.stringContaining('keepTexts'),
      });
    expect(found.mend).toContain('patched(');
    expect(await check(bundle, 2)).toMatchObject({ open: 3, leftOut: 1, mend: null });
  });

  test('that another build began otherwise fail the command, in words', async () => {
    await lab.stopWorker();
    const connection = await NativeConnection.connect({ address: inject('temporalAddress') });
    const other = await Worker.create({
      connection,
      namespace: 'default',
      taskQueue: lab.config.taskQueue,
      workflowBundle: plant(bundle, changed('an extra timer')),
    });
    await other.runUntil(async () => {
      const handle = await lab.start({ agent: 'lab', message: 'four', requester: { id: 'customer' } });
      await until('its first task', async () => (await handle.describe()).historyLength > 4);
    });
    await connection.close();
    await listed(4);
    const ran = await cli(lab, ['upgrade-check']);
    expect(ran).toMatchObject({ code: 8, stderr: '' });
    expect(ran.stdout).toMatch(/4 open runs on task queue lab_\w+: 3 replay, 1 do not/);
    expect(ran.stdout).toMatch(/run-[\w-]+ {2}event 6 TimerStarted/);
    expect(ran.stdout).toContain('what to do: keep what the old code did');
  });
});

test('a server that is away, and a queue that cannot be one, are told', async () => {
  const away = { ...lab, environment: { ...lab.environment, TEMPORAL_ADDRESS: '127.0.0.1:1' } };
  expect(await cli(away, ['upgrade-check'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('Temporal at 127.0.0.1:1 cannot be reached'),
  });
  expect(await cli(lab, ['upgrade-check', '--queue', "a' OR '1"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('without quotation marks'),
  });
});

test('a worker whose code differs from what it has to go on with does not poll', async () => {
  const [first] = await readHistories(SHIPPED_HISTORIES);
  if (first === undefined) throw new Error('no history ships');
  const events = (first.history.events ?? []).map((event) => {
    const { activityTaskScheduledEventAttributes: scheduled } = event;
    const other = { ...scheduled, activityType: { name: 'anotherName' } };
    return scheduled == null ? event : { ...event, activityTaskScheduledEventAttributes: other };
  });
  const refused = openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([effectTool('note')])],
    histories: [{ ...first, name: 'altered', history: { events } }],
  });
  await expect(refused).rejects.toThrow(NotReplayableError);
  await expect(refused).rejects.toThrow(/history altered differs at .*anotherName/);
});
