/** Why a call was aborted; `no` while it was not. The first reason wins. */
export type Aborted = 'no' | 'cancelled' | 'stalled' | 'timeout';

/** Bounds one call: it aborts `signal` when the caller does, when no byte came for too long, or when the whole call takes too long. */
export interface Watchdog {
  readonly signal: AbortSignal;
  aborted(): Aborted;
  /** A byte arrived. */
  touch(): void;
  /** From now on the silence may last this long only. */
  limitSilence(timeoutMs: number): void;
  /** Releases timers and listeners. Call it always. */
  stop(): void;
}

export function startWatchdog(limits: {
  readonly signal: AbortSignal;
  readonly stallTimeoutMs: number;
  readonly callTimeoutMs: number;
}): Watchdog {
  const controller = new AbortController();
  let aborted: Aborted = 'no';
  const abort = (reason: Aborted) => {
    if (aborted !== 'no') return;
    aborted = reason;
    controller.abort();
  };
  const cancel = () => abort('cancelled');
  const stall = () => abort('stalled');
  const total = setTimeout(() => abort('timeout'), limits.callTimeoutMs);
  let silence = setTimeout(stall, limits.stallTimeoutMs);
  if (limits.signal.aborted) cancel();
  limits.signal.addEventListener('abort', cancel);

  return {
    signal: controller.signal,
    aborted: () => aborted,
    touch: () => {
      silence.refresh();
    },
    limitSilence: (timeoutMs) => {
      clearTimeout(silence);
      silence = setTimeout(stall, timeoutMs);
    },
    stop: () => {
      clearTimeout(total);
      clearTimeout(silence);
      limits.signal.removeEventListener('abort', cancel);
    },
  };
}

/**
 * A `fetch` that reports every chunk of the response body before anyone parses it. The SDK drops pings before it
 * yields events, and its own timeout ends with the headers, so only the bytes tell a slow answer from a dead one.
 * `onBytes` may throw to end the body with that error.
 */
export function watchBytes(onBytes: (count: number) => void): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    onBytes(0);
    if (response.body === null) return response;
    const tap = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, stream) => {
        onBytes(chunk.byteLength);
        stream.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(tap), { status, statusText, headers });
  };
}
