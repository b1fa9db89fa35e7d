import type { HoldfastClient, Steer } from '../../src/client.ts';
import { asCommandError } from '../../src/commands/failures.ts';
import { createProgram } from '../../src/commands/program.ts';
import { createTerminal } from '../../src/commands/terminal.ts';
import { onStore, type Sql } from '../../src/store/connection.ts';

/** What a command said and did. */
export interface Said {
  readonly out: string;
  readonly notes: string;
  /** Runs that it told to try again. */
  readonly woken: readonly Steer[];
  /** Null when it succeeded. */
  readonly exit: string | null;
  readonly message: string;
}

/** Runs a command on a real store, with a client that only notes which runs are told to try again. */
export async function holdfast(
  sql: Sql,
  words: readonly string[],
  wake: (input: Steer) => void = () => undefined,
): Promise<Said> {
  const [out, notes, woken]: [string[], string[], Steer[]] = [[], [], []];
  const terminal = createTerminal({
    json: words.includes('--json'),
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => notes.push(text) },
    environment: {},
  });
  const retry = async (input: Steer) => {
    wake(input);
    woken.push(input);
  };
  const client = { retry } as unknown as HoldfastClient;
  const program = createProgram(
    async (work) => {
      await work(
        { terminal, store: (use) => onStore(() => use(sql)), temporal: (use) => use(client) },
        { json: terminal.json },
      );
    },
    { version: '0', write: () => undefined },
  );
  const failed = await program.parseAsync([...words], { from: 'user' }).then(
    () => null,
    (error: unknown) => asCommandError(error),
  );
  return {
    out: out.join(''),
    notes: notes.join(''),
    woken,
    exit: failed?.exit ?? null,
    message: failed?.message ?? '',
  };
}
