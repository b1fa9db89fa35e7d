import { getEventListeners } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  createHoldfastClient,
  type HoldfastClient,
  HoldfastError,
  type HoldfastErrorCode,
} from '../../src/client.ts';
import { type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';

let effects = 0;
const TOOLS = [
  readTool('look'),
  effectTool('note', ({ what }) => {
    effects++;
    return { kind: 'success', data: what };
  }),
];

const CONVERSATIONS = [
  script('hello', [say('hello to you'), say('hello again')]),
  script('once', [say('once and for all')]),
  script('first by update', [say('started by your message'), say('and still here')]),
  script('refused repeats', [say('only once')]),
  script('begins again', [say('at the beginning')]),
  script('moves on', [
    { says: { calls: [{ name: 'look', input: { what: 'x' } }] }, delayMs: 400 },
    say('found after the move'),
  ]),
  script('gives up', [{ says: { text: 'said to nobody' }, delayMs: 400 }]),
  script('asks', [call('note', 'asked'), say('noted')]),
  script('asks twice', [
    call('note', 'rejected'),
    say('not noted', { results: [{ tool: 'note', isError: true }] }),
  ]),
  script('paused', [say('awake')]),
];

const REQUESTER = { id: 'customer-1' };
const start = { agent: 'lab', requester: REQUESTER };

let lab: Lab;
let holdfast: HoldfastClient;

beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent(TOOLS, { policy: ASK_ALL })],
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

/** Workflow ids are the server's, which outlives a lab. */
const named = (name: string) => `${lab.config.taskQueue}-${name}`;

async function codeOf(work: Promise<unknown>): Promise<HoldfastErrorCode | string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

describe('start', () => {
  test('a workflow id starts one run; a second start fails or, when asked to, finds the first', async () => {
    const workflowId = named('idempotent');
    const first = await (await holdfast.start(start, { workflowId })).describe();
    expect(await codeOf(holdfast.start(start, { workflowId }))).toBe('already_started');
    const second = await holdfast.start(start, { workflowId, whenRunning: 'use' });
    expect((await second.describe()).runId).toBe(first.runId);
    await holdfast.cancel({ workflowId, by: 'test' });
    expect((await holdfast.result(workflowId)).outcome).toBe('cancelled');
  });

  test('an ended run keeps its workflow id for itself where the caller says so', async () => {
    const workflowId = named('ended');
    await holdfast.start({ ...start, message: 'once', once: true }, { workflowId });
    await holdfast.result(workflowId);
    const again = holdfast.start(start, { workflowId, whenRunning: 'use', whenEnded: 'refuse' });
    expect(await codeOf(again)).toBe('already_started');
  });

  test('the summary in the Temporal UI names agent and requester, and holds nothing that was said', async () => {
    const workflowId = named('summary');
    await holdfast.start({ ...start, message: 'once', once: true }, { workflowId });
    await holdfast.result(workflowId);
    const described = await lab.client.workflow.getHandle(workflowId).describe();
    const summary = await described.staticSummary();
    expect(summary).toBe('lab for customer-1');
    const details = await described.staticDetails();
    expect(details).toContain(`holdfast show ${workflowId}`);
    expect(`${summary} ${details}`).not.toContain('once and for all');
  });

  test('bad input is refused before anything is sent, with every problem at once', async () => {
    const bad = holdfast.start(
      { agent: 'No Such Name', requester: { id: '' }, limits: { tokensPerRun: -1 } },
      { workflowId: named('bad') },
    );
    await expect(bad).rejects.toThrow(/agent is .*requester\.id is .*limits\.tokensPerRun is -1/s);
    expect(
      await codeOf(holdfast.start({ ...start, message: 'x'.repeat(110_000) }, { workflowId: 'w' })),
    ).toBe('bad_message');
    expect(await codeOf(holdfast.status(named('bad')))).toBe('not_found');
  });
});

describe('send', () => {
  test('answers, and a message sent twice is answered twice and read once', async () => {
    const workflowId = named('hello');
    await holdfast.start(start, { workflowId });
    const message = { workflowId, text: 'hello', by: 'customer-1', id: 'm1' };
    expect(await holdfast.send(message)).toMatchObject({ kind: 'answered', text: 'hello to you' });
    expect(await holdfast.send(message)).toMatchObject({ kind: 'answered', text: 'hello to you' });
    expect(await holdfast.status(workflowId)).toMatchObject({ iterations: 1, state: 'idle' });
    await holdfast.post({ workflowId, text: 'and again', by: 'customer-1', id: 'm2' });
    expect(await holdfast.send({ workflowId, text: 'and again', by: 'customer-1', id: 'm2' })).toMatchObject({
      text: 'hello again',
    });
    await holdfast.close({ workflowId, by: 'test' });
    expect(await holdfast.result(workflowId)).toMatchObject({ outcome: 'completed', reason: 'closed' });
    expect(await codeOf(holdfast.send({ ...message, id: 'm3' }))).toBe('ended');
    expect(await codeOf(holdfast.post({ ...message, id: 'm3' }))).toBe('ended');
  });

  test('asks again when the run moves on underneath, and nobody notices', async () => {
    const workflowId = named('moves on');
    await holdfast.start(start, { workflowId });
    const asked = lab.model.requests;
    const answer = holdfast.send({ workflowId, text: 'moves on', by: 'customer-1', id: 'm1' });
    await until('the model to be asked', async () => lab.model.requests > asked);
    await holdfast.upgrade({ workflowId, by: 'test' });
    expect(await answer).toMatchObject({ kind: 'answered', text: 'found after the move' });
    expect(await holdfast.status(workflowId)).toMatchObject({ continuedTimes: 1, iterations: 2 });
    await holdfast.close({ workflowId, by: 'test' });
    await holdfast.result(workflowId);
  });

  test('a sender that gives up waits no longer, and its message counts all the same', async () => {
    const workflowId = named('gives up');
    await holdfast.start(start, { workflowId });
    const stop = new AbortController();
    const asked = lab.model.requests;
    const answer = codeOf(
      holdfast.send({ workflowId, text: 'gives up', by: 'customer-1', id: 'm1' }, { signal: stop.signal }),
    );
    await until('the model to be asked', async () => lab.model.requests > asked);
    stop.abort();
    expect(await answer).toBe('timed_out');
    await until('the answer', async () => (await holdfast.status(workflowId)).state === 'idle');
    const again = { workflowId, text: 'gives up', by: 'customer-1', id: 'm1' };
    expect(await holdfast.send(again)).toMatchObject({ kind: 'answered', text: 'said to nobody' });
    await holdfast.close({ workflowId, by: 'test' });
    await holdfast.result(workflowId);
  });

  test('a signal of a whole process is left as it was by every call; one that is aborted already sends nothing', async () => {
    const workflowId = named('gives up');
    await holdfast.start(start, { workflowId });
    const shutdown = new AbortController();
    const { signal } = shutdown;
    const listeners = () => getEventListeners(signal, 'abort').length;
    const message = { workflowId, text: 'gives up', by: 'customer-1', id: 'm1' };
    const answer = holdfast.send(message, { signal });
    expect(listeners()).toBe(1);
    expect(await answer).toMatchObject({ kind: 'answered' });
    await holdfast.close({ workflowId, by: 'test' });
    expect(await holdfast.result(workflowId, { signal })).toMatchObject({ outcome: 'completed' });
    expect(await codeOf(holdfast.send({ ...message, id: 'm2' }, { signal }))).toBe('ended');
    expect(listeners()).toBe(0);
    shutdown.abort();
    const asked = lab.model.requests;
    const unsent = { workflowId: named('never sent'), start, text: 'never sent', by: 'customer-1', id: 'm1' };
    expect(await codeOf(holdfast.sendOrStart(unsent, { signal }))).toBe('timed_out');
    expect(await codeOf(holdfast.status(unsent.workflowId))).toBe('not_found');
    expect(lab.model.requests).toBe(asked);
  });

  test('bad messages and unknown runs have codes of their own', async () => {
    const workflowId = named('nobody');
    const message = { workflowId, text: 'hello', by: 'customer-1' };
    expect(await codeOf(holdfast.send(message))).toBe('not_found');
    expect(await codeOf(holdfast.send({ ...message, text: ' ' }))).toBe('bad_message');
    expect(await codeOf(holdfast.send({ ...message, text: 'x'.repeat(103_000) }))).toBe('bad_message');
    expect(await codeOf(holdfast.send({ ...message, id: 'x'.repeat(65) }))).toBe('bad_message');
    expect(await codeOf(holdfast.send({ ...message, by: '' }))).toBe('bad_message');
  });
});

describe('sendOrStart', () => {
  test('starts the run with its message, and sends the next one to the run that is there', async () => {
    const workflowId = named('first by update');
    const message = { workflowId, start, by: 'customer-1', text: 'first by update', id: 'm1' };
    expect(await holdfast.sendOrStart(message)).toMatchObject({
      kind: 'answered',
      text: 'started by your message',
    });
    expect(await holdfast.sendOrStart(message)).toMatchObject({ text: 'started by your message' });
    expect(await holdfast.sendOrStart({ ...message, text: 'there?', id: 'm2' })).toMatchObject({
      text: 'and still here',
    });
    expect(await holdfast.status(workflowId)).toMatchObject({ iterations: 2 });
    await holdfast.close({ workflowId, by: 'test' });
    await holdfast.result(workflowId);
  });

  test('a repeated message to a run that has ended is answered from it, where repeats are refused', async () => {
    const workflowId = named('refused repeats');
    const message = {
      workflowId,
      start: { ...start, once: true },
      by: 'customer-1',
      text: 'refused repeats',
      id: 'm1',
    };
    const refuse = { whenEnded: 'refuse' } as const;
    const reply = await holdfast.sendOrStart(message, refuse);
    const result = await holdfast.result(workflowId);
    expect(await holdfast.sendOrStart(message, refuse)).toEqual(reply);
    expect(await codeOf(holdfast.sendOrStart({ ...message, id: 'm2' }, refuse))).toBe('ended');
    expect((await holdfast.result(workflowId)).run).toBe(result.run);
  });

  test('otherwise a message to a run that has ended begins a new one', async () => {
    const workflowId = named('begins again');
    const message = { workflowId, start: { ...start, once: true }, by: 'customer-1', text: 'begins again' };
    await holdfast.sendOrStart({ ...message, id: 'm1' });
    const first = await holdfast.result(workflowId);
    expect(await holdfast.sendOrStart({ ...message, id: 'm2' })).toMatchObject({ text: 'at the beginning' });
    expect((await holdfast.result(workflowId)).run).not.toBe(first.run);
  });
});

describe('decisions', () => {
  test('are answered at once, and count once', async () => {
    const workflowId = named('asks');
    await holdfast.start({ ...start, message: 'asks' }, { workflowId });
    const message = { workflowId, text: 'asks', by: 'customer-1', id: 'start' };
    const waiting = await holdfast.send(message);
    expect(waiting.kind).toBe('waiting');
    const [record] = await holdfast.approvals(workflowId);
    const approval = record?.id ?? '';
    expect(waiting.approvals).toMatchObject([{ id: approval }]);
    const before = effects;
    const yes = { workflowId, approval, kind: 'approve', channel: 'test' } as const;
    expect(await holdfast.decideNow({ ...yes, by: 'customer-1' })).toEqual({
      kind: 'refused',
      why: 'own_request',
    });
    expect(await holdfast.decideNow({ ...yes, by: 'anna' })).toEqual({ kind: 'decided', state: 'approved' });
    expect(await holdfast.decideNow({ ...yes, by: 'bert' })).toEqual({
      kind: 'refused',
      why: 'already_decided',
    });
    expect(await holdfast.decideNow({ ...yes, by: 'anna', approval: `${approval}9` })).toEqual({
      kind: 'refused',
      why: 'unknown_approval',
    });
    expect(await codeOf(holdfast.decide({ ...yes, by: '' }))).toBe('bad_decision');
    await until('the answer', async () => (await holdfast.status(workflowId)).state === 'idle');
    expect(effects).toBe(before + 1);
    // Temporal keeps what it has answered; whoever wants to know how it stands now counts up.
    expect((await holdfast.send(message)).kind).toBe('waiting');
    for (const round of [1, 1, 2])
      expect(await holdfast.send(message, { round })).toMatchObject({ kind: 'answered', text: 'noted' });
    expect((await holdfast.status(workflowId)).iterations).toBe(2);
    await holdfast.close({ workflowId, by: 'test' });
    await holdfast.result(workflowId);
  });

  test('a signal decides too', async () => {
    const workflowId = named('asks twice');
    await holdfast.sendOrStart({ workflowId, start, text: 'asks twice', by: 'customer-1', id: 'm1' });
    const [record] = await holdfast.approvals(workflowId);
    const before = effects;
    await holdfast.decide({
      workflowId,
      approval: record?.id ?? '',
      kind: 'reject',
      by: 'anna',
      channel: 'test',
      reason: 'no',
    });
    await until('the answer', async () => (await holdfast.status(workflowId)).state === 'idle');
    expect(effects).toBe(before);
    await holdfast.close({ workflowId, by: 'test' });
    await holdfast.result(workflowId);
  });
});

describe('steering', () => {
  test('pause holds a message back until resume', async () => {
    const workflowId = named('paused');
    await holdfast.start(start, { workflowId });
    await holdfast.pause({ workflowId, by: 'anna', reason: 'a look' });
    await holdfast.post({ workflowId, text: 'paused', by: 'customer-1', id: 'm1' });
    await until('the pause', async () => (await holdfast.status(workflowId)).state === 'paused');
    expect(await holdfast.status(workflowId)).toMatchObject({ iterations: 0 });
    await holdfast.resume({ workflowId, by: 'anna' });
    await until('the answer', async () => (await holdfast.status(workflowId)).state === 'idle');
    expect(await holdfast.send({ workflowId, text: 'paused', by: 'customer-1', id: 'm1' })).toMatchObject({
      text: 'awake',
    });
    await holdfast.handOver({ workflowId, by: 'anna', reason: 'a person takes over' });
    expect(await holdfast.result(workflowId)).toMatchObject({ outcome: 'escalated', reason: 'handed_over' });
  });

  test('what a run would drop without a word is refused here', async () => {
    const workflowId = named('nobody');
    expect(await codeOf(holdfast.cancel({ workflowId, by: 'anna' }))).toBe('not_found');
    expect(await codeOf(holdfast.cancel({ workflowId, by: '' }))).toBe('bad_steering');
    expect(await codeOf(holdfast.pause({ workflowId, by: 'anna', reason: 'x'.repeat(3_000) }))).toBe(
      'bad_steering',
    );
    expect(await codeOf(holdfast.raiseLimit({ workflowId, by: 'anna' }))).toBe('bad_steering');
    expect(await codeOf(holdfast.raiseLimit({ workflowId, by: 'anna', tokens: 1.5 }))).toBe('bad_steering');
  });
});

describe('without the other side', () => {
  test('no worker: the call says so in time, and the message is kept by the signal', async () => {
    const nobody = createHoldfastClient({ client: lab.client, taskQueue: named('nobody polls here') });
    const workflowId = named('no worker');
    await nobody.start(start, { workflowId });
    const message = { workflowId, text: 'hello', by: 'customer-1', id: 'm1' };
    expect(await codeOf(nobody.send(message, { timeoutMs: 300 }))).toBe('timed_out');
    await nobody.post(message);
    expect(await codeOf(nobody.status(workflowId, { timeoutMs: 300 }))).toBe('timed_out');
    await lab.client.workflow.getHandle(workflowId).terminate();
    expect(await codeOf(nobody.result(workflowId))).toBe('failed');
  });

  test('no server: the call says so in time', async () => {
    const connection = Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 500 });
    const away = createHoldfastClient({ client: new Client({ connection }) });
    const message = { workflowId: 'w', text: 'hello', by: 'customer-1' };
    expect(await codeOf(away.send(message, { timeoutMs: 300 }))).toBe('timed_out');
    await connection.close();
  });
});
