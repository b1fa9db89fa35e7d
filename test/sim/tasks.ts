/**
 * One workflow task: the activation the server's events make, then those the core adds by itself before the task ends.
 * It keeps the record a crash is rebuilt from.
 */
import type { CancelMode } from './activities.ts';
import { cancelledFailure } from './attempts.ts';
import { type RunResult, readKind, readResult } from './commands.ts';
import { beginReplay, continueReplay, type Recorded, ReplayDivergence, rebuild } from './replay.ts';
import {
  type Bundle,
  type Job,
  type LogLine,
  makeActivation,
  makeJob,
  mapStackTrace,
  type WireCommand,
  WorkflowInstance,
} from './vm.ts';
import { canonicalJson, decode, encode, toTimestamp, viewFailure } from './wire.ts';

interface KnownActivity {
  readonly activityId: string;
  readonly activityType: string;
  readonly cancelMode: CancelMode;
}

export interface TaskInput {
  readonly nowMs: number;
  readonly historyLength: number;
  readonly historySizeBytes: number;
  readonly continueAsNewSuggested: boolean;
  readonly suggestContinueAsNewReasons: readonly number[];
  readonly jobs: readonly Job[];
  readonly findActivity: (seq: number) => KnownActivity | undefined;
}

export interface Task {
  readonly number: number;
  readonly commands: readonly { readonly activation: number; readonly command: WireCommand }[];
  readonly result: RunResult | undefined;
  /** Scheduled and cancelled within the task: the server never hears of them. */
  readonly unsentActivities: ReadonlySet<number>;
  readonly unsentTimers: ReadonlySet<number>;
  readonly onlyRefusedUpdates: boolean;
}

/** The workflow threw something that fails the task. A real worker would retry it for ever. */
export class WorkflowTaskFailure extends Error {
  override readonly name = 'WorkflowTaskFailure';
}

const MAX_ACTIVATIONS_PER_TASK = 1_000;

export class TaskRunner {
  readonly #bundle: Bundle;
  readonly #label: string;
  readonly #runId: string;
  readonly #record: Recorded[] = [];
  #instance: WorkflowInstance | undefined;
  /** What a worker that was lost after the last task would have rebuilt; fed after each task when asked to. */
  #replica: WorkflowInstance | undefined;
  #replicaSaw = 0;
  #taskNumber = 0;
  #queryNumber = 0;

  constructor(options: { readonly bundle: Bundle; readonly label: string; readonly runId: string }) {
    this.#bundle = options.bundle;
    this.#label = options.label;
    this.#runId = options.runId;
  }

  get activations(): number {
    return this.#record.length;
  }

  takeLogs(): readonly LogLine[] {
    return this.#instance?.takeLogs() ?? [];
  }

  async run(input: TaskInput): Promise<Task> {
    this.#taskNumber += 1;
    const commands: { activation: number; command: WireCommand }[] = [];
    let jobs = input.jobs;
    for (let count = 0; jobs.length > 0; count += 1) {
      if (count >= MAX_ACTIVATIONS_PER_TASK)
        throw new Error(`${this.#label}: a workflow task would not end.`);
      const fresh = await this.#activate(input, jobs);
      for (const command of fresh) {
        readKind(command);
        commands.push({ activation: this.#record.length, command });
      }
      if (fresh.some((command) => readResult(command) !== undefined)) break;
      jobs = answerCancels(fresh, commands, input.findActivity);
    }
    const plain = commands.map((item) => item.command);
    return {
      number: this.#taskNumber,
      commands,
      result: plain.map(readResult).find((result) => result !== undefined),
      unsentActivities: intersect(plain.map(scheduledSeq), plain.map(cancelledSeq)),
      unsentTimers: intersect(
        plain.map((command) => command.startTimer?.seq),
        plain.map((command) => command.cancelTimer?.seq),
      ),
      onlyRefusedUpdates:
        input.jobs.every((job) => job.doUpdate != null) &&
        plain.every((command) => command.updateResponse?.rejected != null),
    };
  }

  /** Forgets the last task, as when the server refuses its completion: the worker starts again from the record. */
  async undo(task: Task): Promise<void> {
    const start = this.#record.findIndex((item) => item.task === task.number);
    this.#record.splice(start);
    await this.#instance?.dispose();
    this.#instance = undefined;
    if (this.#record.length > 0) await this.rebuild();
  }

  async rebuild(): Promise<void> {
    await this.#instance?.dispose();
    this.#instance = undefined;
    this.#instance = await rebuild(this.#bundle, this.#label, this.#record);
  }

  /**
   * Compares the run with one rebuilt from its record: the commands, and the answers to the queries named. The instance
   * that lived goes on, for state it should not have would be lost with it, and the fault with the state.
   */
  async verify(queries: readonly string[]): Promise<void> {
    const live = this.#requireInstance('verification');
    if (this.#replica === undefined) {
      this.#replica = await beginReplay(this.#bundle, this.#label, this.#record);
      live.reclaimRunId();
    }
    const replica = this.#replica;
    await continueReplay({
      bundle: this.#bundle,
      instance: replica,
      label: this.#label,
      record: this.#record,
      from: this.#replicaSaw,
    });
    this.#replicaSaw = this.#record.length;
    replica.takeLogs();
    for (const name of queries) {
      const before = canonicalJson((await this.#ask(live, name, [])) ?? null);
      const after = canonicalJson((await this.#ask(replica, name, [])) ?? null);
      if (before === after) continue;
      throw new ReplayDivergence(
        `${this.#label}, after activation ${this.#record.length}: the query "${name}" differs.\n` +
          `  before the crash: ${before}\n  after the crash:  ${after}`,
      );
    }
  }

  async query(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.#ask(this.#requireInstance(`query "${name}"`), name, args);
  }

  async dispose(): Promise<void> {
    await this.#replica?.dispose();
    this.#replica = undefined;
    this.#replicaSaw = 0;
    await this.#instance?.dispose();
    this.#instance = undefined;
  }

  #requireInstance(what: string): WorkflowInstance {
    if (this.#instance !== undefined) return this.#instance;
    throw new Error(`${this.#label} has no instance for the ${what}: deliver first, and dispose last.`);
  }

  async #ask(instance: WorkflowInstance, name: string, args: readonly unknown[]): Promise<unknown> {
    this.#queryNumber += 1;
    const job = makeJob({
      queryWorkflow: { queryId: `query-${this.#queryNumber}`, queryType: name, arguments: args.map(encode) },
    });
    const completion = await instance.activate(makeActivation({ runId: this.#runId, jobs: [job] }));
    if (completion.kind === 'taskFailed')
      throw new WorkflowTaskFailure(viewFailure(completion.failure).message);
    const response = completion.commands[0]?.respondToQuery;
    if (response?.succeeded == null) throw new Error(viewFailure(response?.failed).message);
    return decode(response.succeeded.response);
  }

  async #activate(input: TaskInput, jobs: readonly Job[]): Promise<readonly WireCommand[]> {
    const activation = makeActivation({
      runId: this.#runId,
      timestamp: toTimestamp(input.nowMs),
      isReplaying: false,
      historyLength: input.historyLength,
      historySizeBytes: input.historySizeBytes,
      continueAsNewSuggested: input.continueAsNewSuggested,
      suggestContinueAsNewReasons: [...input.suggestContinueAsNewReasons],
      availableInternalFlags: [...(this.#record.at(-1)?.usedFlags ?? [])],
      jobs: [...jobs],
    });
    this.#instance ??= await WorkflowInstance.create(this.#bundle, activation);
    const completion = await this.#instance.activate(activation);
    if (completion.kind === 'taskFailed') {
      const { message } = viewFailure(completion.failure);
      const where = `${this.#label}, activation ${this.#record.length + 1}`;
      throw new WorkflowTaskFailure(
        `${where} failed its workflow task: ${message}\n${mapStackTrace(this.#bundle, completion.failure.stackTrace ?? '')}`,
      );
    }
    const { commands, usedFlags } = completion;
    this.#record.push({ task: this.#taskNumber, activation, commands, usedFlags });
    return commands;
  }
}

/**
 * The core resolves a cancelled activity by itself, within the same task, when the workflow does not wait for its end
 * or when its schedule command has not been sent yet.
 */
function answerCancels(
  fresh: readonly WireCommand[],
  all: readonly { readonly command: WireCommand }[],
  findActivity: TaskInput['findActivity'],
): readonly Job[] {
  return fresh.flatMap((command) => {
    const seq = cancelledSeq(command);
    if (seq == null) return [];
    const own = all.find((item) => scheduledSeq(item.command) === seq)?.command;
    const unsent = own?.scheduleActivity ?? own?.scheduleLocalActivity;
    const known = findActivity(seq);
    const waits = unsent == null && (known === undefined || known.cancelMode === 'wait');
    if (waits) return [];
    const failure = cancelledFailure({
      activityId: unsent?.activityId ?? known?.activityId ?? '',
      activityType: unsent?.activityType ?? known?.activityType ?? '',
    });
    const isLocal = command.requestCancelLocalActivity != null;
    return [makeJob({ resolveActivity: { seq, isLocal, result: { cancelled: { failure } } } })];
  });
}

function scheduledSeq(command: WireCommand): number | null | undefined {
  return (command.scheduleActivity ?? command.scheduleLocalActivity)?.seq;
}

function cancelledSeq(command: WireCommand): number | null | undefined {
  return (command.requestCancelActivity ?? command.requestCancelLocalActivity)?.seq;
}

function intersect(left: readonly unknown[], right: readonly unknown[]): ReadonlySet<number> {
  const others = new Set(right);
  return new Set(left.filter((value): value is number => typeof value === 'number' && others.has(value)));
}
