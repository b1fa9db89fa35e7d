import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { implementationOf } from '../../src/activities/releases.ts';
import { readConfig } from '../../src/config.ts';
import type { Hash } from '../../src/core/ids.ts';
import { LIMITS } from '../../src/core/limits.ts';
import type { Release } from '../../src/core/release.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import {
  channelRelease,
  listReleases,
  loadRelease,
  promoteRelease,
  publishRelease,
  releaseHash,
} from '../../src/store/releases.ts';
import { success } from '../../src/tools/result.ts';
import { startWorker } from '../../src/worker.ts';
import { sendUpdate } from '../../src/workflows/messages.ts';
import { openLab } from '../e2e/lab.ts';
import { effectTool, labAgent, say, script } from '../e2e/labAgent.ts';
import { type Bench, effectOf, newCall, openBench, wordsOf } from './bench.ts';
import { holdfast } from './commandLine.ts';
import { openDatabase, type TestDatabase } from './database.ts';
import { openRecordingProxy } from './recordingProxy.ts';

const agent = labAgent([effectTool('note')]);
const { release } = agent;
const REMINDED: Release = { ...release, reminder: 'Remember something else.' };

describe('a release is its data', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openDatabase(inject('databaseUrl'));
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test('the same data has the same hash and is one row, however often and at once it is published', async () => {
    const shuffled = Object.fromEntries(Object.entries(release).reverse()) as unknown as Release;
    const hashes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => publishRelease(database.sql, i % 2 === 0 ? release : shuffled)),
    );
    expect(new Set(hashes)).toEqual(new Set([releaseHash(release)]));
    expect(await listReleases(database.sql, 10)).toMatchObject([
      { hash: releaseHash(release), channels: ['live'] },
    ]);
    expect(await loadRelease(database.sql, releaseHash(release))).toEqual(release);
  });

  test('lists and channels know a release that is older than many others of other agents, or of its own', async () => {
    await using busy = await openDatabase(inject('databaseUrl'));
    const old = await publishRelease(busy.sql, release);
    await busy.sql`
      insert into releases (hash, agent, body, created_at)
      select n || 'aaaaaa', case when n <= 5 then 'lab' else 'other' end, '{}', now() + n * interval '1 second'
      from generate_series(1, 300) n`;
    const list = async (...words: readonly string[]) =>
      JSON.parse((await holdfast(busy.sql, ['--json', 'release', 'list', ...words])).out).releases;
    expect(await list('--agent', 'lab')).toHaveLength(6);
    expect(await list('--agent', 'lab', '--limit', '2')).toMatchObject([
      { hash: old, channels: ['live'] },
      { hash: '5aaaaaa', channels: [] },
    ]);
    expect(await list('--limit', '1')).toMatchObject([{ hash: old }]);
    const shown = JSON.parse((await holdfast(busy.sql, ['--json', 'release', 'show', old.slice(0, 12)])).out);
    expect(shown.channels).toEqual(['live']);
  });

  test.each<[string, Partial<Release>]>([
    ['the prompt', { system: 'Another prompt.' }],
    ['a rule of the policy', { policy: [] }],
    ['the permissions', { permissions: { tiers: ['read'] } }],
    ['a limit', { limits: { ...release.limits, tokensPerRun: 1 } }],
    ['the tier of a task', { models: { ...release.models, act: 'deep' } }],
    [
      'the version of a tool',
      { tools: release.tools.map((tool) => ({ ...tool, labels: { ...tool.labels, version: '9' } })) },
    ],
    ['the order of the tools, which the model sees', { tools: [...release.tools].reverse() }],
  ])('%s is part of it', (_, change) => {
    expect(releaseHash({ ...release, ...change })).not.toBe(releaseHash(release));
  });

  test('a channel points to the first release until somebody moves it, and every move is audited', async () => {
    const first = await publishRelease(database.sql, release);
    const second = await publishRelease(database.sql, REMINDED);
    expect(await channelRelease(database.sql, 'lab', 'live')).toBe(first);
    const move = { agent: 'lab', channel: 'live', by: 'boss' };
    expect(await promoteRelease(database.sql, { ...move, release: second })).toBe(first);
    expect(await promoteRelease(database.sql, { ...move, release: second })).toBe(second);
    expect(await promoteRelease(database.sql, { ...move, channel: 'canary', release: first })).toBeNull();
    // Publishing again, as every starting worker does, moves nothing back.
    await publishRelease(database.sql, release);
    expect(await channelRelease(database.sql, 'lab', 'live')).toBe(second);
    const audit = await readAudit(database.sql, 'agent:lab');
    expect(audit.map((row) => [row.key, JSON.parse(row.facts)])).toEqual([
      ['live', { from: first, to: second, by: 'boss' }],
      ['canary', { from: null, to: first, by: 'boss' }],
    ]);
    expect(firstBrokenRow('agent:lab', audit)).toBeNull();
  });

  test('a channel cannot be pointed to what was never published', async () => {
    const nowhere = { agent: 'lab', channel: 'live', release: 'f'.repeat(64) as Hash, by: 'boss' };
    await expect(promoteRelease(database.sql, nowhere)).rejects.toThrow('violates foreign key');
  });

  test('a release whose bytes were changed is not used', async () => {
    const hash = await publishRelease(database.sql, { ...release, system: 'To be changed.' });
    await database.sql`update releases set body = replace(body, 'To be', 'It was') where hash = ${hash}`;
    await expect(loadRelease(database.sql, hash)).rejects.toThrow('does not have the bytes');
  });
});

describe('never other code under an old approval', () => {
  const other = labAgent([effectTool('note', () => success('by the other version'), { version: '2' })]);
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench({ serverUrl: inject('databaseUrl'), agents: [agent] });
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test.each([
    ['another version of the tool', [other]],
    ['the agent without this tool', [labAgent([effectTool('other')])]],
    ['no such agent', []],
  ])('a worker with %s leaves the call to another one, and claims nothing', async (_, agents) => {
    const input = await newCall(bench, agent, 'note');
    const elsewhere = bench.attempt((activities) => activities.runTool(input), { agents });
    await expect(elsewhere).rejects.toMatchObject({
      type: 'release_not_here',
      nonRetryable: false,
      nextRetryDelay: LIMITS.releaseRetryMs,
    });
    expect(await effectOf(bench, input)).toBeUndefined();
    const result = await bench.attempt((activities) => activities.runTool(input), { number: 2 });
    expect(await wordsOf(bench, input, result)).toBe('done x');
  });

  test('a worker that has never seen the release leaves it to another one', async () => {
    const input = { ...(await newCall(bench, agent, 'note')), release: 'e'.repeat(64) as Hash };
    const elsewhere = bench.attempt((activities) => activities.runTool(input));
    await expect(elsewhere).rejects.toMatchObject({ type: 'release_not_here', nonRetryable: false });
  });

  test('the code is found by the pinned version, whatever else the worker has', () => {
    const agents = new Map([['lab', other]]);
    expect(implementationOf(agents, other.release, 'note').tool.labels.version).toBe('2');
    expect(() => implementationOf(agents, release, 'note')).toThrow('pinned to 1');
  });
});

describe('a deploy never changes a running conversation', () => {
  const next = labAgent([effectTool('note', undefined, { returns: 'untrusted' })], { policy: [] });
  const changed = {
    ...next,
    release: { ...next.release, system: `${next.release.system}\n- One more rule.` },
  };

  test('it keeps prompt and tools byte for byte while `live` moves; the next run begins with the new ones', async () => {
    await using lab = await openLab({
      databaseUrl: inject('databaseUrl'),
      temporalAddress: inject('temporalAddress'),
      agents: [],
      worker: false,
      conversations: [script('before', [say('one'), say('two')]), script('after', [say('three')])],
    });
    await using proxy = await openRecordingProxy(() => lab.model.url);
    const config = readConfig({ ...lab.environment, HOLDFAST_MODEL_URL: proxy.url });
    const worker = await startWorker(config, { agents: [agent] });
    try {
      const old = await lab.start({ agent: 'lab', requester: { id: 'c' } });
      const send = (text: string) => old.executeUpdate(sendUpdate, { args: [{ text, by: 'c' }] });
      expect(await send('before')).toMatchObject({ text: 'one' });
      const promoted = await publishRelease(lab.sql, changed.release);
      await promoteRelease(lab.sql, { agent: 'lab', channel: 'live', release: promoted, by: 'boss' });
      expect(await send('and then')).toMatchObject({ text: 'two' });
      const fresh = await lab.start({ agent: 'lab', message: 'after', once: true, requester: { id: 'c' } });
      const { run } = await fresh.result();
      await old.signal('close', { by: 'c' });
      const { run: oldRun } = await old.result();

      const [first, second, third] = proxy.bodies.map((body) => JSON.parse(body));
      const prefix = (body: { readonly system: unknown; readonly tools: unknown }) =>
        JSON.stringify([body.system, body.tools]);
      expect(proxy.bodies).toHaveLength(3);
      expect(prefix(second)).toBe(prefix(first));
      expect(prefix(second)).not.toContain('One more rule.');
      expect(prefix(third)).toContain('One more rule.');
      const pinned = await lab.sql<{ run: string; release: string }[]>`select run, release from runs`;
      expect(Object.fromEntries(pinned.map((row) => [row.run, row.release]))).toEqual({
        [oldRun]: releaseHash(release),
        [run]: promoted,
      });
      expect(lab.model.problems).toEqual([]);
    } finally {
      await worker.stop();
    }
  });
});
