import type { Command } from 'commander';
import { runOf } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { formatMicroUsd } from '../core/money.ts';
import { parkedAs, RUN_PHASE_NAMES } from '../core/runPhases.ts';
import { readRun } from '../store/runView.ts';
import { findRun, listRuns, type RunFilter, type RunRow } from '../store/views.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import { oneOf, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { shownRun, showText } from './show.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

const LIST_ROWS = 20;

/** Commands that read the store and nothing else. */
export function addReadingCommands(program: Command, run: Run): void {
  program
    .command('list')
    .description('list runs, the one that moved last first')
    .option('--state <state>', RUN_PHASE_NAMES.join(', '), oneOf(RUN_PHASE_NAMES))
    .option('--agent <name>', 'of this agent only')
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIST_ROWS)
    .action((filter: RunFilter) => run((session) => list(session, filter)));
  program
    .command('show')
    .description(
      'show a run: facts, conversation, calls, effects, approvals, and whether its records are whole',
    )
    .argument('<id>', 'workflow id, run id or approval id')
    .option('--transcript', 'the whole conversation, with every call and result', false)
    .action((id: string, flags: { readonly transcript: boolean }) =>
      run((session) => show(session, id, flags.transcript ? 'whole' : 'short')),
    );
}

async function list(session: Session, filter: RunFilter): Promise<undefined> {
  const runs = await session.store((sql) => listRuns(sql, filter));
  session.terminal.show({ runs }, (shown, paint, columns) => listText(shown.runs, paint, columns));
  return undefined;
}

function listText(runs: readonly RunRow[], paint: Colors, columns: number): string {
  if (runs.length === 0)
    return 'no runs (a run is listed from its first model call on; start one with "holdfast start")';
  return table(
    ['moved (UTC)', 'state', 'agent', 'requester', 'steps', 'cost', 'asks', 'workflow id'],
    runs.map((run) => [
      moment(run.updatedAt),
      stateCell(run, paint),
      run.agent,
      run.requester,
      String(run.step),
      formatMicroUsd(run.costMicroUsd),
      run.openApprovals === 0 ? '' : String(run.openApprovals),
      run.workflowId,
    ]),
    paint,
    columns,
  );
}

export function stateCell(
  run: Pick<RunRow, 'state' | 'outcome' | 'reason'>,
  paint: Colors,
): { readonly text: string; readonly paint: (text: string) => string } {
  if (run.state !== 'ended')
    return { text: run.state, paint: parkedAs(run.state)?.needsPeople === true ? paint.yellow : paint.cyan };
  const text = run.reason === null ? `${run.outcome}` : `${run.outcome} (${run.reason})`;
  return { text, paint: run.outcome === 'completed' ? paint.green : paint.red };
}

async function show(session: Session, id: string, length: 'short' | 'whole'): Promise<number | undefined> {
  const { found, view } = await session.store(async (sql) => {
    const run = await findRun(sql, runOf(id) ?? id);
    if (run === null)
      throw new CommandError(
        'notFound',
        'not_found',
        `there is no run "${id}" in the store: list them with "holdfast list" (a run is there from its first model call on)`,
      );
    return { found: run, view: await readRun(sql, run.row) };
  });
  session.terminal.show(shownRun(found, view, length), showText);
  const problems = [view.chain.problem, view.audit.problem].filter((problem) => problem !== null);
  if (problems.length === 0) return undefined;
  session.terminal.note(`the records of this run were tampered with or damaged: ${problems.join('; ')}`);
  return EXIT_CODES.tampered[0];
}
