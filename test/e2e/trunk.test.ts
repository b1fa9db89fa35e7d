import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { RunId } from '../../src/core/ids.ts';
import { loadChain } from '../../src/store/chain.ts';
import type { RunResult } from '../../src/workflows/messages.ts';
import { approvalsQuery, decideSignal, sendUpdate, statusQuery } from '../../src/workflows/messages.ts';
import { commitsOf } from './commits.ts';
import { type Handle, type Lab, openLab, until } from './lab.ts';
import { ASK_ALL, call, effectTool, labAgent, readTool, say, script } from './labAgent.ts';

const CYCLE: Record<string, unknown> = {};
CYCLE.self = CYCLE;

/** Tools that do what tools must not do. */
const ODD = [
  readTool('look'),
  readTool('glance', undefined, { quick: true }),
  effectTool('note'),
  readTool('throws', () => {
    throw new Error('secret-in-an-exception');
  }),
  readTool('returns_nothing', () => undefined as never),
  readTool('returns_undefined', () => ({ kind: 'success', data: undefined }) as never),
  readTool('returns_cycle', () => ({ kind: 'success', data: CYCLE }) as never),
  readTool('returns_surrogate', () => ({ kind: 'success', data: 'half \ud800 and \u0000 nul' })),
  readTool('returns_much', () => ({ kind: 'success', data: 'x'.repeat(10 * 1024 * 1024) })),
  readTool('returns_long', () => ({ kind: 'success', data: `begin ${'y'.repeat(30_000)} end` })),
  readTool('hangs', () => new Promise(() => undefined)),
];

const ask = script;
const CONVERSATIONS = [
  ask('one read', [call('look'), say('done', { results: [{ tool: 'look', contains: 'seen x' }] })]),
  ask('one quick read', [call('glance'), say('done', { results: [{ tool: 'glance', contains: 'seen x' }] })]),
  ask('one effect', [call('note'), say('done', { results: [{ tool: 'note', contains: 'done x' }] })]),
  ask('cold', [call('note'), say('done')]),
  ask('surrogate', [
    call('returns_surrogate'),
    say('done', {
      results: [{ tool: 'returns_surrogate', isError: false, contains: 'half \ufffd and  nul' }],
    }),
  ]),
  ...['throws', 'returns_nothing', 'returns_undefined', 'returns_cycle', 'returns_much', 'hangs'].map(
    (name) =>
      ask(name, [call(name), say('sorry', { results: [{ tool: name, isError: true, contains: 'Error:' }] })]),
  ),
  ask('long result', [
    call('returns_long'),
    say('done', {
      results: [{ tool: 'returns_long', isError: false, contains: 'read_result, reference "' }],
    }),
  ]),
  ask('unknown tool', [
    call('launch_rocket'),
    say('sorry', {
      results: [{ tool: 'launch_rocket', isError: true, contains: 'There is no tool "launch_rocket"' }],
    }),
  ]),
  ask('broken json', [
    { says: { calls: [{ name: 'look', input: '{"what": "x' }] } },
    say('sorry', { results: [{ tool: 'look', isError: true, contains: 'not valid JSON' }] }),
  ]),
  ask('bad arguments', [
    { says: { calls: [{ name: 'look', input: { wat: 1 } }] } },
    say('sorry', { results: [{ tool: 'look', isError: true, contains: 'do not fit' }] }),
  ]),
  ask('empty, then words', [{ says: {} }, say('here I am')]),
  ask('faults', [
    {
      says: { text: 'at last' },
      faults: [
        { kind: 'http', status: 529 },
        { kind: 'http', status: 429, retryAfterSeconds: 1 },
        { kind: 'cut', afterEvents: 3 },
      ],
    },
  ]),
  ask('thinking', [
    { says: { thinking: 'let me look', calls: [{ name: 'look', input: { what: 'x' } }] } },
    say('first'),
    { says: { thinking: 'again', text: 'second' } },
  ]),
  ask('out of money', [call('look', '1'), call('look', '2'), call('look', '3'), say('never')]),
];

describe('the trunk on real parts', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [
        labAgent(ODD),
        labAgent([effectTool('note')], { name: 'asking', policy: ASK_ALL, limits: { approvalMs: 8_000 } }),
      ],
      conversations: CONVERSATIONS,
    });
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const run = async (message: string, agent = 'lab'): Promise<RunResult> =>
    (await lab.start({ agent, message, once: true, requester: { id: 'customer' } })).result();

  test.each([
    // Step 1 is reserve, answer, claim, settle; step 2 is reserve, answer; the end of the run is one more.
    ['one effect', 4 + 2 + 1, ['callModel', 'runTool', 'callModel', 'endRun']],
    ['one read', 3 + 2 + 1, ['callModel', 'runTool', 'callModel', 'endRun']],
    ['one quick read', 3 + 2 + 1, ['callModel', 'core_local_activity', 'callModel', 'endRun']],
  ])('%s costs %i committing statements and no activity too many', async (message, commits, expected) => {
    await run('cold');
    const play = async () => {
      const handle = await lab.start({ agent: 'lab', message, once: true, requester: { id: 'customer' } });
      expect((await handle.result()).outcome).toBe('completed');
      const { events } = await handle.fetchHistory();
      const done = (events ?? []).flatMap(
        (event) =>
          event.activityTaskScheduledEventAttributes?.activityType?.name ??
          event.markerRecordedEventAttributes?.markerName ??
          [],
      );
      expect(done).toEqual(expected);
    };
    expect(await commitsOf(lab.sql, play)).toBe(commits);
  });

  test.each([
    'one read',
    'surrogate',
    'long result',
    'throws',
    'returns_nothing',
    'returns_undefined',
    'returns_cycle',
    'returns_much',
    'hangs',
    'unknown tool',
    'broken json',
    'bad arguments',
  ])('bad input: %s is a result the model can act on, and the run goes on', async (message) => {
    const result = await run(message);
    expect(result).toMatchObject({ outcome: 'completed', reason: 'answered' });
    expect(lab.model.problems).toEqual([]);
  });

  test('empty answers never enter the conversation; the third lands the turn', async () => {
    const handle = await lab.start({
      agent: 'lab',
      message: 'empty, then words',
      once: true,
      requester: { id: 'c' },
    });
    await until('the landing', async () => (await handle.query(statusQuery)).state === 'landed');
    const [record] = await handle.query(approvalsQuery);
    await handle.signal(decideSignal, {
      approval: record?.id ?? '',
      kind: 'reject',
      by: 'boss',
      channel: 'test',
    });
    expect(await handle.result()).toMatchObject({ outcome: 'partial', reason: 'empty' });
  });

  test('words of an exception never reach the conversation or the history', async () => {
    const handle = await lab.start({
      agent: 'lab',
      message: 'throws',
      once: true,
      requester: { id: 'customer' },
    });
    const { run: id } = await handle.result();
    const [row] = await lab.sql<
      { n: number }[]
    >`select count(*)::int as n from nodes where run = ${id} and body like '%secret-in-an-exception%'`;
    expect(row?.n).toBe(0);
    expect(
      JSON.stringify(await handle.fetchHistory(), (_, v) =>
        v instanceof Uint8Array ? Buffer.from(v).toString() : v,
      ),
    ).not.toContain('secret-in-an-exception');
  });

  test('529, 429 with retry-after and a cut stream are retried by the engine; every try is on the books', async () => {
    const result = await run('faults');
    expect(result).toMatchObject({ outcome: 'completed', answer: 'at last' });
    const attempts = await lab.sql<
      { state: string; failure: string | null }[]
    >`select state, failure from model_attempts where run = ${result.run} order by id`;
    expect(attempts.map((one) => one.failure)).toEqual([
      'model_overloaded',
      'model_rate_limited',
      expect.stringMatching(/^model_/),
      null,
    ]);
    expect(attempts.at(-1)?.state).toBe('settled');
  }, 90_000);

  test('an unknown agent, a malformed start and a message that is too long end with a reason', async () => {
    expect(
      await (await lab.start({ agent: 'nobody', message: 'hi', requester: { id: 'c' } })).result(),
    ).toMatchObject({
      outcome: 'failed',
      reason: 'unknown_agent',
      answer: expect.stringContaining('no release of agent "nobody"'),
    });
    const bad = await lab.start({ agent: 'Not A Name', requester: {} } as never);
    await expect(bad.result()).rejects.toMatchObject({
      cause: { type: 'bad_start', message: expect.stringMatching(/agent is "Not A Name".*requester\.id/) },
    });
    const handle = await lab.start({ agent: 'lab', requester: { id: 'c' } });
    await expect(
      handle.executeUpdate(sendUpdate, { args: [{ text: 'x'.repeat(101 * 1024), by: 'c' }] }),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('the limit is 102400') } });
    // A signal has nobody to tell: it is dropped, and the run goes on.
    await handle.signal('message', { text: 'x'.repeat(101 * 1024), by: 'c' });
    await handle.signal('message', 'nonsense');
    await handle.signal('decide', null);
    expect(await handle.executeUpdate(sendUpdate, { args: [{ text: 'one read', by: 'c' }] })).toMatchObject({
      kind: 'answered',
      text: 'done',
    });
    await handle.signal('close', { by: 'c' });
    expect((await handle.result()).reason).toBe('closed');
  });

  test('thinking goes back byte for byte, over turns', async () => {
    const handle = await lab.start({ agent: 'lab', requester: { id: 'c' } });
    await handle.executeUpdate(sendUpdate, { args: [{ text: 'thinking', by: 'c' }] });
    expect(await handle.executeUpdate(sendUpdate, { args: [{ text: 'and?', by: 'c' }] })).toMatchObject({
      kind: 'answered',
      text: 'second',
    });
    expect(lab.model.problems).toEqual([]);
    await handle.signal('close', { by: 'c' });
    await handle.result();
  });

  test('a run never spends more than it was given', async () => {
    const handle = await lab.start({
      agent: 'lab',
      message: 'out of money',
      requester: { id: 'c' },
      limits: { tokensPerRun: 15_000 },
    });
    await until('the landing', async () => (await handle.query(statusQuery)).state === 'landed');
    const { usage } = await handle.query(statusQuery);
    expect(
      usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens,
    ).toBeLessThanOrEqual(15_000);
    const [record] = await handle.query(approvalsQuery);
    await handle.signal(decideSignal, {
      approval: record?.id ?? '',
      kind: 'reject',
      by: 'boss',
      channel: 'test',
    });
    expect(await handle.result()).toMatchObject({ outcome: 'partial', reason: 'tokens' });
  });

  test('a changed byte of the conversation is noticed', async () => {
    const { run: id, head } = await run('one read');
    const [node] = await lab.sql<
      { seq: number }[]
    >`select seq from nodes where run = ${id} and hash = ${head}`;
    const at = { seq: node?.seq ?? 0, node: head as never };
    expect(await loadChain(lab.sql, id as RunId, at)).toHaveLength(4);
    await lab.sql`update nodes set body = replace(body, 'seen', 'lost') where run = ${id}`;
    await expect(loadChain(lab.sql, id as RunId, at)).rejects.toThrow('does not have the bytes');
  });

  describe('decisions and a worker that is down', () => {
    const waiting = async (): Promise<{ handle: Handle; id: string; deadlineMs: number }> => {
      const handle = await lab.start({
        agent: 'asking',
        message: 'one effect',
        once: true,
        requester: { id: 'customer' },
      });
      const [record] = await until('the approval', async () => {
        const records = await handle.query(approvalsQuery).catch(() => []);
        return records.length > 0 && records;
      });
      return { handle, id: record?.id ?? '', deadlineMs: record?.deadlineMs ?? 0 };
    };
    const approve = (handle: Handle, approval: string) =>
      handle.signal(decideSignal, { approval, kind: 'approve', by: 'boss', channel: 'test' });
    const past = (deadlineMs: number) => until('the deadline', async () => Date.now() > deadlineMs + 500);

    test('in time counts, although the worker is back only after the deadline; after it does not', async () => {
      const early = await waiting();
      const late = await waiting();
      await lab.stopWorker();
      await approve(early.handle, early.id);
      await past(late.deadlineMs);
      await approve(late.handle, late.id);
      await lab.startWorker();
      const results = await Promise.all([early.handle.result(), late.handle.result()]);
      const effects = await Promise.all(
        results.map(async ({ run: id }) =>
          (await lab.sql`select state from effects where run = ${id}`).map((row) => row.state),
        ),
      );
      expect(effects).toEqual([['applied'], []]);
      const [decided] = await lab.sql<
        { in_time: boolean }[]
      >`select decided_at < deadline as in_time from approvals where id = ${early.id}`;
      expect(decided?.in_time).toBe(true);
      const [expired] = await lab.sql<{ state: string }[]>`select state from approvals where id = ${late.id}`;
      expect(expired?.state).toBe('expired');
    });
  });
});
