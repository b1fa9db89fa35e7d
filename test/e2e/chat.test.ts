import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import type { ChatEvent } from '../../src/commands/chatEvents.ts';
import type { Rule } from '../../src/core/policy.ts';
import { type Lab, openLab, until } from './lab.ts';
import { call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';

/** `holdfast chat` as people run it, through a pipe: every promise is checked by events, rows and audit. */
const ROOT = new URL('../../', import.meta.url).pathname;
const ME = 'customer-1';

const done: string[] = [];
const act = ({ what }: { readonly what: string }) => {
  done.push(what);
  return { kind: 'success' as const, data: what };
};
const POLICY: readonly Rule[] = [
  {
    name: 'your word',
    match: { tools: ['book'] },
    answer: { kind: 'ask', of: 'requester', reason: 'it is your money' },
  },
  { name: 'our word', match: { tools: ['refund'] }, answer: { kind: 'ask', reason: 'it is our money' } },
];
const AGENT = labAgent([readTool('look'), effectTool('book', act), effectTool('refund', act)], {
  policy: POLICY,
});
const CONVERSATIONS = [
  script('book a room', [call('book', 'a room'), say('the room is booked'), say('you are welcome')]),
  script('book a boat', [
    call('book', 'a boat'),
    say('no boat then', { results: [{ tool: 'book', isError: true }] }),
  ]),
  script('book a car', [
    call('book', 'a car'),
    say('left alone', { results: [{ tool: 'book', isError: true }] }),
  ]),
  script('book a train', [call('book', 'a train'), say('the train is booked')]),
  script('refund me', [call('refund', 'two shoes'), say('the money is on its way')]),
  script('refund more', [call('refund', 'three shoes'), call('refund', 'one shoe'), say('part of it came')]),
  script('look around', [call('look'), call('look', 'y'), say('there is a door'), say('and a window')]),
  script('book under seal', [call('book', 'a seal'), say('signed and sealed')]),
  script('into the dark', [say('there is light')]),
  script('good bye', [say('good bye to you'), say('no command, then')]),
  script('stay a while', [say('i stay')]),
];

let lab: Lab;
let holdfast: HoldfastClient;
const named = (name: string) => `${lab.config.taskQueue}-${name}`;

beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [AGENT],
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
});
afterAll(() => lab[Symbol.asyncDispose]());

interface Talk {
  readonly child: ChildProcess;
  say(line: string): void;
  hangUp(): void;
  /** The first event of this kind that was not taken before. */
  next<Kind extends ChatEvent['event']>(kind: Kind): Promise<Extract<ChatEvent, { event: Kind }>>;
  readonly ended: Promise<{
    readonly code: number | null;
    readonly events: readonly ChatEvent[];
    readonly stderr: string;
    readonly stdout: string;
  }>;
}

function cli(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Talk {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...lab.environment, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 45_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const events = () =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as ChatEvent);
  const ended = new Promise<Awaited<Talk['ended']>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        code,
        events: words[0] === 'chat' && words.includes('--json') ? events() : [],
        stderr,
        stdout,
      }),
    );
  });
  let taken = 0;
  return {
    child,
    ended,
    say: (line) => child.stdin.write(`${line}\n`),
    hangUp: () => child.stdin.end(),
    next: (kind) =>
      until(`the event ${kind} (${stderr})`, async () => {
        const at = events().findIndex((event, i) => i >= taken && event.event === kind);
        if (at < 0) return null;
        taken = at + 1;
        return events()[at] as Extract<ChatEvent, { event: typeof kind }>;
      }),
  };
}

/** All lines at once, as a file would give them. */
async function piped(
  words: readonly string[],
  lines: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) {
  const talk = cli([...words, '--json'], environment);
  talk.child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  talk.hangUp();
  return talk.ended;
}

const chatWith = (name: string, ...more: readonly string[]) => [
  ...['chat', 'lab', '--as', ME, '--workflow-id', named(name)],
  ...more,
];
const kindsOf = (events: readonly ChatEvent[]) => events.map(({ event }) => event);

async function approvalsOf(name: string) {
  return lab.sql<{ id: string; state: string; decision: string | null; args_hash: string }[]>`
    select id, state, decision, args_hash from approvals where workflow_id = ${named(name)} order by opened_at`;
}

describe('holdfast chat', () => {
  test('a bare yes decides exactly what was shown, as the requester, and is no message', async () => {
    const ran = await piped(chatWith('room'), ['book a room', 'yes', 'thank you']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(kindsOf(ran.events)).toEqual([
      'opened',
      'sent',
      'asked',
      'decided',
      'answered',
      'sent',
      'answered',
      'left',
    ]);
    const [approval] = await approvalsOf('room');
    expect(ran.events[2]).toMatchObject({
      of: 'you',
      request: { id: approval?.id, argsHash: approval?.args_hash, arguments: { what: 'a room' } },
    });
    expect(ran.events[4]).toMatchObject({ text: 'the room is booked', again: false });
    expect(ran.events[6]).toMatchObject({ text: 'you are welcome' });
    expect(approval?.state).toBe('approved');
    expect(JSON.parse(approval?.decision ?? '')).toMatchObject({ by: ME, channel: 'chat' });
    expect(done.filter((what) => what === 'a room')).toHaveLength(1);
    const messages = await lab.sql`
      select 1 from nodes n join runs r on r.run = n.run where r.workflow_id = ${named('room')} and n.role = 'user'
        and n.body like '%yes%'`;
    expect(messages).toHaveLength(0);
    await holdfast.cancel({ workflowId: named('room'), by: ME });
  });

  test('a no is told to the agent; words that are neither take the question back', async () => {
    const [no, words] = await Promise.all([
      piped(chatWith('boat'), ['book a boat', 'no', '/close']),
      piped(chatWith('car'), ['book a car', 'no, rather not today', '/close']),
    ]);
    expect(no).toMatchObject({ code: 0, stderr: '' });
    expect(no.events.at(-3)).toMatchObject({ event: 'answered', text: 'no boat then' });
    expect(no.events.at(-1)).toMatchObject({ event: 'ended', outcome: 'completed', answer: null });
    expect((await approvalsOf('boat'))[0]?.state).toBe('rejected');
    expect(words.code).toBe(0);
    expect(words.events.filter(({ event }) => event === 'answered')).toMatchObject([
      { text: 'left alone', again: false },
      { text: 'left alone', again: true },
    ]);
    expect((await approvalsOf('car'))[0]?.state).toBe('withdrawn');
    expect(done).not.toContain('a boat');
    expect(done).not.toContain('a car');
  });

  test('at the end of the input an open question is no answer; coming back it is asked again', async () => {
    const left = await piped(chatWith('train'), ['book a train']);
    expect(left.code).toBe(6);
    expect(left.events.at(-1)).toMatchObject({ event: 'left', why: 'no_answer', started: true });
    const back = await piped(['chat', '--workflow-id', named('train')], ['yes', '/status']);
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(kindsOf(back.events)).toEqual(['opened', 'asked', 'decided', 'answered', 'status', 'left']);
    expect(back.events[0]).toMatchObject({ agent: 'lab', as: ME });
    expect(back.events[3]).toMatchObject({ text: 'the train is booked', messageId: null });
    expect(back.events[4]).toMatchObject({ run: { state: 'idle' }, waitsFor: 'a message' });
    expect(done.filter((what) => what === 'a train')).toHaveLength(1);
    await holdfast.cancel({ workflowId: named('train'), by: ME });
  });

  test('what people decide in another process reaches the chat that waits', async () => {
    const talk = cli([...chatWith('refund'), '--json']);
    talk.say('refund me');
    const { of, request } = await talk.next('asked');
    expect(of).toBe('people');
    const approved = await cli(['approve', request.id, '--by', 'anna', '--json']).ended;
    expect(approved.code).toBe(0);
    expect(await talk.next('answered')).toMatchObject({ text: 'the money is on its way' });
    talk.say('/cancel');
    expect(await talk.next('ended')).toMatchObject({ outcome: 'cancelled' });
    expect(await talk.ended).toMatchObject({ code: 0, stderr: '' });
    expect(done.filter((what) => what === 'two shoes')).toHaveLength(1);
  });

  test('--approve-as decides as another person: an edit is asked again, a no is told with its reason', async () => {
    const ran = await piped(chatWith('more', '--approve-as', 'anna'), [
      'refund more',
      'e {"what": "two and a half shoes"}',
      'a',
      'r one is enough',
    ]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.events.filter(({ event }) => event === 'asked')).toMatchObject([
      { of: 'approver', request: { arguments: { what: 'three shoes' } } },
      { of: 'approver', request: { arguments: { what: 'two and a half shoes' } } },
      { of: 'approver', request: { arguments: { what: 'one shoe' } } },
    ]);
    expect(ran.events.at(-2)).toMatchObject({ event: 'answered', text: 'part of it came' });
    const rows = await approvalsOf('more');
    expect(rows.map(({ state }) => state)).toEqual(['answered', 'approved', 'rejected']);
    expect(JSON.parse(rows[2]?.decision ?? '')).toMatchObject({ by: 'anna', reason: 'one is enough' });
    expect(done).toContain('two and a half shoes');
    expect(done).not.toContain('three shoes');
    expect(done).not.toContain('one shoe');
    await holdfast.cancel({ workflowId: named('more'), by: ME });
  });

  test('a limit lands the run; another person lets it continue, and the same message has its answer', async () => {
    await holdfast.start(
      { agent: 'lab', requester: { id: ME }, limits: { iterationsPerTurn: 1 } },
      { workflowId: named('landed') },
    );
    const ran = await piped(chatWith('landed', '--approve-as', 'anna'), ['look around', 'c', 'c']);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(kindsOf(ran.events).slice(0, 6)).toEqual([
      'opened',
      'sent',
      'landed',
      'asked',
      'decided',
      'landed',
    ]);
    const rows = await approvalsOf('landed');
    expect(rows.map(({ state }) => state)).toEqual(['approved', 'approved']);
    expect(JSON.parse(rows[0]?.decision ?? '')).toMatchObject({ by: 'anna', channel: 'chat' });
    await holdfast.cancel({ workflowId: named('landed'), by: ME });
  });

  test('for people: the question, its arguments and their hash; the end and its cost', async () => {
    const talk = cli(chatWith('bye'));
    talk.child.stdin?.write('good bye\n//slashed\n/close\n');
    talk.hangUp();
    const ran = await talk.ended;
    expect(ran.stdout).toContain('you: good bye');
    expect(ran.stdout).toContain('agent: good bye to you');
    expect(ran.stdout).toContain('you: /slashed');
    expect(ran.stdout).not.toContain('you>');
  });

  test('Ctrl-C leaves the run going and says how to come back', async () => {
    const talk = cli([...chatWith('stay'), '--json']);
    talk.say('stay a while');
    await talk.next('answered');
    talk.child.kill('SIGINT');
    const ran = await talk.ended;
    expect(ran.code).toBe(130);
    expect(ran.events.at(-1)).toMatchObject({ event: 'left', why: 'interrupted', started: true });
    expect(await holdfast.status(named('stay'))).toMatchObject({ state: 'idle' });
    await holdfast.cancel({ workflowId: named('stay'), by: ME });
    await holdfast.result(named('stay'));
    const late = await piped(['chat', '--workflow-id', named('stay')], ['hello']);
    expect(late.code).toBe(4);
    expect(JSON.parse(late.stdout)).toMatchObject({ error: { code: 'ended', exit: 4 } });
  });

  test('without a worker: no answer in time, and the message counts once when one is back', async () => {
    await lab.stopWorker();
    const ran = await piped(chatWith('dark', '--timeout', '1'), ['into the dark']);
    expect(ran, ran.stderr).toMatchObject({ code: 6 });
    expect(ran.events.at(-1)).toMatchObject({ event: 'left', why: 'no_answer' });
    expect(ran.stderr).toContain('is a worker running?');
    await lab.startWorker();
    await until('the answer', async () => {
      const { state, iterations } = await holdfast.status(named('dark'));
      return state === 'idle' && iterations === 1;
    });
    await holdfast.cancel({ workflowId: named('dark'), by: ME });
  });

  test('where decisions are signed, a yes with the key counts and one without it does not', async () => {
    const key = 'a-secret-of-thirty-two-characters-or-more';
    await using signed = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [AGENT],
      conversations: CONVERSATIONS,
      environment: { HOLDFAST_DECISION_KEY: key },
    });
    const workflowId = `${signed.config.taskQueue}-seal`;
    const words = ['chat', 'lab', '--as', ME, '--workflow-id', workflowId];
    const keyless = { ...signed.environment, HOLDFAST_DECISION_KEY: '' };
    const without = await piped(words, ['book under seal', 'yes'], keyless);
    expect(without.code).toBe(4);
    expect(JSON.parse(without.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'unsigned' },
    });
    expect(done).not.toContain('a seal');
    const back = await piped(['chat', '--workflow-id', workflowId], ['yes', '/close'], signed.environment);
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect(done.filter((what) => what === 'a seal')).toHaveLength(1);
    const [row] = await signed.sql<{ decision: string }[]>`select decision from approvals`;
    expect(JSON.parse(row?.decision ?? '')).toMatchObject({ by: ME, identity: 'signed' });
  });

  test('what cannot begin is told before anything is sent', async () => {
    const [nobody, unknown, elsewhere] = await Promise.all([
      piped(['chat', 'lab'], []),
      piped(['chat', 'nobody', '--as', ME], []),
      piped(['chat', '--workflow-id', 'no-such-run'], []),
    ]);
    expect([nobody.code, unknown.code, elsewhere.code]).toEqual([2, 3, 3]);
    expect(unknown.stderr).toContain('Known: lab');
  });
});
