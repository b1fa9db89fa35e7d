import { ApplicationFailure, asyncLocalStorage, type Context } from '@temporalio/activity';
import { createActivities } from '../../src/activities/index.ts';
import { Releases } from '../../src/activities/releases.ts';
import type { ActivityServices } from '../../src/activities/services.ts';
import type {
  Activities,
  FleetActivities,
  RunToolInput,
  RunToolResult,
  SentActivities,
} from '../../src/activities/types.ts';
import { readConfig } from '../../src/config.ts';
import { callKey, type Hash, type RunId } from '../../src/core/ids.ts';
import { canonicalJson, type JsonObject } from '../../src/core/json.ts';
import { LIMITS } from '../../src/core/limits.ts';
import { PACKING, pack, unpack } from '../../src/core/packing.ts';
import { createAnthropicProvider } from '../../src/models/anthropic.ts';
import { createCircuits } from '../../src/models/circuit.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { type ScriptedModel, startScriptedModel } from '../../src/models/scripted/server.ts';
import { storeDirectory } from '../../src/people/storeDirectory.ts';
import { loadBlobs, storeBlobs } from '../../src/store/chain.ts';
import type { Sql } from '../../src/store/connection.ts';
import { databaseOf } from '../../src/store/database.ts';
import { publishRelease, releaseHash } from '../../src/store/releases.ts';
import { type RunEnds, watchRunEnds } from '../../src/store/runEnds.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { contextOf } from '../activityContext.ts';
import { NAMESPACE_ID } from './claimInputs.ts';
import { openDatabase } from './database.ts';

export interface BenchOptions {
  readonly serverUrl: string;
  readonly agents: readonly Agent[];
  readonly conversations?: readonly Conversation[];
  readonly crashPoint?: ActivityServices['crashPoint'];
}

/**
 * Activities on a real database and a real scripted model, without an engine around them: each test decides which
 * attempt runs when, and moves the database's clock instead of waiting for it.
 */
export interface Bench extends AsyncDisposable {
  readonly sql: Sql;
  readonly model: ScriptedModel;
  /** What the activities hear of ended runs: its watches abort together with theirs. */
  readonly runEnds: RunEnds;
  /** Runs one attempt of an activity, as a worker that has `agents` (default: those of the bench). */
  attempt<Result>(
    work: (activities: Activities & FleetActivities) => Promise<Result>,
    options?: AttemptOptions,
  ): Promise<Result>;
}

export interface AttemptOptions {
  /** Default 1. */
  readonly number?: number;
  readonly signal?: AbortSignal;
  /** Start to close. Default that of store activities. */
  readonly timeoutMs?: number;
  readonly onBeat?: () => void;
  readonly agents?: readonly Agent[];
  readonly crashPoint?: ActivityServices['crashPoint'];
  readonly services?: Partial<
    Pick<
      ActivityServices,
      'decisionKeys' | 'directory' | 'sql' | 'namespaceId' | 'models' | 'circuits' | 'openBreakers'
    >
  >;
  /** Of the engine, where an activity asks it something. */
  readonly client?: Context['client'];
}

export async function openBench(options: BenchOptions): Promise<Bench> {
  const database = await openDatabase(options.serverUrl);
  const { sql } = database;
  const model = await startScriptedModel({ conversations: options.conversations ?? [] });
  const config = readConfig({ DATABASE_URL: database.url, HOLDFAST_MODEL_URL: model.url });
  for (const agent of options.agents) await publishRelease(sql, agent.release);
  const runEnds = watchRunEnds(sql);
  await runEnds.listen();
  const services: ActivityServices = {
    sql,
    namespaceId: NAMESPACE_ID,
    outside: { database: databaseOf(sql) },
    agents: byName(options.agents),
    releases: new Releases(sql),
    runEnds,
    provider: createAnthropicProvider({
      apiKey: config.anthropic.apiKey,
      baseURL: model.url,
      stallTimeoutMs: LIMITS.modelStallMs,
      callTimeoutMs: LIMITS.modelCallMs,
    }),
    models: config.models,
    circuits: createCircuits({ nowMs: () => performance.now(), random: Math.random }),
    openBreakers: async () => new Set(),
    unpriced: 'refuse',
    previews: true,
    directory: storeDirectory(sql),
    decisionKeys: null,
    secrets: [],
    crashPoint: options.crashPoint ?? (async () => undefined),
  };
  return {
    sql,
    model,
    runEnds,
    attempt: (
      work,
      {
        number = 1,
        signal = new AbortController().signal,
        timeoutMs = LIMITS.storeActivityMs,
        onBeat = () => undefined,
        agents,
        crashPoint,
        client,
        services: other,
      } = {},
    ) => {
      const activities = createActivities({
        ...services,
        ...(agents && { agents: byName(agents) }),
        ...(crashPoint && { crashPoint }),
        ...other,
      });
      const inside = <Result>(workflowId: string, act: () => Promise<Result>) =>
        asyncLocalStorage.run(
          contextOf({ attempt: number, timeoutMs, onBeat, signal, workflowId, client }),
          act,
        );
      return inside('w', () => work(called(activities, inside)));
    },
    [Symbol.asyncDispose]: async () => {
      await model.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

function byName(agents: readonly Agent[]): ReadonlyMap<string, Agent> {
  return new Map(agents.map((agent) => [agent.release.agent, agent]));
}

/** Activities as functions of what they are about: the border is crossed here, from the workflow that the input names. */
function called(
  sent: SentActivities & FleetActivities,
  inside: <Result>(workflowId: string, act: () => Promise<Result>) => Promise<Result>,
): Activities & FleetActivities {
  const shapes: Readonly<Record<string, (typeof PACKING)[keyof typeof PACKING]>> = PACKING;
  const cross = (name: string, act: (input: never) => Promise<object>) => (input: { workflowId?: string }) =>
    inside(input?.workflowId ?? 'w', async () => {
      const shape = shapes[name];
      if (shape === undefined) return act(input as never);
      return unpack(shape.result, (await act(pack(shape.input, input) as never)) as never);
    });
  return Object.fromEntries(
    Object.entries(sent).map(([name, act]) => [name, cross(name, act as never)]),
  ) as never;
}

let runs = 0;

/** A call of a tool in a run of its own, with its arguments stored as a model call would have stored them. */
export async function newCall(
  bench: Bench,
  agent: Agent,
  tool: string,
  args: JsonObject = { what: 'x' },
): Promise<RunToolInput> {
  const run = `r${String(runs++).padStart(20, '0')}` as RunId;
  const [argsHash] = await storeBlobs(bench.sql, run, [canonicalJson(args)]);
  return {
    run,
    workflowId: `wf-${run}`,
    namespaceId: NAMESPACE_ID,
    agent: agent.release.agent,
    requester: { id: 'customer', tenant: null, roles: [] },
    release: releaseHash(agent.release),
    key: callKey(run, 1, 0),
    tool,
    argsHash: argsHash as Hash,
    generation: 1,
    terms: null,
    classes: [],
    learned: null,
    approval: null,
  };
}

/** Time passes for the leases of a run. */
export async function passTime(bench: Bench, run: RunId, ms: number): Promise<void> {
  await bench.sql`
    update effects set lease_until = lease_until - ${ms} * interval '1 millisecond' where run = ${run}`;
}

export interface Retried {
  readonly result: RunToolResult;
  /** Codes of the attempts that failed, in order. */
  readonly failures: readonly string[];
  /** Delays they asked for. */
  readonly waitsMs: readonly number[];
}

const MAX_ATTEMPTS = 10;

/** Tries an activity again as the engine would, except that waiting is a step of the database's clock. */
export async function retried(
  bench: Bench,
  input: RunToolInput,
  work: (activities: Activities) => Promise<RunToolResult>,
): Promise<Retried> {
  const failures: string[] = [];
  const waitsMs: number[] = [];
  for (let number = 1; number <= MAX_ATTEMPTS; number++) {
    try {
      return { result: await bench.attempt(work, { number }), failures, waitsMs };
    } catch (error) {
      if (!(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
      const delayMs = Number(error.nextRetryDelay ?? 0);
      failures.push(error.type ?? '');
      waitsMs.push(delayMs);
      await passTime(bench, input.run, delayMs);
    }
  }
  throw new Error(`no result after ${MAX_ATTEMPTS} attempts: ${failures.join(', ')}`);
}

/** What the model would read of a result. */
export async function wordsOf(bench: Bench, input: RunToolInput, result: RunToolResult): Promise<string> {
  if (result.kind !== 'done') return result.kind;
  const { outcome } = result;
  if (outcome.kind === 'refused') return outcome.text;
  return (await loadBlobs(bench.sql, input.run, [outcome.ref])).get(outcome.ref) ?? '';
}

export interface EffectRow {
  readonly state: string;
  readonly fence: number;
  readonly generation: number;
}

export async function effectOf(bench: Bench, input: RunToolInput): Promise<EffectRow | undefined> {
  const [row] = await bench.sql<EffectRow[]>`
    select state, fence, generation from effects where key = ${input.key}`;
  return row;
}

export async function evidenceKinds(bench: Bench, input: RunToolInput): Promise<readonly string[]> {
  const rows = await bench.sql<{ kind: string }[]>`
    select kind from evidence where key = ${input.key} order by id`;
  return rows.map((row) => row.kind);
}
