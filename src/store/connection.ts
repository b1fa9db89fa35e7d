import postgres from 'postgres';
import { FailureError, retryable } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { watchedSockets } from './sockets.ts';
import { guardTransactions } from './transactions.ts';

export type Sql = postgres.Sql;

export interface StoreOptions {
  readonly maxConnections?: number;
  /** Connections that say nothing for this long are dropped: only where no statement takes longer. */
  readonly silentMs?: number;
}

/**
 * Opens a pool on the store. Every statement of Holdfast runs in the schema `holdfast`; 64-bit integers come back as
 * numbers (none of ours leaves the safe range).
 */
export function connect(databaseUrl: string, options: StoreOptions = {}): Sql {
  // The driver knows this option, its types do not.
  const watched = options.silentMs === undefined ? {} : { socket: watchedSockets(options.silentMs) };
  const sql = postgres(databaseUrl, {
    ...watched,
    max: options.maxConnections ?? LIMITS.storeConnections,
    connect_timeout: LIMITS.connectMs / 1_000,
    idle_timeout: 60,
    // A database that refuses at once (a restart) is asked again in less than a second, not a hundred times in one.
    backoff: (refusals) =>
      ((0.5 + Math.random() / 2) * Math.min(LIMITS.reconnectFirstMs * 2 ** refusals, LIMITS.reconnectMaxMs)) /
      1_000,
    onnotice: () => undefined,
    connection: {
      search_path: 'holdfast',
      application_name: 'holdfast',
      idle_in_transaction_session_timeout: LIMITS.idleInTransactionMs,
    },
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  return guardTransactions(sql as unknown as Sql);
}

/** Codes of a database that is away, restarting, full or done with waiting, rather than of a wrong statement. */
const AWAY =
  /^(CONNECT|CONNECTION|ECONN|ENOTFOUND|EPIPE|ETIMEDOUT|EHOSTUNREACH|08|53|57P0|25P03|40001|40P01|55P03|58)/;

/** A bug of the database's, or a word of its system that it has no code for, such as a file size limit or a full quota. */
const INTERNAL = /^XX/;

/** What a connection says before it ends (FATAL), or before the whole database does (PANIC). */
function isLastWord(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && /^(FATAL|PANIC)$/.test(String(error.severity));
}

/** Runs store work; a database that is away becomes a retryable failure with our own words. */
export async function onStore<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!AWAY.test(code) && !(INTERNAL.test(code) && isLastWord(error))) throw error;
    throw new FailureError(retryable('store_unavailable', `the database did not answer (${code})`), {
      cause: error,
    });
  }
}
