import { retrySignal } from '../../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../../e2e/lab.ts';
import { endsBeside } from './beside.ts';
import { readEnds, type Started } from './ends.ts';
import type { Part } from './part.ts';
import { openPeople } from './people.ts';
import { endsOf, startGolden } from './play.ts';
import { startProcess } from './process.ts';
import { openBench, type Stage } from './stage.ts';
import { superviseWorkers } from './supervisor.ts';
import { SPINS, THROWS } from './words.ts';

const BESIDE = ['approval', 'reads', 'parallel', 'approval', 'reconcile'] as const;
const STUCK_MS = 120_000;

/**
 * Workflow code that throws, or never comes back, at one answer: its runs wait for a good deploy, and no other does. What
 * never comes back is cut off by the SDK after 5 s, which on Node 20 ends the process (nodejs/node#38503).
 */
export async function playBugs(stage: Stage, words: readonly string[]): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  const { start, startedAs } = startsIn(lab);
  await using people = openPeople(lab, stage.payments);
  const bad = await superviseWorkers(1, { environment, planted: './plantedBugs.ts' });
  const throwing = await start(THROWS);
  await until('the run that throws parks as a bug', () => isInState(lab, throwing, 'bug'), STUCK_MS);
  const spinning = words.includes(SPINS) ? [await start(SPINS)] : [];
  for (const handle of spinning) await until('the task that spins fails', () => isFailing(handle), STUCK_MS);
  const problems: string[] = [];
  const startedAtMs = performance.now();
  const beside = await Promise.all(BESIDE.map((kind) => start(kind)));
  await endsBeside(lab, beside, problems);
  const besideMs = performance.now() - startedAtMs;
  if (!(await isInState(lab, throwing, 'bug'))) problems.push('the run that throws did not stay parked');
  for (const handle of spinning)
    if (!(await isFailing(handle))) problems.push('the run that spins went on with the bug still there');
  const { deaths } = bad;
  await bad[Symbol.asyncDispose]();
  await using good = await startProcess({ environment });
  const readyAtMs = performance.now();
  await throwing.signal(retrySignal, { by: 'operator' });
  await endsOf([throwing, ...spinning]);
  const backMs = performance.now() - readyAtMs;
  const runs = [throwing, ...spinning, ...beside];
  const ends = await readEnds(lab, stage.payments, startedAs(runs), { decisions: people.decisions });
  await good.kill('SIGTERM');
  return {
    name: 'bugs in workflow code',
    faults: 1 + spinning.length,
    runs: runs.length,
    ...ends,
    recoveryMs: [backMs],
    problems: [...problems, ...ends.problems],
    vacuous: [],
    figures: { besideTheBugsMs: Math.round(besideMs), deathsOfTheTaskThatSpins: deaths.length },
  };
}

/** A deploy that cannot replay what runs: they wait, those that begin with it go on, and the old code heals all. */
export async function playDrift(stage: Stage): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  const { start, startedAs } = startsIn(lab);
  const parked = ['approval', 'approval', 'landing'] as const;
  const first = await startProcess({ environment });
  const waiting = await Promise.all(parked.map((kind, index) => start(kind, `parked ${index} ${kind}`)));
  const answersFor = new Map(waiting.map(({ workflowId }) => [workflowId, 0]));
  for (const handle of waiting)
    await until(
      'a run that waits for people',
      async () => ['waiting', 'landed'].includes((await stateOf(lab, handle)) ?? ''),
      STUCK_MS,
    );
  await first.kill('SIGKILL');
  const bad = await startProcess({ environment, planted: './plantedDrift.ts' });
  await using people = openPeople(lab, stage.payments, { answersFor });
  const problems: string[] = [];
  const beside = await Promise.all(BESIDE.map((kind) => start(kind)));
  await endsBeside(lab, beside, problems);
  people.goOn();
  for (const handle of waiting)
    await until('a task that cannot be replayed', () => isFailing(handle), STUCK_MS);
  const late = await start('approval', 'begun while others fail');
  await endsBeside(lab, [late], problems);
  await bad.kill('SIGKILL');
  await using good = await startProcess({ environment });
  const readyAtMs = performance.now();
  await endsOf(waiting);
  const backMs = performance.now() - readyAtMs;
  const runs = [...waiting, ...beside, late];
  const ends = await readEnds(lab, stage.payments, startedAs(runs), { decisions: people.decisions });
  await good.kill('SIGTERM');
  return {
    name: 'a deploy that cannot replay',
    faults: waiting.length,
    runs: runs.length,
    ...ends,
    recoveryMs: [backMs],
    problems: [...problems, ...ends.problems],
    vacuous: [],
    figures: {},
  };
}

/** Starts runs, and keeps which kind each is of. */
export function startsIn(lab: Lab): {
  readonly start: (kind: string, name?: string) => Promise<Handle>;
  /** Those of these handles, each with what was said to it: its opening, and `more`. */
  readonly startedAs: (
    handles: readonly Handle[],
    more?: (handle: Handle) => readonly string[],
  ) => readonly Started[];
} {
  const kinds = new Map<string, string>();
  return {
    start: (kind, name = kind) => {
      const workflowId = `${lab.config.taskQueue} ${name} ${kinds.size + 1}`;
      kinds.set(workflowId, kind);
      return startGolden(lab, kind, workflowId);
    },
    startedAs: (handles, more = () => []) =>
      handles.map((handle) => {
        const kind = kinds.get(handle.workflowId) ?? '';
        return { kind, handle, heard: [kind, ...more(handle)] };
      }),
  };
}

/** What lists say of a run; nothing before it has a row. */
export async function stateOf(lab: Lab, { workflowId }: Handle): Promise<string | undefined> {
  const [there] = await lab.sql<{ there: boolean }[]>`select to_regclass('runs') is not null as there`;
  if (there?.there !== true) return undefined;
  const [row] = await lab.sql<{ state: string }[]>`select state from runs where workflow_id = ${workflowId}`;
  return row?.state;
}

export async function isInState(lab: Lab, handle: Handle, state: string): Promise<boolean> {
  return (await stateOf(lab, handle)) === state;
}

/** Its workflow task has failed and is tried again. */
export async function isFailing(handle: Handle): Promise<boolean> {
  const { raw } = await handle.describe();
  return (raw.pendingWorkflowTask?.attempt ?? 0) > 1;
}
