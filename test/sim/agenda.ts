/** What will happen in simulated time: a short list, ordered by time and then by who asked first. */
export interface Entry {
  readonly atMs: number;
  readonly run: () => void | Promise<void>;
}

export class Agenda {
  #entries: Entry[] = [];

  add(entry: Entry): Entry {
    const after = this.#entries.findIndex((other) => other.atMs > entry.atMs);
    if (after < 0) this.#entries.push(entry);
    else this.#entries.splice(after, 0, entry);
    return entry;
  }

  remove(entry: Entry | undefined): void {
    if (entry !== undefined) this.#entries = this.#entries.filter((other) => other !== entry);
  }

  peek(): Entry | undefined {
    return this.#entries[0];
  }

  take(): Entry | undefined {
    return this.#entries.shift();
  }
}
