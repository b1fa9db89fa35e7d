import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A module of the benchmarks in a process of its own, which ends with this one. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly said: string;
  /** Ends it in good order; resolves when it is gone. */
  stop(): Promise<void>;
}

const READY_MS = 120_000;
const STOP_MS = 90_000;
/** Where a profile of every thread of every child goes, to be read with any viewer of `.cpuprofile` files. */
const PROFILE = 'HOLDFAST_BENCH_PROFILE';

/** Starts `file` and waits for its first word. What it needs to know goes into its environment. */
export async function startChild(
  file: 'worker.ts' | 'model.ts',
  environment: Readonly<Record<string, string>>,
): Promise<Child> {
  const profile = process.env[PROFILE];
  const child = fork(fileURLToPath(new URL(`./${file}`, import.meta.url)), {
    execArgv: [
      '--import',
      import.meta.resolve('tsx'),
      ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
    ],
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const said = await firstWord(child, file).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  const stop = async () => {
    if (child.connected) child.disconnect();
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exited;
    clearTimeout(killer);
  };
  return { pid: child.pid ?? 0, said, stop, [Symbol.asyncDispose]: stop };
}

/** Of the child: says that it is ready, and ends when its parent lets go of it. */
export function ready(said: string, stop: () => Promise<void>): void {
  process.once('disconnect', () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  process.send?.(said);
}

function firstWord(child: ChildProcess, file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${file} was not ready within ${READY_MS} ms`)), READY_MS);
    child.once('message', (message) => {
      clearTimeout(late);
      resolve(String(message));
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`${file} ended with ${code} before it was ready`));
    });
  });
}
