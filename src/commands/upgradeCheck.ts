import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { Command } from 'commander';
import { loadDataConverter, UnreachableError } from '../connection.ts';
import { LIMITS } from '../core/limits.ts';
import type { Bundle } from '../replay/bundle.ts';
import type { NamedHistory } from '../replay/history.ts';
import type { ReplayOptions, Verdict } from '../replay/replay.ts';
import { AGENT_RUN } from '../workflows/messages.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import { named, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import { connectTarget, type Session } from './session.ts';
import { table } from './table.ts';
import { type Environment, findTarget } from './target.ts';
import type { Colors } from './terminal.ts';

interface Flags {
  readonly limit: number;
  readonly queue?: string;
}

/** Before a deploy: would this build go on with what is open, as it was begun? Reads, changes nothing, needs no worker. */
export function addUpgradeCheckCommand(program: Command, run: Run): void {
  program
    .command('upgrade-check')
    .description(
      'replay open runs of a server with the workflow code of this build, and say which it would break',
    )
    .option(
      '--limit <n>',
      'runs at most, the newest first',
      wholeNumber(1, LIMITS.upgradeRunsMax),
      LIMITS.upgradeRuns,
    )
    .option('--queue <name>', 'the task queue, instead of HOLDFAST_TASK_QUEUE', named)
    .action((flags: Flags) => run((session) => upgradeCheck(session, process.env, flags)));
}

/** What the command answers: plain JSON. */
export interface UpgradeCheck {
  readonly taskQueue: string;
  /** Runs that were open when it began, as far as the server's lists knew. */
  readonly open: number;
  readonly leftOut: number;
  readonly runs: readonly CheckedRun[];
  /** What to do about the runs that do not replay; null where there are none. */
  readonly mend: string | null;
}

export type CheckedRun = { readonly workflowId: string; readonly runId: string } & Verdict;

async function upgradeCheck(
  session: Session,
  environment: Environment,
  { limit, queue }: Flags,
): Promise<number | undefined> {
  const { terminal } = session;
  const target = findTarget({ environment, cwd: process.cwd() });
  const taskQueue = quotable(queue ?? target.taskQueue);
  const { client, close } = await connectTarget(target);
  try {
    terminal.progress('bundling the workflows of this build…');
    // Loaded only here: the other commands start without webpack.
    const { bundleWorkflows } = await import('../replay/bundle.ts');
    await quietRuntime();
    const check = await checkOpenRuns({
      client,
      taskQueue,
      limit,
      bundle: await bundleWorkflows(),
      dataConverter: await loadDataConverter(target.codecModule),
      progress: (done, of) => terminal.progress(`${done} of ${of} open runs replayed`),
    });
    terminal.progress('');
    terminal.show(check, checkText);
    return check.mend === null ? undefined : EXIT_CODES.differs[0];
  } finally {
    await close();
  }
}

/** Differences are this command's answer; the SDK would tell each of them as a warning too. */
async function quietRuntime(): Promise<void> {
  const { DefaultLogger, makeTelemetryFilterString, Runtime } = await import('@temporalio/worker');
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter } } });
}

/** Fetches open runs one at a time, so that their number costs no memory, and replays each. */
export async function checkOpenRuns(options: {
  readonly client: Client;
  readonly taskQueue: string;
  readonly limit: number;
  readonly bundle: Bundle;
  readonly dataConverter?: ReplayOptions['dataConverter'];
  readonly progress?: (done: number, of: number) => void;
}): Promise<UpgradeCheck> {
  const { client, taskQueue, limit, bundle, dataConverter, progress } = options;
  const { MEND } = await import('../replay/difference.ts');
  const { replay } = await import('../replay/replay.ts');
  try {
    const query = openRunsQuery(taskQueue);
    const { count: open } = await client.workflow.count(query);
    const of = Math.min(open, limit);
    const runs: CheckedRun[] = [];
    const histories = openHistories(client, query, limit);
    for await (const { name, workflowId, verdict } of replay(
      { bundle, ...(dataConverter && { dataConverter }) },
      histories,
    )) {
      runs.push({ workflowId, runId: name, ...verdict });
      progress?.(runs.length, of);
    }
    const mend = runs.some(isProblem) ? MEND : null;
    return { taskQueue, open, leftOut: Math.max(0, open - runs.length), runs, mend };
  } catch (error) {
    throw serverError(error);
  }
}

/** The query has no way to quote what holds quotation marks. */
function quotable(taskQueue: string): string {
  if (!/['"\\`]/.test(taskQueue)) return taskQueue;
  throw new CommandError(
    'usage',
    'usage',
    `the task queue is ${taskQueue}: only one without quotation marks can be asked for`,
  );
}

/** The server sorts by start time, the newest first, where it is not told otherwise. */
function openRunsQuery(taskQueue: string): string {
  return `WorkflowType = '${AGENT_RUN}' AND ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue}'`;
}

/** Each is named by its execution. One that ended meanwhile and was removed is left out. */
async function* openHistories(client: Client, query: string, limit: number): AsyncGenerator<NamedHistory> {
  let taken = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: Math.min(limit, 100) })) {
    try {
      const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      yield { name: runId, workflowId, history };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    taken += 1;
    if (taken >= limit) return;
  }
}

/** A run of which nothing can be known is a problem too. */
function isProblem({ kind }: CheckedRun): boolean {
  return kind === 'differs' || kind === 'blind';
}

function serverError(error: unknown): unknown {
  const grpc = error instanceof Error && isGrpcServiceError(error.cause) ? error.cause : error;
  if (!isGrpcServiceError(grpc)) return error;
  return new UnreachableError(
    `Temporal does not answer (${grpc.details}): check its address, and try again`,
    {
      cause: error,
    },
  );
}

export function checkText(check: UpgradeCheck, paint: Colors, columns: number): string {
  const { taskQueue, runs, leftOut, mend } = check;
  if (runs.length === 0) return `no runs are open on task queue ${taskQueue}: nothing can break`;
  const problems = runs.filter(isProblem);
  const good = runs.length - problems.length;
  const counted = `${runs.length} open runs on task queue ${taskQueue}: ${good} replay, ${problems.length} do not`;
  const omitted = `${leftOut} more were left out, the oldest: see --limit`;
  return [
    problems.length === 0 ? paint.green(counted) : paint.red(counted),
    ...(leftOut === 0 ? [] : [paint.yellow(omitted)]),
    ...(mend === null
      ? []
      : ['', problemTable(problems, paint, columns), '', `${paint.dim('what to do:')} ${mend}`]),
  ].join('\n');
}

function problemTable(problems: readonly CheckedRun[], paint: Colors, columns: number): string {
  const rows = problems.map((run) =>
    run.kind === 'differs'
      ? [run.workflowId, run.at ?? 'not said', run.why]
      : [run.workflowId, '', 'its history has lost the flags of the SDK, so a replay would hide differences'],
  );
  return table(['workflow id', 'differs at', 'why'], rows, paint, columns);
}
