import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { LIMITS } from '../../../src/core/limits.ts';
import { isLeaked } from './secrecy.ts';

const READY_MS = 90_000;
/** What a worker may take to drain: its activities, its notices, its connections to the store. */
const DRAIN_MS = LIMITS.workerDrainMs + LIMITS.noticeDrainMs + LIMITS.storeEndMs;
const DRAINED = 'exit code 0';
const HEAP_MS = 60_000;
const LAST_WORDS_CHARS = 2_000;

/** A worker of a fleet, in a process of its own. */
export interface FleetWorker {
  readonly pid: number;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
  /** SIGKILL, and gone. */
  kill(): Promise<void>;
  /** SIGTERM: it finishes what it does. Killed where that takes longer than a worker may take. */
  stop(withinMs?: number): Promise<Stopped>;
  readonly exited: Promise<void>;
  /** How it ended although nobody of the fleet ended it; null while it did not. */
  diedOfItself(): string | null;
  /** It has written the fleet's secret to its log. */
  leaked(): boolean;
  /** Resident memory; null once it is gone. */
  rssBytes(): number | null;
  /** What its heap holds after a collection. */
  heapBytes(): Promise<number>;
}

/** How a worker ended that was asked to. */
export interface Stopped {
  readonly ms: number;
  /** Why this was no draining, in words; null where it was. */
  readonly problem: string | null;
}

type FromWorker = { readonly kind: 'ready' } | { readonly kind: 'heap'; readonly bytes: number };

/** Resolves when it polls. `module`: another program than the fleet's own worker. */
export async function startFleetWorker(
  environment: Readonly<Record<string, string>>,
  module: URL = new URL('./worker.ts', import.meta.url),
): Promise<FleetWorker> {
  const child = fork(fileURLToPath(module), {
    execArgv: ['--expose-gc', '--import', 'tsx'],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let ended: string | null = null;
  let meant = false;
  let words = '';
  let leaked = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      words += chunk;
      leaked ||= isLeaked(words);
      words = words.slice(-LAST_WORDS_CHARS);
    });
  const exited = new Promise<void>((resolve) =>
    child.once('exit', (code, signal) => {
      ended = signal === null ? `exit code ${code}` : `signal ${signal}`;
      resolve();
    }),
  );
  const signal = (name: NodeJS.Signals) => {
    if (name === 'SIGKILL' || name === 'SIGTERM') meant = true;
    child.kill(name);
  };
  const kill = async () => {
    if (ended === null) signal('SIGKILL');
    await exited;
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`a worker was not ready within ${READY_MS} ms`)),
      READY_MS,
    );
    child.on('message', (message: FromWorker) => message.kind === 'ready' && resolve());
    void exited.then(() => reject(new Error(`a worker ended (${ended}) before it was ready\n${words}`)));
    child.once('error', reject);
    child.once('exit', () => clearTimeout(timer));
    child.once('message', () => clearTimeout(timer));
  }).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    signal,
    kill,
    stop: async (withinMs = DRAIN_MS) => {
      const askedAtMs = performance.now();
      if (ended === null) signal('SIGTERM');
      let late = false;
      const killer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, withinMs);
      await exited;
      clearTimeout(killer);
      const said = `worker ${child.pid} was asked to drain and`;
      const wrong = late ? `had not ended within ${withinMs} ms` : `ended with ${ended}: ${words}`;
      return {
        ms: performance.now() - askedAtMs,
        problem: ended === DRAINED && !late ? null : `${said} ${wrong}`,
      };
    },
    exited,
    diedOfItself: () =>
      ended === null || meant ? null : `worker ${child.pid} ended by itself (${ended}): ${words}`,
    leaked: () => leaked,
    rssBytes: () => rssOf(child.pid ?? 0),
    heapBytes: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error('the worker does not say what its heap holds')),
          HEAP_MS,
        );
        const hear = (message: FromWorker) => {
          if (message.kind !== 'heap') return;
          clearTimeout(timer);
          child.off('message', hear);
          resolve(message.bytes);
        };
        child.on('message', hear);
        child.send('heap', () => undefined);
      }),
  };
}

/** By the kernel's own books, so that a busy or a frozen process is measured too. */
function rssOf(pid: number): number | null {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? null : Number(found[1]) * 1_024;
  } catch {
    return null;
  }
}
