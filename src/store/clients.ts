import pg from 'pg';

// What the driver's connections say when something is wrong, and how one is left.

/** Nobody knows what became of a statement whose connection ended: it may have been done. */
export class ConnectionLost extends Error {
  readonly code = 'CONNECTION_CLOSED';
}

/** The database's own words and those of the system have a code; the driver's have none. */
export function inWords(error: unknown): unknown {
  if (error instanceof Error && 'code' in error && error.code !== undefined) return error;
  return new ConnectionLost(error instanceof Error ? error.message : String(error), { cause: error });
}

/** What a connection says before it ends (FATAL), or before the whole database does (PANIC). */
export function isLastWord(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && /^(FATAL|PANIC)$/.test(String(error.severity));
}

/** What a connection has prepared no longer fits a table that was changed since. */
export function isStale(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.routine === 'RevalidateCachedQuery';
}

/** The server at the other end was the primary once: its name may lead to the new one by now. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '25006';
}

/** Without a word, and without waiting for one: the other end may be gone. */
export function cutOff(client: pg.ClientBase): void {
  // The driver's types leave the connection out; its own pool ends one in the same way.
  const { connection } = client as unknown as { readonly connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
