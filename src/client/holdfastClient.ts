import { setMaxListeners } from 'node:events';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { ApprovalRecord } from '../core/approvals.ts';
import type { ControlName, Envelope } from '../core/control.ts';
import { LIMITS } from '../core/limits.ts';
import type { StartInput } from '../core/start.ts';
import {
  AGENT_RUN,
  approvalsQuery,
  type DecideReply,
  type Decision,
  decideNowUpdate,
  messageSignal,
  type RaiseLimit,
  type Reply,
  type RunResult,
  type RunStatus,
  sendUpdate,
  statusQuery,
  type UserMessage,
} from '../workflows/messages.ts';
import { checkDecision, checkMessage, checkRaise, checkSteering, startOptions } from './checks.ts';
import { HoldfastError, inWords, isCutOff, isGone, isMoving } from './errors.ts';
import {
  type AgentRun,
  CALL_TIMEOUT_MS,
  type RunHandle,
  SEND_TIMEOUT_MS,
  type SendAgainOptions,
  type SendInput,
  type SendOptions,
  type SendOrStartInput,
  type SendOrStartOptions,
  type StartOptions,
  type Steer,
} from './inputs.ts';
import { createMint, type Mint } from './minting.ts';

/**
 * Starts runs, sends messages, decides approvals, and reads how runs stand. Every call is bounded in time, and throws
 * a `HoldfastError` whose `code` says what happened.
 *
 * @example
 * import { Client, Connection } from '@temporalio/client';
 * import { createHoldfastClient } from 'holdfast/client';
 *
 * const connection = await Connection.connect({ address: 'localhost:7233' });
 * const holdfast = createHoldfastClient({ client: new Client({ connection }) });
 * const workflowId = 'chat-4711';
 * await holdfast.start({ agent: 'support', requester: { id: 'customer-7' } }, { workflowId });
 * const reply = await holdfast.send({ workflowId, text: 'Where is my order?', by: 'customer-7', id: 'message-1' });
 * console.log(reply.kind, reply.text);
 */
export function createHoldfastClient(options: {
  readonly client: Client;
  /** Where the workers of these runs poll; default `holdfast`. */
  readonly taskQueue?: string;
  /**
   * The workers' HOLDFAST_DECISION_KEY: decisions and steering are signed with it. Whoever holds it can speak for
   * everybody, so a process that has it must know who its users are.
   */
  readonly decisionKey?: string;
  /** How long a signed message may take to reach Temporal, in milliseconds; default ten minutes, at most seven days. */
  readonly envelopeLifeMs?: number;
  /** Where people say what they say, for the audit: default `api`. */
  readonly channel?: string;
}): HoldfastClient {
  const { client, taskQueue = 'holdfast', channel = 'api', decisionKey, envelopeLifeMs } = options;
  const mint = createMint({ namespace: client.options.namespace, decisionKey, envelopeLifeMs });
  return new HoldfastClient(client, { taskQueue, channel, mint });
}

/** Made by `createHoldfastClient`. */
export class HoldfastClient {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #channel: string;
  readonly #mint: Mint;

  constructor(
    client: Client,
    options: { readonly taskQueue: string; readonly channel: string; readonly mint: Mint },
  ) {
    this.#client = client;
    this.#taskQueue = options.taskQueue;
    this.#channel = options.channel;
    this.#mint = options.mint;
  }

  /** Starts a run. With `input.message` that is its first message, whose id is `start`. */
  async start(input: Omit<StartInput, 'v'>, options: StartOptions): Promise<RunHandle> {
    const { workflowId, whenRunning = 'fail', whenEnded = 'start' } = options;
    const start = startOptions(input, workflowId, this.#taskQueue);
    return this.#bounded(workflowId, CALL_TIMEOUT_MS, () =>
      this.#client.workflow.start<AgentRun>(AGENT_RUN, {
        ...start,
        ...(whenRunning === 'use' && { workflowIdConflictPolicy: 'USE_EXISTING' }),
        ...(whenEnded === 'refuse' && { workflowIdReusePolicy: 'REJECT_DUPLICATE' }),
      }),
    );
  }

  /**
   * Sends a message and returns as soon as the run answers or parks. `timed_out` says nothing about the message: send
   * it again with the same `id`, or leave it with `post`. After `waiting`, ask again with the next `round`.
   */
  async send(input: SendInput, options: SendAgainOptions = {}): Promise<Reply> {
    const { workflowId, message } = checkMessage(input);
    const { timeoutMs = SEND_TIMEOUT_MS, round = 0, signal } = options;
    return this.#bounded(workflowId, timeoutMs, () => this.#ask(workflowId, message, 0, round), signal);
  }

  /** Leaves a message in the run's history, whether or not a worker is there, and does not wait for the answer. */
  async post(input: SendInput): Promise<void> {
    const { workflowId, message } = checkMessage(input);
    await this.#signal(workflowId, (handle) => handle.signal(messageSignal, message));
  }

  /**
   * Sends a message to the run with this workflow id, and starts the run when there is none: one call for callers
   * that keep no state.
   *
   * @example
   * const reply = await holdfast.sendOrStart({
   *   workflowId: `chat-${chat.id}`, text, by: user.id, id: message.id,
   *   start: { agent: 'support', requester: { id: user.id } },
   * });
   */
  async sendOrStart(input: SendOrStartInput, options: SendOrStartOptions = {}): Promise<Reply> {
    const { workflowId, message } = checkMessage(input);
    const start = startOptions(input.start, workflowId, this.#taskQueue);
    const refuse = options.whenEnded === 'refuse';
    const first = () =>
      this.#client.workflow.executeUpdateWithStart(sendUpdate, {
        args: [message],
        updateId: message.id,
        startWorkflowOperation: startOperation({
          ...start,
          workflowIdConflictPolicy: 'USE_EXISTING',
          ...(refuse && { workflowIdReusePolicy: 'REJECT_DUPLICATE' }),
        }),
      });
    const asking = async () => {
      for (let tries = 1; ; tries++) {
        try {
          const reply = await first();
          return reply.kind === 'moved' ? await this.#ask(workflowId, message, 1) : reply;
        } catch (error) {
          // A run that ended between the two halves of the call did not take the message: the next call starts one.
          if (isGone(error) && tries < LIMITS.clientTries) continue;
          // Refused to start again: the ended run still knows the answers it gave.
          if (refuse && error instanceof WorkflowExecutionAlreadyStartedError)
            return this.#ask(workflowId, message, 0);
          throw error;
        }
      }
    };
    return this.#bounded(workflowId, options.timeoutMs ?? SEND_TIMEOUT_MS, asking, options.signal);
  }

  /**
   * Sends a decision. It counts by the time at which the server received it, whether or not a worker is there.
   *
   * Give `argsHash` as the approval has it: then the word is about exactly the arguments that the person saw. Where
   * decisions are signed, one about a call does not count without it.
   */
  async decide(input: Decision & { readonly workflowId: string }): Promise<void> {
    const { workflowId, decision } = checkDecision(input, this.#channel);
    await this.#say(workflowId, 'decide', decision);
  }

  /**
   * Decides and returns what became of it; needs a worker. After `timed_out`, `decide` makes it count all the same.
   * `argsHash` is as in `decide`.
   */
  async decideNow(
    input: Decision & { readonly workflowId: string },
    options: SendOptions = {},
  ): Promise<DecideReply> {
    const { workflowId, decision } = checkDecision(input, this.#channel);
    // Signed as a decision: by signal or by update, it is the same word.
    const args: [Decision] = [this.#mint(workflowId, 'decide', decision)];
    return this.#bounded(workflowId, options.timeoutMs ?? CALL_TIMEOUT_MS, async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.#handle(workflowId).executeUpdate(decideNowUpdate, { args });
        } catch (error) {
          if (!isMoving(error) || tries === LIMITS.clientTries) throw error;
          await new Promise((resolve) => setTimeout(resolve, tries * LIMITS.clientMovingMs));
        }
      }
    });
  }

  cancel(input: Steer): Promise<void> {
    return this.#steer('cancel', input);
  }

  /** The run stops at its next seam, until `resume`. */
  pause(input: Steer): Promise<void> {
    return this.#steer('pause', input);
  }

  /** Goes on after a pause. */
  resume(input: Steer): Promise<void> {
    return this.#steer('resume', input);
  }

  /** Tries again now, after an outage, a bug, or a kill switch that was in the way. */
  retry(input: Steer): Promise<void> {
    return this.#steer('retry', input);
  }

  /** Ends the conversation once what is in it is answered. */
  close(input: Steer): Promise<void> {
    return this.#steer('close', input);
  }

  /** Ends the conversation as escalated; `reason` becomes the summary for the people who take over. */
  handOver(input: Steer): Promise<void> {
    return this.#steer('handOver', input);
  }

  /** Continue as new at the next seam, so that a new build takes over. */
  upgrade(input: Steer): Promise<void> {
    return this.#steer('upgrade', input);
  }

  /** Adds tokens or micro-dollars to what the run may use. */
  async raiseLimit(input: Steer<RaiseLimit>): Promise<void> {
    const raise = checkRaise(input);
    await this.#say(input.workflowId, 'raiseLimit', { ...checkSteering(input, this.#channel), ...raise });
  }

  /** How the run stands; needs a worker. Lists for many runs come from the store. */
  status(workflowId: string, options: SendOptions = {}): Promise<RunStatus> {
    return this.#bounded(workflowId, options.timeoutMs ?? CALL_TIMEOUT_MS, () =>
      this.#handle(workflowId).query(statusQuery),
    );
  }

  /** Its open approvals; needs a worker. */
  approvals(workflowId: string, options: SendOptions = {}): Promise<readonly ApprovalRecord[]> {
    return this.#bounded(workflowId, options.timeoutMs ?? CALL_TIMEOUT_MS, () =>
      this.#handle(workflowId).query(approvalsQuery),
    );
  }

  /** Waits for the end of the run: days, if need be, unless `timeoutMs` says otherwise. */
  result(workflowId: string, options: SendOptions = {}): Promise<RunResult> {
    return this.#bounded(
      workflowId,
      options.timeoutMs ?? LIMITS.longestWaitMs,
      () => this.#handle(workflowId).result(),
      options.signal,
    );
  }

  #handle(workflowId: string): RunHandle {
    return this.#client.workflow.getHandle<AgentRun>(workflowId);
  }

  /** A run that continues as new answers `moved` (or is gone for a moment): ask its successor, a bounded number of times. */
  async #ask(
    workflowId: string,
    message: UserMessage & { readonly id: string },
    moves: number,
    round = 0,
  ): Promise<Reply> {
    const first = round === 0 ? message.id : `${message.id}.${round}`;
    for (let tries = moves; tries < LIMITS.clientTries; tries++) {
      const updateId = tries === 0 ? first : `${first}~${tries}`;
      try {
        const reply = await this.#handle(workflowId).executeUpdate(sendUpdate, { args: [message], updateId });
        if (reply.kind !== 'moved') return reply;
      } catch (error) {
        if (!isCutOff(error)) throw error;
      }
    }
    throw new HoldfastError(
      'busy',
      `run "${workflowId}" moved on ${LIMITS.clientTries} times while message "${message.id}" waited: send it again with the same id`,
    );
  }

  async #steer(name: ControlName, input: Steer): Promise<void> {
    await this.#say(input.workflowId, name, checkSteering(input, this.#channel));
  }

  /** Signals carry the names by which they are signed. */
  #say(workflowId: string, name: ControlName, said: Envelope): Promise<void> {
    const body = this.#mint(workflowId, name, said);
    return this.#signal(workflowId, (handle) => handle.signal(name, body));
  }

  #signal(workflowId: string, send: (handle: RunHandle) => Promise<void>): Promise<void> {
    return this.#bounded(workflowId, CALL_TIMEOUT_MS, () => send(this.#handle(workflowId)));
  }

  async #bounded<Result>(
    workflowId: string,
    timeoutMs: number,
    work: () => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    if (signal?.aborted === true)
      throw new HoldfastError(
        'timed_out',
        `nothing was sent to run "${workflowId}": its signal was aborted before`,
      );
    const own = ownSignal(signal);
    const watched = own === null ? work : () => this.#client.withAbortSignal(own.signal, work);
    try {
      return await this.#client.withDeadline(new Date(Date.now() + timeoutMs), watched);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw await this.#missing(workflowId, error);
      throw inWords(error, workflowId, timeoutMs);
    } finally {
      own?.letGo();
    }
  }

  /** Temporal answers "not found" for runs that never were and for runs that have ended. */
  async #missing(workflowId: string, cause: Error): Promise<HoldfastError> {
    const ended = await this.#client
      .withDeadline(new Date(Date.now() + CALL_TIMEOUT_MS), () => this.#handle(workflowId).describe())
      .catch(() => null);
    return ended === null
      ? new HoldfastError(
          'not_found',
          `there is no run with the workflow id "${workflowId}": check the id, or start it`,
          { cause },
        )
      : new HoldfastError('ended', `run "${workflowId}" has ended: start a new one`, { cause });
  }
}

function startOperation(
  options: WorkflowStartOptions<AgentRun> & { readonly workflowIdConflictPolicy: 'USE_EXISTING' },
): WithStartWorkflowOperation<AgentRun> {
  const operation = new WithStartWorkflowOperation<AgentRun>(AGENT_RUN, options);
  // The update reports every failure; without a listener the second report of it would end the process.
  operation.workflowHandle().catch(() => undefined);
  return operation;
}

/**
 * Aborts with `signal`, and is let go with the call. The SDK adds a listener for each of its requests and takes none away,
 * so a caller's signal that lives long would keep them all, and a wait of days adds one every twenty seconds.
 */
function ownSignal(signal: AbortSignal | undefined) {
  if (signal === undefined) return null;
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const abort = () => own.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return { signal: own.signal, letGo: () => signal.removeEventListener('abort', abort) };
}
