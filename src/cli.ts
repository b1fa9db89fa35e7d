import { readFileSync } from 'node:fs';
import { asCommandError, EXIT_CODES } from './commands/failures.ts';
import { createProgram, type Run } from './commands/program.ts';
import { openSession } from './commands/session.ts';
import { findTarget } from './commands/target.ts';
import { createTerminal } from './commands/terminal.ts';

/** Runs one command and returns its exit code; never throws. */
async function runCommandLine(words: readonly string[]): Promise<number> {
  const { env: environment, stdout, stderr } = process;
  // Known before commander reads the line, so that wrong usage is told to programs in their way too.
  const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const terminal = createTerminal({ json: options.includes('--json'), stdout, stderr, environment });
  const target = () => findTarget({ environment, cwd: process.cwd() });
  let code: number = EXIT_CODES.ok[0];
  const run: Run = async (work) => {
    code = (await work(openSession(target, terminal), { json: terminal.json })) ?? code;
  };
  try {
    const program = createProgram(run, { version: readVersion(), write: (text) => stdout.write(text) });
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    const failure = asCommandError(error);
    if (failure === null) return EXIT_CODES.ok[0];
    terminal.fail(failure);
    return EXIT_CODES[failure.exit][0];
  }
}

function readVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  const { version }: { readonly version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return version;
}

// A reader that has seen enough ("| head") is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT_CODES.ok[0]);
});
process.exitCode = await runCommandLine(process.argv.slice(2));
