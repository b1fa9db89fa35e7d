/*
 * For every promise of a workflow the SDK takes a stack, maps it to its sources and keeps it until the promise settles, for
 * the query `__stack_trace`. That is a third of a worker's time in workflow code, and it says nothing about our runs that their
 * card does not say better. There is no option to leave it out, so its way to the sandbox's `Error` leads to one without
 * a stack; errors that are thrown keep theirs.
 *
 * The SDK (1.24, `worker/src/workflow/vm-shared.ts`) reaches into the sandbox by `promise.constructor.constructor(code)()`, which
 * is `Function` unless `Promise` says otherwise. Loaded once a worker thread, before the SDK freezes what all runs share.
 */

class Stackless {
  readonly stack = undefined;
}

/** What the SDK asks for, compiled once. */
const KNOWN: Readonly<Record<string, () => unknown>> = {
  'return globalThis.__TEMPORAL_ACTIVATOR__': reader('return globalThis.__TEMPORAL_ACTIVATOR__'),
  'return globalThis.Error': () => Stackless,
};

function reader(code: string): () => unknown {
  return Function(code) as () => unknown;
}

Object.defineProperty(Promise, 'constructor', { value: (code: string) => KNOWN[code] ?? reader(code) });
