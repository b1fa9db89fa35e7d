import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';

/** Runs in a thread of its own, so it is text: what it sees is the counter, and nothing else of the process turns. */
const WATCH = `
const { writeSync } = require('node:fs');
const { workerData: { beats, everyMs, stuckMs } } = require('node:worker_threads');
const counter = new Int32Array(beats);
let seen = 0;
let silentMs = 0;
setInterval(() => {
  const now = Atomics.load(counter, 0);
  // Counted in ticks of its own: a process that was stopped and goes on is not one that hangs.
  silentMs = now === seen ? silentMs + everyMs : 0;
  seen = now;
  if (silentMs < stuckMs) return;
  writeSync(2, 'the event loop of process ' + process.pid + ' has not turned for ' + stuckMs + ' ms: it is ended\\n');
  process.kill(process.pid, 'SIGKILL');
}, everyMs);
`;

/**
 * Ends this process with SIGKILL when its event loop does not turn for `stuckMs`: code that never comes back holds
 * everything else in the process, and nothing inside it can say so. Returns how to stop watching. A debugger stops the
 * loop for its own reasons, so with one nothing is watched.
 */
export function watchEventLoop({
  stuckMs,
  everyMs,
}: {
  readonly stuckMs: number;
  readonly everyMs: number;
}): () => Promise<void> {
  if (inspectorUrl() !== undefined) return async () => undefined;
  const beats = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const counter = new Int32Array(beats);
  const watch = new Worker(WATCH, { eval: true, workerData: { beats, everyMs, stuckMs }, execArgv: [] });
  watch.unref();
  const beat = setInterval(() => Atomics.add(counter, 0, 1), everyMs / 2);
  beat.unref();
  return async () => {
    clearInterval(beat);
    await watch.terminate();
  };
}
