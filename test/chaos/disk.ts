import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
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
}

export type DiskMethod = 'tmpfs' | 'file size limit';

export interface DiskOptions {
  readonly bytes: number;
  /** A folder that is the caller's alone: by its name the next one finds, and removes, what a killed owner has left. */
  readonly owner: string;
  /** Ends whoever still runs on a disk that was left. */
  readonly evict: (dir: string) => Promise<void>;
  /** Default: a mount where it is permitted. */
  readonly how?: DiskMethod;
}

const MOUNT_TIMEOUT_MS = 10_000;
const UNMOUNT_TRIES = 50;
const UNMOUNT_PAUSE_MS = 100;
const SOURCE = 'holdfast-chaos';
const BALLAST = 'ballast';
const CHUNK = Buffer.alloc(64 * 1024, 1);
const LAST_CHUNK = 512;
const OWN_UID = process.getuid?.() ?? 0;

export async function openSmallDisk(options: DiskOptions): Promise<SmallDisk> {
  const dir = placeOf(options.owner);
  if (existsSync(dir)) {
    // Anybody may create names below /var/tmp; what somebody else laid out is not ours to use, nor to remove.
    const found = lstatSync(dir);
    if (!found.isDirectory() || found.uid !== OWN_UID)
      throw new Error(`${dir} exists and does not belong to this user. Remove it.`);
    await options.evict(dir);
    await release(dir);
  }
  mkdirSync(dir, { mode: 0o755 });
  const mounted = options.how !== 'file size limit' && (await mount(dir, options.bytes));
  if (!mounted && options.how === 'tmpfs') {
    await release(dir);
    throw new Error('a tmpfs cannot be mounted here: that takes root, or sudo without a password');
  }
  const disk = mounted ? withBallast(dir) : withLimits();
  return {
    dir,
    how: mounted ? 'tmpfs' : 'file size limit',
    ...disk,
    [Symbol.asyncDispose]: async () => {
      await disk.free();
      await release(dir);
    },
  };
}

/** Always the same one for an owner. Below /var/tmp, which the user that PostgreSQL runs as can reach. */
function placeOf(owner: string): string {
  const hash = createHash('sha256').update(owner).digest('hex').slice(0, 16);
  return `/var/tmp/holdfast-disk-${OWN_UID}-${hash}`;
}

type Method = Pick<SmallDisk, 'fill' | 'free'>;

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
    if (!isAlive(identity)) return;
    for (const pid of [identity.pid, ...childrenOf(identity.pid)]) await limitFiles(pid, soft);
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
  };
}

/** As the user of that process: root may be denied the limits of others, and may become them. */
async function limitFiles(pid: number, soft: string): Promise<void> {
  try {
    const { uid, gid } = statSync(`/proc/${pid}`);
    const as = OWN_UID === 0 ? { uid, gid } : {};
    await run('prlimit', ['--pid', String(pid), `--fsize=${soft}:`], as);
  } catch (error) {
    // One that has just ended needs no limit; one that goes on without it would make a campaign about nothing.
    if (existsSync(`/proc/${pid}`)) throw error;
  }
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
  const options = `size=${bytes},mode=0755,uid=${OWN_UID},gid=${process.getgid?.() ?? 0}`;
  try {
    await asRoot('mount', ['-t', 'tmpfs', '-o', options, SOURCE, dir]);
    return true;
  } catch {
    return false;
  }
}

/** Unmounts exactly this folder, if something of ours is mounted there, and removes it. */
async function release(dir: string): Promise<void> {
  for (let tries = 1; isMounted(dir); tries += 1) {
    try {
      await asRoot('umount', [dir]);
    } catch (error) {
      // A process that has just ended may hold it for another moment.
      if (tries === UNMOUNT_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, UNMOUNT_PAUSE_MS));
    }
  }
  rmSync(dir, { recursive: true, force: true });
}

async function asRoot(command: string, args: readonly string[]): Promise<void> {
  const [program, ...more] = OWN_UID === 0 ? [command] : ['sudo', '-n', command];
  await run(program, [...more, ...args], { timeout: MOUNT_TIMEOUT_MS });
}

function isMounted(dir: string): boolean {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .some((line) => line.startsWith(`${SOURCE} ${dir} tmpfs `));
}
