import type { SearchAttributeTypes } from '../searchAttributes.ts';
import { findFreePort } from './ports.ts';
import { postgresEnding, startPostgres } from './postgres.ts';
import { endProcess, isAlive, type ProcessIdentity } from './processes.ts';
import type { PartName, StackState } from './state.ts';
import { startTemporal, temporalEnding } from './temporalServer.ts';

export interface PartsOptions {
  readonly dir: string;
  readonly onProgress: (line: string) => void;
  readonly ui: boolean;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
  /** The `temporal` program, or null where the environment names a server. */
  readonly temporalProgram: string | null;
  /** Null where the environment names a database. */
  readonly postgres: { readonly programs: string | undefined } | null;
  readonly read: () => StackState;
  readonly update: (change: Partial<StackState>) => void;
}

const START_ATTEMPTS = 2;

/** Starts the parts side by side. When one fails the other has settled too, so nothing starts behind the error. */
export async function launchParts(options: PartsOptions): Promise<void> {
  const results = await Promise.allSettled([launchPostgres(options), launchTemporal(options)]);
  const failures = results
    .filter((result) => result.status === 'rejected')
    .map((result) => result.reason as Error);
  const [first] = failures;
  if (first === undefined) return;
  throw failures.length === 1 ? first : new Error(failures.map((failure) => failure.message).join('\n'));
}

/** Ends the recorded processes, both at once, and waits until they are gone. */
export async function endParts(parts: StackState['parts']): Promise<void> {
  await Promise.all([
    parts.postgres === undefined ? undefined : endProcess(parts.postgres, postgresEnding),
    parts.temporal === undefined ? undefined : endProcess(parts.temporal, temporalEnding),
  ]);
}

async function launchPostgres(options: PartsOptions): Promise<void> {
  const { postgres, dir, read, update } = options;
  if (postgres === null) return;
  options.onProgress('starting PostgreSQL');
  await startWithRetry(options, 'postgres', async (fresh) => {
    const port = await findFreePort(fresh ? undefined : read().ports.postgres);
    const onSpawn = recorder(options, 'postgres');
    const { databaseUrl } = await startPostgres({ dir, port, programs: postgres.programs, onSpawn });
    update({ databaseUrl, ports: { ...read().ports, postgres: port } });
  });
}

async function launchTemporal(options: PartsOptions): Promise<void> {
  const { temporalProgram: program, dir, namespace, searchAttributes, read, update } = options;
  if (program === null) return;
  options.onProgress('starting the Temporal development server');
  await startWithRetry(options, 'temporal', async (fresh) => {
    const before = fresh ? {} : read().ports;
    const port = await findFreePort(before.temporal);
    const uiPort = options.ui ? await findFreePort(before.ui) : null;
    const onSpawn = recorder(options, 'temporal');
    await startTemporal({ program, dir, port, uiPort, namespace, searchAttributes, onSpawn });
    update({
      temporalAddress: `127.0.0.1:${port}`,
      uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
      ports: { ...read().ports, temporal: port, ...(uiPort === null ? {} : { ui: uiPort }) },
    });
  });
}

/** A port found free may be taken before the child listens on it; a child that ended at once gets new ports. */
async function startWithRetry(
  options: PartsOptions,
  name: PartName,
  start: (fresh: boolean) => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await start(attempt > 1);
      return;
    } catch (error) {
      const identity = options.read().parts[name];
      if (identity === undefined || isAlive(identity) || attempt === START_ATTEMPTS) throw error;
      options.onProgress(`${name} ended at once; trying again with another port`);
    }
  }
}

function recorder(options: PartsOptions, name: PartName): (identity: ProcessIdentity) => void {
  return (identity) => options.update({ parts: { ...options.read().parts, [name]: identity } });
}
