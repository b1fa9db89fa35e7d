import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endPartsOnExit } from './exitHook.ts';
import { checkDatabase, checkTemporal } from './external.ts';
import { endParts, launchParts } from './launch.ts';
import { withLock } from './lock.ts';
import { removePostgresData } from './postgres.ts';
import { isAlive, ownIdentity } from './processes.ts';
import { readState, type StackState, writeState } from './state.ts';
import { findTemporalCli } from './temporalCli.ts';
import { temporalDatabaseFile } from './temporalServer.ts';

/*
 * The local stack: PostgreSQL and a Temporal development server, with all their data in one folder.
 *
 * 1. A folder has at most one stack. Starting and stopping happen under a lock file; the process that started a
 *    stack owns it, every later one attaches.
 * 2. Every child is in stack.json in the tick in which it starts, with its pid and its start time. A child of a dead
 *    owner is an orphan: the next start ends it, by that identity and never by a name.
 * 3. What the environment names (DATABASE_URL, TEMPORAL_ADDRESS) is checked and used, never started or stopped.
 * 4. Every wait is bounded, and says what it waited for when it ends.
 */

export interface StackOptions {
  /** Holds the data, the logs and stack.json; created when missing. */
  readonly dir: string;
  readonly onProgress?: (line: string) => void;
  /** Whether the Temporal UI runs too; it does by default. */
  readonly ui?: boolean;
  /** Begin with empty data. Has no effect on a stack that already runs. */
  readonly fresh?: boolean;
  readonly searchAttributes: Readonly<Record<string, 'Keyword' | 'Int'>>;
  /** The environment to read; that of the process by default. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Another copy of PostgreSQL's programs (`bin`, `lib`, `share`) than the one installed by npm. */
  readonly postgresPrograms?: string;
}

export interface StackAddresses {
  readonly databaseUrl: string;
  /** host:port */
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  /** Null without a UI of our own. */
  readonly uiUrl: string | null;
}

export interface Stack extends StackAddresses {
  /** True when another owner started it; stop() then does nothing. */
  readonly attached: boolean;
  /** Ends everything this call started and resolves when it is gone. May be called twice. */
  stop(): Promise<void>;
}

type Environment = NonNullable<StackOptions['environment']>;

const LOCK_TIMEOUT_MS = 3 * 60_000;

/** Starts the stack of this folder, or attaches to the one that runs. Throws when a part cannot be had. */
export async function startStack(options: StackOptions): Promise<Stack> {
  mkdirSync(options.dir, { recursive: true });
  const dir = realpathSync(options.dir);
  // As it is now: while the parts start, others may change that of this process.
  const environment = { ...(options.environment ?? process.env) };
  const onProgress = options.onProgress ?? (() => undefined);
  await checkExternalParts({ ...options, environment, onProgress });
  // Outside the lock: an installation may take minutes, and has a lock of its own.
  const program = isSet(environment.TEMPORAL_ADDRESS)
    ? null
    : await findTemporalCli({ environment, onProgress });
  return await withLock(lockPath(dir), LOCK_TIMEOUT_MS, async () => {
    const running = findLiveState(dir);
    if (running !== undefined) {
      onProgress(`using the stack of process ${running.owner.pid}`);
      return { ...pickAddresses(running, environment), attached: true, stop: async () => undefined };
    }
    const before = readState(dir);
    if (before !== undefined) await endParts(before.parts);
    if (options.fresh === true) await removeData({ ...options, dir });
    return await launchStack({
      ...options,
      dir,
      environment,
      onProgress,
      program,
      ports: before?.ports ?? {},
    });
  });
}

/** The addresses of a stack that runs in this folder, or null. Starts nothing and opens no connection. */
export async function findStack(dir: string): Promise<StackAddresses | null> {
  const state = findLiveState(dir);
  return state === undefined ? null : pickAddresses(state, {});
}

interface LaunchOptions extends StackOptions {
  readonly environment: Environment;
  readonly onProgress: (line: string) => void;
  readonly program: string | null;
  readonly ports: StackState['ports'];
}

async function launchStack(options: LaunchOptions): Promise<Stack> {
  const { dir, environment } = options;
  let state: StackState = {
    version: 1,
    phase: 'starting',
    owner: ownIdentity(),
    parts: {},
    ports: options.ports,
    databaseUrl: environment.DATABASE_URL ?? '',
    temporalAddress: environment.TEMPORAL_ADDRESS ?? '',
    temporalNamespace: namespaceOf(environment),
    uiUrl: null,
  };
  const update = (change: Partial<StackState>) => {
    state = { ...state, ...change };
    writeState(dir, state);
  };
  const end = async () => {
    await endParts(state.parts);
    update({ phase: 'stopped', parts: {} });
    releaseExit();
  };
  const releaseExit = endPartsOnExit(() => state.parts);
  try {
    await launchParts({
      dir,
      onProgress: options.onProgress,
      ui: options.ui ?? true,
      namespace: state.temporalNamespace,
      searchAttributes: options.searchAttributes,
      temporalProgram: options.program,
      postgres: isSet(environment.DATABASE_URL) ? null : { programs: options.postgresPrograms },
      read: () => state,
      update,
    });
    update({ phase: 'ready' });
  } catch (error) {
    await end();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    ...pickAddresses(state, environment),
    attached: false,
    stop: () => {
      stopping ??= withLock(lockPath(dir), LOCK_TIMEOUT_MS, end);
      return stopping;
    },
  };
}

/** A recorded stack that is ready, whose owner lives and whose children all live. */
function findLiveState(dir: string): StackState | undefined {
  const state = readState(dir);
  if (state === undefined || state.phase !== 'ready' || !isAlive(state.owner)) return undefined;
  return Object.values(state.parts).every(isAlive) ? state : undefined;
}

async function checkExternalParts(
  options: Pick<LaunchOptions, 'environment' | 'onProgress' | 'searchAttributes'>,
): Promise<void> {
  const { DATABASE_URL, TEMPORAL_ADDRESS } = options.environment;
  if (isSet(DATABASE_URL)) await checkDatabase(DATABASE_URL);
  if (isSet(TEMPORAL_ADDRESS)) {
    await checkTemporal({
      ...options,
      address: TEMPORAL_ADDRESS,
      namespace: namespaceOf(options.environment),
    });
  }
}

/** What the caller's own environment names wins over what the owner of the stack was given. */
function pickAddresses(state: StackState, environment: Environment): StackAddresses {
  const { DATABASE_URL, TEMPORAL_ADDRESS } = environment;
  const databaseUrl = isSet(DATABASE_URL) ? DATABASE_URL : state.databaseUrl;
  if (isSet(TEMPORAL_ADDRESS)) {
    const temporalNamespace = namespaceOf(environment);
    const uiUrl = TEMPORAL_ADDRESS === state.temporalAddress ? state.uiUrl : null;
    return { databaseUrl, temporalAddress: TEMPORAL_ADDRESS, temporalNamespace, uiUrl };
  }
  const { temporalAddress, temporalNamespace, uiUrl } = state;
  return { databaseUrl, temporalAddress, temporalNamespace, uiUrl };
}

async function removeData(options: Pick<StackOptions, 'dir' | 'postgresPrograms'>): Promise<void> {
  await removePostgresData({ dir: options.dir, programs: options.postgresPrograms });
  const database = temporalDatabaseFile(options.dir);
  for (const file of [database, `${database}-wal`, `${database}-shm`]) rmSync(file, { force: true });
}

function namespaceOf(environment: Environment): string {
  return isSet(environment.TEMPORAL_NAMESPACE) ? environment.TEMPORAL_NAMESPACE : 'default';
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function lockPath(dir: string): string {
  return join(dir, 'stack.lock');
}
