import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createHoldfastClient, type HoldfastClient } from '../../src/client.ts';
import type { ShownRun } from '../../src/commands/show.ts';
import type { ApprovalRow, RunRow } from '../../src/store/views.ts';
import { type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';

/** The command line as people run it: a process of its own. One start costs most of a second, so tests share them. */
const ROOT = new URL('../../', import.meta.url).pathname;

let effects = 0;
const AGENT = labAgent(
  [
    readTool('look'),
    effectTool('note', ({ what }) => {
      effects++;
      return { kind: 'success', data: what };
    }),
  ],
  { policy: ASK_ALL },
);
const RED = '\u001b[31m';
const CONVERSATIONS = [
  script('one question', [call('look'), say(`the answer is ${RED}red`)]),
  script('one approval', [call('note', 'approved later'), say('it is noted')]),
  script('one rejection', [
    call('note', 'rejected'),
    say('so be it', { results: [{ tool: 'note', isError: true, contains: 'too early' }] }),
  ]),
  script('kept for later', [say('late, but there')]),
  script('into the dark', [say('nothing was lost')]),
  script('from the command line', [say('welcome'), say('welcome back')]),
];

let lab: Lab;
let holdfast: HoldfastClient;
const named = (name: string) => `${lab.config.taskQueue}-${name}`;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...words], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...lab.environment, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, stdout, stderr };
}

/** The one JSON value that a command printed; fails on anything else on stdout. */
function value<Value>(ran: Ran): Value {
  return JSON.parse(ran.stdout) as Value;
}

interface ErrorValue {
  readonly error: { readonly code: string; readonly message: string; readonly exit: number };
}

async function openApprovalOf(workflowId: string): Promise<string> {
  const reply = await holdfast.send({ workflowId, text: 'unused', by: 'customer-1', id: 'start' });
  return reply.approvals?.[0]?.id ?? '';
}

beforeAll(async () => {
  lab = await openLab({
    databaseUrl: inject('databaseUrl'),
    temporalAddress: inject('temporalAddress'),
    agents: [AGENT],
    conversations: CONVERSATIONS,
  });
  holdfast = createHoldfastClient({ client: lab.client, taskQueue: lab.config.taskQueue });
  const requester = { id: 'customer-1' };
  const begin = (message: string, more = {}) =>
    holdfast.start({ agent: 'lab', requester, message, ...more }, { workflowId: named(message) });
  await begin('one question', { once: true });
  await begin('one approval');
  await begin('one rejection');
  await holdfast.result(named('one question'));
});
afterAll(() => lab[Symbol.asyncDispose]());

describe('with a worker', () => {
  test('start --wait starts a run and prints its answer; send goes on; a bad message is refused', async () => {
    const workflowId = named('cli');
    const started = await cli([
      ...['start', 'lab', 'from the command line', '--requester', 'customer-2', '--tenant', 'shop-1'],
      ...[
        '--limits',
        'iterationsPerTurn=5,tokensPerRun=40000',
        '--workflow-id',
        workflowId,
        '--wait',
        '--json',
      ],
    ]);
    expect(started).toMatchObject({ code: 0, stderr: '' });
    expect(value(started)).toMatchObject({ workflowId, reply: { kind: 'answered', text: 'welcome' } });
    const [sent, long, again] = await Promise.all([
      cli(['send', workflowId, 'hello', '--by', 'customer-2', '--id', 'm1']),
      cli(['send', workflowId, 'x'.repeat(105_000), '--by', 'customer-2', '--json']),
      cli(['start', 'lab', '--requester', 'customer-2', '--workflow-id', workflowId, '--json']),
    ]);
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(sent.stdout).toContain('welcome back');
    expect(long.code).toBe(4);
    expect(long.stderr).toContain('the message has 105000 bytes, the limit is 102400');
    expect(value<ErrorValue>(long).error).toMatchObject({ code: 'bad_message', exit: 4 });
    expect(again.code).toBe(4);
    expect(value<ErrorValue>(again).error.code).toBe('already_started');
    const closed = await cli(['close', workflowId, '--by', 'anna', '--json']);
    expect(closed.code).toBe(0);
    expect(await holdfast.result(workflowId)).toMatchObject({ outcome: 'completed', reason: 'closed' });
  });

  test('a decision is answered at once, and a second one is refused in words', async () => {
    const approval = await openApprovalOf(named('one rejection'));
    const own = await cli(['approve', approval, '--by', 'customer-1']);
    expect(own.code).toBe(4);
    expect(own.stderr).toContain('nobody decides on their own request');
    const rejected = await cli(['reject', approval, '--by', 'anna', '--reason', 'too early', '--json']);
    expect(rejected).toMatchObject({ code: 0, stderr: '' });
    expect(value(rejected)).toMatchObject({ approval, decided: { kind: 'decided', state: 'rejected' } });
    const row = () => lab.sql`select 1 from approvals where id = ${approval} and state = 'rejected'`;
    await until('the decision in the store', async () => (await row()).length === 1);
    const second = await cli(['approve', approval, '--by', 'bert', '--json']);
    expect(second.code).toBe(4);
    expect(value<ErrorValue>(second).error).toMatchObject({ code: 'already_decided' });
    expect(second.stderr).toContain('rejected by anna');
  });

  test('what cannot start is told before it starts', async () => {
    const [unknown, limits, missing] = await Promise.all([
      cli(['start', 'nobody', 'hello', '--requester', 'customer-1', '--json']),
      cli(['start', 'lab', '--requester', 'customer-1', '--limits', 'wishes=3', '--json']),
      cli(['start', 'lab', '--json']),
    ]);
    expect(unknown.code).toBe(3);
    expect(value<ErrorValue>(unknown).error).toMatchObject({ code: 'unknown_agent' });
    expect(unknown.stderr).toContain('Known: lab');
    expect(limits.code).toBe(2);
    expect(limits.stderr).toContain('limits.wishes is not a limit');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('--requester');
  });
});

describe('with no worker and no Temporal', () => {
  const away = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
  let approval: string;

  beforeAll(async () => {
    approval = await openApprovalOf(named('one approval'));
    await lab.stopWorker();
  });

  test('list, show and approvals read the store', async () => {
    const [list, show, text, approvals] = await Promise.all([
      cli(['list', '--json'], away),
      cli(['show', named('one question'), '--transcript', '--json'], away),
      cli(['show', named('one question')], { ...away, FORCE_COLOR: '1' }),
      cli(['approvals', '--json'], away),
    ]);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    const { runs } = value<{ readonly runs: readonly RunRow[] }>(list);
    expect(runs.find((run) => run.workflowId === named('one approval'))).toMatchObject({
      state: 'waiting',
      openApprovals: 1,
      agent: 'lab',
    });
    expect(runs.find((run) => run.workflowId === named('one question'))).toMatchObject({
      state: 'ended',
      outcome: 'completed',
      reason: 'answered',
    });

    expect(show).toMatchObject({ code: 0, stderr: '' });
    const shown = value<ShownRun>(show);
    expect(shown.conversation.map((message) => message.role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
    ]);
    expect(shown.conversation[2]?.content).toMatchObject([{ type: 'tool_result', content: 'seen x' }]);
    expect(shown.calls).toMatchObject([
      { tool: 'look', result: { isError: false, text: 'seen x' }, effect: null },
    ]);
    expect(shown.chain).toEqual({ length: 4, problem: null });
    expect(shown.audit.problem).toBeNull();

    expect(text.code).toBe(0);
    expect(text.stdout).toContain('completed (answered)');
    expect(text.stdout).toContain('the answer is \ufffd[31mred');

    expect(approvals).toMatchObject({ code: 0, stderr: '' });
    expect(value<{ readonly approvals: readonly ApprovalRow[] }>(approvals).approvals).toMatchObject([
      { id: approval, tool: 'note', arguments: { what: 'approved later' }, state: 'open', overdue: false },
    ]);
  });

  test('what is not there, and who is away, have exit codes of their own', async () => {
    const [noRun, noApproval, noDatabase, noTemporal, noHash] = await Promise.all([
      cli(['show', 'no-such-run', '--json'], away),
      cli(['approve', 'r0123456789abcdef0123/1/0/1', '--by', 'anna'], away),
      cli(['list', '--json'], { DATABASE_URL: 'postgres://nobody:secret-word@127.0.0.1:1/none' }),
      cli(['cancel', named('one approval'), '--by', 'anna'], away),
      cli(['release', 'promote', 'zzz', '--by', 'anna', '--json'], away),
    ]);
    expect(noRun.code).toBe(3);
    expect(value<ErrorValue>(noRun).error.code).toBe('not_found');
    expect(noApproval.code).toBe(3);
    expect(noApproval.stderr).toContain('holdfast approvals');
    expect(noDatabase.code).toBe(5);
    expect(value<ErrorValue>(noDatabase).error.code).toBe('database_unreachable');
    expect(noDatabase.stdout + noDatabase.stderr).not.toContain('secret-word');
    expect(noTemporal.code).toBe(5);
    expect(noTemporal.stderr).toContain('TEMPORAL_ADDRESS');
    expect(noHash.code).toBe(2);
  });

  test('what is said and decided without a worker counts when one is back: the effect happens once', async () => {
    const [asked, told] = [named('asked'), named('told')];
    await holdfast.start({ agent: 'lab', requester: { id: 'customer-3' } }, { workflowId: told });
    const start = ['start', 'lab', 'kept for later', '--requester', 'customer-3', '--workflow-id', asked];
    const [approved, started, sent, paused] = await Promise.all([
      cli(['approve', approval, '--by', 'anna', '--reason', 'fine', '--json']),
      cli([...start, '--wait', '--timeout', '1', '--json']),
      cli(['send', told, 'into the dark', '--by', 'customer-3', '--id', 'm1', '--timeout', '1']),
      cli(['pause', named('one approval'), '--by', 'anna', '--json']),
    ]);
    expect(approved.code).toBe(0);
    expect(value(approved)).toMatchObject({ approval, decided: { kind: 'sent' } });
    expect(approved.stderr).toContain('no worker answered');
    expect(started.code).toBe(6);
    expect(value(started)).toEqual({ workflowId: asked, reply: null, result: null });
    expect(sent.code).toBe(6);
    expect(sent.stderr).toContain('is a worker running?');
    expect(paused.code).toBe(0);

    const before = effects;
    await lab.startWorker();
    await holdfast.resume({ workflowId: named('one approval'), by: 'anna' });
    for (const workflowId of [named('one approval'), asked, told]) {
      await until('the answer', async () => {
        const { state, iterations } = await holdfast.status(workflowId);
        return state === 'idle' && iterations > 0;
      });
      await holdfast.close({ workflowId, by: 'test' });
      expect(await holdfast.result(workflowId)).toMatchObject({ outcome: 'completed' });
    }
    expect(effects).toBe(before + 1);
    const { stdout } = await cli(['show', approval, '--json']);
    const shown = JSON.parse(stdout) as ShownRun;
    expect(shown.approvals).toMatchObject([{ id: approval, state: 'approved', decision: { by: 'anna' } }]);
    expect(shown.calls).toMatchObject([{ effect: { state: 'applied', fence: 1, approval } }]);
    expect(shown.audit.problem).toBeNull();
  });
});

describe('records', () => {
  test('a release is shown by the beginning of its hash, and a channel moves to it', async () => {
    const list = await cli(['release', 'list', '--json']);
    const [release] = value<{ readonly releases: readonly { readonly hash: string }[] }>(list).releases;
    const hash = release?.hash ?? '';
    const [show, promote, foreign] = await Promise.all([
      cli(['release', 'show', hash.slice(0, 8)]),
      cli(['release', 'promote', hash.slice(0, 8), '--channel', 'canary', '--by', 'anna', '--json']),
      cli(['release', 'promote', hash, '--agent', 'support', '--by', 'anna', '--json']),
    ]);
    expect(show.stdout).toContain(`release ${hash}`);
    expect(value(promote)).toEqual({
      agent: 'lab',
      channel: 'canary',
      before: null,
      release: hash,
      by: 'anna',
    });
    expect(foreign.code).toBe(4);
  });

  test('a conversation that was tampered with is shown as broken, and the exit code says so', async () => {
    const { sql } = lab;
    const [run] = await sql<{ run: string }[]>`
      select run from runs where workflow_id = ${named('one question')}`;
    await sql`update nodes set body = replace(body, 'the answer', 'an answer') where run = ${run?.run ?? ''}`;
    await sql`update audit set facts = '{}' where run = ${run?.run ?? ''} and seq = 1`;
    const shown = await cli(['show', run?.run ?? '', '--json']);
    expect(shown.code).toBe(7);
    expect(shown.stderr).toContain('tampered');
    expect(value<ShownRun>(shown).chain.problem).toContain('does not have the bytes');
    expect(value<ShownRun>(shown).audit.problem).toContain('row 1');
  });
});
