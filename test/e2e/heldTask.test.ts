import proto from '@temporalio/proto';
import { expect, inject, test } from 'vitest';
import { replay } from '../../src/replay/replay.ts';
import { success } from '../../src/tools/result.ts';
import { AGENT_RUN, type RunResult, type StartInput } from '../../src/workflows/messages.ts';
import { sharedBundle } from '../sharedBundle.ts';
import { openLab } from './lab.ts';
import { call, calls, labAgent, readTool, say, script } from './labAgent.ts';

/** So long a workflow task may take; the SDK keeps one that works on something by a heartbeat after four fifths of it. */
const TASK_MS = 1_000;
const READ_MS = 900;

const TYPES = proto.temporal.api.enums.v1.EventType;
/** Three events more, and nothing happened: what a run decides by the length of its history must be the same after it. */
const KEPT = ['COMPLETED', 'SCHEDULED', 'STARTED', 'COMPLETED']
  .map((state) => `EVENT_TYPE_WORKFLOW_TASK_${state}`)
  .join(' ');

test('a quick read that outlives its workflow task is replayed as it was', async () => {
  const look = readTool(
    'look',
    async ({ what }) => {
      if (what === 'slowly') await new Promise((resolve) => setTimeout(resolve, READ_MS));
      return success(`seen ${what}`);
    },
    { quick: true, timeoutMs: 1_000 },
  );
  await using lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([look])],
    conversations: [
      script('hello', [
        call('look', 'slowly'),
        calls(['look', 'slowly'], ['look', 'b']),
        call('look', 'c'),
        say('done'),
      ]),
    ],
  });
  const handle = await lab.client.workflow.start<(input: StartInput) => Promise<RunResult>>(AGENT_RUN, {
    workflowId: `${lab.config.taskQueue} held`,
    taskQueue: lab.config.taskQueue,
    workflowTaskTimeout: TASK_MS,
    args: [{ v: 1, agent: 'lab', message: 'hello', requester: { id: 'customer' }, once: true }],
  });
  expect((await handle.result()).outcome).toBe('completed');
  const history = await handle.fetchHistory();
  const types = (history.events ?? []).map(({ eventType }) => TYPES[eventType ?? 0]);
  expect(types.join(' '), 'a task was kept by a heartbeat').toContain(KEPT);
  for await (const { verdict } of replay({ bundle: await sharedBundle() }, [
    { name: 'held', workflowId: handle.workflowId, history },
  ]))
    expect(verdict).toEqual({ kind: 'replays' });
});
