import { execFile } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive, type ProcessIdentity } from '../../src/stack/processes.ts';

const run = promisify(execFile);

/**
 * A disk that can be made full and empty again.
 *
 * `tmpfs`: a mount of its own, filled up by a ballast file; every program finds it full in the usual way. Where mounts are
 * not permitted, `file size limit`: the processes themselves are forbidden to write (RLIMIT_FSIZE), which is cruder: they
 * can overwrite nothing either, and some are ended by the signal that comes with it.
 */
export interface SmallDisk extends AsyncDisposable {
  /** What is to run out of room lives here; users other than its owner may pass. */
  readonly dir: string;
  readonly how: DiskMethod;
  /** From now on nothing fits. To be called again for what has made itself room, and for processes that came later. */
  fill(processes: readonly ProcessIdentity[]): Promise<void>;
  /** There is room again. */
  free(): Promise<void>;
  /** Bytes that still fit; null where nobody can tell. */
  room(): number | null;
}

export type DiskMethod = 'tmpfs' | 'file size limit';

export interface DiskOptions {
  readonly bytes: number;
  /** A file outside the campaign's folder that names the mount, for whoever comes after a killed owner. */
  readonly record: string;
  /** Default: a mount where it is permitted. */
  readonly how?: DiskMethod;
}

const MOUNT_TIMEOUT_MS = 10_000;
const UNMOUNT_TRIES = 50;
const UNMOUNT_PAUSE_MS = 100;
const BALLAST = 'ballast';
const CHUNK = Buffer.alloc(64 * 1024, 1);
const LAST_CHUNK = 512;

export async function openSmallDisk(options: DiskOptions): Promise<SmallDisk> {
  await releaseLeftover(options.record);
  const dir = mkdtempSync('/var/tmp/holdfast-disk-');
  chmodSync(dir, 0o755);
  writeFileSync(options.record, dir);
  const mounted = options.how !== 'file size limit' && (await mount(dir, options.bytes));
  if (!mounted && options.how === 'tmpfs') {
    await release(dir, options.record);
    throw new Error('a tmpfs cannot be mounted here: that takes root');
  }
  const disk = mounted ? withBallast(dir) : withLimits();
  return {
    dir,
    how: mounted ? 'tmpfs' : 'file size limit',
    ...disk,
    [Symbol.asyncDispose]: async () => {
      await disk.free();
      await release(dir, options.record);
    },
  };
}

type Method = Pick<SmallDisk, 'fill' | 'free' | 'room'>;

function withBallast(dir: string): Method {
  const ballast = join(dir, BALLAST);
  return {
    fill: async () => {
      const file = openSync(ballast, 'a');
      try {
        for (let chunk = CHUNK; chunk.length >= LAST_CHUNK; chunk = chunk.subarray(0, chunk.length / 2)) {
          while (tryWrite(file, chunk));
        }
      } finally {
        closeSync(file);
      }
    },
    free: async () => rmSync(ballast, { force: true }),
    room: () => {
      const { bavail, bsize } = statfsSync(dir);
      return bavail * bsize;
    },
  };
}

/** False when it does not fit, not even in part. */
function tryWrite(file: number, chunk: Uint8Array): boolean {
  try {
    return writeSync(file, chunk) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function withLimits(): Method {
  const limited: ProcessIdentity[] = [];
  const limit = async (identity: ProcessIdentity, soft: string) => {
    for (const pid of [identity.pid, ...childrenOf(identity.pid)])
      if (isAlive(identity))
        // One that has just ended needs no limit.
        await run('prlimit', ['--pid', String(pid), `--fsize=${soft}:`]).catch(() => undefined);
  };
  return {
    fill: async (processes) => {
      for (const identity of processes) {
        limited.push(identity);
        await limit(identity, '1');
      }
    },
    free: async () => {
      for (const identity of limited.splice(0)) await limit(identity, 'unlimited');
    },
    room: () => null,
  };
}

function childrenOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    return [];
  }
}

async function mount(dir: string, bytes: number): Promise<boolean> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0755`, 'holdfast-chaos', dir], {
      timeout: MOUNT_TIMEOUT_MS,
    });
    return true;
  } catch {
    return false;
  }
}

/** Unmounts exactly this folder, if something of ours is mounted there, and removes it. */
async function release(dir: string, record: string): Promise<void> {
  for (let tries = 1; isMounted(dir); tries += 1) {
    try {
      await run('umount', [dir], { timeout: MOUNT_TIMEOUT_MS });
    } catch (error) {
      // A process that has just ended may hold it for another moment.
      if (tries === UNMOUNT_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, UNMOUNT_PAUSE_MS));
    }
  }
  rmSync(dir, { recursive: true, force: true });
  rmSync(record, { force: true });
}

async function releaseLeftover(record: string): Promise<void> {
  let dir: string;
  try {
    dir = readFileSync(record, 'utf8');
  } catch {
    return;
  }
  await release(dir, record);
}

function isMounted(dir: string): boolean {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`holdfast-chaos ${dir} tmpfs `));
}
