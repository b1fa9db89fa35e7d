/**
 * Runs a workflow activation by activation in the SDK's own VM, in simulated time, with no server.
 *
 * Who owns what: `vm.ts` the VM, `tasks.ts` a workflow task, `replay.ts` the check of determinism, `activities.ts` and
 * `timers.ts` the server's side, `inbox.ts` the order of jobs, `history.ts` the event counts; this file the run as a
 * test sees it. What holds:
 * 1. An activation holds its jobs in the core's order: init, signals, updates, then the rest as it happened.
 * 2. Simulated time moves only in `advanceTo`, `advanceBy`, `runUntilIdle` and `accumulateUntil`.
 * 3. What a workflow task did takes effect when the task ends; a task that is done again leaves nothing behind.
 */
import { ActivityServer, type PendingActivity } from './activities.ts';
import { Agenda } from './agenda.ts';
import { type Command, type RunResult, viewCommand } from './commands.ts';
import { DEFAULT_HISTORY_LIMITS, History } from './history.ts';
import { type Chain, deriveRunId, Inbox, makeInitJob } from './inbox.ts';
import type { SimulationOptions } from './options.ts';
import { ReplayDivergence } from './replay.ts';
import { type Task, TaskRunner, WorkflowTaskFailure } from './tasks.ts';
import { type PendingTimer, TimerServer } from './timers.ts';
import { type UpdateHandle, Updates } from './updates.ts';
import { type Job, type LogLine, makeJob, type Payload, type WireCommand } from './vm.ts';
import { canonicalJson, decode, encode, isRecord, payloadBytes } from './wire.ts';

export type { ActivityHandler, ActivityInfo, PendingActivity } from './activities.ts';
export type { ActivityOutcome, FailureSpec } from './attempts.ts';
export type { Command, RunResult } from './commands.ts';
export type { SimulationOptions } from './options.ts';
export { ReplayDivergence } from './replay.ts';
export { WorkflowTaskFailure } from './tasks.ts';
export type { PendingTimer } from './timers.ts';
export type { UpdateHandle, UpdateStatus } from './updates.ts';
export { type Bundle, bundleWorkflows, plantFault, unguarded } from './vm.ts';
export type { FailureView } from './wire.ts';

/** Bounds a call that moves time, so that a run that never settles fails its test instead of hanging it. */
const DEFAULT_MAX_STEPS_PER_CALL = 20_000;
/** Workers that one workflow task may take with it: more, and it would go round for ever. */
const MOST_LOSSES = 2;

export class Simulation {
  /** Set it to make every later activation suggest continue-as-new; the history's size does so by itself. */
  suggestContinueAsNew = false;
  /** How often the server has refused a close, because a signal came while it was being worked on. */
  closesRefused = 0;
  /** How many local activities were begun by a worker that was lost before anybody heard of them. */
  localsLost = 0;
  readonly options: SimulationOptions;
  readonly runId: string;
  readonly chain: Chain;
  readonly logs: LogLine[] = [];
  readonly searchAttributePayloads: Record<string, Payload>;
  readonly memoPayloads: Record<string, Payload>;
  result: RunResult = { kind: 'running' };
  #nowMs: number;
  readonly #history = new History();
  readonly #agenda = new Agenda();
  readonly #inbox = new Inbox();
  readonly #updates = new Updates();
  readonly #activities: ActivityServer;
  readonly #timers: TimerServer;
  readonly #tasks: TaskRunner;
  readonly #commands: Command[] = [];
  #duringTask: Job[] = [];
  #losesNextTask = false;

  constructor(options: SimulationOptions, chain?: Chain) {
    this.options = options;
    const workflowId = options.workflowId ?? 'simulated-workflow';
    this.runId = deriveRunId(workflowId, options.seed, chain?.index ?? 0);
    this.chain = chain ?? { index: 0, firstRunId: this.runId, searchAttributes: {}, memo: {} };
    this.searchAttributePayloads = { ...this.chain.searchAttributes };
    this.memoPayloads = { ...this.chain.memo };
    this.#nowMs = options.startTimeMs;
    this.#activities = new ActivityServer({
      agenda: this.#agenda,
      handlers: options.activities,
      now: () => this.#nowMs,
      resolve: (resolution) => this.#receive(resolution.job, resolution.events, resolution.payload),
    });
    this.#timers = new TimerServer({
      agenda: this.#agenda,
      now: () => this.#nowMs,
      fire: (job) => this.#receive(job, 1, undefined),
    });
    const label = `${options.workflowType} ${workflowId} (seed ${options.seed}, run ${this.chain.index + 1})`;
    this.#tasks = new TaskRunner({ bundle: options.bundle, label, runId: this.runId });
    const init = makeInitJob({ ...options, workflowId, chain: this.chain });
    this.#receive(init, 1, init);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get activations(): number {
    return this.#tasks.activations;
  }

  get historyLength(): number {
    return this.#history.length;
  }

  get historySizeBytes(): number {
    return this.#history.sizeBytes;
  }

  /** Every command so far, payloads decoded and durations in milliseconds. */
  get commands(): readonly Command[] {
    return this.#commands;
  }

  get pendingActivities(): readonly PendingActivity[] {
    return this.#activities.pending;
  }

  get pendingTimers(): readonly PendingTimer[] {
    return this.#timers.pending;
  }

  /** The values last set by the run or inherited from the run before it. */
  get searchAttributes(): Readonly<Record<string, unknown>> {
    return decodeAll(this.searchAttributePayloads);
  }

  get memo(): Readonly<Record<string, unknown>> {
    return decodeAll(this.memoPayloads);
  }

  /** Queues a signal for the next activation. */
  signal(name: string, ...args: readonly unknown[]): void {
    const job = this.#makeSignal(name, args);
    this.#receive(job, 1, job);
  }

  /**
   * A signal that reaches the server while the next workflow task is being worked on. If that task closes the run, the
   * server refuses the close and the task is done again with the signal in it; else the signal waits for the next one.
   */
  signalDuringNextTask(name: string, ...args: readonly unknown[]): void {
    this.#duringTask.push(this.#makeSignal(name, args));
  }

  /** Queues an update for the next activation. An id already in use returns its handle. */
  update(name: string, args: readonly unknown[], options: { readonly id?: string } = {}): UpdateHandle {
    this.#requireOpen('update', name);
    const { handle, isNew } = this.#updates.open(name, args, options.id);
    if (isNew) this.#inbox.add(handle.job);
    return handle;
  }

  /** Queues a request to cancel the run. */
  cancel(reason = ''): void {
    this.#requireOpen('cancel request', reason);
    this.#receive(makeJob({ cancelWorkflow: { reason } }), 1, undefined);
  }

  /** Asks the state as it is now; what is queued is not delivered first. Throws with the workflow's own message. */
  async query(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#tasks.query(name, args);
  }

  /** What the run shows as its details in the UI. */
  async currentDetails(): Promise<string> {
    const metadata = await this.query('__temporal_workflow_metadata');
    const details = isRecord(metadata) ? metadata.currentDetails : undefined;
    return typeof details === 'string' ? details : '';
  }

  /** One activation with everything queued; nothing when nothing is queued. */
  async deliver(): Promise<void> {
    if (this.#inbox.isEmpty) return;
    const before = this.#history.mark();
    const jobs = this.#inbox.take();
    const task = await this.#runUntilKept(jobs);
    const closes = task.result !== undefined;
    const during = this.#duringTask.splice(0);
    if (closes && during.length > 0) {
      await this.#tasks.undo(task);
      this.closesRefused += 1;
      // The server writes the failed task, then the events it had held back.
      this.#history.add(1);
      for (const job of [...jobs, ...during]) this.#inbox.add(job);
      this.#history.add(during.length, payloadBytes(during));
      await this.deliver();
      return;
    }
    this.#commit(task);
    if (task.onlyRefusedUpdates) this.#history.rollBack(before);
    for (const job of during) this.#receive(job, 1, job);
    if (this.options.crashEveryActivation === true)
      await this.#tasks.verify(this.options.stableQueries ?? []);
    if (this.options.crashAfter?.(this.activations) === true) await this.crash();
  }

  /**
   * The worker of the next task dies after its work and before the server hears of it: another one does it again, from
   * the record. Throws `ReplayDivergence` when its commands differ; those of a task with local activities may, for what
   * such a one did is lost with its worker, and the history tells of that.
   */
  crashDuringNextTask(): void {
    this.#losesNextTask = true;
  }

  /** Loses the instance and rebuilds it from the record. Throws `ReplayDivergence` when the commands differ. */
  async crash(): Promise<void> {
    await this.#tasks.rebuild();
    this.localsLost += this.#activities.restartLocals();
  }

  /** Delivers what is queued and runs activities to their end; timers fire only when they are due on the way. */
  async runUntilIdle(): Promise<void> {
    await this.#deliverAll();
    for (let steps = 0; this.#activities.pending.length > 0; steps += 1) {
      this.#requireBound(steps);
      await this.#step();
      await this.#deliverAll();
    }
  }

  /** Moves the clock; everything due on the way happens at its own time, in an activation of its own. */
  async advanceTo(ms: number): Promise<void> {
    await this.#deliverAll();
    await this.#moveTo(ms, () => this.#deliverAll());
  }

  async advanceBy(ms: number): Promise<void> {
    await this.advanceTo(this.#nowMs + ms);
  }

  /** Moves the clock while no workflow worker is up: everything due is queued for one later activation. */
  async accumulateUntil(ms: number): Promise<void> {
    await this.#moveTo(ms, async () => undefined);
  }

  /** Waits for the next timer with nothing delivered, then delivers it in one activation with all that is queued. */
  async deliverTogetherWithTimer(): Promise<void> {
    const [next] = this.pendingTimers;
    if (next === undefined)
      throw new Error('No timer is pending, so nothing can be delivered together with one.');
    await this.accumulateUntil(next.firesAtMs);
    await this.deliver();
  }

  /** Frees the instance. A simulation that is dropped without it keeps its workflow in memory. */
  async dispose(): Promise<void> {
    await this.#tasks.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** One task, done again as long as its worker is lost: by order, or because a local activity ends it. */
  async #runUntilKept(jobs: readonly Job[]): Promise<Task> {
    let lost: { readonly task: Task; readonly hadLocals: boolean } | undefined;
    for (let losses = 0; ; losses += 1) {
      const before = this.#history.mark();
      const task = await this.#runTask(jobs);
      if (lost !== undefined && !lost.hadLocals) requireSame(lost.task, task);
      const { begun, endsWorker } = await this.#activities.begin(localsOf(task));
      if (!endsWorker && !this.#losesNextTask) return task;
      this.#losesNextTask = false;
      if (losses === MOST_LOSSES)
        throw new WorkflowTaskFailure(
          `a local activity ends each worker of one task, again and again, and nobody counts it (run ${this.runId})`,
        );
      this.localsLost += begun;
      await this.#tasks.undo(task);
      // The server writes that the task timed out, but only the first time: it remembers nothing of later attempts.
      if (losses === 0) this.#history.add(1);
      else this.#history.rollBack(before);
      lost = { task, hadLocals: begun > 0 };
    }
  }

  async #runTask(jobs: readonly Job[]): Promise<Task> {
    this.#history.add(2);
    const reasons = this.#history.suggestReasons(this.options.historyLimits ?? DEFAULT_HISTORY_LIMITS);
    const task = await this.#tasks.run({
      nowMs: this.#nowMs,
      historyLength: this.#history.length,
      historySizeBytes: this.#history.sizeBytes,
      continueAsNewSuggested: this.suggestContinueAsNew || reasons.length > 0,
      suggestContinueAsNewReasons: reasons,
      jobs,
      findActivity: (seq) => this.#activities.find(seq),
    });
    this.logs.push(...this.#tasks.takeLogs());
    return task;
  }

  #commit(task: Task): void {
    this.#history.add(1);
    for (const { activation, command } of task.commands) {
      this.#commands.push(viewCommand(activation, command));
      this.#apply(command, task);
    }
    if (task.result === undefined) return;
    this.result = task.result;
    this.#activities.clear();
    this.#timers.clear();
    this.#updates.abort();
  }

  #apply(command: WireCommand, task: Task): void {
    const cancels = command.requestCancelActivity ?? command.requestCancelLocalActivity;
    const seq = (command.scheduleActivity ?? command.scheduleLocalActivity ?? cancels)?.seq;
    if (seq != null && task.unsentActivities.has(seq)) return;
    const timerSeq = command.startTimer?.seq ?? command.cancelTimer?.seq;
    if (timerSeq != null && task.unsentTimers.has(timerSeq)) return;
    if (command.updateResponse != null) {
      this.#history.add(this.#updates.apply(command.updateResponse), payloadBytes(command));
      return;
    }
    // A local activity is the worker's own affair until its end, which writes one marker.
    const isLocal = command.scheduleLocalActivity != null || command.requestCancelLocalActivity != null;
    if (!isLocal) this.#history.add(command.setPatchMarker == null ? 1 : 2, payloadBytes(command));
    if (command.scheduleActivity != null || command.scheduleLocalActivity != null)
      this.#activities.schedule(command);
    if (cancels?.seq != null) this.#activities.requestCancel(cancels.seq);
    if (command.startTimer != null) this.#timers.start(command);
    if (command.cancelTimer?.seq != null) this.#timers.cancel(command.cancelTimer.seq);
    Object.assign(
      this.searchAttributePayloads,
      command.upsertWorkflowSearchAttributes?.searchAttributes?.indexedFields ?? {},
    );
    Object.assign(this.memoPayloads, command.modifyWorkflowProperties?.upsertedMemo?.fields ?? {});
  }

  #makeSignal(name: string, args: readonly unknown[]): Job {
    this.#requireOpen('signal', name);
    return makeJob({ signalWorkflow: { signalName: name, input: args.map(encode), identity: 'simulation' } });
  }

  #receive(job: Job, events: number, payload: unknown): void {
    this.#history.add(events, payloadBytes(payload));
    this.#inbox.add(job);
  }

  async #step(): Promise<void> {
    const entry = this.#agenda.take();
    if (entry === undefined)
      throw new Error('An activity is pending, yet nothing is due: the activity server is stuck.');
    this.#nowMs = Math.max(this.#nowMs, entry.atMs);
    await entry.run();
  }

  async #moveTo(ms: number, afterStep: () => Promise<void>): Promise<void> {
    if (ms < this.#nowMs) throw new Error(`Time cannot go back from ${this.#nowMs} to ${ms}.`);
    for (let steps = 0; (this.#agenda.peek()?.atMs ?? Number.POSITIVE_INFINITY) <= ms; steps += 1) {
      this.#requireBound(steps);
      await this.#step();
      await afterStep();
    }
    this.#nowMs = ms;
  }

  async #deliverAll(): Promise<void> {
    for (let steps = 0; !this.#inbox.isEmpty && this.result.kind === 'running'; steps += 1) {
      this.#requireBound(steps);
      await this.deliver();
    }
  }

  #requireBound(steps: number): void {
    const limit = this.options.maxStepsPerCall ?? DEFAULT_MAX_STEPS_PER_CALL;
    if (steps < limit) return;
    throw new Error(`The run did not settle within ${limit} steps; does it retry or loop without end?`);
  }

  #requireOpen(what: string, name: string): void {
    if (this.result.kind === 'running') return;
    throw new Error(`The ${what} "${name}" found no running workflow: the run is ${this.result.kind}.`);
  }
}

/** Starts the next run of a chain with what the continue-as-new command carries, at the same simulated time. */
export async function continueAsNew(
  simulation: Simulation,
  overrides: Partial<SimulationOptions> = {},
): Promise<Simulation> {
  const { result } = simulation;
  if (result.kind !== 'continuedAsNew') {
    throw new Error(`Only a run that continued as new has a next run; this one is ${result.kind}.`);
  }
  const workflowType = result.workflowType === '' ? simulation.options.workflowType : result.workflowType;
  const startTimeMs = simulation.nowMs + result.backoffStartMs;
  return new Simulation(
    { ...simulation.options, workflowType, args: result.args, startTimeMs, ...overrides },
    {
      index: simulation.chain.index + 1,
      firstRunId: simulation.chain.firstRunId,
      previousRunId: simulation.runId,
      searchAttributes: { ...simulation.searchAttributePayloads, ...result.searchAttributePayloads },
      memo: { ...simulation.memoPayloads, ...result.memoPayloads },
    },
  );
}

function localsOf({ commands, unsentActivities }: Task): readonly WireCommand[] {
  return commands
    .map(({ command }) => command)
    .filter(({ scheduleLocalActivity: local }) => local?.seq != null && !unsentActivities.has(local.seq));
}

function requireSame(lost: Task, again: Task): void {
  const [before, after] = [lost, again].map(({ commands }) =>
    canonicalJson(commands.map((one) => one.command)),
  );
  if (before === after) return;
  throw new ReplayDivergence(
    `a task that was done again made other commands.\n  before the crash: ${before}\n  after the crash:  ${after}`,
  );
}

function decodeAll(payloads: Readonly<Record<string, Payload>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(payloads)
      .map(([key, payload]) => [key, decode(payload)] as const)
      .filter(([, value]) => value != null),
  );
}
