import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { registerSearchAttributes, type SearchAttributeTypes } from '../searchAttributes.ts';
import { readLogTail, rotateLog } from './partLog.ts';
import { connectOnce } from './ports.ts';
import { type DetachedProcess, type ProcessIdentity, startDetached } from './processes.ts';

export interface TemporalServerOptions {
  readonly program: string;
  readonly dir: string;
  readonly port: number;
  /** Null leaves the user interface out. */
  readonly uiPort: number | null;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
  readonly onSpawn: (identity: ProcessIdentity) => void;
}

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 40;
const REGISTER_TIMEOUT_MS = 20_000;

export const temporalEnding = [
  { signal: 'SIGTERM', waitMs: 10_000 },
  { signal: 'SIGKILL', waitMs: 3_000 },
] as const;

/**
 * Values that differ from the server's defaults, and why.
 * Eager execution hands the first activity of a task straight back to the worker that asked for it.
 * The history service reads its transfer queue 20 times a second by default, which holds every activity result
 * back by up to 50 ms; the raised rate makes a single run several times faster.
 * The version check would call a server on the internet. The last one lets tests and consoles list freely.
 */
const dynamicConfig = {
  'system.enableActivityEagerExecution': 'true',
  'history.transferProcessorMaxPollRPS': '5000',
  'frontend.enableServerVersionCheck': 'false',
  'frontend.namespaceRPS.visibility': '1000',
} as const;

/** WAL with synchronous NORMAL is safe against kill -9 of the server and twice as fast as the defaults. */
const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'] as const;

/** The arguments of `temporal` for a development server. */
export function temporalArguments(options: Omit<TemporalServerOptions, 'program' | 'onSpawn'>): string[] {
  return [
    'server',
    'start-dev',
    ...['--ip', '127.0.0.1', '--port', String(options.port), '--namespace', options.namespace],
    ...['--db-filename', temporalDatabaseFile(options.dir), '--log-level', 'warn'],
    ...(options.uiPort === null ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ];
}

export function temporalDatabaseFile(dir: string): string {
  return join(dir, 'temporal.db');
}

/** Starts the development server and waits until the namespace and the search attributes are there. */
export async function startTemporal(options: TemporalServerOptions): Promise<DetachedProcess> {
  const logFile = join(options.dir, 'temporal.log');
  rotateLog(logFile);
  const server = await startDetached({
    command: options.program,
    args: temporalArguments(options),
    cwd: options.dir,
    env: serverEnvironment(),
    logFile,
    user: null,
    onSpawn: options.onSpawn,
  });
  const address = `127.0.0.1:${options.port}`;
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      // Asking for a plain connection first spares the gRPC client's growing pauses between attempts.
      await connectOnce({ host: '127.0.0.1', port: options.port });
      await prepareNamespace({ connection: { address }, ...options });
      return server;
    } catch (error) {
      const ending = server.ending();
      if (ending !== undefined || performance.now() > deadline) {
        const what =
          ending === undefined ? `was not ready within ${READY_TIMEOUT_MS} ms` : `ended (${ending})`;
        throw new Error(`The Temporal server ${what}: ${String(error)}\n${readLogTail(logFile)}`);
      }
      await delay(POLL_MS);
    }
  }
}

export interface NamespaceOptions {
  readonly connection: ConnectionOptions;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
}

/**
 * Checks that the namespace exists and registers the search attributes it lacks. The server's own flags do that for
 * a new database file only: on an existing one they are ignored.
 */
export async function prepareNamespace(options: NamespaceOptions): Promise<void> {
  const { namespace } = options;
  const connection = await Connection.connect({ connectTimeout: '5s', ...options.connection });
  try {
    await connection.withDeadline(Date.now() + REGISTER_TIMEOUT_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      await registerSearchAttributes(connection.operatorService, namespace, options.searchAttributes);
    });
  } finally {
    await connection.close();
  }
}

/** Of the caller's environment only what a server needs: TEMPORAL_ variables would change the program's defaults. */
function serverEnvironment(): Record<string, string> {
  const { PATH, HOME } = process.env;
  return { ...(PATH === undefined ? {} : { PATH }), ...(HOME === undefined ? {} : { HOME }) };
}
