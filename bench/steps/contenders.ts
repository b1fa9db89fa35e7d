import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createHoldfastClient } from '../../src/client.ts';
import { WORKER_SETTINGS } from '../../src/worker.ts';
import { openLab, until } from '../../test/e2e/lab.ts';
import type { How } from '../benchmark.ts';
import { crowd } from '../live/crowd.ts';
import { instantModel, orderOf, stepper, type ToolName } from './agents.ts';
import { type bareLocalLoop, type bareLoop, endSignal, goSignal } from './bareWorkflow.ts';
import { Clock } from './clock.ts';

/** Something that takes steps: the engine alone, or Holdfast. */
export interface Stepping extends AsyncDisposable {
  readonly name: string;
  /** So many runs, each with its steps. While it is measured none of them starts or ends. */
  take(load: Load): Promise<Taken>;
}

export interface Load {
  readonly runs: number;
  readonly stepsPerRun: number;
}

export interface Taken {
  /** From the first run's first step to the end of the last one's last. */
  readonly elapsedMs: number;
  /** From each model call of a run to its next one, in milliseconds. */
  readonly stepMs: readonly number[];
  /** Before that: until all runs were started, had taken one step, and waited. */
  readonly startMs: number;
  /** After it: until all runs had ended. */
  readonly endMs: number;
}

type Stack = Pick<How['stack'], 'temporalAddress' | 'databaseUrl'>;

/** The life of one run. */
interface Life {
  /** It takes one step, and then waits for a word. */
  start(workflowId: string): Promise<unknown>;
  go(workflowId: string, steps: number): Promise<void>;
  /** Resolves when it has ended. */
  end(workflowId: string): Promise<void>;
}

/** The engine alone, its worker set up like ours. */
export async function bare(
  { temporalAddress: address }: Stack,
  name: string,
  workflow: 'bareLoop' | 'bareLocalLoop',
): Promise<Stepping> {
  const clock = new Clock();
  const taskQueue = `bare-${randomUUID()}`;
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const { Context } = await import('@temporalio/activity');
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./bareWorkflow.ts', import.meta.url)),
    activities: {
      model: async (step: number) => {
        clock.call(Context.current().info.workflowExecution?.workflowId ?? '');
        return step;
      },
      tool: async (step: number) => step,
      end: async () => undefined,
    },
    ...WORKER_SETTINGS,
  });
  const done = worker.run();
  const handle = (workflowId: string) =>
    client.workflow.getHandle<typeof bareLoop | typeof bareLocalLoop>(workflowId);
  const life: Life = {
    start: (workflowId) => client.workflow.start(workflow, { workflowId, taskQueue }),
    go: (workflowId, steps) => handle(workflowId).signal(goSignal, steps),
    end: async (workflowId) => {
      await handle(workflowId).signal(endSignal);
      await handle(workflowId).result();
    },
  };
  return {
    name,
    take: (load) => timed(load, { clock, client, life }),
    [Symbol.asyncDispose]: async () => {
      worker.shutdown();
      await done;
      await connection.close();
      await native.close();
    },
  };
}

/** Holdfast with one worker in this process, as it ships but for a model that answers at once. */
export async function holdfast(
  stack: Stack,
  contenders: readonly { readonly name: string; readonly tool: ToolName }[],
): Promise<readonly Stepping[]> {
  const clock = new Clock();
  const lab = await openLab({
    ...stack,
    agents: [stepper],
    provider: instantModel((run) => clock.call(run)),
  });
  const { client, config } = lab;
  const speaker = createHoldfastClient({ client, taskQueue: config.taskQueue });
  const by = 'bench';
  const lifeOf = (tool: ToolName): Life => ({
    start: (workflowId) =>
      lab.start(
        { agent: 'stepper', message: orderOf(tool, 1, workflowId), requester: { id: by } },
        workflowId,
      ),
    go: (workflowId, steps) => speaker.post({ workflowId, by, text: orderOf(tool, steps, workflowId) }),
    end: async (workflowId) => {
      await speaker.close({ workflowId, by });
      const { outcome, reason } = await speaker.result(workflowId);
      if (outcome !== 'completed') throw new Error(`a run with ${tool} ended as ${outcome} (${reason})`);
    },
  });
  return contenders.map(({ name, tool }, i) => ({
    name,
    take: (load) => timed(load, { clock, client, life: lifeOf(tool) }),
    // They share one worker.
    [Symbol.asyncDispose]: async () => {
      if (i === 0) await lab[Symbol.asyncDispose]();
    },
  }));
}

async function timed(
  { runs, stepsPerRun }: Load,
  { clock, client, life }: { readonly clock: Clock; readonly client: Client; readonly life: Life },
): Promise<Taken> {
  const ids = Array.from({ length: runs }, () => `steps-${randomUUID()}`);
  const all = async (work: (workflowId: string) => Promise<unknown>) => {
    const startedAtMs = performance.now();
    await Promise.all(ids.map(work));
    return () => performance.now() - startedAtMs;
  };
  clock.begin(1);
  const sinceStart = await all(life.start);
  await clock.allThere(runs);
  await allWait(client, ids);
  const startMs = sinceStart();
  clock.begin(stepsPerRun);
  await all((workflowId) => life.go(workflowId, stepsPerRun));
  await clock.allThere(runs);
  await allWait(client, ids);
  const sinceEnd = await all(life.end);
  return { ...clock.taken(), startMs, endMs: sinceEnd() };
}

const AT_ONCE = 40;

/** Resolves when none of them has a task or an activity under way. */
async function allWait(client: Client, ids: readonly string[]): Promise<void> {
  await crowd({ count: ids.length, atOnce: AT_ONCE }, async (i) => {
    const handle = client.workflow.getHandle(ids[i] ?? '');
    await until(`${handle.workflowId} to wait`, async () => {
      const { pendingWorkflowTask, pendingActivities = [] } = (await handle.describe()).raw;
      return !pendingWorkflowTask && pendingActivities?.length === 0;
    });
  });
}
