import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createActivities } from '../../src/activities/index.ts';
import type { ActivityServices } from '../../src/activities/services.ts';
import { createHoldfastClient } from '../../src/client.ts';
import { signEnvelope } from '../../src/control/signature.ts';
import { setPerson, storeDirectory } from '../../src/people/storeDirectory.ts';
import { KEYS, SECRET } from '../store/controls.ts';
import { openDatabase, type TestDatabase } from '../store/database.ts';
import type { ControlsInput, ControlsResult } from './fixtures/controls.ts';
import { until } from './lab.ts';

/** Real parts: what the client signs goes through the server into a workflow, and is verified by the activity. */
const LIFE_MS = 3_000;

let database: TestDatabase;
let connection: Connection;
let native: NativeConnection;
let client: Client;
let services: ActivityServices;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  await setPerson(database.sql, 'anna', { roles: ['approver'] }, 'test');
  const address = inject('temporalAddress');
  connection = await Connection.connect({ address });
  native = await NativeConnection.connect({ address });
  client = new Client({ connection });
  // The other activities are not called here.
  services = {
    sql: database.sql,
    directory: storeDirectory(database.sql),
    decisionKeys: KEYS,
  } as ActivityServices;
});
afterAll(async () => {
  await native.close();
  await connection.close();
  await database[Symbol.asyncDispose]();
});

type Controls = (input: ControlsInput) => Promise<ControlsResult>;

async function begin(count: number, moves: boolean) {
  const name = `identity-${randomUUID()}`;
  const input = { run: `r${randomUUID().replaceAll('-', '').slice(0, 20)}`, count, moves, controls: [] };
  const handle = await client.workflow.start<Controls>('controls', {
    workflowId: name,
    taskQueue: name,
    args: [input],
  });
  const worker = async () =>
    Worker.create({
      connection: native,
      taskQueue: name,
      workflowsPath: fileURLToPath(new URL('./fixtures/controls.ts', import.meta.url)),
      activities: createActivities(services),
    });
  return { handle, workflowId: name, worker };
}

/** When the server received each signal of an execution, by its own account. */
async function receivedBy(workflowId: string, runId: string): Promise<readonly number[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? [])
    .filter((event) => event.workflowExecutionSignaledEventAttributes)
    .map(({ eventTime }) => Number(eventTime?.seconds) * 1_000 + Math.floor(Number(eventTime?.nanos) / 1e6));
}

describe('what people say while no worker is alive', () => {
  test.each([false, true])(
    'is signed, arrives when the server received it, and counts once (continued as new: %s)',
    async (moves) => {
      const { handle, workflowId, worker } = await begin(5, moves);
      const holdfast = createHoldfastClient({ client, decisionKey: SECRET, envelopeLifeMs: LIFE_MS });
      const unsigned = createHoldfastClient({ client });
      const yes = { workflowId, approval: 'a', kind: 'approve', by: 'anna', argsHash: 'aa' } as const;
      await holdfast.decide({ ...yes, reason: 'Straße – 東京 \u{1f600}' });
      await unsigned.decide(yes);
      await holdfast.decide({ ...yes, by: 'nobody' });
      await holdfast.resume({ workflowId, by: 'anna' });
      const { events } = await handle.fetchHistory();
      const captured = (events ?? [])
        .map((event) => event.workflowExecutionSignaledEventAttributes)
        .find((signal) => signal?.signalName === 'resume');
      const [payload] = captured?.input?.payloads ?? [];
      const replay: unknown = JSON.parse(Buffer.from(payload?.data ?? []).toString());
      await handle.signal('resume', replay);
      // Everything has expired before anybody reads it: only its arrival says that it came in time.
      const expiredAtMs = Date.now() + LIFE_MS;
      await until('the envelopes to expire', async () => Date.now() > expiredAtMs);
      const { verified, receivedAtMs } = await (await worker()).runUntil(() => handle.result());

      const arrived = await receivedBy(workflowId, handle.firstExecutionRunId);
      expect(verified).toEqual([
        {
          n: 1,
          kind: 'ok',
          speaker: { identity: 'signed', roles: ['approver'] },
          arrivedAtMs: arrived[0],
        },
        { n: 2, kind: 'refused', why: 'unsigned' },
        { n: 3, kind: 'refused', why: 'unknown_person' },
        { n: 4, kind: 'ok', speaker: { identity: 'signed', roles: ['approver'] }, arrivedAtMs: null },
        { n: 5, kind: 'refused', why: 'replayed' },
      ]);
      expect(Math.min(...receivedAtMs)).toBeGreaterThan(Number(arrived[0]) + LIFE_MS / 2);
      const history = JSON.stringify(await client.workflow.getHandle(workflowId).fetchHistory());
      expect(history).not.toContain(SECRET);
      expect(history).not.toContain(Buffer.from(SECRET).toString('base64'));
    },
  );

  test('P9 what reached the server after its expiry is stale, by the server’s time', async () => {
    const { handle, workflowId, worker } = await begin(1, false);
    const at = { namespace: 'default', workflowId, name: 'decide' } as const;
    const yes = { approval: 'a', kind: 'approve', by: 'anna', channel: 'api', argsHash: 'aa' };
    const expired = { atMs: Date.now() - LIFE_MS, expiresAtMs: Date.now() - 1 };
    await handle.signal('decide', signEnvelope(KEYS, at, yes, expired));
    const { verified } = await (await worker()).runUntil(() => handle.result());
    expect(verified).toEqual([{ n: 1, kind: 'refused', why: 'stale' }]);
  });
});
