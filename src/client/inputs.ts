import type { WorkflowHandle } from '@temporalio/client';
import { LIMITS } from '../core/limits.ts';
import type { StartInput } from '../core/start.ts';
import type { RunResult, Steering, UserMessage } from '../workflows/messages.ts';

/** How long `send` waits for an answer, unless told otherwise. */
export const SEND_TIMEOUT_MS = LIMITS.clientSendMs;
/** How long everything else waits for the server (and, for queries and `decideNow`, for a worker). */
export const CALL_TIMEOUT_MS = LIMITS.clientCallMs;

/** The workflow type, for typed handles. */
export type AgentRun = (input: StartInput) => Promise<RunResult>;
export type RunHandle = WorkflowHandle<AgentRun>;

/** A message on its way to a run. With an `id` of your own it counts once, however often it is sent. */
export interface SendInput extends UserMessage {
  readonly workflowId: string;
}

export interface SendOptions {
  /** How long to wait for an answer; default `SEND_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  /** Aborted: nobody waits any more, and it throws `timed_out`. What was sent counts all the same. */
  readonly signal?: AbortSignal;
}

export interface SendAgainOptions extends SendOptions {
  /**
   * Temporal gives the same answer to the same question for ever, `waiting` too. Who asks again what has become of a
   * message counts up here, from 0 for the first time; the message still counts once.
   */
  readonly round?: number;
}

export interface StartOptions {
  /** Names the conversation in your application. One run at a time has it. */
  readonly workflowId: string;
  /** What to do when a run with this workflow id is going on: `fail` (default), or return its handle. */
  readonly whenRunning?: 'fail' | 'use';
  /**
   * What to do when a run with this workflow id has ended: begin a new one (default), or fail with `already_started`.
   * Choose `refuse` where a start is repeated after `timed_out`: a run that is quick may have ended in between.
   */
  readonly whenEnded?: 'start' | 'refuse';
}

export interface SendOrStartInput extends SendInput {
  /** Used when no run with this workflow id is going on. The message travels apart from it. */
  readonly start: Omit<StartInput, 'v' | 'message'>;
}

export interface SendOrStartOptions extends SendOptions {
  /**
   * What a message to a run that has ended does: begins a new run (default), or is answered from the old one where it
   * was answered there, and fails with `ended` otherwise. Choose `refuse` where callers repeat messages.
   */
  readonly whenEnded?: 'start' | 'refuse';
}

/** The input of each steering call. */
export type Steer<Signal = Steering> = Signal & { readonly workflowId: string };
