import { CommanderError } from 'commander';
import { HoldfastError, type HoldfastErrorCode } from '../client.ts';
import { ConfigError } from '../config.ts';
import { UnreachableError } from '../connection.ts';
import { GateBusyError } from '../store/gate.ts';

/** Every exit code, with what it means. The help prints this table. */
export const EXIT_CODES = {
  ok: [0, 'done'],
  unexpected: [1, 'an unexpected error, or a failure that "doctor" has found'],
  usage: [2, 'wrong usage or configuration'],
  notFound: [3, 'there is no such run, approval, release or agent'],
  refused: [4, 'refused: a decision that cannot count, a bad message, a run that has ended'],
  unreachable: [5, 'Temporal or the database cannot be reached'],
  noAnswer: [6, 'no answer in time; what was sent is kept and counts'],
  tampered: [7, 'the audit or another record was edited, cut or lost'],
  differs: [8, 'this build would break runs that are open'],
  busy: [9, 'others were in the way for too long: nothing was changed, try again'],
} as const;

export type Exit = keyof typeof EXIT_CODES;

/** A failure in words for a person: what, the rule it broke, what to do next. `code` is for programs. */
export class CommandError extends Error {
  readonly exit: Exit;
  readonly code: string;

  constructor(exit: Exit, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exit = exit;
    this.code = code;
  }
}

/** Any error as one that knows its exit code. Null for help and version, which commander throws too. */
export function asCommandError(error: unknown): CommandError | null {
  if (error instanceof CommandError) return error;
  const cause = { cause: error };
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? null : new CommandError('usage', 'usage', usageWords(error), cause);
  if (error instanceof HoldfastError)
    return new CommandError(EXIT_OF[error.code], error.code, error.message, cause);
  if (error instanceof ConfigError) return new CommandError('usage', 'configuration', error.message, cause);
  if (error instanceof UnreachableError)
    return new CommandError('unreachable', 'unreachable', error.message, cause);
  if (error instanceof GateBusyError) return new CommandError('busy', 'gate_busy', error.message, cause);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandError('unexpected', 'unexpected', text, cause);
}

function usageWords(error: CommanderError): string {
  const words = error.message.replace(/^error: /, '');
  // What commander throws after it has shown the help unasked.
  const what = words === '(outputHelp)' ? 'a command is missing' : words;
  return `${what} (see "holdfast --help", or --help after a command)`;
}

const EXIT_OF: Readonly<Record<HoldfastErrorCode, Exit>> = {
  bad_options: 'usage',
  bad_start: 'usage',
  bad_steering: 'usage',
  bad_message: 'refused',
  bad_decision: 'refused',
  already_started: 'refused',
  ended: 'refused',
  busy: 'refused',
  not_found: 'notFound',
  failed: 'unexpected',
  timed_out: 'noAnswer',
  unreachable: 'unreachable',
};
