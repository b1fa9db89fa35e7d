import type { Command } from 'commander';
import type { Run } from './program.ts';

/** The local stack. Its modules are loaded only here: the other commands start without them. */
export function addLocalCommands(program: Command, run: Run): void {
  program
    .command('dev')
    .description('keep PostgreSQL, Temporal with its UI, a scripted model and a worker up')
    .action(() =>
      run(async (_session, { json }) => {
        const { runDev } = await import('../dev/dev.ts');
        return runDev({ json });
      }),
    );
  program
    .command('demo')
    .description(
      'play four conversations: a question, an approval, a worker killed in the middle of an effect, and an approval that takes three days of compressed time',
    )
    .option('--yes', 'approve what is asked without asking back', false)
    .option('--scripted', 'use the scripted model even where ANTHROPIC_API_KEY is set', false)
    .action((options: { readonly yes: boolean; readonly scripted: boolean }) =>
      run(async (_session, { json }) => {
        const { runDemo } = await import('../dev/demo.ts');
        return runDemo({ yes: options.yes, scripted: options.scripted, json });
      }),
    );
}
