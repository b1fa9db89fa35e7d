/**
 * The server and the worker of activities, in simulated time: attempts, timeouts, retries and cancellation.
 * The workflow sees only the final outcome of an activity, as one resolution; of a local one also a backoff that is too
 * long for its worker to wait, after which the workflow asks for it again. Signals may come while a local activity
 * runs, as they do after a heartbeat of its workflow task.
 */
import type { Agenda, Entry } from './agenda.ts';
import {
  type ActivityOutcome,
  type AttemptEnd,
  activityFailure,
  cancelledFailure,
  findEnd,
  timeoutFailure,
} from './attempts.ts';
import { decideRetry, type RetryPolicy, readRetryPolicy } from './retries.ts';
import { type Failure, type Job, makeJob, type WireCommand } from './vm.ts';
import { decode, durationMs, encode, readSummary, toDuration, toTimestamp, viewFailure } from './wire.ts';

export interface ActivityInfo {
  readonly attempt: number;
  readonly seq: number;
  readonly activityId: string;
  readonly activityType: string;
  readonly summary?: string;
  readonly nowMs: number;
  readonly args: readonly unknown[];
  readonly isLocal: boolean;
}

/** A test's stand-in for an activity, called once for each attempt. Methods compare loosely, so a typed input fits. */
export type ActivityHandler = {
  handle(input: unknown, info: ActivityInfo): ActivityOutcome | Promise<ActivityOutcome>;
}['handle'];

export interface PendingActivity {
  readonly seq: number;
  readonly activityId: string;
  readonly activityType: string;
  readonly input: unknown;
  readonly summary?: string;
  readonly scheduledAtMs: number;
  readonly attempt: number;
  readonly state: 'running' | 'waiting_for_retry';
  readonly isLocal: boolean;
  readonly cancelRequested: boolean;
}

/** Who answers a cancel request: the core at once (`try`, `abandon`) or the activity's own end (`wait`). */
export type CancelMode = 'try' | 'wait' | 'abandon';

const CANCEL_MODES: readonly CancelMode[] = ['try', 'wait', 'abandon'];

/** Something the server wrote for the workflow: one job, and the events and payload bytes it took. */
export interface Resolution {
  readonly job: Job;
  readonly events: number;
  readonly payload: unknown;
}

/** The core's default: a local activity waits this long by itself before it is tried again. */
const LOCAL_RETRY_THRESHOLD_MS = 60_000;

interface Scheduled {
  readonly seq: number;
  /** Local activities only: a longer backoff than this is the workflow's to wait. */
  readonly localRetryThresholdMs: number | null;
  readonly activityId: string;
  readonly activityType: string;
  readonly args: readonly unknown[];
  readonly summary: string | undefined;
  readonly scheduledAtMs: number;
  /** When the first attempt was asked for, which is earlier after a backoff. */
  readonly firstScheduledAtMs: number;
  readonly policy: RetryPolicy;
  readonly startToCloseMs: number | undefined;
  readonly heartbeatMs: number | undefined;
  readonly expiresAtMs: number | undefined;
  readonly cancelMode: CancelMode;
  attempt: number;
  startedAtMs: number | undefined;
  outcome: ActivityOutcome | undefined;
  lastFailure: Failure | undefined;
  cancelRequested: boolean;
  /** The workflow was told "cancelled" already (TRY_CANCEL, ABANDON) and hears nothing more. */
  detached: boolean;
  next: Entry | undefined;
  deadline: Entry | undefined;
}

export interface ActivityServerOptions {
  readonly agenda: Agenda;
  readonly handlers: Readonly<Record<string, ActivityHandler>>;
  readonly now: () => number;
  readonly resolve: (resolution: Resolution) => void;
}

export class ActivityServer {
  readonly #options: ActivityServerOptions;
  readonly #scheduled = new Map<number, Scheduled>();
  /** What local activities of the task at work come to: they run while it does, and begin once. */
  readonly #begun = new Map<number, ActivityOutcome>();

  constructor(options: ActivityServerOptions) {
    this.#options = options;
  }

  get pending(): readonly PendingActivity[] {
    return [...this.#scheduled.values()].filter((activity) => !activity.detached).map(viewPending);
  }

  /** The activity the workflow still waits for under this number. */
  find(seq: number): { activityId: string; activityType: string; cancelMode: CancelMode } | undefined {
    const activity = this.#scheduled.get(seq);
    return activity === undefined || activity.detached ? undefined : activity;
  }

  /** Runs the local activities of a task that has not ended yet; says whether one of them ends its worker. */
  async begin(
    locals: readonly WireCommand[],
  ): Promise<{ readonly begun: number; readonly endsWorker: boolean }> {
    this.#begun.clear();
    for (const command of locals) {
      const activity = this.#read(command);
      if (activity.attempt > 1) continue;
      activity.startedAtMs = this.#options.now();
      this.#begun.set(activity.seq, await this.#handle(activity));
    }
    const outcomes = [...this.#begun.values()];
    return { begun: outcomes.length, endsWorker: outcomes.some(({ kind }) => kind === 'ends_worker') };
  }

  /** The worker is lost: whoever replays the run runs its open local activities again. */
  restartLocals(): number {
    const unheard = this.#begun.size;
    this.#begun.clear();
    const open = [...this.#scheduled.values()].filter(
      ({ localRetryThresholdMs, detached, startedAtMs }) =>
        localRetryThresholdMs !== null && !detached && startedAtMs !== undefined,
    );
    for (const activity of open) {
      activity.startedAtMs = undefined;
      this.#plan(activity, this.#options.now(), () => this.#startAttempt(activity));
    }
    return unheard + open.length;
  }

  schedule(command: WireCommand): void {
    const activity = this.#read(command);
    this.#scheduled.set(activity.seq, activity);
    this.#plan(activity, activity.scheduledAtMs, () => this.#startAttempt(activity));
    if (activity.expiresAtMs !== undefined) {
      activity.deadline = this.#options.agenda.add({
        atMs: activity.expiresAtMs,
        run: () =>
          this.#endAttempt(activity, {
            atMs: activity.expiresAtMs ?? 0,
            failure: timeoutFailure('SCHEDULE_TO_CLOSE'),
          }),
      });
    }
  }

  #read(command: WireCommand): Scheduled {
    const local = command.scheduleLocalActivity;
    const attributes = command.scheduleActivity ?? local;
    if (attributes == null) throw new Error('schedule was given a command that schedules no activity.');
    const scheduledAtMs = this.#options.now();
    const firstScheduledAtMs = durationMs(local?.originalScheduleTime) ?? scheduledAtMs;
    const scheduleToCloseMs = durationMs(attributes.scheduleToCloseTimeout);
    return {
      seq: attributes.seq ?? 0,
      activityId: attributes.activityId ?? '',
      activityType: attributes.activityType ?? '',
      args: (attributes.arguments ?? []).map(decode),
      summary: readSummary(command.userMetadata),
      scheduledAtMs,
      firstScheduledAtMs,
      localRetryThresholdMs:
        local == null ? null : (durationMs(local.localRetryThreshold) ?? LOCAL_RETRY_THRESHOLD_MS),
      policy: readRetryPolicy({
        ...attributes.retryPolicy,
        initialInterval: durationMs(attributes.retryPolicy?.initialInterval),
        maximumInterval: durationMs(attributes.retryPolicy?.maximumInterval),
      }),
      startToCloseMs: durationMs(attributes.startToCloseTimeout) ?? scheduleToCloseMs,
      heartbeatMs: durationMs(command.scheduleActivity?.heartbeatTimeout),
      expiresAtMs: scheduleToCloseMs === undefined ? undefined : firstScheduledAtMs + scheduleToCloseMs,
      cancelMode: CANCEL_MODES[Number(attributes.cancellationType ?? 0)] ?? 'try',
      attempt: local?.attempt || 1,
      startedAtMs: undefined,
      outcome: undefined,
      lastFailure: undefined,
      cancelRequested: false,
      detached: false,
      next: undefined,
      deadline: undefined,
    };
  }

  /** Handles a cancel request the server has recorded. The core has answered TRY_CANCEL and ABANDON by itself. */
  requestCancel(seq: number): void {
    const activity = this.#scheduled.get(seq);
    if (activity === undefined || activity.detached) return;
    if (activity.cancelMode !== 'wait') activity.detached = true;
    if (activity.cancelMode === 'abandon') return;
    activity.cancelRequested = true;
    const nowMs = this.#options.now();
    // Between attempts nobody runs it, so the server answers by itself.
    if (activity.startedAtMs === undefined) {
      this.#plan(activity, nowMs, () => this.#finishCancelled(activity));
      return;
    }
    const hears = activity.heartbeatMs !== undefined || activity.localRetryThresholdMs !== null;
    const reaction = activity.outcome?.whenCancelled ?? (hears ? 'cancelled' : 'ignored');
    if (reaction === 'ignored') return;
    if (reaction === 'cancelled') {
      this.#plan(activity, nowMs, () => this.#finishCancelled(activity));
      return;
    }
    this.#planEnd(activity, findEnd(activity, reaction, nowMs));
  }

  /** Forgets everything, as the server does when the run closes. */
  clear(): void {
    for (const activity of this.#scheduled.values()) this.#forget(activity);
  }

  async #startAttempt(activity: Scheduled): Promise<void> {
    activity.startedAtMs = this.#options.now();
    const begun = this.#begun.get(activity.seq);
    this.#begun.delete(activity.seq);
    const outcome = begun ?? (await this.#handle(activity));
    activity.outcome = outcome;
    this.#planEnd(activity, findEnd(activity, outcome, activity.startedAtMs));
  }

  async #handle(activity: Scheduled): Promise<ActivityOutcome> {
    const handler = this.#options.handlers[activity.activityType];
    if (handler === undefined) {
      const known = Object.keys(this.#options.handlers).join(', ');
      throw new Error(
        `No activity named "${activity.activityType}" was given to the simulation; it has: ${known}.`,
      );
    }
    return handler(activity.args[0], {
      attempt: activity.attempt,
      seq: activity.seq,
      activityId: activity.activityId,
      activityType: activity.activityType,
      ...(activity.summary === undefined ? {} : { summary: activity.summary }),
      nowMs: this.#options.now(),
      args: activity.args,
      isLocal: activity.localRetryThresholdMs !== null,
    });
  }

  #planEnd(activity: Scheduled, end: AttemptEnd): void {
    this.#plan(activity, end.atMs, () => this.#endAttempt(activity, end));
  }

  #plan(activity: Scheduled, atMs: number, run: () => void | Promise<void>): void {
    this.#options.agenda.remove(activity.next);
    activity.next = this.#options.agenda.add({ atMs, run });
  }

  #endAttempt(activity: Scheduled, end: AttemptEnd): void {
    if (end.failure === undefined) {
      const result = end.result ?? encode(undefined);
      this.#finish(activity, { completed: { result } }, result);
      return;
    }
    const decision = decideRetry(activity.policy, {
      attempt: activity.attempt,
      failure: viewFailure(end.failure),
      nextRetryDelayMs: end.nextRetryDelayMs,
      nowMs: this.#options.now(),
      expiresAtMs: activity.expiresAtMs,
      cancelRequested: activity.cancelRequested,
    });
    const { localRetryThresholdMs } = activity;
    if (decision.kind === 'retry' && decision.delayMs > (localRetryThresholdMs ?? decision.delayMs)) {
      const backoff = {
        attempt: activity.attempt + 1,
        backoffDuration: toDuration(decision.delayMs),
        originalScheduleTime: toTimestamp(activity.firstScheduledAtMs),
      };
      this.#finish(activity, { backoff }, undefined);
      return;
    }
    if (decision.kind === 'retry') {
      activity.lastFailure = end.failure;
      activity.attempt += 1;
      activity.startedAtMs = undefined;
      this.#plan(activity, this.#options.now() + decision.delayMs, () => this.#startAttempt(activity));
      return;
    }
    this.#finishFailed(activity, end.failure, decision.retryState);
  }

  #finishFailed(activity: Scheduled, failure: Failure, retryState: string): void {
    const timedOut = failure.timeoutFailureInfo != null;
    // The server rewrites a timeout that left no time for another attempt, and hangs the last failure below any timeout.
    const rewritten = timedOut && retryState === 'TIMEOUT' ? timeoutFailure('NO_TIME_LEFT') : failure;
    const cause = timedOut && activity.lastFailure !== undefined ? { cause: activity.lastFailure } : {};
    const message = timedOut ? 'Activity task timed out' : 'Activity task failed';
    const whole = activityFailure(activity, message, { ...rewritten, ...cause }, retryState);
    this.#finish(activity, { failed: { failure: whole } }, whole);
  }

  #finishCancelled(activity: Scheduled): void {
    this.#finish(activity, { cancelled: { failure: cancelledFailure(activity) } }, undefined);
  }

  #finish(activity: Scheduled, result: Record<string, unknown>, payload: unknown): void {
    const isLocal = activity.localRetryThresholdMs !== null;
    const events = isLocal || activity.startedAtMs === undefined ? 1 : 2;
    this.#forget(activity);
    if (activity.detached) return;
    this.#options.resolve({
      job: makeJob({ resolveActivity: { seq: activity.seq, isLocal, result } }),
      events,
      payload,
    });
  }

  #forget(activity: Scheduled): void {
    this.#options.agenda.remove(activity.next);
    this.#options.agenda.remove(activity.deadline);
    this.#scheduled.delete(activity.seq);
  }
}

function viewPending(activity: Scheduled): PendingActivity {
  return {
    seq: activity.seq,
    activityId: activity.activityId,
    activityType: activity.activityType,
    input: activity.args[0],
    ...(activity.summary === undefined ? {} : { summary: activity.summary }),
    scheduledAtMs: activity.scheduledAtMs,
    attempt: activity.attempt,
    state: activity.attempt > 1 && activity.startedAtMs === undefined ? 'waiting_for_retry' : 'running',
    isLocal: activity.localRetryThresholdMs !== null,
    cancelRequested: activity.cancelRequested,
  };
}
