import { until } from '../../test/e2e/lab.ts';

/** How long a crowd of runs may take for what it was told to do. */
const ARRIVE_MS = 15 * 60_000;

/** Times of model calls by run. Every run begins with a call and is there with its last one, the answer after its steps. */
export class Clock {
  readonly #calls = new Map<string, number[]>();
  #last = 0;
  #there = 0;

  /** From now on runs take so many steps. */
  begin(steps: number): void {
    this.#calls.clear();
    this.#last = steps + 1;
    this.#there = 0;
  }

  call(run: string): void {
    const times = this.#calls.get(run) ?? [];
    times.push(performance.now());
    this.#calls.set(run, times);
    if (times.length === this.#last) this.#there += 1;
  }

  /** Resolves when so many runs have taken their steps. */
  async allThere(runs: number): Promise<void> {
    await until(`${runs} runs to take their steps`, async () => this.#there >= runs, ARRIVE_MS);
  }

  /** From the first call to the last one, and from each call of a run to its next one, in milliseconds. */
  taken(): { readonly elapsedMs: number; readonly stepMs: readonly number[] } {
    const runs = [...this.#calls.values()];
    const wrong = runs.find((times) => times.length !== this.#last);
    if (wrong !== undefined)
      throw new Error(`a run called its model ${wrong.length} times in place of ${this.#last}`);
    const first = Math.min(...runs.map(([time]) => time ?? Number.NaN));
    const last = Math.max(...runs.map((times) => times.at(-1) ?? Number.NaN));
    return {
      elapsedMs: last - first,
      stepMs: runs.flatMap((times) => times.slice(1).map((time, i) => time - (times[i] ?? time))),
    };
  }
}
