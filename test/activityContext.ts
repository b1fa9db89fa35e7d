import { Context } from '@temporalio/activity';

const silent = () => undefined;

export interface Attempt {
  /** Default 1. */
  readonly attempt?: number;
  readonly timeoutMs: number;
  readonly onBeat?: () => void;
  readonly signal?: AbortSignal;
  /** Default `w`. */
  readonly workflowId?: string;
  readonly client?: Context['client'] | undefined;
  /** Hears of errors in the log. */
  readonly onError?: (message: string, facts: unknown) => void;
}

/** The context of an activity that no worker runs. */
export function contextOf({
  attempt = 1,
  timeoutMs,
  onBeat = silent,
  signal = new AbortController().signal,
  workflowId = 'w',
  client,
  onError = silent,
}: Attempt): Context {
  const log = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: onError };
  const never = new Promise<never>(silent);
  const info = {
    attempt,
    startToCloseTimeoutMs: timeoutMs,
    namespace: 'default',
    workflowExecution: { workflowId, runId: 'execution-2' },
  } as never;
  return new Context(info, never, signal, onBeat, client, log, {} as never, {});
}
