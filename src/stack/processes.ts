import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A process that can be recognised later. A pid alone is not enough: the kernel hands it out again, and a
 * stack must never end a stranger. `startedAt` is opaque; equal strings mean the same process.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** A child in a process group of its own, so that the terminal's Ctrl-C reaches only its owner. */
export interface DetachedProcess {
  readonly identity: ProcessIdentity;
  /** Undefined while the process runs, afterwards the way it ended, in words. */
  readonly ending: () => string | undefined;
}

export interface DetachedOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Both output streams are appended here; a pipe would die with the owner and take the child with it. */
  readonly logFile: string;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Called in the same tick as the start, so that no crash can come between the start and its record. */
  readonly onSpawn: (identity: ProcessIdentity) => void;
}

const POLL_MS = 20;

/** The identity of a running process, or undefined when none (or only a zombie) has this pid. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startElsewhere(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** The identity of this very process. */
export function ownIdentity(): ProcessIdentity {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) {
    throw new Error(
      `Cannot read the start time of process ${process.pid}; /proc or the ps command is needed.`,
    );
  }
  return identity;
}

/** Sends a signal if that process still runs; true if it was sent. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Sends the signals in order, each with its own patience, until the process is gone. The last should be SIGKILL. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly { readonly signal: NodeJS.Signals; readonly waitMs: number }[],
): Promise<void> {
  for (const step of steps) {
    if (!signalProcess(identity, step.signal)) return;
    const deadline = performance.now() + step.waitMs;
    while (performance.now() < deadline) {
      await delay(POLL_MS);
      if (!isAlive(identity)) return;
    }
  }
  if (isAlive(identity)) throw new Error(`Process ${identity.pid} survived SIGKILL; look at it with ps.`);
}

export async function startDetached(options: DetachedOptions): Promise<DetachedProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['ignore', log, log],
      detached: true,
      ...(options.user ?? {}),
    });
  } finally {
    closeSync(log);
  }
  let ending: string | undefined;
  child.once('exit', (code, signal) => {
    ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
  });
  const failure = new Promise<never>((_, reject) => {
    child.once('error', (error) => {
      ending = error.message;
      reject(new Error(`Cannot start ${options.command}: ${error.message}`));
    });
  });
  if (child.pid === undefined) return await failure;
  failure.catch(() => undefined);
  // A child that ended within this tick has no start time left; an empty one matches no process.
  const identity = identifyProcess(child.pid) ?? { pid: child.pid, startedAt: '' };
  options.onSpawn(identity);
  child.unref();
  return { identity, ending: () => ending };
}

function startOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the command in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = fields[19];
  // A process whose first thread has ended shows as a zombie while other threads still hold its ports.
  const ended = state === 'X' || (state === 'Z' && Number(fields[17]) <= 1);
  if (ticks === undefined || ended) return undefined;
  return `${bootId()}:${ticks}`;
}

let knownBootId: string | undefined;

/** Ticks count from the boot, so the boot is part of the identity. */
function bootId(): string {
  if (knownBootId === undefined) {
    try {
      knownBootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    } catch {
      knownBootId = 'boot';
    }
  }
  return knownBootId;
}

function startElsewhere(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5_000,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH ?? '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
    }).trim();
    const [state, ...start] = line.split(/\s+/);
    return state === undefined || state === '' || state.startsWith('Z') ? undefined : start.join(' ');
  } catch {
    return undefined;
  }
}
