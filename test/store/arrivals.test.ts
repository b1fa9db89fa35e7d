import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Control } from '../../src/core/control.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { setPerson } from '../../src/people/storeDirectory.ts';
import { type Bench, openBench } from './bench.ts';
import { control, input, NOW, said, signed, verify } from './controls.ts';
import { type FakeEvent, fakeEngine, taskAt } from './fakeHistory.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [] });
  for (const id of ['anna', 'tess']) await setPerson(bench.sql, id, {}, 'test');
});
afterAll(() => bench[Symbol.asyncDispose]());

describe('when it arrived', () => {
  const DEADLINE = NOW - 100_000;
  const body = said('anna');
  const late = (n: number, more: Partial<Control> = {}) => control(n, body, { late: true, ...more });
  const signal = (atMs: number, what: JsonObject = body): FakeEvent => ({ kind: 'signal', atMs, body: what });
  const begun: readonly FakeEvent[] = [{ kind: 'started', atMs: 1 }, ...taskAt(2)];

  async function arrivalsOf(
    events: readonly FakeEvent[],
    controls: readonly Control[],
    executions: Readonly<Record<string, readonly FakeEvent[]>> = {},
  ): Promise<readonly (number | null | string)[]> {
    const { client } = fakeEngine({ ...executions, 'execution-2': events });
    const answers = await verify(bench, input(controls), { keys: null, client });
    return answers.map((one) => (one.kind === 'ok' ? one.arrivedAtMs : one.why));
  }

  test('a decision that was read late has the time at which the server received it', async () => {
    const events = [...begun, signal(DEADLINE - 1), signal(DEADLINE + 1, said('bert')), ...taskAt(NOW)];
    const controls = [late(1), late(2, { body: said('bert') }), late(3, { body: said('carl') })];
    expect(await arrivalsOf(events, controls)).toEqual([DEADLINE - 1, DEADLINE + 1, null]);
  });

  test('the whole body is compared, in any order of its members', async () => {
    const other = { ...body, arguments: { amount: 1 } };
    const events = [...begun, signal(DEADLINE - 2, other), signal(DEADLINE + 1), ...taskAt(NOW)];
    const reordered = Object.fromEntries(Object.entries(body).reverse());
    expect(await arrivalsOf(events, [late(1), late(2, { body: reordered })])).toEqual([
      DEADLINE + 1,
      DEADLINE + 1,
    ]);
  });

  test('the same words sent before, and read before, do not lend their time', async () => {
    const events = [
      ...begun,
      signal(DEADLINE - 50),
      ...taskAt(DEADLINE - 40),
      signal(DEADLINE + 1),
      ...taskAt(NOW),
    ];
    expect(await arrivalsOf(events, [late(1)])).toEqual([DEADLINE + 1]);
  });

  test('where the history cannot be read the attempt is repeated: nobody knows when it came', async () => {
    const { client } = fakeEngine({});
    const away = () => Promise.reject(new Error('UNAVAILABLE'));
    const broken = { ...client, workflowService: { getWorkflowExecutionHistoryReverse: away } };
    await expect(
      verify(bench, input([late(1)]), { keys: null, client: broken as never }),
    ).rejects.toMatchObject({ type: 'history_unavailable', nonRetryable: false });
  });

  test('nor do those that come after, which another task will read', async () => {
    const events = [...begun, signal(DEADLINE - 1), ...taskAt(NOW), signal(NOW + 5), ...taskAt(NOW + 6)];
    expect(await arrivalsOf(events, [late(1)])).toEqual([DEADLINE - 1]);
  });

  test('of the same words in one task the first speaks for all', async () => {
    const events = [
      ...begun,
      signal(DEADLINE - 1),
      signal(DEADLINE + 1),
      signal(DEADLINE + 2),
      ...taskAt(NOW),
    ];
    expect(await arrivalsOf(events, [late(1), late(2), late(3)])).toEqual([
      DEADLINE - 1,
      DEADLINE - 1,
      DEADLINE - 1,
    ]);
  });

  test('a task that failed has read nothing: its signals belong to the one after it', async () => {
    const events: readonly FakeEvent[] = [
      ...begun,
      signal(DEADLINE - 3),
      { kind: 'task_started', atMs: DEADLINE - 2 },
      { kind: 'task_failed', atMs: DEADLINE - 1 },
      ...taskAt(NOW),
      { kind: 'task_started', atMs: NOW + 1 },
    ];
    expect(await arrivalsOf(events, [late(1)])).toEqual([DEADLINE - 3]);
  });

  test('what was read before the run continued as new is found in the execution before', async () => {
    const before = [...begun, signal(DEADLINE - 1), ...taskAt(NOW)];
    const events: readonly FakeEvent[] = [
      { kind: 'started', atMs: NOW + 1, continues: 'execution-1' },
      ...taskAt(NOW + 2),
    ];
    expect(await arrivalsOf(events, [late(1)], { 'execution-1': before })).toEqual([DEADLINE - 1]);
  });

  test('it is asked for only where it matters, and reading is bounded', async () => {
    const none = fakeEngine({});
    await verify(bench, input([control(1, body), control(2, body, { late: true, name: 'resume' })]), {
      keys: null,
      client: none.client,
    });
    expect(none.pages()).toBe(0);
    const endless = fakeEngine({ 'execution-2': [{ kind: 'started', atMs: 1, continues: 'execution-2' }] });
    await verify(bench, input([late(1)]), { keys: null, client: endless.client });
    expect(endless.pages()).toBe(LIMITS.arrivalPages);
    const old = Array.from({ length: 50 }, (_, i) => taskAt(10 * i)).flat();
    const long = fakeEngine({ 'execution-2': [...old, signal(DEADLINE), ...taskAt(NOW)] });
    await verify(bench, input([late(1)]), { keys: null, client: long.client });
    expect(long.pages()).toBeLessThan(4);
  });

  test('P9 signed in time and received in time, it counts however late it is read; received late, it does not', async () => {
    const times = { atMs: NOW - 700_000, expiresAtMs: NOW - 100_000 };
    const words = [said('anna'), said('tess')].map((one) => signed(one, times));
    const events = [
      ...begun,
      signal(NOW - 100_001, words[0]),
      signal(NOW - 100_000, words[1]),
      ...taskAt(NOW),
    ];
    const resume = signed({ by: 'anna', channel: 'cli' }, { name: 'resume', ...times });
    const { client } = fakeEngine({
      'execution-2': [
        ...events.slice(0, -2),
        { ...signal(NOW - 200_000, resume), name: 'resume' } as FakeEvent,
        ...taskAt(NOW),
      ],
    });
    const answers = await verify(
      bench,
      input([
        ...words.map((one, i) => control(i, one)),
        control(2, resume, { name: 'resume', approval: '' }),
        control(3, signed(said('anna'), { ...times, expiresAtMs: NOW - 100_001 })),
      ]),
      { client },
    );
    expect(answers.map((one) => (one.kind === 'ok' ? one.arrivedAtMs : one.why))).toEqual([
      null,
      'stale',
      null,
      'stale',
    ]);
  });

  test('a forged decision does not make anybody read a history', async () => {
    const engine = fakeEngine({});
    await verify(bench, input([late(1, { body: { ...signed(body), by: 'bert' } }), late(2)]), {
      client: engine.client,
    });
    expect(engine.pages()).toBe(0);
  });
});
