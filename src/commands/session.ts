import { createHoldfastClient, type HoldfastClient } from '../client.ts';
import { connectClient } from '../connection.ts';
import { FailureError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { connect, onStore, type Sql } from '../store/connection.ts';
import { within } from './bounded.ts';
import { CommandError } from './failures.ts';
import type { Target } from './target.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. Connections are opened for the work and closed after it, however it ends. */
export interface Session {
  readonly terminal: Terminal;
  /** `timeoutMs`: for work that reads more than a few pages. */
  store<Result>(
    work: (sql: Sql) => Promise<Result>,
    options?: { readonly timeoutMs?: number },
  ): Promise<Result>;
  temporal<Result>(work: (holdfast: HoldfastClient) => Promise<Result>): Promise<Result>;
}

/** A command reads a few pages of rows; what takes longer than this is not going to come. */
const STORE_TIMEOUT_MS = LIMITS.storeActivityMs;

export function openSession(target: () => Target, terminal: Terminal): Session {
  return {
    terminal,
    store: async (work, { timeoutMs = STORE_TIMEOUT_MS } = {}) => {
      const url = await target().databaseUrl();
      const sql = connect(url, { maxConnections: 2 });
      try {
        return await onStore(() => within(timeoutMs, work(sql), () => slow(timeoutMs)));
      } catch (error) {
        throw storeError(error, placeOf(url));
      } finally {
        await sql.end({ timeoutMs: 1_000 });
      }
    },
    temporal: async (work) => {
      const found = target();
      const { taskQueue, decisionKey } = found;
      const { client, close } = await connectTarget(found);
      try {
        return await work(
          createHoldfastClient({
            client,
            taskQueue,
            channel: 'cli',
            ...(decisionKey !== null && { decisionKey }),
          }),
        );
      } finally {
        await close();
      }
    },
  };
}

/** Connects to the Temporal that a target names. */
export async function connectTarget(
  { temporal, codecModule }: Target,
  connectMs: number = LIMITS.connectMs,
): ReturnType<typeof connectClient> {
  const local = await temporal();
  if (local !== null) {
    // The SDK's environment configuration is the one way in which every process of ours finds its server.
    process.env.TEMPORAL_ADDRESS = local.address;
    process.env.TEMPORAL_NAMESPACE = local.namespace;
  }
  return connectClient(codecModule, connectMs);
}

function slow(timeoutMs: number): CommandError {
  return new CommandError(
    'unreachable',
    'database_slow',
    `the database did not answer within ${timeoutMs} ms: try again`,
  );
}

/** Codes of PostgreSQL that say: right server, wrong address or no schema yet. */
const MISCONFIGURED: Readonly<Record<string, string>> = {
  '28000': 'does not accept this user: check DATABASE_URL',
  '28P01': 'does not accept this password: check DATABASE_URL',
  '3D000': 'has no such database: check DATABASE_URL, or create it',
  '42P01': 'has no tables of Holdfast: start a worker once, it creates them',
  '3F000': 'has no tables of Holdfast: start a worker once, it creates them',
  '42703': 'has tables of another version: start a worker of this version, it brings them up to date',
};

/** What a failed use of the store means for a person, without a password. */
export function storeError(error: unknown, place: string): unknown {
  if (error instanceof FailureError)
    return new CommandError(
      'unreachable',
      'database_unreachable',
      `PostgreSQL at ${place} cannot be reached (${error.failure.message}): check DATABASE_URL, or start a local stack with "npm run dev"`,
      { cause: error },
    );
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words = MISCONFIGURED[code];
  if (words === undefined) return error;
  return new CommandError('usage', 'configuration', `PostgreSQL at ${place} ${words} (${code})`, {
    cause: error,
  });
}

/** host:port/database, without the password. */
export function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
