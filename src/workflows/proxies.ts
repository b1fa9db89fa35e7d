import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type {
  CallModelInput,
  CallModelResult,
  CloseEffectInput,
  InsideTask,
  PrepareCallInput,
  RunToolInput,
  RunToolResult,
  Sent,
  SentActivities,
  VerifyControlsInput,
} from '../activities/types.ts';
import type { CallState, PreparedCall } from '../core/calls.ts';
import type { Verified } from '../core/control.ts';
import { LIMITS } from '../core/limits.ts';
import { PACKING, pack, unpack } from '../core/packing.ts';
import type { ToolLabels } from '../core/release.ts';
import { oneLine } from '../core/text.ts';

// Every activity a run can schedule, with its bounds. Temporal owns all retries; nothing below retries by itself.

/** The same bytes would fail again: a result over the limit, and errors that are bugs of ours. */
const NEVER_TWICE = ['PayloadsTooLarge', 'bug'];

/** Time-outs of an attempt. Where code of others may end its worker they are counted here, not by the server. */
const LOST = ['TemporalTimeout:StartToClose', 'TemporalTimeout:Heartbeat'];

const model = proxyActivities<Pick<SentActivities, 'callModel'>>({
  startToCloseTimeout: LIMITS.modelCallMs,
  scheduleToCloseTimeout: LIMITS.modelScheduleToCloseMs,
  heartbeatTimeout: LIMITS.modelHeartbeatMs,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: {
    initialInterval: LIMITS.modelBackoffFirstMs,
    backoffCoefficient: 2,
    // The server also cuts a failure's own delay (retry-after) to this; the backoff itself never gets that far.
    maximumInterval: LIMITS.retryAfterMaxMs,
    maximumAttempts: LIMITS.modelAttempts,
    nonRetryableErrorTypes: NEVER_TWICE,
  },
});

export async function callModel(summary: string, input: Sent<CallModelInput>): Promise<CallModelResult> {
  const sent = pack(PACKING.callModel.input, input);
  return unpack(PACKING.callModel.result, await model.callModel.executeWithOptions({ summary }, [sent]));
}

const STORE_RETRY = {
  initialInterval: LIMITS.storeBackoffFirstMs,
  backoffCoefficient: 2,
  maximumInterval: LIMITS.storeBackoffMaxMs,
};

/**
 * Short work on the store. It must come to its end, however long the store is away, so it is retried until it does;
 * all of it may be repeated. Effects on the outside never go through these.
 */
export const store = proxyActivities<
  Pick<
    SentActivities,
    'openApprovals' | 'recordDecisions' | 'verifyControls' | 'remind' | 'keepTexts' | 'resolveEffect'
  >
>({
  startToCloseTimeout: LIMITS.storeActivityMs,
  retry: { ...STORE_RETRY, nonRetryableErrorTypes: NEVER_TWICE },
});

/** Who says so, as a rule one look into a table: a decision is half as long on its way when no activity is scheduled for it. */
const storeQuickly = proxyLocalActivities<Pick<SentActivities, 'verifyControls'>>({
  startToCloseTimeout: LIMITS.quickVerifyMs,
  scheduleToCloseTimeout: LIMITS.quickReadScheduleToCloseMs,
  // What does not come at once is an ordinary activity's work, with all its patience.
  retry: { maximumAttempts: 1 },
});

export function verifyQuickly(
  summary: string,
  input: Sent<VerifyControlsInput>,
  inside: InsideTask,
): Promise<readonly Verified[]> {
  return storeQuickly.verifyControls.executeWithOptions({ summary }, [input, inside]);
}

const preparing = proxyActivities<Pick<SentActivities, 'prepareCall'>>({
  startToCloseTimeout: LIMITS.storeActivityMs,
  retry: { ...STORE_RETRY, nonRetryableErrorTypes: [...NEVER_TWICE, ...LOST] },
});

/** Asks the functions of a tool about a call once more. */
export async function prepareCall(summary: string, input: Sent<PrepareCallInput>): Promise<PreparedCall> {
  const options = { summary: oneLine(summary, LIMITS.summaryChars) };
  const sent = pack(PACKING.prepareCall.input, input);
  return unpack(
    PACKING.prepareCall.result,
    await whileLost(() => preparing.prepareCall.executeWithOptions(options, [sent])),
  );
}

/** What is only shown: tried twice, and then let be. */
export const brief = proxyActivities<Pick<SentActivities, 'recordDecisions'>>({
  startToCloseTimeout: LIMITS.storeActivityMs,
  retry: { ...STORE_RETRY, maximumAttempts: LIMITS.shownAttempts },
});

/** What the run cannot go on without, and what it cannot end without: not even an error of ours stops the trying. */
export const forEver = proxyActivities<Pick<SentActivities, 'closeEffect' | 'endRun' | 'keepTexts'>>({
  startToCloseTimeout: LIMITS.storeActivityMs,
  retry: STORE_RETRY,
});

const closing = proxyActivities<Pick<SentActivities, 'closeEffect'>>({
  startToCloseTimeout: LIMITS.storeActivityMs,
  retry: { ...STORE_RETRY, nonRetryableErrorTypes: LOST },
});

const tools = proxyActivities<Pick<SentActivities, 'runTool'>>({ startToCloseTimeout: LIMITS.toolTimeoutMs });

/** Runs inside the workflow task: one marker in the history instead of six events. */
const quickTools = proxyLocalActivities<Pick<SentActivities, 'runTool'>>({
  startToCloseTimeout: LIMITS.quickReadMs + LIMITS.quickReadOverheadMs,
  scheduleToCloseTimeout: LIMITS.quickReadScheduleToCloseMs,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  // What does not come at once is an ordinary activity's work, with all its patience.
  retry: { maximumAttempts: 1 },
});

/** A read that is quick has one try inside the workflow task; it fails like any activity. */
export async function runQuickTool(
  call: CallState,
  input: Sent<RunToolInput>,
  inside: InsideTask,
): Promise<RunToolResult> {
  const options = { summary: oneLine(call.prepared.summary, LIMITS.summaryChars) };
  const sent = pack(PACKING.runTool.input, input);
  return unpack(PACKING.runTool.result, await quickTools.runTool.executeWithOptions(options, [sent, inside]));
}

/** One tool call, with the tool's own time-out. An attempt's lease outlives this by `leaseMarginMs`. */
export async function runTool(
  labels: ToolLabels,
  call: CallState,
  input: Sent<RunToolInput>,
): Promise<RunToolResult> {
  const effect = labels.replay !== 'pure';
  const options = {
    startToCloseTimeout: attemptMs(labels),
    scheduleToCloseTimeout: LIMITS.effectScheduleToCloseMs,
    // An effect is never abandoned half-way: cancellation waits for its word.
    cancellationType: effect
      ? ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
      : ActivityCancellationType.TRY_CANCEL,
    retry: {
      initialInterval: LIMITS.toolBackoffFirstMs,
      backoffCoefficient: 2,
      // Room for the delays that failures carry: a lease's remainder, a minute until another worker has the release.
      maximumInterval: LIMITS.toolRetryDelayMaxMs,
      // An effect's attempts are counted in the ledger: waiting for a lease is not one.
      maximumAttempts: effect ? LIMITS.effectAttempts : labels.retries + 1 + LIMITS.releaseAttempts,
      nonRetryableErrorTypes: [...NEVER_TWICE, ...LOST],
    },
    summary: oneLine(call.prepared.summary, LIMITS.summaryChars),
  };
  const sent = pack(PACKING.runTool.input, input);
  return unpack(
    PACKING.runTool.result,
    await whileLost(() => tools.runTool.executeWithOptions(options, [sent])),
  );
}

/** A check that takes its workers with it is given up: then nobody looks, and a person is asked. */
export async function closeEffect(call: CallState, input: Sent<RunToolInput>): Promise<RunToolResult> {
  const options = {
    summary: oneLine(`find out what became of: ${call.prepared.summary}`, LIMITS.summaryChars),
  };
  const closeWith = async (proxies: typeof closing, sent: Sent<CloseEffectInput>) => {
    const closed = proxies.closeEffect.executeWithOptions(options, [pack(PACKING.closeEffect.input, sent)]);
    return unpack(PACKING.closeEffect.result, await closed);
  };
  try {
    return await whileLost(() => closeWith(closing, input));
  } catch (error) {
    if (!isLost(error)) throw error;
    return closeWith(forEver, { ...input, unchecked: true });
  }
}

/** Tries again while attempts are lost, but not for ever: whoever takes this call may die of it. */
async function whileLost<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let lost = 1; ; lost += 1) {
    try {
      return await attempt();
    } catch (error) {
      const over = lost >= LIMITS.lostAttempts || CancellationScope.current().consideredCancelled;
      if (over || !isLost(error)) throw error;
    }
  }
}

/** An attempt began and its worker was not heard of again: it died, was cut off, or hangs. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return error.cause.timeoutType === 'START_TO_CLOSE' || error.cause.timeoutType === 'HEARTBEAT';
}

/** Start-to-close time-out of one attempt: the tool's own time and ours around it. */
function attemptMs(labels: Pick<ToolLabels, 'timeoutMs'>): number {
  return labels.timeoutMs + LIMITS.activityOverheadMs;
}

/** Our failure code of a failed activity; null when the engine gave up on it (time-out, lost worker). */
export function failureCode(error: unknown): string | null {
  if (!(error instanceof ActivityFailure)) return null;
  return error.cause instanceof ApplicationFailure ? (error.cause.type ?? null) : null;
}
