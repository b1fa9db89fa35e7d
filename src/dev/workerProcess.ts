import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nodeArguments } from './place.ts';

const READY = /is polling/;
/** How a worker's log notifier begins a line. */
const NOTICE = 'notice: ';
const TAIL_CHARS = 4_000;
const READY_TIMEOUT_MS = 60_000;
/** A worker finishes what it does in this time, or is killed: what it had begun is resumed by the next one. */
const DRAIN_MS = 8_000;

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** `exit code 1`, `signal SIGKILL` */
  readonly words: string;
}

export interface WorkerProcess {
  readonly pid: number;
  /** Resolves when it polls; rejects with its last words when it ends or takes too long before. */
  readonly ready: Promise<void>;
  readonly exited: Promise<WorkerExit>;
  /** The end of what it wrote, without the notices: those are not about the worker. */
  readonly tail: () => string;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface WorkerProcessOptions {
  readonly module: 'worker' | 'dev/crashingWorker';
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A line that it wrote; without it, what a worker writes is only kept for `tail`. */
  readonly onLine?: (line: WorkerLine) => void;
}

/** A notice is for people, everything else is about the worker itself. */
export interface WorkerLine {
  readonly kind: 'notice' | 'worker';
  readonly text: string;
}

function lineOf(text: string): WorkerLine {
  return text.startsWith(NOTICE)
    ? { kind: 'notice', text: text.slice(NOTICE.length) }
    : { kind: 'worker', text };
}

/** Starts a worker as a child process, as it would run anywhere else. */
export function startWorkerProcess(options: WorkerProcessOptions): WorkerProcess {
  const child = spawn(process.execPath, [...nodeArguments(options.module)], {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let written = '';
  const exited = new Promise<WorkerExit>((resolve) => {
    child.once('error', (error) => resolve({ code: 127, signal: null, words: error.message }));
    child.once('close', (code, signal) =>
      resolve({ code, signal, words: signal === null ? `exit code ${code}` : `signal ${signal}` }),
    );
  });
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`the worker ${what}\n${written.trim()}`.trim()));
    const timer = setTimeout(
      () => fail(`did not start within ${READY_TIMEOUT_MS / 1_000} s`),
      READY_TIMEOUT_MS,
    );
    const read = (text: string) => {
      const line = lineOf(text);
      if (line.kind === 'worker') written = `${written}${text}\n`.slice(-TAIL_CHARS);
      if (READY.test(written)) {
        clearTimeout(timer);
        resolve();
      }
      if (line.text.trim() !== '') options.onLine?.(line);
    };
    for (const input of [child.stdout, child.stderr])
      if (input !== null) createInterface({ input }).on('line', read);
    void exited.then(({ words }) => {
      clearTimeout(timer);
      fail(`ended before it was ready (${words})`);
    });
  });
  ready.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    tail: () => written,
    stop: async () => {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), DRAIN_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}
