import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { Stack } from '../../src/stack/stack.ts';
import { type Handle, type Lab, openLab } from '../e2e/lab.ts';
import { Gates, goldenAgents, plantBugs } from './goldenAgents.ts';
import { GOLDEN_RUNS, type GoldenRun } from './goldenRuns.ts';
import { neutralText } from './neutral.ts';
import { folderOf } from './places.ts';
import { Stage } from './stage.ts';

export interface Recording {
  readonly name: string;
  readonly shipped: boolean;
  /** The file's content. */
  readonly text: string;
}

/** Plays every golden run on real parts and returns its histories, one for each execution. Writes nothing. */
export async function record(
  stack: Pick<Stack, 'databaseUrl' | 'temporalAddress'>,
  progress: (line: string) => void,
  runs: readonly GoldenRun[] = GOLDEN_RUNS,
): Promise<readonly Recording[]> {
  const gates = new Gates();
  const agents = goldenAgents(gates);
  await using lab = await openLab({ ...stack, agents, conversations: [], crashPoint: plantBugs(gates) });
  const stage = new Stage(lab, gates);
  const play = async (run: GoldenRun): Promise<readonly Recording[]> => {
    const startedAtMs = Date.now();
    const recorded = await recordOne(stage, run);
    progress(`${run.name}: ${recorded.length} executions in ${Date.now() - startedAtMs} ms`);
    return recorded;
  };
  // One after the other, so that none is disturbed; but those that only wait are played beside them.
  const waiting = Promise.all(runs.filter(({ waits }) => waits === true).map(play));
  waiting.catch(() => undefined);
  const recorded: Recording[] = [];
  for (const run of runs.filter(({ waits }) => waits !== true)) recorded.push(...(await play(run)));
  return [...recorded, ...(await waiting).flat()];
}

async function recordOne(stage: Stage, run: GoldenRun): Promise<readonly Recording[]> {
  const { lab } = stage;
  const handle = await run.play(stage).catch((error: unknown) => {
    throw new Error(
      `golden run ${run.name} did not go as it should: ${error instanceof Error ? error.message : error}`,
      {
        cause: error,
      },
    );
  });
  const chain = await executionsOf(lab, handle);
  // What was parked for the recording is not needed any more.
  await handle.terminate('recorded').catch(() => undefined);
  if (lab.model.problems.length > 0)
    throw new Error(
      `golden run ${run.name}: the scripted model was asked wrongly: ${JSON.stringify(lab.model.problems)}`,
    );
  const ownWords = [lab.config.taskQueue, lab.config.databaseUrl, lab.model.url];
  return chain.map((history, i) => {
    const name = chain.length === 1 ? run.name : `${run.name}.${i + 1}`;
    return { name, shipped: run.shipped === true, text: neutralText(name, history, ownWords) };
  });
}

/** Every execution of a run, from the first to the one that is going on. */
async function executionsOf(lab: Lab, handle: Handle): Promise<readonly History[]> {
  const chain: History[] = [];
  let runId: string | undefined = handle.firstExecutionRunId;
  while (runId) {
    const history = await lab.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    chain.push(history);
    const last = history.events?.at(-1);
    runId = last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return chain;
}

/** Puts a whole recording in the place of an earlier one of the same release. */
export async function keep(release: string, recordings: readonly Recording[]): Promise<void> {
  for (const shipped of [true, false]) {
    const folder = folderOf(release, shipped);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const { name, text } of recordings.filter((one) => one.shipped === shipped))
      await writeFile(join(folder, `${name}.json`), text);
  }
}
