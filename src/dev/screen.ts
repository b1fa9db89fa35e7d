import type { WriteStream } from 'node:tty';
import pico from 'picocolors';

/** A line that says the same thing again is printed this often where lines cannot be rewritten. */
const SPARSE_MS = 5_000;
const TICK_MS = 250;
const MAX_COLUMNS = 110;
const LABEL_COLUMNS = 11;

type Colors = ReturnType<typeof pico.createColors>;

/** Where a person watches: a terminal whose last line can be rewritten, or a log. */
export class Screen {
  readonly colors: Colors;
  /** True on a terminal. */
  readonly live: boolean;
  readonly #stream: NodeJS.WriteStream | WriteStream;
  #ticking = false;
  #quietUntilMs = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.live = stream.isTTY === true;
    const wanted = this.live && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb';
    this.colors = pico.createColors(wanted || process.env.FORCE_COLOR !== undefined);
  }

  get columns(): number {
    return Math.min(this.live ? this.#stream.columns || 80 : MAX_COLUMNS, MAX_COLUMNS);
  }

  line(text = ''): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** `label` in a column of its own, `text` wrapped beside it. */
  said(label: string, text: string): void {
    const lines = wrap(text, this.columns - LABEL_COLUMNS - 2);
    lines.forEach((line, i) => {
      this.line(`  ${this.colors.bold((i === 0 ? label : '').padEnd(LABEL_COLUMNS))}${line}`);
    });
  }

  note(text: string): void {
    for (const line of wrap(text, this.columns - LABEL_COLUMNS - 2))
      this.line(`  ${' '.repeat(LABEL_COLUMNS)}${this.colors.dim(line)}`);
  }

  /** What is going on right now. On a terminal it stays the last line; elsewhere it is printed now and then. */
  tick(text: string): void {
    if (this.live) {
      this.#stream.write(`\r\x1b[2K${this.colors.dim(text.slice(0, this.columns - 1))}`);
      this.#ticking = true;
      return;
    }
    const nowMs = performance.now();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + SPARSE_MS;
    this.#stream.write(`${text}\n`);
  }

  /** Takes the last line of `tick` away. */
  clear(): void {
    if (!this.#ticking) return;
    this.#stream.write('\r\x1b[2K');
    this.#ticking = false;
  }

  /** Shows `text` with the seconds it takes until `work` is done; says nothing by itself about the end. */
  async during<Result>(text: () => string, work: Promise<Result>): Promise<Result> {
    const startedMs = performance.now();
    if (!this.live) this.#quietUntilMs = startedMs + SPARSE_MS;
    const show = () => this.tick(`  ${text()} … ${seconds(performance.now() - startedMs)}`);
    if (this.live) show();
    const timer = setInterval(show, TICK_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      this.clear();
    }
  }

  /** A step of the preparations: progress while it lasts, one line when it is done. */
  async step<Result>(text: string, work: Promise<Result>): Promise<Result> {
    const startedMs = performance.now();
    const result = await this.during(() => text, work);
    this.line(
      `  ${this.colors.green('✓')} ${text} ${this.colors.dim(seconds(performance.now() - startedMs))}`,
    );
    return result;
  }
}

/** `12 ms`, `1.4 s` */
export function seconds(ms: number): string {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** `12,345`, the same on every machine. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function wrap(text: string, width: number): readonly string[] {
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    return [...lines, line];
  });
}
