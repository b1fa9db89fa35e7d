import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { endProcess, isAlive, signalProcess } from '../../src/stack/processes.ts';
import { findStack, startStack } from '../../src/stack/stack.ts';
import { readState, type StackState } from '../../src/stack/state.ts';
import { withDatabase } from './database.ts';
import { findProcessesUsing, makeFolder } from './folders.ts';

const environment = { ...process.env, DATABASE_URL: undefined, TEMPORAL_ADDRESS: undefined };
const ownerFile = fileURLToPath(new URL('fixtures/owner.ts', import.meta.url));

async function startOwner(dir: string, end: 'wait' | 'exit'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', ownerFile, dir, end], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  expect(line).toBe('ready');
  return child;
}

function recordedState(dir: string): StackState {
  const state = readState(dir);
  if (state === undefined) throw new Error(`No stack.json in ${dir}.`);
  return state;
}

async function expectKeptData(dir: string): Promise<void> {
  const stack = await startStack({ dir, ui: false, environment, searchAttributes: {} });
  expect(stack.attached).toBe(false);
  const rows = await withDatabase(stack.databaseUrl, async (sql) => await sql`select word from kept`);
  expect(rows[0]).toEqual({ word: 'still here' });
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const { status } = await new Client({ connection }).workflow.getHandle('kept').describe();
  expect(status.name).toBe('RUNNING');
  await connection.close();
  await stack.stop();
}

test('after kill -9 of the owner the next start ends the orphans and finds every datum', async () => {
  const dir = join(makeFolder(), 'stack');
  const owner = await startOwner(dir, 'wait');
  const orphans = Object.values(recordedState(dir).parts);
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  expect(orphans.map(isAlive)).toEqual([true, true]);
  expect(await findStack(dir)).toBeNull();

  await expectKeptData(dir);
  expect(orphans.map(isAlive)).toEqual([false, false]);
  expect(findProcessesUsing(dir)).toEqual([]);
});

test('after kill -9 of owner and servers together the stale lock and pid files do not stop the next start', async () => {
  const dir = join(makeFolder(), 'stack');
  const owner = await startOwner(dir, 'wait');
  const { parts } = recordedState(dir);
  owner.kill('SIGKILL');
  for (const identity of Object.values(parts)) signalProcess(identity, 'SIGKILL');
  await once(owner, 'exit');
  await expectKeptData(dir);
});

test('an owner that exits without stop() takes its servers along', async () => {
  const dir = join(makeFolder(), 'stack');
  const owner = await startOwner(dir, 'exit');
  const parts = Object.values(recordedState(dir).parts);
  if (owner.exitCode === null) await once(owner, 'exit');
  await expect.poll(() => parts.map(isAlive), { timeout: 10_000 }).toEqual([false, false]);
});

test('an owner that nobody taught about SIGTERM takes its servers along too', async () => {
  const dir = join(makeFolder(), 'stack');
  const owner = await startOwner(dir, 'wait');
  const parts = Object.values(recordedState(dir).parts);
  owner.kill('SIGTERM');
  const [code] = await once(owner, 'exit');
  expect(code).toBe(143);
  await expect.poll(() => parts.map(isAlive), { timeout: 10_000 }).toEqual([false, false]);
});

test('a process that was given a recorded pid later is not ended', async () => {
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void stranger.kill('SIGKILL'));
  const recorded = { pid: stranger.pid ?? 0, startedAt: 'the start of another process' };
  expect(signalProcess(recorded, 'SIGKILL')).toBe(false);
  await endProcess(recorded, [{ signal: 'SIGKILL', waitMs: 1_000 }]);
  expect(stranger.exitCode).toBeNull();
  expect(stranger.signalCode).toBeNull();
});
