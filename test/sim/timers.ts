/** The server's timers of one run. */
import type { Agenda, Entry } from './agenda.ts';
import { type Job, makeJob, type WireCommand } from './vm.ts';
import { durationMs, readSummary } from './wire.ts';

export interface PendingTimer {
  readonly seq: number;
  readonly summary?: string;
  readonly startedAtMs: number;
  readonly firesAtMs: number;
}

export interface TimerServerOptions {
  readonly agenda: Agenda;
  readonly now: () => number;
  readonly fire: (job: Job) => void;
}

export class TimerServer {
  readonly #options: TimerServerOptions;
  readonly #timers = new Map<number, { readonly view: PendingTimer; readonly entry: Entry }>();

  constructor(options: TimerServerOptions) {
    this.#options = options;
  }

  /** Soonest first. */
  get pending(): readonly PendingTimer[] {
    return [...this.#timers.values()].map((timer) => timer.view).sort((a, b) => a.firesAtMs - b.firesAtMs);
  }

  start(command: WireCommand): void {
    const seq = command.startTimer?.seq ?? 0;
    const startedAtMs = this.#options.now();
    const firesAtMs = startedAtMs + (durationMs(command.startTimer?.startToFireTimeout) ?? 0);
    const summary = readSummary(command.userMetadata);
    const entry = this.#options.agenda.add({
      atMs: firesAtMs,
      run: () => {
        this.#timers.delete(seq);
        this.#options.fire(makeJob({ fireTimer: { seq } }));
      },
    });
    const view = { seq, ...(summary === undefined ? {} : { summary }), startedAtMs, firesAtMs };
    this.#timers.set(seq, { view, entry });
  }

  /** A timer that has fired already is gone, and cancelling it is nothing. */
  cancel(seq: number): void {
    this.#options.agenda.remove(this.#timers.get(seq)?.entry);
    this.#timers.delete(seq);
  }

  clear(): void {
    for (const seq of [...this.#timers.keys()]) this.cancel(seq);
  }
}
