import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createHoldfastClient } from '../../src/client.ts';
import { findFreePort } from '../../src/stack/ports.ts';
import { signalProcess } from '../../src/stack/processes.ts';
import { type Stack, startStack } from '../../src/stack/stack.ts';
import { readState } from '../../src/stack/state.ts';
import { decideSignal, statusQuery } from '../../src/workflows/messages.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/searchAttributes.ts';
import { makeFolder } from '../stack/folders.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, say, script } from './labAgent.ts';
import { auditOf, effectsOf, openRequest, requestsOf } from './peopleFacts.ts';

/** Decisions while the parts around them go down. The Temporal server is this file's own, so that it may be killed. */

let ran: string[] = [];
const note = effectTool('note', ({ what }) => {
  ran.push(what);
  return { kind: 'success', data: `noted ${what}` };
});
const AGENTS = [labAgent([note], { policy: ASK_ALL })];
const CONVERSATIONS = ['one', 'two'].map((what) => script(what, [call('note', what), say('it is noted')]));

const open = (
  addresses: { readonly temporalAddress: string },
  environment: Readonly<Record<string, string>> = {},
) =>
  openLab({
    databaseUrl: inject('databaseUrl'),
    agents: AGENTS,
    conversations: CONVERSATIONS,
    ...addresses,
    environment,
  });

const ask = async (lab: Lab, message: string) => {
  const handle = await lab.start({ agent: 'lab', message, once: true, requester: { id: 'customer' } });
  return { handle, row: await openRequest(lab, handle) };
};

const yes = (handle: Handle, approval: string) =>
  handle.signal(decideSignal, { approval, kind: 'approve', by: 'boss', channel: 'ui' });

async function expectDoneOnce(lab: Lab, handle: Handle, what: string): Promise<void> {
  expect(await handle.result()).toMatchObject({ outcome: 'completed', answer: 'it is noted' });
  expect(ran.filter((one) => one === what)).toEqual([what]);
  expect(await effectsOf(lab, handle)).toEqual(['applied 1']);
  expect((await requestsOf(lab, handle)).map(({ state }) => state)).toEqual(['approved']);
  expect((await auditOf(lab, handle, 'approval_approved')).map(({ facts }) => facts.by)).toEqual(['boss']);
}

describe('P14 a decision', () => {
  test('P14 survives a deploy, continue-as-new and the kill of the Temporal server, and counts once', async () => {
    const dir = join(makeFolder(), 'stack');
    const start = () =>
      startStack({
        dir,
        ui: false,
        searchAttributes: SEARCH_ATTRIBUTES,
        // The database is that of the other tests: it is the Temporal server that goes down.
        environment: { ...process.env, DATABASE_URL: inject('databaseUrl'), TEMPORAL_ADDRESS: undefined },
      });
    let stack: Stack = await start();
    try {
      await using lab = await open(stack);
      const parked = await ask(lab, 'one');
      const moved = await ask(lab, 'two');
      // A deploy: no worker reads what people say now.
      await lab.stopWorker();
      await moved.handle.signal('upgrade', { by: 'olga' });
      await Promise.all([yes(parked.handle, parked.row.id), yes(moved.handle, moved.row.id)]);
      // What the server has said yes to must be on its disk.
      const temporal = readState(dir)?.parts.temporal;
      if (temporal === undefined) throw new Error('there is no server to kill');
      signalProcess(temporal, 'SIGKILL');
      await stack.stop();
      stack = await start();
      expect(stack.temporalAddress).toBe(lab.environment.TEMPORAL_ADDRESS);
      expect(ran).toEqual([]);
      await lab.startWorker();
      await expectDoneOnce(lab, parked.handle, 'one');
      await expectDoneOnce(lab, moved.handle, 'two');
      expect((await moved.handle.query(statusQuery)).continuedTimes).toBe(1);
    } finally {
      await stack.stop();
    }
  }, 90_000);
});

describe('P12 a notifier', () => {
  test('P12 that is down delays no decision and loses no notice', async () => {
    ran = [];
    const temporalAddress = inject('temporalAddress');
    const port = await findFreePort();
    await using lab = await open(
      { temporalAddress },
      {
        HOLDFAST_NOTICES: 'webhook',
        HOLDFAST_WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
        HOLDFAST_WEBHOOK_ALLOW: `127.0.0.1:${port}`,
        HOLDFAST_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      },
    );
    const holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
    const { handle, row } = await ask(lab, 'one');
    const deliveries = () => lab.sql<{ type: string; state: string; attempt: number }[]>`
      select n.type, d.state, d.attempt from deliveries d join notices n on n.id = d.notice order by n.created_at`;
    await until('a first attempt', async () => (await deliveries()).some(({ attempt }) => attempt > 0));
    const startedMs = Date.now();
    await holdfast.decideNow({
      workflowId: handle.workflowId,
      approval: row.id,
      kind: 'approve',
      by: 'boss',
    });
    await expectDoneOnce(lab, handle, 'one');
    console.log(`P12: decided and done in ${Date.now() - startedMs} ms while the notifier is down`);
    expect(await deliveries()).toMatchObject([
      { type: 'approval.opened', state: 'waiting' },
      { type: 'approval.closed', state: 'waiting' },
    ]);

    const received: string[] = [];
    const server = createServer((request, response) => {
      received.push(String(request.headers['webhook-id']));
      response.writeHead(204).end();
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    // Back again; nobody has to wait for the next attempt here.
    await lab.sql`update deliveries set due_at = now()`;
    await until('both to arrive', async () =>
      (await deliveries()).every(({ state }) => state === 'delivered'),
    );
    expect(new Set(received).size).toBe(2);
  });
});
