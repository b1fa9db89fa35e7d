import type { RunId } from '../../../src/core/ids.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import type { Handle } from '../../e2e/lab.ts';
import { readFacts } from '../facts.ts';
import { endsBeside } from './beside.ts';
import { readEnds } from './ends.ts';
import { readEvents } from './history.ts';
import type { Part } from './part.ts';
import { openPeople } from './people.ts';
import { brokenOf, endsOf, startGolden } from './play.ts';
import { openBench, type Stage } from './stage.ts';
import { superviseWorkers } from './supervisor.ts';

/** A workflow task that is lost is handed to another worker after this; a lost quick read is one. */
const TASK_TIMEOUT_MS = 3_000;
/** What the others do. */
const BESIDE = 'approval';

/** How many workers may die of one call of it. */
const DEATHS_MAX: Readonly<Record<string, number>> = {
  // Nobody may try it a second time: people are asked.
  act_once_exits: 1,
  // The call, and the check that is made when nothing else may run.
  check_exits: 2 * LIMITS.lostAttempts,
  // The task that it was a part of, and then the call by itself.
  read_quick_exits: 1 + LIMITS.lostAttempts,
  read_quick_spins: 1 + LIMITS.lostAttempts,
};

/**
 * Tools end their workers, which are started again; others work beside them all the time, `lanes` at a time. One whose
 * model call is lost with a worker is back after 30 s: the engine notices by its missing heartbeats.
 */
export async function playPoison(stage: Stage, tools: readonly string[], lanes: number): Promise<Part> {
  await using bench = await openBench(stage);
  const { lab } = bench;
  await using workers = await superviseWorkers(2, {
    environment: { ...bench.environment, GOLDEN_STUCK_MS: '3000', TOOL_TIMEOUT_MS: '1000' },
    nodeArguments: ['--max-old-space-size=400'],
  });
  await using people = openPeople(lab, stage.payments, { givesUp: true });
  const problems: string[] = [];
  const others: Handle[] = [];
  const tookMs: number[] = [];
  const beside = async (name: string) => {
    const startedAtMs = performance.now();
    const workflowId = `${lab.config.taskQueue} beside ${name}`;
    const handle = await startGolden(lab, BESIDE, workflowId, TASK_TIMEOUT_MS);
    others.push(handle);
    await endsBeside(lab, [handle], problems);
    tookMs.push(performance.now() - startedAtMs);
  };
  // Nothing is in the way of these; the poison then meets others in the middle of their way.
  await Promise.all(Array.from({ length: lanes }, (_, lane) => beside(`${lane} before`)));
  const poisoned = await Promise.all(
    tools.map((tool) => startGolden(lab, tool, `${lab.config.taskQueue} ${tool}`, TASK_TIMEOUT_MS)),
  );
  let over = false;
  const ended = endsOf(poisoned).finally(() => {
    over = true;
  });
  // One after the other: each meets another moment of the dying around it.
  const besides = async (lane: number) => {
    for (let n = 0; !over; n += 1) await beside(`${lane} ${n}`);
  };
  await Promise.all([ended, ...Array.from({ length: lanes }, (_, lane) => besides(lane))]);
  const vacuous: string[] = [];
  for (const [index, handle] of poisoned.entries()) {
    const { run, outcome } = await handle.result();
    const facts = await readFacts(lab.sql, run as RunId, () => 0);
    const [told] = facts.results;
    const asked = facts.approvals.some(({ kind }) => kind === 'reconcile');
    const isRead = handle.workflowId.includes('read_');
    if (outcome !== 'completed') problems.push(`${handle.workflowId} ended as ${outcome}`);
    if (isRead ? !told?.text.includes('Could not look') : !asked)
      problems.push(`${handle.workflowId}: "${told?.text}", and nobody was ${isRead ? 'told' : 'asked'}`);
    problems.push(
      ...brokenOf(facts, { decisions: people.decisions, heard: [tools[index] ?? ''] }).map(
        (problem) => `${handle.workflowId}: ${problem}`,
      ),
    );
    if (!handle.workflowId.includes('read_quick_')) continue;
    const history = await readEvents(handle);
    const lostTask = history.findIndex(({ type }) => type === 'WORKFLOW_TASK_TIMED_OUT');
    const tries = history.filter(({ activityType }) => activityType === 'runTool');
    if (lostTask === -1 || lostTask > history.findIndex(({ activityType }) => activityType === 'runTool'))
      vacuous.push(`${handle.workflowId} took no workflow task with it`);
    if (tries.length !== LIMITS.lostAttempts)
      problems.push(`${handle.workflowId} was tried ${tries.length} times by itself`);
  }
  const besideThem = others.map((handle) => ({ kind: BESIDE, handle, heard: [BESIDE] }));
  const ends = await readEnds(lab, stage.payments, besideThem, { decisions: people.decisions });
  const allowed = tools.reduce((sum, tool) => sum + (DEATHS_MAX[tool] ?? LIMITS.lostAttempts), 0);
  const { deaths } = workers;
  const died = `${deaths.length} workers died of ${tools.length} calls`;
  if (deaths.length > allowed) problems.push(`${died}, at most ${allowed} may: ${deaths.join(', ')}`);
  return {
    name: 'tools that end their process',
    faults: deaths.length,
    runs: poisoned.length + others.length,
    ...ends,
    recoveryMs: [],
    problems: [...problems, ...ends.problems],
    vacuous: [
      ...vacuous,
      ...(deaths.length < tools.length ? [died] : []),
      ...(others.length < 2 * lanes ? [`${others.length} runs beside them`] : []),
    ],
    figures: {
      deaths: deaths.length,
      deathsAllowed: allowed,
      runsBeside: others.length,
      slowestBesideMs: Math.round(Math.max(...tookMs)),
    },
  };
}
