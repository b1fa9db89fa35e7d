import { Context } from '@temporalio/activity';
import type { JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import type { ToolLabels } from '../core/release.ts';
import type { Guards } from '../guards/subjects.ts';
import { startActiveClock } from '../store/asking.ts';
import { recallBlobs } from '../store/recall.ts';
import type { ToolResult } from '../tools/result.ts';
import type { Tool, ToolContext } from '../tools/tool.ts';
import { guardsOf } from './guarding.ts';
import { errorText, type Privacy, privacyOf } from './privacy.ts';
import { implementationOf } from './releases.ts';
import type { ActivityServices } from './services.ts';
import type { RunToolInput } from './types.ts';

// One try at a tool's own code, within its time. What its word means for the ledger is decided in runTool.ts.

/** A call with everything needed to run it. */
export interface Job {
  readonly services: ActivityServices;
  readonly input: RunToolInput;
  readonly labels: ToolLabels;
  readonly tool: Tool<unknown>;
  readonly toolServices: unknown;
  readonly args: JsonObject;
  /** What the attempt has taken so far, but for waiting for the store. */
  readonly activeMs: () => number;
  /** When the engine gives this attempt up, on the clock of `performance.now`. */
  readonly endsAtMs: number;
  readonly guards: Guards;
  readonly privacy: Privacy;
}

export async function jobOf(services: ActivityServices, input: RunToolInput): Promise<Job> {
  const activeMs = startActiveClock();
  const endsAtMs = attemptEndsAtMs();
  const release = await services.releases.get(input.release);
  const { tool, pinned, agent } = implementationOf(services.agents, release, input.tool);
  // Before anything is done: what a tool hands back must not meet a worker that cannot judge it.
  const guards = guardsOf(services, release, Context.current().info.attempt >= LIMITS.releaseAttempts);
  const blobs = await recallBlobs(services.sql, input.run, [input.argsHash]);
  return {
    services,
    input,
    tool,
    labels: pinned.labels,
    toolServices: agent.services(services.outside, input.requester),
    args: JSON.parse(blobs.get(input.argsHash) ?? 'null') as JsonObject,
    activeMs,
    endsAtMs,
    guards,
    privacy: await privacyOf(services, input.agent, input.requester),
  };
}

/** Asked at the beginning of an attempt. */
export function attemptEndsAtMs(): number {
  return performance.now() + Context.current().info.startToCloseTimeoutMs;
}

/** What an attempt may still take to present a result: all but what it needs to put it on record. */
export function presentingMs(endsAtMs: number): number {
  return Math.max(0, endsAtMs - LIMITS.settleRoomMs - performance.now());
}

export type Tried<Result> =
  | { readonly kind: 'answered'; readonly result: Result }
  | {
      readonly kind: 'lost';
      readonly what: string;
      /** The tool's code where it still runs. */
      readonly running: Promise<Result> | null;
    };

/**
 * Runs a tool's code within its time. A tool that throws or does not come back is `lost`: it may have acted. A
 * cancellation is passed on to the tool, but its word is waited for: an effect is not abandoned half-way.
 */
export async function tryTool<Result>(
  job: Job,
  run: (context: ToolContext<unknown>) => Promise<Result> | Result,
  capMs: number = LIMITS.toolTimeoutMaxMs,
): Promise<Tried<Result>> {
  const { info, cancellationSignal, heartbeat, log } = Context.current();
  const out = new AbortController();
  const signal = AbortSignal.any([out.signal, cancellationSignal]);
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<null>((resolve) => {
    timer = setTimeout(
      () => {
        out.abort(new DOMException('the tool ran out of time', 'TimeoutError'));
        resolve(null);
      },
      Math.min(job.labels.timeoutMs, capMs),
    );
  });
  const { input } = job;
  try {
    const running = (async () =>
      run({
        requester: input.requester,
        key: input.key,
        idempotencyKey: input.key,
        services: job.toolServices,
        signal,
        heartbeat: (detail) => heartbeat(detail ?? null),
        now: () => new Date(),
        log: (message, facts) =>
          log.info(job.privacy.personal(message), {
            ...(facts && (JSON.parse(job.privacy.personal(JSON.stringify(facts))) as JsonObject)),
            key: input.key,
            attempt: info.attempt,
          }),
      }))();
    const ended = await Promise.race([running.then((result) => ({ result })), timedOut]);
    if (ended !== null) return { kind: 'answered', result: ended.result };
    // Whoever wants its late word listens by itself; without a listener a rejection would end the worker.
    running.catch(() => undefined);
    log.warn('a tool ran out of time', { tool: input.tool, key: input.key });
    return { kind: 'lost', what: 'it did not answer in time', running };
  } catch (error) {
    log.warn('a tool failed', {
      tool: input.tool,
      key: input.key,
      error: job.privacy.personal(errorText(error)),
    });
    // The tool's own words may quote anything; only their kind leaves the worker.
    return { kind: 'lost', what: 'it threw', running: null };
  } finally {
    clearTimeout(timer);
  }
}

/** An effect that was aborted has a moment to end, so that what it did is known rather than guessed. */
export async function graced(tried: Tried<ToolResult>): Promise<Tried<ToolResult>> {
  if (tried.kind === 'answered' || tried.running === null) return tried;
  const ended = tried.running.then(
    (result): Tried<ToolResult> => ({ kind: 'answered', result }),
    (): Tried<ToolResult> => ({ ...tried, running: null }),
  );
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Tried<ToolResult>>((resolve) => {
    timer = setTimeout(() => resolve(tried), LIMITS.toolAbortGraceMs);
  });
  return Promise.race([ended, over]).finally(() => clearTimeout(timer));
}
