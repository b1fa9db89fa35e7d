import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerInterceptors,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from './activities/index.ts';
import { Releases } from './activities/releases.ts';
import type { ActivityServices } from './activities/services.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { loadDataConverter, moduleUrl, reach, UnreachableError } from './connection.ts';
import { LIMITS } from './core/limits.ts';
import { printable } from './core/text.ts';
import { watchEventLoop } from './eventLoop.ts';
import { ensureGovernor } from './governorSchedule.ts';
import { secretValues } from './guards/redact.ts';
import { createAnthropicProvider } from './models/anthropic.ts';
import { createCircuits } from './models/circuit.ts';
import { assertPriced } from './models/prices.ts';
import { modelsOf } from './models/tiers.ts';
import { createLogNotifier } from './notices/log.ts';
import { type RunningNotices, startNotices } from './notices/loop.ts';
import type { Notifier } from './notices/notifier.ts';
import { createWebhookNotifier } from './notices/webhook.ts';
import { storeDirectory } from './people/storeDirectory.ts';
import { type Bundle, bundleWorkflows } from './replay/bundle.ts';
import type { NamedHistory } from './replay/history.ts';
import { assertReplays, NotReplayableError } from './replay/shipped.ts';
import { registerSearchAttributes } from './searchAttributes.ts';
import { startAnchors } from './store/anchors.ts';
import { openBreakers } from './store/breakers.ts';
import { connect, type Sql } from './store/connection.ts';
import { databaseOf } from './store/database.ts';
import { migrate } from './store/migrate.ts';
import { publishRelease } from './store/releases.ts';
import { type RunEnds, watchRunEnds } from './store/runEnds.ts';
import type { Agent } from './tools/agent.ts';
import { SEARCH_ATTRIBUTES } from './workflows/searchAttributes.ts';

/** What a test may put in the place of the real thing. */
export interface WorkerOverrides {
  readonly agents?: readonly Agent[];
  readonly services?: Partial<
    Pick<ActivityServices, 'crashPoint' | 'provider' | 'runEnds' | 'circuits' | 'openBreakers'>
  >;
  readonly sql?: Sql;
  readonly notifiers?: readonly Notifier[];
  /** In the place of single ones of `WORKER_SETTINGS`, and of the engine's own. */
  readonly settings?: Partial<WorkerSettings>;
  /** Other workflow code than this build's, or the same one made once for many workers. Interceptors of workflows are in it. */
  readonly bundle?: Bundle;
  /** Replayed before it polls, instead of those that ship; `none` for whoever is about to record them. */
  readonly histories?: readonly NamedHistory[] | 'none';
}

type WorkerSettings = Pick<
  WorkerOptions,
  | keyof typeof WORKER_SETTINGS
  | 'maxCachedWorkflows'
  | 'maxConcurrentWorkflowTaskExecutions'
  | 'workflowTaskPollerBehavior'
  | 'activityTaskPollerBehavior'
> & {
  /** Those of workflows are in the bundle: the SDK would take them here and drop them. */
  readonly interceptors: Pick<WorkerInterceptors, 'activity'>;
};

/** How a worker shares out what it has. Everything else is as the engine has it. */
export const WORKER_SETTINGS = {
  shutdownGraceTime: LIMITS.workerDrainMs,
  stickyQueueScheduleToStartTimeout: LIMITS.stickyWaitMs,
  maxConcurrentActivityTaskExecutions: LIMITS.workerActivities,
  // The engine's cancel comes back with a heartbeat, and the SDK would hold those for 80 % of their time-out.
  maxHeartbeatThrottleInterval: LIMITS.modelBeatMs,
} as const satisfies Partial<WorkerOptions>;

export interface RunningWorker {
  readonly worker: Worker;
  /** Rejects when the worker fails; resolves when it has drained. */
  readonly done: Promise<void>;
  /** Stops polling, lets running activities finish, closes every connection. */
  stop(): Promise<void>;
}

/**
 * Connects, brings the store up to date, publishes the releases of its agents, replays what earlier builds recorded, and
 * runs until it is stopped.
 */
export async function startWorker(config: Config, overrides: WorkerOverrides = {}): Promise<RunningWorker> {
  assertPriced(modelsOf(config.models), { allowUnpriced: config.allowUnpriced });
  const agents = overrides.agents ?? (await loadAgents(config.agents));
  for (const agent of agents)
    for (const warning of agent.warnings) process.emitWarning(`agent ${agent.release.agent}: ${warning}`);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await reach(connectionOptions.address, () =>
    NativeConnection.connect(connectionOptions),
  );
  const sql = overrides.sql ?? connect(config.databaseUrl, { silentMs: LIMITS.storeSilentMs });
  const runEnds = watchRunEnds(sql);
  let notices: RunningNotices | null = null;
  const close = async () => {
    await notices?.stop();
    await connection.close();
    await runEnds.stop();
    if (overrides.sql === undefined) await sql.end({ timeoutMs: 5_000 });
  };
  try {
    // A managed server refuses this; its operator has registered them, or upserts will say so.
    await registerSearchAttributes(connection.operatorService, namespace, SEARCH_ATTRIBUTES).catch(
      () => undefined,
    );
    const dataConverter = await loadDataConverter(config.codecModule);
    const { taskQueue } = config;
    const [services, workflowBundle] = await Promise.all([
      namespaceIdOf(connection, namespace).then((namespaceId) =>
        prepareServices(config, { sql, namespaceId, runEnds }, agents, overrides),
      ),
      bundleThatReplays(overrides),
    ]);
    notices = await startNotices({
      sql,
      notifiers: overrides.notifiers ?? createNotifiers(config),
      report: (words) => process.emitWarning(words),
    });
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowBundle,
      buildId: buildIdOf(workflowBundle),
      activities: createActivities(services),
      dataConverter,
      ...WORKER_SETTINGS,
      ...overrides.settings,
    });
    if (config.governor)
      await ensureGovernor({ connection, namespace, taskQueue, dataConverter }).catch((error: unknown) =>
        process.emitWarning(
          `the schedule of the governor could not be created, so no breaker moves: ${error}`,
        ),
      );
    const anchors = startAnchors(sql);
    const done = worker.run().finally(() => anchors.stop().finally(close));
    const stop = async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    };
    return { worker, done, stop };
  } catch (error) {
    // Open connections would keep a process alive that has nothing to do.
    await close();
    throw error;
  }
}

/**
 * Names the workflow code that a worker runs. Two events of every workflow task and one of every activity carry it; what the
 * SDK would write there is three times as long.
 */
function buildIdOf({ code }: Bundle): string {
  return `holdfast+${createHash('sha256').update(code).digest('hex').slice(0, LIMITS.buildIdHexDigits)}`;
}

/** The workflows in one text, made once: what is replayed here is what runs later. */
async function bundleThatReplays({ bundle: made, histories }: WorkerOverrides): Promise<Bundle> {
  const bundle = made ?? (await bundleWorkflows());
  if (histories !== 'none') await assertReplays(bundle, histories);
  return bundle;
}

/** Rows of runs are kept apart by it: the name is `default` on every other server. */
async function namespaceIdOf(connection: NativeConnection, namespace: string): Promise<string> {
  const { namespaceInfo } = await connection.workflowService
    .describeNamespace({ namespace })
    .catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new UnreachableError(
        `the namespace "${namespace}" of Temporal cannot be read (${why}): is TEMPORAL_NAMESPACE right?`,
        { cause: error },
      );
    });
  if (!namespaceInfo?.id) throw new Error(`Temporal told no id of the namespace "${namespace}"`);
  return namespaceInfo.id;
}

async function prepareServices(
  config: Config,
  {
    sql,
    namespaceId,
    runEnds,
  }: { readonly sql: Sql; readonly namespaceId: string; readonly runEnds: RunEnds },
  agents: readonly Agent[],
  overrides: WorkerOverrides,
): Promise<ActivityServices> {
  try {
    await bringUpToDate(config);
    await runEnds.listen();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UnreachableError(
      `the store cannot be brought up to date (${why}): is DATABASE_URL right, and the database up?`,
      { cause: error },
    );
  }
  const outside = { database: databaseOf(sql) };
  for (const agent of agents) {
    await agent.setup(outside);
    await publishRelease(sql, agent.release);
  }
  return {
    sql,
    namespaceId,
    outside,
    agents: new Map(agents.map((agent) => [agent.release.agent, agent])),
    releases: new Releases(sql),
    runEnds,
    provider: createAnthropicProvider({
      apiKey: config.anthropic.apiKey,
      ...(config.anthropic.baseUrl !== null && { baseURL: config.anthropic.baseUrl }),
      stallTimeoutMs: LIMITS.modelStallMs,
      callTimeoutMs: LIMITS.modelCallMs,
    }),
    models: config.models,
    circuits: createCircuits({ nowMs: () => performance.now(), random: Math.random }),
    openBreakers: () => openBreakers(sql),
    unpriced: config.allowUnpriced ? 'dearest' : 'refuse',
    previews: config.previews,
    directory: storeDirectory(sql),
    decisionKeys: config.decisionKeys,
    secrets: secretValues(process.env),
    crashPoint: async () => undefined,
    ...overrides.services,
  };
}

/** In a pool of its own: building an index says nothing for as long as it takes. */
async function bringUpToDate(config: Config): Promise<void> {
  const sql = connect(config.databaseUrl, { maxConnections: 1 });
  try {
    await migrate(sql);
  } finally {
    await sql.end({ timeoutMs: 5_000 });
  }
}

function createNotifiers({ notices: { log, webhook } }: Config): readonly Notifier[] {
  return [
    ...(log ? [createLogNotifier((line) => process.stdout.write(`${printable(line)}\n`))] : []),
    ...(webhook === null ? [] : [createWebhookNotifier(webhook)]),
  ];
}

/** Agents that ship are named; others are modules that export `agent`. */
export async function loadAgents(names: readonly string[]): Promise<readonly Agent[]> {
  return Promise.all(
    names.map(async (name) => {
      const shipped = /^[a-z][a-z0-9-]*$/.test(name);
      const url = shipped ? shippedUrl(name) : moduleUrl(name);
      try {
        const { agent }: { agent?: Agent } = await import(url);
        if (agent?.release === undefined) throw new TypeError('it does not export `agent`');
        return agent;
      } catch (error) {
        throw new Error(
          `agent module "${name}" (HOLDFAST_AGENTS) cannot be loaded: ${error instanceof Error ? error.message : error}`,
          { cause: error },
        );
      }
    }),
  );
}

/** TypeScript in development and JavaScript in a build. */
function shippedUrl(agent: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./agents/${agent}/index.${extension}`, import.meta.url).href;
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  watchEventLoop({ stuckMs: LIMITS.loopStuckMs, everyMs: LIMITS.loopBeatMs });
  const running = await startWorker(readConfig(process.env));
  process.stdout.write(`worker ${process.pid} is polling\n`);
  await running.done;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  main().catch((error: unknown) => {
    const known =
      error instanceof ConfigError ||
      error instanceof UnreachableError ||
      error instanceof NotReplayableError;
    process.stderr.write(
      `${known ? (error as Error).message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = known ? 2 : 1;
  });
