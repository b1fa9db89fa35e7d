import type { RunId } from '../../../src/core/ids.ts';
import { retrySignal } from '../../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../../e2e/lab.ts';
import { readFacts } from '../facts.ts';
import type { Payments } from '../payments.ts';
import type { Part } from './part.ts';
import { openPeople } from './people.ts';
import { brokenOf, endsOf, startGolden } from './play.ts';
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
  const start = startsIn(lab);
  await using _people = openPeople(lab, stage.payments);
  const bad = await superviseWorkers(1, { environment, planted: './plantedBugs.ts' });
  const throwing = await start(THROWS);
  await until('the run that throws parks as a bug', () => isInState(lab, throwing, 'bug'), STUCK_MS);
  const spinning = words.includes(SPINS) ? [await start(SPINS)] : [];
  for (const handle of spinning) await until('the task that spins fails', () => isFailing(handle), STUCK_MS);
  const startedAtMs = performance.now();
  const beside = await Promise.all(BESIDE.map((kind) => start(kind)));
  await endsOf(beside);
  const besideMs = performance.now() - startedAtMs;
  const problems: string[] = [];
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
  const effects = await checkEnds(lab, stage.payments, runs, problems);
  await good.kill('SIGTERM');
  return {
    name: 'bugs in workflow code',
    faults: 1 + spinning.length,
    runs: runs.length,
    effects,
    recoveryMs: [backMs],
    problems,
    vacuous: [],
    figures: { besideTheBugsMs: Math.round(besideMs), deathsOfTheTaskThatSpins: deaths },
  };
}

/** A deploy that cannot replay what runs: they wait, those that begin with it go on, and the old code heals all. */
export async function playDrift(stage: Stage): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  const start = startsIn(lab);
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
  const beside = await Promise.all(BESIDE.map((kind) => start(kind)));
  await endsOf(beside);
  people.goOn();
  for (const handle of waiting)
    await until('a task that cannot be replayed', () => isFailing(handle), STUCK_MS);
  const late = await start('approval', 'begun while others fail');
  await endsOf([late]);
  await bad.kill('SIGKILL');
  await using good = await startProcess({ environment });
  const readyAtMs = performance.now();
  await endsOf(waiting);
  const backMs = performance.now() - readyAtMs;
  const problems: string[] = [];
  const runs = [...waiting, ...beside, late];
  const effects = await checkEnds(lab, stage.payments, runs, problems);
  await good.kill('SIGTERM');
  return {
    name: 'a deploy that cannot replay',
    faults: waiting.length,
    runs: runs.length,
    effects,
    recoveryMs: [backMs],
    problems,
    vacuous: [],
    figures: {},
  };
}

export function startsIn(lab: Lab): (kind: string, name?: string) => Promise<Handle> {
  let started = 0;
  return (kind, name = kind) => {
    started += 1;
    return startGolden(lab, kind, `${lab.config.taskQueue} ${name} ${started}`);
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

/** How many of them paid; what is wrong with any goes into `problems`. */
export async function checkEnds(
  lab: Lab,
  payments: Payments,
  handles: readonly Handle[],
  problems: string[],
): Promise<number> {
  let paid = 0;
  for (const handle of handles) {
    const { run, outcome } = await handle.result();
    const facts = await readFacts(lab.sql, run as RunId, (key) => payments.of(key).acts);
    const acts = Object.values(facts.acts);
    paid += acts.filter((one) => one > 0).length;
    if (outcome !== 'completed') problems.push(`${handle.workflowId} ended as ${outcome}`);
    if (acts.some((one) => one !== 1)) problems.push(`${handle.workflowId} was not paid once`);
    problems.push(...brokenOf(facts).map((problem) => `${handle.workflowId}: ${problem}`));
  }
  return paid;
}
