import { setTimeout as delay } from 'node:timers/promises';
import { type Screen, seconds } from './screen.ts';
import { startWorkerProcess, type WorkerProcess } from './workerProcess.ts';

/** A worker that lived this long was sound: the next death counts as the first one again. */
const SOUND_MS = 60_000;
const MAX_DEATHS = 6;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;

export interface Supervision {
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly onReady: (worker: WorkerProcess) => Promise<void>;
  /** Runs between a death and the next start; throws when there is nothing left to start a worker for. */
  readonly beforeRestart: () => Promise<void>;
}

/**
 * Keeps one worker alive until the signal comes, then waits until it is gone. Throws with the worker's last words
 * when it dies several times in a row.
 */
export async function keepWorkerAlive(supervision: Supervision): Promise<void> {
  const { screen, signal } = supervision;
  let deaths = 0;
  while (!signal.aborted) {
    const startedMs = performance.now();
    const worker = startWorkerProcess({
      module: 'worker',
      onLine: ({ kind, text }) => {
        if (kind === 'notice') screen.said('notice', text);
        else screen.line(`  ${screen.colors.dim(`worker ${worker.pid} │ ${text}`)}`);
      },
    });
    const onAbort = () => void worker.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await worker.ready;
      await supervision.onReady(worker);
    } catch (error) {
      // A worker that never got ready has ended, or hangs: either way there is to be none.
      await worker.stop();
      if (!signal.aborted) screen.line(`  ${screen.colors.red('✗')} ${firstLine(error)}`);
    }
    const exit = await worker.exited;
    signal.removeEventListener('abort', onAbort);
    if (signal.aborted) return;
    deaths = performance.now() - startedMs > SOUND_MS ? 1 : deaths + 1;
    if (deaths >= MAX_DEATHS)
      throw new Error(
        `the worker died ${deaths} times in a row (${exit.words}); its last words:\n${worker.tail().trim()}`,
      );
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (deaths - 1));
    screen.line(
      `  ${screen.colors.yellow('!')} worker ${worker.pid} ended (${exit.words}); another one starts in ${seconds(pauseMs)}. ` +
        'Runs wait, and go on where they were.',
    );
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await supervision.beforeRestart();
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
