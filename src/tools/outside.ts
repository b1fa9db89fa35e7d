import type { Json } from '../core/json.ts';

/** A database as agents see it: the worker injects one, so that agents import no driver. */
export interface Database {
  /** Runs one statement with `$1`-style parameters. JSON values are passed as they are. */
  query<Row>(text: string, values?: readonly Json[]): Promise<readonly Row[]>;
  /** Runs `work` in one transaction; a throw rolls back. */
  transaction<Result>(work: (database: Database) => Promise<Result>): Promise<Result>;
}

/** The outside world an agent may build its services from. */
export interface Outside {
  readonly database: Database;
}
