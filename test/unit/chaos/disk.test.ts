import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identifyProcess, type ProcessIdentity } from '../../../src/stack/processes.ts';
import { type DiskMethod, openSmallDisk } from '../../chaos/disk.ts';

const BYTES = 4 * 1024 * 1024;
/** Appends 4 KB for each line that it hears, and says what came of it. */
const WRITER = `
process.on('SIGXFSZ', () => undefined);
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  try {
    require('node:fs').appendFileSync(process.argv[1], Buffer.alloc(4096, 2));
    console.log('written');
  } catch (error) {
    console.log(error.code);
  }
});`;

interface Writer {
  readonly identity: ProcessIdentity;
  write(): Promise<string>;
}

let owner: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  owner = mkdtempSync(join(tmpdir(), 'holdfast-disk-owner-'));
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(owner, { recursive: true, force: true });
});

function startWriter(file: string): Writer {
  const child = spawn(process.execPath, ['-e', WRITER, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  ends.push(() => {
    child.kill('SIGKILL');
    return exited;
  });
  const lines = createInterface({ input: child.stdout });
  const identity = identifyProcess(child.pid ?? 0);
  if (identity === undefined) throw new Error('the writer did not start');
  return {
    identity,
    write: async () => {
      const said = once(lines, 'line');
      child.stdin.write('on\n');
      return String((await said)[0]);
    },
  };
}

const evict = async () => undefined;
/** What this machine permits: where there is no root there is one way only. */
const WAYS: readonly (DiskMethod | undefined)[] = [undefined, 'file size limit'];

describe.each(WAYS)('a small disk (%s)', (how) => {
  const open = () => openSmallDisk({ bytes: BYTES, owner, evict, ...(how && { how }) });

  test('takes nothing when it is full, and takes it again when there is room', async () => {
    await using disk = await open();
    const writer = startWriter(join(disk.dir, 'file'));
    expect(await writer.write()).toBe('written');
    await disk.fill([writer.identity]);
    expect(await writer.write()).toBe(disk.how === 'tmpfs' ? 'ENOSPC' : 'EFBIG');
    await disk.free();
    expect(await writer.write()).toBe('written');
    for (const end of ends.splice(0)) await end();
  });

  test('is gone when it is closed, and what a killed owner left is gone when it is opened', async () => {
    const left = await open();
    writeFileSync(join(left.dir, 'old'), 'old');
    const disk = await open();
    expect(disk.dir).toBe(left.dir);
    expect(existsSync(join(disk.dir, 'old'))).toBe(false);
    await disk[Symbol.asyncDispose]();
    expect(existsSync(disk.dir)).toBe(false);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(disk.dir);
  });
});
