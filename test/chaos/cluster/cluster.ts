import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { readLogTail } from '../../../src/stack/partLog.ts';
import { connectOnce } from '../../../src/stack/ports.ts';
import { type DetachedProcess, endProcess, isAlive, startDetached } from '../../../src/stack/processes.ts';
import { prepareNamespace } from '../../../src/stack/temporalServer.ts';
import { SEARCH_ATTRIBUTES } from '../../../src/workflows/searchAttributes.ts';
import { openPostgres, type Part } from '../campaigns/parts.ts';
import { openProcessRecord } from './processRecord.ts';
import type { ServerPrograms } from './programs.ts';
import { argumentsOf, environmentOf, findPorts, ROLES, type Role } from './roles.ts';
import { layOutTables, loginOf } from './tables.ts';

/*
 * The production server on PostgreSQL, one process a role, on loopback.
 *
 * 1. Every child is on record, by identity, before anything is awaited; whoever opens the same folder next ends it.
 * 2. A role comes back on the ports it had, as it does where an init system restarts it.
 * 3. Every wait is bounded, and says what it waited for when it ends.
 */

export interface Cluster extends AsyncDisposable {
  /** Of the frontend: host:port. */
  readonly temporalAddress: string;
  /** The same PostgreSQL has room for the store of our own. */
  readonly databaseUrl: string;
  /** kill -9; resolves when the process is gone. */
  kill(role: Role): Promise<void>;
  /** Starts a role that is away; resolves when it listens. */
  start(role: Role): Promise<void>;
  /** Roles whose process has ended though nobody killed it. */
  fallen(): readonly Role[];
}

export interface ClusterOptions {
  readonly dir: string;
  readonly programs: ServerPrograms;
  /** A file outside any folder that is emptied between runs: the roles' processes, for whoever comes after a killed owner. */
  readonly record: string;
  readonly progress: (line: string) => void;
}

const READY_TIMEOUT_MS = 90_000;
const POLL_MS = 100;
const KILL_MS = 10_000;
const LINE_CHARS = 400;
const NAMESPACE = 'default';
const RETENTION_SECONDS = 72 * 3_600;

export async function startCluster({
  dir,
  programs,
  record: file,
  progress,
}: ClusterOptions): Promise<Cluster> {
  mkdirSync(dir, { recursive: true });
  const record = await openProcessRecord(file);
  const roles = new Map<Role, DetachedProcess>();
  let postgres: Part | null = null;
  const end = async () => {
    await record.end();
    await postgres?.[Symbol.asyncDispose]();
  };
  try {
    progress('starting PostgreSQL for the production server');
    postgres = await openPostgres(dir);
    const { address: databaseUrl } = postgres;
    const login = loginOf(databaseUrl);
    await layOutTables(programs.sql, login);
    const ports = await findPorts();
    const env = environmentOf(dir, ports, login);
    const temporalAddress = `127.0.0.1:${ports.frontend.grpc}`;

    const start = async (role: Role): Promise<void> => {
      if (roles.has(role)) throw new Error(`the role ${role} runs already: kill it first`);
      const logFile = join(dir, `${role}.log`);
      const child = await startDetached({
        command: programs.server,
        args: argumentsOf(role),
        cwd: dir,
        env,
        logFile,
        user: null,
        onSpawn: (identity) => record.note(role, identity),
      });
      roles.set(role, child);
      await until(`the role ${role} to listen`, { child, logFile }, () =>
        connectOnce({ host: '127.0.0.1', port: ports[role].grpc }),
      );
    };

    progress(`starting ${ROLES.join(', ')}, each as its own process`);
    // Alone: each role writes down the cluster's name on first sight, and of two at once one gives up.
    await start('history');
    await Promise.all(ROLES.filter((role) => role !== 'history').map(start));
    await until('the namespace', { logFile: join(dir, 'frontend.log') }, () =>
      openNamespace(temporalAddress),
    );
    return {
      temporalAddress,
      databaseUrl,
      start,
      kill: async (role) => {
        const child = roles.get(role);
        if (child === undefined) throw new Error(`the role ${role} does not run`);
        roles.delete(role);
        await endProcess(child.identity, [{ signal: 'SIGKILL', waitMs: KILL_MS }]);
      },
      fallen: () => [...roles].flatMap(([role, { identity }]) => (isAlive(identity) ? [] : [role])),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Creates the namespace where it is missing; both it and its search attributes take the server some seconds. */
async function openNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '5s' });
  try {
    await connection.workflowService
      .registerNamespace({
        namespace: NAMESPACE,
        // The generated type asks for its own kind of integer; the encoder takes any.
        workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
      })
      .catch((error: unknown) => {
        if (!String(error).includes('already exists')) throw error;
      });
  } finally {
    await connection.close();
  }
  await prepareNamespace({
    connection: { address },
    namespace: NAMESPACE,
    searchAttributes: SEARCH_ATTRIBUTES,
  });
}

async function until(
  what: string,
  { child, logFile }: { readonly child?: DetachedProcess; readonly logFile: string },
  attempt: () => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const ending = child?.ending();
      if (ending !== undefined || performance.now() > deadline)
        throw new Error(
          `waited for ${what}: ${ending ?? `not within ${READY_TIMEOUT_MS} ms`} (${String(error)})\n${shortened(readLogTail(logFile))}`,
        );
      await delay(POLL_MS);
    }
  }
}

/** The server writes stacks into its lines. */
function shortened(log: string): string {
  return log
    .split('\n')
    .map((line) => line.slice(0, LINE_CHARS))
    .join('\n');
}
