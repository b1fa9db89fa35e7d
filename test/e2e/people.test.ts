import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { PersonRow } from '../../src/people/storeDirectory.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { openDatabase, type TestDatabase } from '../store/database.ts';

/** `holdfast people` as people run it: with the database alone. One start costs most of a second. */
const ROOT = new URL('../../', import.meta.url).pathname;

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await openDatabase(inject('databaseUrl'));
  folder = await mkdtemp(join(tmpdir(), 'holdfast-people-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await database[Symbol.asyncDispose]();
});

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
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: database.url, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, ...said };
}

async function fileOf(content: string): Promise<string> {
  const path = join(folder, `${randomUUID()}.json`);
  await writeFile(path, content);
  return path;
}

async function people(): Promise<readonly PersonRow[]> {
  const ran = await cli(['people', '--json']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  return (JSON.parse(ran.stdout) as { readonly people: readonly PersonRow[] }).people;
}

describe('holdfast people', () => {
  test('adds, changes, lists and removes; every change is in the audit', async () => {
    const set = await cli([
      ...'people set anna --name Anna --role approver --role operator'.split(' '),
      '--by',
      'olga',
    ]);
    expect(set).toMatchObject({ code: 0, stdout: 'added anna: roles approver, operator, every tenant\n' });
    const narrowed = await cli([
      ...'people set anna --role approver --tenant shop-1 --by olga --json'.split(' '),
    ]);
    expect(JSON.parse(narrowed.stdout)).toEqual({
      change: 'changed',
      person: {
        id: 'anna',
        name: 'Anna',
        kind: 'person',
        tenant: 'shop-1',
        roles: ['approver'],
        active: true,
      },
    });
    expect(await people()).toMatchObject([
      { id: 'anna', name: 'Anna', tenant: 'shop-1', roles: ['approver'], updatedBy: 'olga' },
    ]);
    const removed = await cli([...'people remove anna --by olga'.split(' ')]);
    expect(removed.stdout).toBe('removed anna: no decision of theirs counts from now on\n');
    expect(await people()).toEqual([]);
    expect((await cli(['people', 'list', '--all'])).stdout).toMatch(/anna {2}Anna {2}shop-1 .* removed\n$/);
    const rows = await readAudit(database.sql, 'people');
    expect(firstBrokenRow('people', rows)).toBeNull();
    expect(rows.map((row) => [row.event, row.key])).toEqual([
      ['person_set', 'anna'],
      ['person_set', 'anna'],
      ['person_removed', 'anna'],
    ]);
  });

  test('imports a file, or says what is wrong with each entry and changes nothing', async () => {
    const good = await fileOf(JSON.stringify([{ id: 'bert', roles: ['approver'] }, { id: 'carl' }]));
    expect((await cli(['people', 'import', good, '--by', 'olga'])).stdout).toBe(
      `imported ${good}: 2 added, 0 changed, 0 removed, 0 as before\n`,
    );
    const bad = await fileOf(JSON.stringify([{ id: 'dora' }, { id: 'emil', role: 'approver' }]));
    const refused = await cli(['people', 'import', bad, '--by', 'olga', '--replace', '--json']);
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'bad_file', message: expect.stringContaining('entry 2 ("emil"): "role" is no member') },
    });
    expect((await people()).map(({ id }) => id)).toEqual(['bert', 'carl']);
    const fewer = await fileOf(JSON.stringify([{ id: 'carl' }]));
    const replaced = await cli(['people', 'import', fewer, '--by', 'olga', '--replace', '--json']);
    expect(JSON.parse(replaced.stdout)).toEqual({ file: fewer, added: 0, changed: 0, removed: 1, same: 1 });
    expect((await people()).map(({ id }) => id)).toEqual(['carl']);
  });

  test.each([
    ['people remove nobody --by olga', 3, 'nobody is called "nobody"'],
    ['people set anna --role a --no-roles --by olga', 2, 'say --role or --no-roles, not both'],
    ['people set anna --role a --role a --by olga', 2, '--role must be a list in which no role comes twice'],
    ['people import no-such-file.json --by olga', 2, 'no-such-file.json cannot be read (ENOENT)'],
  ])('%s leaves with %i and says why', async (words, code, message) => {
    const ran = await cli(words.split(' '));
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('a bad decision key is wrong usage, and is not told', async () => {
    const ran = await cli(['pause', 'w', '--by', 'anna'], {
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      HOLDFAST_DECISION_KEY: 'not-long-enough',
    });
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('HOLDFAST_DECISION_KEY') });
    expect(ran.stdout + ran.stderr).not.toContain('not-long');
  });
});
