import { mkdirSync } from 'node:fs';
import { endPartsOnExit } from '../../../src/stack/exitHook.ts';
import { findFreePort } from '../../../src/stack/ports.ts';
import { postgresEnding, startPostgres } from '../../../src/stack/postgres.ts';
import { endProcess, isAlive, type ProcessIdentity, signalProcess } from '../../../src/stack/processes.ts';
import { type Stack, startStack } from '../../../src/stack/stack.ts';
import { findTemporalCli } from '../../../src/stack/temporalCli.ts';
import { startTemporal, temporalEnding } from '../../../src/stack/temporalServer.ts';
import { SEARCH_ATTRIBUTES } from '../../../src/workflows/searchAttributes.ts';
import { type Addresses, until } from '../../e2e/lab.ts';

// The parts that campaigns break: each with its own data, on a port that it keeps, ended by its own process id.

const GONE_MS = 20_000;
const STARTS = 10;

/** A server that can be killed and started again on the same data and port. */
export interface Part extends AsyncDisposable {
  /** `host:port` of the Temporal server, or the URL of the database. */
  readonly address: string;
  /** Sends the signal and resolves when the process is gone. */
  end(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT' | 'SIGTERM'): Promise<void>;
  /** Resolves when it answers. `tries`: 1 where it is expected to fail. */
  start(tries?: number): Promise<void>;
  /** The process that was started last. */
  identity(): ProcessIdentity;
}

interface Begun {
  readonly identity: ProcessIdentity;
  readonly address: string;
}

/** A Temporal dev server on its SQLite file. */
export async function openTemporal(dir: string): Promise<Part> {
  mkdirSync(dir, { recursive: true });
  const program = await findTemporalCli({ environment: process.env, onProgress: () => undefined });
  const port = await findFreePort();
  return openPart('temporal', temporalEnding, async (onSpawn) => {
    const { identity } = await startTemporal({
      program,
      dir,
      port,
      uiPort: null,
      namespace: 'default',
      searchAttributes: SEARCH_ATTRIBUTES,
      onSpawn,
    });
    return { identity, address: `127.0.0.1:${port}` };
  });
}

export async function openPostgres(dir: string): Promise<Part> {
  mkdirSync(dir, { recursive: true });
  const port = await findFreePort();
  return openPart('postgres', postgresEnding, async (onSpawn) => {
    const { databaseUrl, process: server } = await startPostgres({ dir, port, programs: undefined, onSpawn });
    return { identity: server.identity, address: databaseUrl };
  });
}

async function openPart(
  name: 'temporal' | 'postgres',
  ending: Parameters<typeof endProcess>[1],
  begin: (onSpawn: (identity: ProcessIdentity) => void) => Promise<Begun>,
): Promise<Part> {
  let spawned: ProcessIdentity | undefined;
  const release = endPartsOnExit(() => (spawned === undefined ? {} : { [name]: spawned }));
  const start = () =>
    begin((identity) => {
      spawned = identity;
    });
  let begun = await start();
  return {
    address: begun.address,
    end: async (signal) => {
      signalProcess(begun.identity, signal);
      await until(`the end of ${name}`, async () => !isAlive(begun.identity), GONE_MS);
    },
    identity: () => begun.identity,
    start: async (most = STARTS) => {
      // Children of a killed server may hold its data for a moment longer.
      for (let tries = 1; ; tries++) {
        try {
          begun = await start();
          return;
        } catch (error) {
          if (tries === most) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (spawned !== undefined) await endProcess(spawned, ending);
      release();
    },
  };
}

export interface SharedStack extends AsyncDisposable {
  readonly addresses: () => Promise<Addresses>;
}

/** One stack for every campaign that leaves it alone, started when it is first asked for. */
export function shareStack(dir: string, progress: (line: string) => void): SharedStack {
  let stack: Promise<Stack> | null = null;
  return {
    addresses: () => {
      stack ??= startStack({
        dir,
        ui: false,
        fresh: true,
        searchAttributes: SEARCH_ATTRIBUTES,
        // Labs of other campaigns of this process leave their addresses there.
        environment: { ...process.env, DATABASE_URL: '', TEMPORAL_ADDRESS: '' },
        onProgress: (line) => progress(`stack: ${line}`),
      });
      return stack;
    },
    [Symbol.asyncDispose]: async () => {
      await (await stack)?.stop();
    },
  };
}
