import type { ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import pg from 'pg';
import type { SearchAttributeTypes } from '../searchAttributes.ts';
import { connectOnce } from './ports.ts';
import { prepareNamespace } from './temporalServer.ts';

const REACH_TIMEOUT_MS = 5_000;

/** Checks that the database of `DATABASE_URL` answers. Throws within ten seconds, naming the variable. */
export async function checkDatabase(databaseUrl: string): Promise<void> {
  const shown = hidePassword(databaseUrl);
  let client: pg.Client | undefined;
  try {
    client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: REACH_TIMEOUT_MS });
    // One that is lost later concerns nobody.
    client.on('error', () => undefined);
    await client.connect();
    await withinTime(client.query('select 1'));
  } catch (error) {
    throw new Error(
      `DATABASE_URL (${shown}) is not reachable: ${describe(error)}. ` +
        'Start that database or correct the variable; unset it to use the PostgreSQL that comes with Holdfast.',
    );
  } finally {
    // The answer is known by now; how the connection ends changes nothing about it.
    await client?.end().catch(() => undefined);
  }
}

export interface TemporalCheck {
  readonly address: string;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributeTypes;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (line: string) => void;
}

/**
 * Checks that the server of `TEMPORAL_ADDRESS` answers and has the namespace. Search attributes that it lacks are
 * registered where it allows that; where not, the command that does it is shown. Throws within ten seconds.
 */
export async function checkTemporal(options: TemporalCheck): Promise<void> {
  const { address, namespace, searchAttributes } = options;
  const advice =
    'Start that server or correct the variable; unset it to use the development server that Holdfast starts.';
  let connection: ConnectionOptions;
  try {
    connection = readConnection(options);
    await checkPort(address);
    await withinTime(prepareNamespace({ connection, namespace, searchAttributes: {} }));
  } catch (error) {
    throw new Error(
      `TEMPORAL_ADDRESS (${address}, namespace ${namespace}) is not reachable: ${describe(error)}. ${advice}`,
    );
  }
  try {
    await withinTime(prepareNamespace({ connection, namespace, searchAttributes }));
  } catch (error) {
    const flags = Object.entries(searchAttributes).map(([name, type]) => `--name ${name} --type ${type}`);
    options.onProgress(
      `search attributes could not be registered (${describe(error)}); ` +
        `run: temporal operator search-attribute create --namespace ${namespace} ${flags.join(' ')}`,
    );
  }
}

/** A plain connection fails at once where nothing listens; the gRPC client would try again until its deadline. */
async function checkPort(address: string): Promise<void> {
  const { hostname, port } = new URL(`tcp://${address}`);
  await connectOnce({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 7233 : Number(port) });
}

/** Address, TLS and API key as the Temporal tools read them from the environment. */
function readConnection(options: TemporalCheck): ConnectionOptions {
  const present = Object.entries(options.environment).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined;
  });
  const { connectionOptions } = loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(present) });
  const { tls, apiKey } = connectionOptions;
  return {
    address: options.address,
    connectTimeout: REACH_TIMEOUT_MS,
    ...(tls === undefined || tls === null ? {} : { tls }),
    ...(typeof apiKey === 'string' ? { apiKey } : {}),
  };
}

async function withinTime<T>(work: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${REACH_TIMEOUT_MS} ms`)), REACH_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function hidePassword(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    if (url.password !== '') url.password = '***';
    return url.toString();
  } catch {
    return 'not a URL';
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? ((error as NodeJS.ErrnoException).code ?? error.name) : error.message;
}
