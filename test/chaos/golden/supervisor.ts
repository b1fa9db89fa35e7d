import { type GoldenProcess, type ProcessOptions, startProcess } from './process.ts';

/** So many deaths are a loop, and the campaign has failed. */
const DEATHS_MAX = 60;

/** Worker processes of which each that dies is followed by another. */
export interface Supervised extends AsyncDisposable {
  /** How each that died had ended, in order. */
  readonly deaths: readonly string[];
}

export async function superviseWorkers(count: number, options: ProcessOptions): Promise<Supervised> {
  const deaths: string[] = [];
  let over = false;
  let ready: () => void = () => undefined;
  const alive = new Set<GoldenProcess>();
  const keep = async () => {
    while (!over) {
      // It polls before it says that it is ready, so it may die before that.
      const worker = await startProcess(options).catch((error: Error) => error.message);
      let how: string;
      if (typeof worker === 'string') how = worker;
      else {
        alive.add(worker);
        ready();
        if (over) return worker[Symbol.asyncDispose]();
        how = await worker.exited;
        alive.delete(worker);
      }
      if (over) return;
      deaths.push(how);
      if (deaths.length > DEATHS_MAX) throw new Error(`${deaths.length} workers died`);
    }
  };
  const first = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const kept = Promise.all(Array.from({ length: count }, keep));
  await Promise.race([first, kept]);
  return {
    deaths,
    [Symbol.asyncDispose]: async () => {
      over = true;
      for (const worker of alive) await worker[Symbol.asyncDispose]();
      // Too many deaths end the keeping; they are counted, and whoever asked for the workers judges them.
      await kept.catch(() => undefined);
    },
  };
}
