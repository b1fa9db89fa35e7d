const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Ctrl-C or a polite end from outside. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: keyof typeof codes) {
    super(`interrupted (${signal})`);
    this.exitCode = codes[signal];
  }
}

export interface Interrupts {
  /** Aborted with an `Interrupted` at the first signal. */
  readonly signal: AbortSignal;
  release(): void;
}

/** The first signal asks for an orderly end; the second one is impatience, and ends the process at once. */
export function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const removers = Object.entries(codes).map(([name, code]) => {
    const handler = () => {
      if (controller.signal.aborted) process.exit(code);
      controller.abort(new Interrupted(name as keyof typeof codes));
    };
    process.on(name, handler);
    return () => process.removeListener(name, handler);
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const remove of removers) remove();
    },
  };
}

/** The result of `work`, unless the signal comes or the time is over first. `work` itself goes on unheard. */
export async function within<Result>(
  work: Promise<Result>,
  bounds: { readonly signal: AbortSignal; readonly timeoutMs: number; readonly what: string },
): Promise<Result> {
  const { signal, timeoutMs, what } = bounds;
  signal.throwIfAborted();
  let undo = () => {};
  const ended = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    const timer = setTimeout(() => reject(new Error(`waited ${timeoutMs / 1_000} s for ${what}`)), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    undo = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  });
  // The caller has its answer; a later failure of what it gave up on is nobody's any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, ended]);
  } finally {
    undo();
  }
}
