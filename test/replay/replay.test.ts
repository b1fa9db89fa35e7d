import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundleWorkflows } from '../../src/replay/bundle.ts';
import { eventsOf, type NamedHistory, parseHistory } from '../../src/replay/history.ts';
import { type Replayed, replay } from '../../src/replay/replay.ts';
import { assertReplays, SHIPPED_HISTORIES } from '../../src/replay/shipped.ts';
import { missing } from './coverage.ts';
import { leakIn } from './neutral.ts';
import { allHistories, RECORDED } from './places.ts';
import { PLANTED_CHANGES, plant } from './plant.ts';
import { timerKind, timerWords } from './timers.ts';

/** All of them together, in git and in every clone. */
const MOST_BYTES = 1_200_000;
/** What a worker reads before it polls. */
const MOST_SHIPPED = 8;
const MOST_SHIPPED_BYTES = 200_000;

let bundle: Bundle;
let histories: readonly NamedHistory[];
beforeAll(async () => {
  // What is refused here is refused on purpose.
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter } } });
  [bundle, histories] = await Promise.all([bundleWorkflows(), allHistories()]);
});

async function all(code: Bundle, given: readonly NamedHistory[]): Promise<readonly Replayed[]> {
  const found: Replayed[] = [];
  for await (const one of replay({ bundle: code }, given)) found.push(one);
  return found;
}

/** As it would be had its recorder lost the SDK's flags. */
function withoutFlags({ name, history }: NamedHistory): NamedHistory {
  const bare = eventsOf(history).map(({ workflowTaskCompletedEventAttributes: task, ...event }) =>
    task == null ? event : { ...event, workflowTaskCompletedEventAttributes: { ...task, sdkMetadata: null } },
  );
  return { name: `${name} without flags`, workflowId: 'bare', history: { events: bare } };
}

const named = (end: string) => {
  const found = histories.find(({ name }) => name.endsWith(end));
  if (found === undefined) throw new Error(`no history is called ${end}`);
  return found;
};

describe('recorded histories', () => {
  test("every one of every release replays with today's code", async () => {
    const found = await all(bundle, histories);
    expect(found.filter(({ verdict }) => verdict.kind !== 'replays')).toEqual([]);
    expect(found.map(({ name }) => name)).toEqual(histories.map(({ name }) => name));
    expect(found.length).toBeGreaterThan(30);
  });

  test('hold every activity, signal, update, phase, outcome and kind of timer between them', () => {
    expect(missing(histories)).toEqual([]);
    // The check itself: without the runs of the governor, its activities are missing.
    const fewer = histories.filter(({ name }) => !/governor/.test(name));
    expect(missing(fewer)).toEqual(expect.arrayContaining(['workflow governor', 'activity sweep']));
    const unpaused = histories.filter(({ name }) => !name.endsWith('/paused'));
    expect(missing(unpaused)).toContain('timer "paused"');
  });

  test('know every timer that workflow code names beside it', () => {
    const folder = join(import.meta.dirname, '../../src/workflows');
    const words = readdirSync(folder).flatMap((file) => timerWords(readFileSync(join(folder, file), 'utf8')));
    expect(words.filter((one) => timerKind(one) === null)).toEqual([]);
    expect(words.length).toBeGreaterThanOrEqual(9);
    const [unknown = ''] = timerWords("await waitOnRecord(run, met, atMs, 'until the moon is full');\n");
    expect([unknown, timerKind(unknown)]).toEqual(['until the moon is full', null]);
  });

  test('hold no timer that has no kind', () => {
    const { name, workflowId, history } = named('/paused');
    const events = [...structuredClone(eventsOf(history))];
    const timer = events.find(({ timerStartedEventAttributes }) => timerStartedEventAttributes != null);
    if (timer?.userMetadata?.summary == null) throw new Error('the paused run has no timer');
    timer.userMetadata.summary.data = Buffer.from('"until the moon is full"');
    expect(missing([...histories, { name, workflowId, history: { events } }])).toEqual([
      'a name in test/replay/timers.ts for the timer "until the moon is full"',
    ]);
  });

  test('say nothing of the machine they were recorded on, and are small', async () => {
    const files = async (folder: string) =>
      (await readdir(folder, { recursive: true }))
        .filter((name) => name.endsWith('.json'))
        .map((name) => join(folder, name));
    const shipped = await files(SHIPPED_HISTORIES);
    const every = [...shipped, ...(await files(RECORDED))];
    const bytes = (paths: readonly string[]) => paths.reduce((sum, path) => sum + statSync(path).size, 0);
    expect(bytes(every)).toBeLessThan(MOST_BYTES);
    expect(shipped.length).toBeLessThanOrEqual(MOST_SHIPPED);
    expect(bytes(shipped)).toBeLessThan(MOST_SHIPPED_BYTES);
    for (const path of every) expect(leakIn(await readFile(path, 'utf8'), ['@', 'lab_'])).toBeNull();
  });
});

describe('a planted change is refused', () => {
  test.each(PLANTED_CHANGES)('$what', async (change) => {
    const found = await all(plant(bundle, change), histories);
    const differing = found.filter(({ verdict }) => verdict.kind === 'differs');
    expect(differing.length).toBeGreaterThan(0);
    // One that differs does not stop the others from being looked at.
    expect(found).toHaveLength(histories.length);
    for (const { verdict } of differing)
      expect(verdict).toMatchObject({
        at: expect.stringMatching(/^(event \d+|one of the events [\d, ]+) [A-Z]\w+/),
      });
  });

  test('in the very last commands of a parked run', async () => {
    const change = {
      what: 'another last timer',
      from: /(async function awaitMessage\(run\) \{)/,
      to: '$1 (0,_temporalio_workflow__WEBPACK_IMPORTED_MODULE_0__.condition)(() => false, 1);',
    };
    expect(await all(plant(bundle, change), [named('/idle')])).toMatchObject([
      { verdict: { kind: 'differs' } },
    ]);
  });

  test('whatever ships finds each of them before a worker polls, and says what to do', async () => {
    const shipped = histories.filter(({ name }) => /\/(approved|waiting|moved\.\d)$/.test(name));
    await assertReplays(bundle);
    for (const change of PLANTED_CHANGES)
      await expect(assertReplays(plant(bundle, change), shipped)).rejects.toThrow(
        /does not poll.*history \d+\.\d+\.\d+\/\w.* differs at .*event.*patched\(.*new worker version/s,
      );
  });
});

describe('what cannot show a difference is no evidence', () => {
  test('a history without the flags of its SDK would hide a changed activity type, so it is refused', async () => {
    const [, changed] = PLANTED_CHANGES;
    if (changed === undefined) throw new Error('there is no such change');
    const bare = withoutFlags(named('/waiting'));
    // Nothing of ours: the SDK itself says that all is well.
    const options = { workflowBundle: plant(bundle, changed) };
    for await (const { error } of Worker.runReplayHistories(options, [bare])) expect(error).toBeUndefined();
    expect(await all(bundle, [bare])).toMatchObject([{ verdict: { kind: 'blind' } }]);
    await expect(assertReplays(bundle, [bare])).rejects.toThrow('has lost the flags');
  });

  test('a run that has done nothing yet, and no history at all', async () => {
    const { history } = named('/waiting');
    const young = { name: 'young', workflowId: 'young', history: { events: eventsOf(history).slice(0, 2) } };
    expect(await all(bundle, [young, named('/approved')])).toMatchObject([
      { name: 'young', verdict: { kind: 'nothing_done' } },
      { verdict: { kind: 'replays' } },
    ]);
    await expect(assertReplays(bundle, [])).rejects.toThrow('no recorded history');
    expect(() => parseHistory('torn', '{"events":[')).toThrow('history torn cannot be read');
  });
});
