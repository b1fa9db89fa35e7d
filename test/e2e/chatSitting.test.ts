import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import type { ChatEvent } from '../../src/commands/chatEvents.ts';
import { Follower } from '../../src/commands/chatFollow.ts';
import { Chat } from '../../src/commands/chatLoop.ts';
import { createTerminal } from '../../src/commands/terminal.ts';
import type { Rule } from '../../src/core/policy.ts';
import { Interrupted } from '../../src/dev/interrupt.ts';
import { type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, say, script } from './labAgent.ts';

/** A person at the terminal may say something at any time: while the agent works, and while people are asked. */
const ME = 'customer-1';
const POLICY: readonly Rule[] = [
  { name: 'two', match: { tools: ['pay'] }, answer: { kind: 'ask', reason: 'money moves', quorum: 2 } },
  { name: 'one', match: {}, answer: { kind: 'ask', reason: 'a test asks' } },
];
const slow = { says: { text: 'slowly' }, delayMs: 600 };
const CONVERSATIONS = [
  script('take it back', [call('note'), say('left alone')]),
  script('say much', [slow, say('all three heard')]),
  script('two must agree', [call('pay'), say('paid')]),
  script('wait for it', [call('note'), say('noted')]),
  script('pause it', [slow]),
];

let lab: Lab;
let holdfast: HoldfastClient;
beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [labAgent([effectTool('note'), effectTool('pay')], { policy: POLICY })],
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

function sit(more: { readonly approveAs?: string } = {}) {
  const workflowId = `${lab.config.taskQueue}-${randomUUID()}`;
  const events: ChatEvent[] = [];
  const lines: (string | null)[] = [];
  const readers: ((line: string | null) => void)[] = [];
  const progress: string[] = [];
  const interrupt = new AbortController();
  let statements = 0;
  const sql = new Proxy(lab.sql, {
    apply: (target, self, words) => {
      statements++;
      return Reflect.apply(target, self, words);
    },
  });
  const terminal = createTerminal({
    json: true,
    stdout: { write: (text) => events.push(JSON.parse(text) as ChatEvent) },
    stderr: { write: (text) => progress.push(text), isTTY: true },
    environment: { NO_COLOR: '1' },
  });
  const chat = new Chat({
    terminal,
    holdfast,
    sql,
    workflowId,
    as: ME,
    approveAs: more.approveAs ?? null,
    interactive: true,
    timeoutMs: 30_000,
    nextLine: () => {
      const line = lines.shift();
      return line === undefined ? new Promise((resolve) => readers.push(resolve)) : Promise.resolve(line);
    },
    newId: randomUUID,
    interrupted: interrupt.signal,
    follower: (tell) =>
      new Follower({
        holdfast,
        sql,
        workflowId,
        by: ME,
        start: { agent: 'lab', requester: { id: ME } },
        timeoutMs: 30_000,
        tell,
      }),
    resumed: false,
  });
  const code = chat.talk();
  let taken = 0;
  return {
    workflowId,
    events,
    progress,
    code,
    /** Statements, and parts of them, that the chat has made. */
    statements: () => statements,
    interrupt: () => interrupt.abort(new Interrupted('SIGINT')),
    type: (line: string | null) => {
      const reader = readers.shift();
      if (reader === undefined) lines.push(line);
      else reader(line);
    },
    next: <Kind extends ChatEvent['event']>(kind: Kind) =>
      until(`the event ${kind} after ${JSON.stringify(events)}`, async () => {
        const at = events.findIndex((event, i) => i >= taken && event.event === kind);
        if (at < 0) return null;
        taken = at + 1;
        return events[at] as Extract<ChatEvent, { event: Kind }>;
      }),
  };
}

describe('at the terminal', () => {
  test('a message while people are asked takes the question back, and both are answered', async () => {
    const seat = sit();
    seat.type('take it back');
    expect(await seat.next('asked')).toMatchObject({ of: 'people' });
    seat.type('yes');
    expect(await seat.next('answered')).toMatchObject({ text: 'left alone', again: false });
    expect(await seat.next('answered')).toMatchObject({ text: 'left alone', again: true });
    const rows = await lab.sql`select state from approvals where workflow_id = ${seat.workflowId}`;
    expect(rows).toMatchObject([{ state: 'withdrawn' }]);
    seat.type('/close');
    expect(await seat.next('ended')).toMatchObject({ outcome: 'completed', answer: null });
    expect(await seat.code).toBe(0);
    expect(seat.progress.join('')).toContain('you> ');
  });

  test('what is said while the agent works is read in its turn, and nothing is lost', async () => {
    const seat = sit();
    seat.type('say much');
    await until('the run', () => holdfast.status(seat.workflowId).catch(() => null));
    seat.type('and this');
    seat.type('and that');
    for (const text of ['slowly', 'all three heard', 'all three heard'])
      expect(await seat.next('answered')).toMatchObject({ text });
    expect(seat.progress.join('')).toContain('the agent works… 0 s');
    const { iterations } = await holdfast.status(seat.workflowId);
    expect(iterations).toBe(2);
    seat.type('/cancel');
    expect(await seat.code).toBe(0);
  });

  test('where two must agree, the chat votes once and waits for the other', async () => {
    const seat = sit({ approveAs: 'anna' });
    seat.type('two must agree');
    const { request } = await seat.next('asked');
    seat.type('a');
    expect(await seat.next('decided')).toMatchObject({ decided: { kind: 'voted', votes: 1, quorum: 2 } });
    await holdfast.decideNow({
      workflowId: seat.workflowId,
      approval: request.id,
      kind: 'approve',
      by: 'bert',
      channel: 'test',
    });
    expect(await seat.next('answered')).toMatchObject({ text: 'paid' });
    seat.type('/cancel');
    expect(await seat.code).toBe(0);
  });

  test('waiting costs the run nothing: its history does not grow while nobody decides', async () => {
    const seat = sit();
    seat.type('wait for it');
    const { request } = await seat.next('asked');
    const length = async () =>
      Number((await lab.client.workflow.getHandle(seat.workflowId).describe()).historyLength);
    const [before, start] = [await length(), seat.statements()];
    await until('some looks at the store', async () => seat.statements() > start + 8);
    expect((await length()) - before).toBeLessThanOrEqual(4);
    await holdfast.decide({
      workflowId: seat.workflowId,
      approval: request.id,
      kind: 'approve',
      by: 'anna',
      channel: 'test',
    });
    expect(await seat.next('answered')).toMatchObject({ text: 'noted' });
    seat.type(null);
    expect(await seat.code).toBe(0);
    await holdfast.cancel({ workflowId: seat.workflowId, by: ME });
  });

  test('a mistake does not end the chat, a pause is told, and Ctrl-C leaves the run as it is', async () => {
    const seat = sit();
    seat.type('/colse');
    expect(await seat.next('refused')).toMatchObject({ about: '/colse', code: 'unknown_command' });
    seat.type('x'.repeat(110_000));
    expect(await seat.next('refused')).toMatchObject({ code: 'bad_message' });
    seat.type('pause it');
    await until('the run', () => holdfast.status(seat.workflowId).catch(() => null));
    await holdfast.pause({ workflowId: seat.workflowId, by: 'anna' });
    expect(await seat.next('answered')).toMatchObject({ text: 'slowly' });
    seat.type('and on');
    expect(await seat.next('parked')).toMatchObject({ state: 'paused' });
    seat.interrupt();
    expect(await seat.code).toBe(130);
    expect((await holdfast.status(seat.workflowId)).state).toBe('paused');
    await holdfast.cancel({ workflowId: seat.workflowId, by: ME });
  });
});
