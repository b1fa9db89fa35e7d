import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { oneLine, wellFormed } from '../core/text.ts';
import { acceptHandOver, findHandOver, type HandOverRow, listHandOvers } from '../store/handovers.ts';
import { findRun } from '../store/views.ts';
import { CommandError } from './failures.ts';
import { wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { facts, moment } from './table.ts';
import type { Colors } from './terminal.ts';

/** Conversations that were given to people. They have ended, so this needs no worker and no Temporal. */
export function addHandOverCommands(program: Command, run: Run): void {
  program
    .command('handovers')
    .description('list conversations that wait for somebody to take them over, the oldest first')
    .option('--all', 'accepted ones too, the newest first', false)
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIMITS.listRows)
    .action((flags: { readonly all: boolean; readonly limit: number }) =>
      run(async (session) => {
        const handOvers = await session.store((sql) => listHandOvers(sql, flags));
        session.terminal.show({ handOvers }, (shown, paint) => listText(shown.handOvers, flags.all, paint));
        return undefined;
      }),
    );
  program
    .command('accept')
    .description('take over a conversation: from now on it is yours')
    .argument('<id>', 'run id or workflow id')
    .requiredOption('--by <name>', 'who takes it')
    .action((id: string, flags: { readonly by: string }) => run((session) => accept(session, id, flags.by)));
}

async function accept(session: Session, id: string, by: string): Promise<undefined> {
  const name = wellFormed(by).trim();
  if (name === '' || name.length > LIMITS.personChars)
    throw new CommandError('usage', 'usage', `--by has 1 to ${LIMITS.personChars} characters`);
  const { handOver, acceptance } = await session.store(async (sql) => {
    const found = await findHandOver(sql, id);
    if (found === null) throw await notHandedOver(id, (one) => findRun(sql, one));
    return {
      handOver: found,
      acceptance: await acceptHandOver(sql, found.run, { by: name, channel: 'cli' }),
    };
  });
  if (acceptance === null) throw new Error(`the hand-over of ${handOver.run} has vanished`);
  // Whoever repeats the command, because the first answer was lost, has what they wanted.
  if (!acceptance.won && acceptance.by !== name)
    throw new CommandError(
      'refused',
      'already_accepted',
      `${handOver.workflowId} was accepted by ${acceptance.by} at ${moment(acceptance.at)} UTC: speak to them, or take another ("holdfast handovers")`,
    );
  session.terminal.show(
    {
      run: handOver.run,
      workflowId: handOver.workflowId,
      acceptedBy: acceptance.by,
      acceptedAt: acceptance.at,
    },
    (shown, paint) =>
      `${paint.green('accepted')} ${shown.workflowId} by ${shown.acceptedBy}: read it with "holdfast show ${shown.run} --transcript"`,
  );
  return undefined;
}

async function notHandedOver(
  id: string,
  find: (id: string) => Promise<{ readonly row: { readonly state: string } } | null>,
): Promise<CommandError> {
  const run = await find(id);
  return run === null
    ? new CommandError(
        'notFound',
        'not_found',
        `there is no run "${id}": list what waits for somebody with "holdfast handovers"`,
      )
    : new CommandError(
        'refused',
        'not_handed_over',
        `"${id}" was not handed over to people (it is ${run.row.state}): "holdfast hand-over ${id} --by NAME" does that`,
      );
}

function listText(handOvers: readonly HandOverRow[], all: boolean, paint: Colors): string {
  if (handOvers.length === 0)
    return all ? 'no hand-overs' : 'nothing was handed over that nobody has accepted';
  return handOvers.map((one) => handOverText(one, paint)).join('\n\n');
}

const SUMMARY_CHARS = 400;

function handOverText(one: HandOverRow, paint: Colors): string {
  const accepted = one.acceptedBy !== null;
  const state = accepted ? 'accepted' : one.overdue ? 'overdue' : 'waits';
  const many = (items: readonly string[]) =>
    items.length === 0 ? null : oneLine(items.join('; '), SUMMARY_CHARS);
  return [
    `${paint.bold(one.workflowId)}  ${(accepted ? paint.dim : paint.yellow)(`[${state}]`)}`,
    facts(
      [
        ['run', one.run],
        ['queue', one.escalatedTo === null ? one.queue : `${one.queue}, then ${one.escalatedTo}`],
        ['summary', oneLine(one.summary, SUMMARY_CHARS)],
        ['done', many(one.done)],
        ['not done', many(one.notDone)],
        [
          'since',
          `${moment(one.openedAt)} UTC${one.reminded === 0 ? '' : `, reminded ${one.reminded} times`}`,
        ],
        ['accepted', accepted ? `by ${one.acceptedBy} at ${moment(one.acceptedAt ?? '')} UTC` : null],
        ['accept', accepted ? null : `holdfast accept ${one.run} --by NAME`],
      ],
      paint,
    ),
  ].join('\n');
}
