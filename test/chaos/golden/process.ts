import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plan, Said } from './holds.ts';

/** A worker in a process of its own, seen from its campaign. */
export interface GoldenProcess extends AsyncDisposable {
  readonly pid: number;
  /** Workflows that are held, each at its event. */
  readonly held: ReadonlySet<string>;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** How it ended: a signal or an exit code. */
  readonly exited: Promise<string>;
}

export interface ProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly plan?: Plan;
  /** Which agents it has: `agentsOf`. */
  readonly version?: string;
  /** A file beside this one, with interceptors that change what the workflow code does. */
  readonly planted?: string;
  readonly nodeArguments?: readonly string[];
}

const READY_MS = 60_000;

export async function startProcess(options: ProcessOptions): Promise<GoldenProcess> {
  const { environment, plan = {}, version = '1', planted, nodeArguments = [] } = options;
  // Beside the report: processes that are killed say much that means nothing.
  const log = openSync(environment.GOLDEN_LOG ?? '/dev/null', 'a');
  const child = fork(pathOf('./worker.ts'), {
    execArgv: ['--import', 'tsx', ...nodeArguments],
    env: {
      ...process.env,
      ...environment,
      GOLDEN_PLAN: JSON.stringify(plan),
      GOLDEN_VERSION: version,
      GOLDEN_PLANTED: planted === undefined ? '' : pathOf(planted),
    },
    stdio: ['ignore', 'ignore', log, 'ipc'],
  });
  closeSync(log);
  const held = new Set<string>();
  const exited = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)),
  );
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not ready within ${READY_MS} ms`));
    }, READY_MS);
    child.on('message', (said: Said) => {
      if (said.kind === 'held') held.add(said.workflowId);
      else resolve();
    });
    void exited.then((how) => {
      clearTimeout(timer);
      reject(new Error(`${how} before it was ready`));
    });
    child.once('message', () => clearTimeout(timer));
  });
  return {
    pid: child.pid ?? 0,
    held,
    exited,
    kill,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
