import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withLock } from '../../src/stack/lock.ts';
import { ownIdentity } from '../../src/stack/processes.ts';
import { makeFolder } from './folders.ts';

test('one holder at a time, and the file is gone afterwards, also after an error', async () => {
  const path = join(makeFolder(), 'lock');
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, 10_000, work)));
  expect(most).toBe(1);
  const failing = withLock(path, 1_000, async () => {
    throw new Error('work failed');
  });
  await expect(failing).rejects.toThrow('work failed');
  expect(existsSync(path)).toBe(false);
});

test('a dead holder loses the lock, a living one keeps it and is named', async () => {
  const path = join(makeFolder(), 'lock');
  writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: 'an earlier process', nonce: 'dead' }));
  expect(await withLock(path, 1_000, async () => 'mine')).toBe('mine');
  writeFileSync(path, JSON.stringify({ ...ownIdentity(), nonce: 'living' }));
  const waiting = withLock(path, 100, async () => 'mine');
  await expect(waiting).rejects.toThrow(`held by process ${process.pid}`);
});
