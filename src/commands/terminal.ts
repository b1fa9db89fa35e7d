import pc from 'picocolors';
import { printable } from '../core/text.ts';
import { type CommandError, EXIT_CODES } from './failures.ts';

export type Colors = ReturnType<typeof pc.createColors>;

type Human<Value> = (value: Value, paint: Colors, columns: number) => string;

/** Where a command's words go: the answer to stdout, everything said on the way to stderr. */
export interface Terminal {
  readonly json: boolean;
  /**
   * The command's one answer. With `--json` it is printed as it is; else as `human` puts it, who gets it with every
   * text made safe to print.
   */
  show<Value>(value: Value, human: Human<Value>): void;
  /** One of several answers, as they come: with `--json` a line each. */
  say<Value>(value: Value, human: Human<Value>): void;
  /** Something worth knowing besides the answer. */
  note(words: string): void;
  /** How far long work has come: one line that replaces itself, on a terminal only. Empty words take it away. */
  progress(words: string): void;
  fail(error: CommandError): void;
}

/** The part of a stream that a command needs. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface TerminalOptions {
  readonly json: boolean;
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_COLUMNS = 160;

export function createTerminal(options: TerminalOptions): Terminal {
  const { json, stdout, stderr, environment } = options;
  const paint = pc.createColors(wantsColor(stdout, environment));
  const warn = pc.createColors(wantsColor(stderr, environment));
  const print = <Value>(value: Value, human: Human<Value>, indent: number) => {
    const text = json
      ? JSON.stringify(value, null, indent)
      : human(printable(value), paint, stdout.columns ?? DEFAULT_COLUMNS);
    stdout.write(`${text}\n`);
  };
  return {
    json,
    show: (value, human) => print(value, human, 2),
    say: (value, human) => print(value, human, 0),
    note: (words) => {
      stderr.write(`${warn.yellow(printable(words))}\n`);
    },
    progress: (words) => {
      if (stderr.isTTY === true) stderr.write(`\r${warn.dim(printable(words))}\u001b[K`);
    },
    fail: (error) => {
      const [exit] = EXIT_CODES[error.exit];
      stderr.write(`${warn.red('error:')} ${printable(error.message)}\n`);
      // Programs always get their one JSON value; it is one line, where lines came before it too.
      if (json)
        stdout.write(`${JSON.stringify({ error: { code: error.code, message: error.message, exit } })}\n`);
    },
  };
}

/** The convention of no-color.org; FORCE_COLOR wins over a stream that is no terminal. */
export function wantsColor(
  stream: Stream,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const set = (name: string) => (environment[name] ?? '') !== '';
  if (set('NO_COLOR')) return false;
  if (set('FORCE_COLOR')) return environment.FORCE_COLOR !== '0';
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
