import type { Happening } from './follow.ts';
import { type Screen, seconds } from './screen.ts';

const TICK_MS = 250;

/** One conversation on the screen: what was said, what the run does, how long each thing took. */
export class ConversationView {
  readonly #screen: Screen;
  readonly #customer: string;
  readonly #running = new Map<number, { readonly summary: string; readonly atMs: number }>();
  readonly #said = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #waitsFor: (() => string) | null = null;

  constructor(screen: Screen, customer: string) {
    this.#screen = screen;
    this.#customer = customer;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  show(happening: Happening, atMs: number): void {
    switch (happening.kind) {
      case 'said':
        // Asking for an answer again after a decision sends the same message once more; it counts once.
        if (!this.#said.has(happening.id)) this.#screen.said(this.#customer, happening.text);
        this.#said.add(happening.id);
        return;
      case 'started':
        this.#running.set(happening.event, { summary: happening.summary, atMs });
        this.#tick();
        return;
      case 'finished': {
        const one = this.#running.get(happening.event);
        this.#running.delete(happening.event);
        this.#waitsFor = null;
        if (one !== undefined)
          this.#screen.note(
            `· ${one.summary.padEnd(Math.min(62, this.#screen.columns - 24))} ${seconds(happening.atMs - one.atMs)}`,
          );
        return;
      }
      case 'replied':
        if (happening.reply.kind === 'answered') this.#screen.said('agent', happening.reply.text ?? '');
        else if (happening.reply.kind === 'landed')
          this.#screen.said('landed', happening.reply.text ?? 'a limit was reached');
        return;
      default:
        happening satisfies never;
    }
  }

  /** Something that takes its time, and why; over when null comes or the run moves on. */
  waitFor(words: (() => string) | null): void {
    this.#waitsFor = words;
    this.#tick();
  }

  /** What runs now, in words. */
  get running(): string | null {
    const [one] = this.#running.values();
    return one?.summary ?? null;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#screen.clear();
  }

  #tick(): void {
    const [running] = this.#running.values();
    const indent = ' '.repeat(13);
    if (this.#waitsFor !== null) this.#screen.tick(`${indent}… ${this.#waitsFor()}`);
    else if (running !== undefined && this.#screen.live) this.#screen.tick(`${indent}· ${running.summary} …`);
  }
}
