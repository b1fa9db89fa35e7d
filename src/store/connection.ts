import type { PoolConfig } from 'pg';
import { FailureError, retryable } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { isLastWord, isStale } from './clients.ts';
import { openPool } from './pool.ts';
import { watchedSocket } from './sockets.ts';
import { type Sql, typesOf } from './sql.ts';

export type { Sql, Statements, Transaction } from './sql.ts';
export { type Part, part } from './sql.ts';

export interface StoreOptions {
  readonly maxConnections?: number;
  /** Connections that say nothing for this long are dropped: only where no statement takes longer. */
  readonly silentMs?: number;
}

/** Opens a pool on the store. Every statement of Holdfast runs in the schema `holdfast`. */
export function connect(databaseUrl: string, options: StoreOptions = {}): Sql {
  const { maxConnections: max = LIMITS.storeConnections, silentMs } = options;
  const config: PoolConfig = {
    connectionString: withSchema(databaseUrl),
    max,
    application_name: 'holdfast',
    idle_in_transaction_session_timeout: LIMITS.idleInTransactionMs,
    connectionTimeoutMillis: LIMITS.connectMs,
    idleTimeoutMillis: LIMITS.storeIdleMs,
    // Finds out about an end that is gone where nothing else does: the connection that listens may be silent for ever.
    keepAlive: true,
    keepAliveInitialDelayMillis: LIMITS.storeSilentMs,
    types: typesOf(),
    ...(silentMs !== undefined && { stream: () => watchedSocket(silentMs) }),
  };
  return openPool(config);
}

/** In the options of the session, behind those of the URL: what is in the URL wins over everything beside it. */
function withSchema(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const own = url.searchParams.get('options');
  url.searchParams.set('options', [...(own === null ? [] : [own]), '-c search_path=holdfast'].join(' '));
  return url.href;
}

/**
 * Codes of a database that is away, restarting, full, done with waiting (57014 is its own time-out for a statement, or an
 * operator's word) or read-only since another one took over, rather than of a wrong statement.
 */
const AWAY = /^(CONNECTION_CLOSED|ECONN|08|53|57P0|57014|25P03|25P04|25006|40001|40P01|55P03|58)/;

/** What the system says of a connection or of a look-up of its name, whichever; what it says of files has their path. */
function isOfNetwork(error: unknown): boolean {
  // Of a name with several addresses, each of which was tried.
  if (error instanceof AggregateError) return error.errors.some(isOfNetwork);
  return error instanceof Error && 'syscall' in error && !('path' in error);
}

/** A bug of the database's, or a word of its system that it has no code for, such as a file size limit or a full quota. */
const INTERNAL = /^XX/;

/** Runs store work; a database that is away becomes a retryable failure with our own words. */
export async function onStore<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const away =
      AWAY.test(code) || isOfNetwork(error) || (INTERNAL.test(code) && isLastWord(error)) || isStale(error);
    if (!away) throw error;
    throw new FailureError(retryable('store_unavailable', `the database did not answer (${code})`), {
      cause: error,
    });
  }
}
