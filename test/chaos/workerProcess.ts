import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from '../e2e/lab.ts';
import type { FromWorker, Point, ToWorker, Word } from './points.ts';

/** A worker in a process of its own, seen from the test. */
export interface WorkerProcess extends AsyncDisposable {
  /** Resolves when the attempts of all workflows of the plan are held, each at its point. */
  held(): Promise<void>;
  /** Lets a held attempt go on; a stopped process finds the word when it wakes. */
  release(workflowId: string, word: Word): void;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;
}

const BARRIER = 'effect:before-claim';

/**
 * `plan`: at which point the first attempt of each workflow is held. Everything else goes on at once. The attempts
 * gather before their claims and go on together, so that none runs out of time while others are on their way.
 */
export async function startWorkerProcess(
  environment: Readonly<Record<string, string>>,
  plan: ReadonlyMap<string, Point> = new Map(),
): Promise<WorkerProcess> {
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, ...environment },
    // Standard output is for what the caller reports.
    stdio: ['ignore', 2, 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const held = new Map<string, { readonly id: number; readonly point: Point }>();
  const passed = new Set<string>();
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') return resolve();
      const { id, workflowId, point } = message;
      const planned = plan.get(workflowId);
      const first = point === BARRIER ? !held.has(workflowId) : !passed.has(workflowId);
      if (first && planned !== undefined && (point === BARRIER || point === planned)) {
        if (point !== BARRIER) passed.add(workflowId);
        held.set(workflowId, { id, point });
      } else answer(child, { id, word: 'go' });
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it was ready`)));
  });
  await ready;
  const signal = (name: NodeJS.Signals) => {
    child.kill(name);
  };
  const release = (workflowId: string, word: Word) => {
    const at = held.get(workflowId);
    if (at === undefined) throw new Error(`no attempt of ${workflowId} is held`);
    answer(child, { id: at.id, word });
  };
  return {
    held: async () => {
      await until(`${plan.size} attempts before their claims`, async () => held.size === plan.size);
      const onTheirWay = [...plan].filter(([, point]) => point !== BARRIER);
      for (const [workflowId] of onTheirWay) release(workflowId, 'go');
      await until(`${plan.size} attempts at their points`, async () =>
        onTheirWay.every(([workflowId, point]) => held.get(workflowId)?.point === point),
      );
    },
    release,
    signal,
    exited,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) signal('SIGKILL');
      await exited;
    },
  };
}

/** A process that has just died takes no answers. */
function answer(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined);
}
