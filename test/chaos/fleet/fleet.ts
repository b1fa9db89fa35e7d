import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { createHoldfastClient, type HoldfastClient } from '../../../src/client/holdfastClient.ts';
import { type ScriptedModel, startScriptedModel } from '../../../src/models/scripted/server.ts';
import type { Sql } from '../../../src/store/connection.ts';
import type { Addresses } from '../../e2e/lab.ts';
import { openDatabase } from '../../store/database.ts';
import { openPayments, type Payments } from '../payments.ts';
import { type Noted, newNoted } from './customer.ts';
import { type FleetWorker, startFleetWorker } from './fleetWorker.ts';
import { type Load, type LoadOptions, startLoad } from './load.ts';
import { fleetConversations, type Mind, type Plan } from './mix.ts';
import { type People, startPeople } from './people.ts';

export interface FleetOptions {
  /** Where customers, people and the judge go. */
  readonly addresses: Addresses;
  readonly seed: number;
  /** Worker processes at the start. */
  readonly workers: number;
  /** Where the workers go instead: a proxy in between. `databasePort` is on this machine. */
  readonly through?: { readonly temporalAddress?: string; readonly databasePort?: number };
  /** What workers have besides: their `TOOL_TIMEOUT_MS`, other agents (`HOLDFAST_AGENTS`), other variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Before each answer of the scripted model; default 5. */
  readonly modelDelayMs?: number;
  /** Before and after money moves; default 5. */
  readonly paymentDelayMs?: number;
}

/** Customers, people, workers, a model and a payment service around one store and one Temporal server. */
export interface Fleet extends AsyncDisposable {
  /** Its task queue, and the beginning of its workflow ids. */
  readonly name: string;
  readonly seed: number;
  readonly sql: Sql;
  readonly client: Client;
  readonly holdfast: HoldfastClient;
  readonly model: ScriptedModel;
  readonly payments: Payments;
  readonly people: People;
  /** Those that were started, the dead ones too. */
  readonly workers: readonly FleetWorker[];
  /** Every run that a customer of this fleet has asked for. */
  readonly runs: readonly Noted[];
  /** What a worker of this fleet has in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  startWorker(environment?: Readonly<Record<string, string>>, module?: URL): Promise<FleetWorker>;
  load(options: LoadOptions): Load;
  /** A run that somebody else asks for: its plan is what people go by, and what comes back is what the judge goes by. */
  expect(plan: Plan): Noted;
  /**
   * When the first piece of work that began after this moment was done: a model call answered or an effect claimed,
   * which takes the server, a worker and the store. Null where there was none.
   */
  progressAfter(atMs: number): Promise<number | null>;
}

/** What the connections of a fleet's workers are called in `pg_stat_activity`. */
export const WORKERS = 'fleet-worker';

const PAYMENT_MS = 5;
const MODEL_MS = 5;

export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    return await assemble(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** In the reverse order of what was opened; the first that fails is told, after all of them were tried. */
async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).reverse())
    await close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function assemble(options: FleetOptions, closers: (() => Promise<unknown>)[]): Promise<Fleet> {
  const { addresses, seed, through = {} } = options;
  const database = await openDatabase(addresses.databaseUrl);
  closers.push(async () => database[Symbol.asyncDispose]());
  const { sql } = database;
  const name = `fleet_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const model = await startScriptedModel({
    conversations: fleetConversations(),
    delayMs: options.modelDelayMs ?? MODEL_MS,
  });
  closers.push(() => model.stop());
  const payments = await openPayments({ delayMs: options.paymentDelayMs ?? PAYMENT_MS });
  closers.push(async () => payments[Symbol.asyncDispose]());
  const connection = await Connection.connect({ address: addresses.temporalAddress });
  closers.push(() => connection.close());
  const client = new Client({ connection });
  const holdfast = createHoldfastClient({ client, taskQueue: name, channel: 'fleet' });
  const environment: Readonly<Record<string, string>> = {
    DATABASE_URL: urlForWorkers(database.url, through.databasePort),
    TEMPORAL_ADDRESS: through.temporalAddress ?? addresses.temporalAddress,
    HOLDFAST_MODEL_URL: model.url,
    HOLDFAST_TASK_QUEUE: name,
    HOLDFAST_NOTICES: 'off',
    HOLDFAST_GOVERNOR: 'off',
    PAYMENTS_URL: payments.url,
    ...options.environment,
  };
  const workers: FleetWorker[] = [];
  closers.push(() => Promise.all(workers.map((worker) => worker.kill())));
  const startWorker: Fleet['startWorker'] = async (more = {}, module) => {
    const worker = await startFleetWorker({ ...environment, ...more }, module);
    workers.push(worker);
    return worker;
  };
  await Promise.all(Array.from({ length: options.workers }, () => startWorker()));
  const minds = new Map<string, Mind>();
  const people = startPeople({
    sql,
    holdfast,
    payments,
    mindOf: (workflowId) => minds.get(workflowId) ?? 'approve',
  });
  closers.push(() => people.stop());
  const leaving = new AbortController();
  // Every call of every customer listens to it while it waits.
  setMaxListeners(0, leaving.signal);
  const loads: Load[] = [];
  const others: Noted[] = [];
  closers.push(() => {
    leaving.abort();
    return Promise.all(loads.map(({ done }) => done));
  });
  let ordinal = 0;
  return {
    name,
    seed,
    sql,
    client,
    holdfast,
    model,
    payments,
    people,
    workers,
    get runs() {
      return [...loads.flatMap(({ runs }) => runs), ...others];
    },
    environment,
    startWorker,
    load: (loadOptions) => {
      const load = startLoad({
        holdfast,
        seed,
        name,
        options: loadOptions,
        next: () => ++ordinal,
        onPlan: ({ workflowId, mind }) => minds.set(workflowId, mind),
        signal: leaving.signal,
      });
      loads.push(load);
      return load;
    },
    expect: (plan) => {
      const noted = newNoted(plan);
      minds.set(plan.workflowId, plan.mind);
      others.push(noted);
      return noted;
    },
    progressAfter: (atMs) => progressAfter(sql, atMs),
    [Symbol.asyncDispose]: () => closeAll(closers),
  };
}

async function progressAfter(sql: Sql, atMs: number): Promise<number | null> {
  const [row] = await sql<{ ms: number | null }[]>`
    select least(
      (select min(extract(epoch from closed_at) * 1000)::float8 from model_attempts
        where opened_at > to_timestamp(${atMs / 1_000}::float8) and state = 'settled'),
      (select min(at_us) / 1000.0 from audit where at_us > ${Math.round(atMs * 1_000)}::bigint
        and event = 'effect_claimed'))::float8 as ms`;
  return row?.ms ?? null;
}

/** Names their connections, so that they can be told from everybody else's. */
function urlForWorkers(url: string, port: number | undefined): string {
  const changed = new URL(url);
  changed.searchParams.set('application_name', WORKERS);
  if (port !== undefined) {
    changed.hostname = '127.0.0.1';
    changed.port = String(port);
  }
  return changed.href;
}
