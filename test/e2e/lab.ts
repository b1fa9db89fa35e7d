import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { ActivityServices } from '../../src/activities/services.ts';
import { type Config, readConfig } from '../../src/config.ts';
import type { StartInput } from '../../src/core/start.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/models/scripted/server.ts';
import { connect, type Sql } from '../../src/store/connection.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { type RunningWorker, startWorker, type WorkerOverrides } from '../../src/worker.ts';
import { AGENT_RUN, type RunResult } from '../../src/workflows/messages.ts';
import { sharedBundle } from '../sharedBundle.ts';

/** Addresses of the stack under test. */
export interface Addresses {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

export interface LabOptions extends Addresses {
  readonly agents: readonly Agent[];
  readonly conversations?: readonly Conversation[];
  readonly crashPoint?: ActivityServices['crashPoint'];
  readonly runEnds?: ActivityServices['runEnds'];
  readonly circuits?: ActivityServices['circuits'];
  /** In the place of the scripted model. */
  readonly provider?: ActivityServices['provider'];
  /** What a worker replays before it polls; default none: test/replay does it once for all. */
  readonly histories?: WorkerOverrides['histories'];
  /** Default true: a worker in this process. */
  readonly worker?: boolean;
  /** What the worker and the command line have besides: a decision key, a webhook. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Real parts for one test file: an own database, an own task queue, a scripted model, a worker in this process. */
export interface Lab extends AsyncDisposable {
  readonly client: Client;
  readonly sql: Sql;
  readonly model: ScriptedModel;
  readonly config: Config;
  readonly environment: Readonly<Record<string, string>>;
  /** With other agents than the lab's, it is a deploy. */
  startWorker(agents?: readonly Agent[]): Promise<RunningWorker>;
  stopWorker(): Promise<void>;
  start(input: Omit<StartInput, 'v'>, workflowId?: string): Promise<Handle>;
}

export type Handle = Awaited<ReturnType<typeof startRun>>;

export async function openLab(options: LabOptions): Promise<Lab> {
  const name = `lab_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await onServer(options.databaseUrl, (admin) => admin.unsafe(`create database ${name}`));
  const databaseUrl = withDatabase(options.databaseUrl, name);
  const model = await startScriptedModel({ conversations: options.conversations ?? [] });
  const environment: Readonly<Record<string, string>> = {
    DATABASE_URL: databaseUrl,
    HOLDFAST_MODEL_URL: model.url,
    HOLDFAST_TASK_QUEUE: name,
    TEMPORAL_ADDRESS: options.temporalAddress,
    HOLDFAST_NOTICES: 'off',
    HOLDFAST_GOVERNOR: 'off',
    ...options.environment,
  };
  // The SDK's own configuration reads the process environment.
  process.env.TEMPORAL_ADDRESS = options.temporalAddress;
  const config = readConfig(environment);
  const sql = connect(databaseUrl);
  const connection = await Connection.connect({ address: options.temporalAddress });
  const client = new Client({ connection });
  let running: RunningWorker | null = null;
  const start = async (agents = options.agents) => {
    running = await startWorker(config, {
      agents,
      bundle: await sharedBundle(),
      histories: options.histories ?? 'none',
      services: {
        ...(options.crashPoint && { crashPoint: options.crashPoint }),
        ...(options.runEnds && { runEnds: options.runEnds }),
        ...(options.circuits && { circuits: options.circuits }),
        ...(options.provider && { provider: options.provider }),
      },
    });
    return running;
  };
  const stop = async () => {
    await running?.stop();
    running = null;
  };
  if (options.worker !== false) await start();
  return {
    client,
    sql,
    model,
    config,
    environment,
    startWorker: start,
    stopWorker: stop,
    start: (input, workflowId) => startRun(client, config.taskQueue, { v: 1, ...input }, workflowId),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await connection.close();
      await model.stop();
      await sql.end({ timeoutMs: 5_000 });
      await onServer(options.databaseUrl, (admin) =>
        admin.unsafe(`drop database if exists ${name} with (force)`),
      );
    },
  };
}

async function startRun(client: Client, taskQueue: string, input: StartInput, workflowId?: string) {
  return client.workflow.start<(input: StartInput) => Promise<RunResult>>(AGENT_RUN, {
    workflowId: workflowId ?? `run-${randomUUID()}`,
    taskQueue,
    args: [input],
  });
}

async function onServer(databaseUrl: string, work: (admin: Sql) => Promise<unknown>): Promise<void> {
  const admin = connect(databaseUrl, { maxConnections: 1 });
  try {
    await work(admin);
  } finally {
    await admin.end({ timeoutMs: 5_000 });
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** Reads until `found` gives something; fails after a bounded number of looks, saying what was waited for. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | null | undefined | false>,
  timeoutMs = 30_000,
): Promise<Value> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
