import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { LIMITS } from '../../src/core/limits.ts';
import { openLab } from '../../test/e2e/lab.ts';
import type { How } from '../benchmark.ts';
import { instantModel, orderOf, stepper, type ToolName } from './agents.ts';

/** Something that takes steps: the engine alone, or Holdfast. */
export interface Stepping extends AsyncDisposable {
  readonly name: string;
  /** Runs so many loops side by side to their end. */
  take(load: Load): Promise<Taken>;
}

export interface Load {
  readonly runs: number;
  readonly stepsPerRun: number;
}

export interface Taken {
  readonly elapsedMs: number;
  /** From each model call of a run to its next one, in milliseconds. */
  readonly stepMs: readonly number[];
}

type Stack = Pick<How['stack'], 'temporalAddress' | 'databaseUrl'>;

/** Times of model calls by run. */
class Clock {
  readonly #calls = new Map<string, number[]>();

  call(run: string): void {
    const times = this.#calls.get(run) ?? [];
    times.push(performance.now());
    this.#calls.set(run, times);
  }

  take(): number[] {
    const steps = [...this.#calls.values()].flatMap((times) =>
      times.slice(1).map((time, i) => time - (times[i] ?? time)),
    );
    this.#calls.clear();
    return steps;
  }
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
    maxConcurrentActivityTaskExecutions: LIMITS.workerActivities,
  });
  const done = worker.run();
  return {
    name,
    take: (load) =>
      timed(load, clock, async (workflowId, steps) =>
        client.workflow.execute(workflow, { workflowId, taskQueue, args: [steps] }),
      ),
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
  return contenders.map(({ name, tool }, i) => ({
    name,
    take: (load) =>
      timed(load, clock, async (workflowId, steps) => {
        const handle = await lab.start(
          {
            agent: 'stepper',
            // The number makes the message one of this run.
            message: `${orderOf(tool, steps)} ${workflowId}`,
            once: true,
            requester: { id: 'bench' },
          },
          workflowId,
        );
        const { outcome, reason } = await handle.result();
        if (outcome !== 'completed') throw new Error(`a run of ${name} ended as ${outcome} (${reason})`);
      }),
    // They share one worker.
    [Symbol.asyncDispose]: async () => {
      if (i === 0) await lab[Symbol.asyncDispose]();
    },
  }));
}

async function timed(
  { runs, stepsPerRun }: Load,
  clock: Clock,
  play: (workflowId: string, steps: number) => Promise<unknown>,
): Promise<Taken> {
  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: runs }, () => play(`steps-${randomUUID()}`, stepsPerRun)));
  return { elapsedMs: performance.now() - startedAtMs, stepMs: clock.take() };
}
