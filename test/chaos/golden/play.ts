import { setMaxListeners } from 'node:events';
import type { RunId } from '../../../src/core/ids.ts';
import { DEFAULT_RUN_LIMITS } from '../../../src/core/limits.ts';
import { AGENT_RUN, type RunResult, type StartInput } from '../../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../../e2e/lab.ts';
import { ANYBODY, broken, type Terms } from '../checker.ts';
import { type Facts, readFacts } from '../facts.ts';
import type { Payments } from '../payments.ts';
import { agentsOf } from './agents.ts';
import { type GoldenRun, startOf } from './goldenRuns.ts';
import { firstAfter, readEvents } from './history.ts';
import { type Event, type Hold, holdAt, type Plan } from './holds.ts';
import { differences, type Outward, outwardOf } from './outward.ts';
import { openPeople, type People } from './people.ts';
import { type GoldenProcess, startProcess } from './process.ts';
import { openBench, type Stage } from './stage.ts';

/** The slowest is a poison among others: three lost attempts, three lost checks of half a minute, and model calls lost beside. */
const END_MS = 480_000;

/** How long what is lost is waited for. Runs must all be at their events before the first of them is given up. */
export interface Pace {
  /** The server hands a workflow task to another worker after this. */
  readonly taskTimeoutMs: number;
  readonly toolTimeoutMs: number;
  readonly gatherMs: number;
}
export const BRISK: Pace = { taskTimeoutMs: 10_000, toolTimeoutMs: 2_000, gatherMs: 6_000 };
/** A lost model call shows after 30 s, so nothing is lost by waiting for the rest as long. */
export const CALM: Pace = { taskTimeoutMs: 30_000, toolTimeoutMs: 20_000, gatherMs: 24_000 };

export interface Case {
  readonly kind: GoldenRun;
  /** Killed when its history has this many events. */
  readonly event: number;
}

export interface Played {
  readonly outward: Outward;
  readonly facts: Facts;
  readonly history: readonly Event[];
}

/** What came of a run whose worker was killed. */
export interface Killed extends Played {
  readonly one: Case;
  readonly problems: readonly string[];
  /** It was just there when the process was killed. */
  readonly wasAtEvent: boolean;
  /** From the moment when another worker was there to the first thing that came of it; null: it had ended. */
  readonly backMs: number | null;
}

export type Undisturbed = ReadonlyMap<GoldenRun, Played>;

/** A workflow task or an activity came to its end. */
const PROGRESS = ['WORKFLOW_TASK_COMPLETED', 'ACTIVITY_TASK_COMPLETED'];

/** Every golden run as it is when nothing happens to it. */
export async function playUndisturbed(stage: Stage, kinds: readonly GoldenRun[]): Promise<Undisturbed> {
  await using bench = await openBench(stage);
  const { lab, environment } = bench;
  await using worker = await startProcess({ environment });
  await using _people = openPeople(lab, stage.payments);
  const handles = await Promise.all(
    kinds.map((kind) => startGolden(lab, kind, `${lab.config.taskQueue} ${kind}`)),
  );
  await endsOf(handles);
  const played = await Promise.all(handles.map((handle) => readPlayed(lab, stage.payments, handle)));
  await worker.kill('SIGTERM');
  return new Map(kinds.flatMap((kind, index) => (played[index] ? [[kind, played[index]] as const] : [])));
}

export interface Killing {
  readonly undisturbed: Undisturbed;
  readonly pace: Pace;
  /** Only one group at a time is on its way to its events. */
  readonly alone: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/** Plays runs side by side in one worker process, kills it when each is at its event, and lets another one end them. */
export async function playKilled(
  stage: Stage,
  cases: readonly Case[],
  { undisturbed, pace, alone }: Killing,
): Promise<readonly Killed[]> {
  await using bench = await openBench(stage);
  const { lab } = bench;
  const environment = { ...bench.environment, TOOL_TIMEOUT_MS: String(pace.toolTimeoutMs) };
  const planned = cases.map((one) => {
    const history = undisturbed.get(one.kind)?.history ?? [];
    const workflowId = `${lab.config.taskQueue} ${one.kind} ${one.event}`;
    const answers = history.filter(({ type, id }) => type.endsWith('_SIGNALED') && id <= one.event).length;
    return { one, workflowId, answers, hold: holdAt(history, one.event) };
  });
  const plan: Plan = Object.fromEntries(planned.map(({ workflowId, hold }) => [workflowId, hold]));
  const answersFor = new Map(planned.map(({ workflowId, answers }) => [workflowId, answers]));
  await using people = openPeople(lab, stage.payments, { answersFor });
  const { playing, wereAt } = await alone(async () => {
    await using first = await startProcess({ environment, plan });
    const playing = await Promise.all(
      planned.map(async ({ one, workflowId, hold }) => ({
        one,
        hold,
        handle: await startGolden(lab, one.kind, workflowId, pace.taskTimeoutMs),
      })),
    );
    const wereAt = await gather(playing, first, pace.gatherMs);
    await first.kill('SIGKILL');
    return { playing, wereAt };
  });
  await using next = await startProcess({ environment });
  const readyAtMs = Date.now();
  await end(people, playing);
  const killed = await Promise.all(
    playing.map(async ({ one, handle }) => {
      const played = await readPlayed(lab, stage.payments, handle);
      const before = undisturbed.get(one.kind);
      return {
        ...played,
        one,
        problems: [
          ...brokenOf(played.facts, { heard: [one.kind], decisions: people.decisions }),
          ...(before === undefined ? [] : differences(before.outward, played.outward)),
        ].map((problem) => `${one.kind}, killed at event ${one.event}: ${problem}`),
        wasAtEvent: wereAt.has(handle.workflowId),
        backMs: firstAfter(played.history, readyAtMs, PROGRESS),
      };
    }),
  );
  await next.kill('SIGTERM');
  return killed;
}

interface Playing {
  readonly one: Case;
  readonly hold: Hold;
  readonly handle: Handle;
}

/** Which workflows were at their events; those that take too long are killed where they are. */
async function gather(
  playing: readonly Playing[],
  { held }: GoldenProcess,
  gatherMs: number,
): Promise<ReadonlySet<string>> {
  const resting = new Set<string>();
  const look = async () => {
    for (const { hold, handle } of playing)
      if (hold.at === 'rest' && !resting.has(handle.workflowId)) {
        const { historyLength } = await handle.describe();
        if (historyLength >= hold.events) resting.add(handle.workflowId);
      }
    return held.size + resting.size === playing.length;
  };
  // Runs that are late are counted (`wasAtEvent`), and too many of them fail the campaign as vacuous.
  await until('every run at its event', look, gatherMs).catch(() => undefined);
  return new Set([...held, ...resting]);
}

async function end(people: People, playing: readonly Playing[]): Promise<void> {
  people.goOn();
  await endsOf(playing.map(({ handle }) => handle));
}

/** Resolves when all have ended; names those that have not in time. */
export async function endsOf(handles: readonly Handle[]): Promise<void> {
  const open = new Set(handles.map(({ workflowId }) => workflowId));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`not ended within ${END_MS} ms: ${[...open].join(', ')}`));
    timer = setTimeout(fail, END_MS);
  });
  // A call that the client tries again after its connection was closed would end this process.
  const over = new AbortController();
  // The SDK adds a listener with each of its requests.
  setMaxListeners(0, over.signal);
  const all = Promise.all(
    handles.map(async (handle) => {
      await handle.client.withAbortSignal(over.signal, () => handle.result());
      open.delete(handle.workflowId);
    }),
  );
  await Promise.race([all, late]).finally(() => {
    clearTimeout(timer);
    over.abort();
  });
}

export function startGolden(
  lab: Lab,
  kind: string,
  workflowId: string,
  taskTimeoutMs = BRISK.taskTimeoutMs,
): Promise<Handle> {
  return lab.client.workflow.start<(input: StartInput) => Promise<RunResult>>(AGENT_RUN, {
    workflowId,
    taskQueue: lab.config.taskQueue,
    workflowTaskTimeout: taskTimeoutMs,
    args: [startOf(kind)],
  });
}

export async function readPlayed(lab: Lab, payments: Payments, handle: Handle): Promise<Played> {
  const result = await handle.result();
  const facts = await readFacts(lab.sql, result.run as RunId, (key) => payments.of(key).acts);
  return { outward: outwardOf(result, facts), facts, history: await readEvents(handle) };
}

/** What differs between golden runs: what was said to them, and by which rules they go. */
export type GoldenTerms = Pick<Terms, 'heard' | 'decisions'> & Partial<Pick<Terms, 'asks' | 'limitMicroUsd'>>;

/** By the rules of version 1, unless `terms` says otherwise. */
export function brokenOf(facts: Facts, terms: GoldenTerms): readonly string[] {
  return broken(facts, {
    actsMax: 1,
    asks: () => ANYBODY,
    reads: (tool) => LOOKS.has(tool),
    limitMicroUsd: DEFAULT_RUN_LIMITS.costMicroUsdPerRun,
    ...terms,
  });
}

const LOOKS: ReadonlySet<string> = new Set(
  agentsOf('1').flatMap(({ release }) =>
    release.tools.filter(({ labels }) => labels.replay === 'pure').map(({ labels }) => labels.name),
  ),
);
