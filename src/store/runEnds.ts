import type { Sql } from './connection.ts';

/** Carries the id of a run that has ended, sent by the transaction that ended it. */
export const RUN_ENDED = 'holdfast_run_ended';

/**
 * Tells the model calls of this process that their run has ended, so that nobody pays for an answer that nobody reads.
 *
 * N1. A call is watched before its attempt is opened. Whoever ends the run commits either before that statement, which
 *     then refuses, or after it, and then the notification finds the call here.
 * N2. What was notified while the connection was down is lost, so the runs in flight are looked up whenever it listens.
 * N3. This is for speed only. Where no notification arrives (a pooler between, no connection for long), Temporal's own
 *     cancellation ends the call with its next heartbeat.
 */
export interface RunEnds {
  watch(run: string): WatchedCall;
  /** Opens the one connection that listens; it comes back by itself. Rejects when the database is away now. */
  listen(): Promise<void>;
  stop(): Promise<void>;
}

export interface WatchedCall {
  /** Aborts when the run has ended. */
  readonly signal: AbortSignal;
  /** To be called when the call is over, however it ended. */
  release(): void;
}

export function watchRunEnds(sql: Sql): RunEnds {
  // As large as the calls in flight, and a worker bounds those (LIMITS.workerActivities).
  const inFlight = new Map<string, Set<AbortController>>();
  let unlisten = async () => undefined as unknown;

  const end = (run: string) => {
    for (const controller of inFlight.get(run) ?? []) controller.abort();
  };

  const lookUp = async () => {
    if (inFlight.size === 0) return;
    const ended = await sql<{ run: string }[]>`
      select run from runs where run = any(${[...inFlight.keys()]}) and ended_at is not null`;
    for (const { run } of ended) end(run);
  };

  return {
    watch: (run) => {
      const controller = new AbortController();
      const calls = inFlight.get(run) ?? new Set();
      inFlight.set(run, calls.add(controller));
      return {
        signal: controller.signal,
        release: () => {
          calls.delete(controller);
          if (calls.size === 0 && inFlight.get(run) === calls) inFlight.delete(run);
        },
      };
    },
    listen: async () => {
      // A failed look-up is not tried again: the database is going away once more, and the next listening looks up.
      const onListening = () => void lookUp().catch(() => undefined);
      ({ unlisten } = await sql.listen(RUN_ENDED, end, onListening));
    },
    // Where the database is away there is nothing left to take back.
    stop: () =>
      unlisten().then(
        () => undefined,
        () => undefined,
      ),
  };
}
