/** The jobs waiting for the next activation, given out in the order the core uses. */
import { createHash } from 'node:crypto';
import { type Job, makeJob, type Payload } from './vm.ts';
import { encode, toDuration, toTimestamp } from './wire.ts';

/** What one run of a chain hands to the next. */
export interface Chain {
  readonly index: number;
  readonly firstRunId: string;
  readonly previousRunId?: string;
  readonly searchAttributes: Readonly<Record<string, Payload>>;
  readonly memo: Readonly<Record<string, Payload>>;
}

export class Inbox {
  #init: Job[] = [];
  #signals: Job[] = [];
  #updates: Job[] = [];
  #others: Job[] = [];
  /** Resolutions of local activities come last of all. */
  #locals: Job[] = [];

  get isEmpty(): boolean {
    const { length } = [...this.#init, ...this.#signals, ...this.#updates, ...this.#others, ...this.#locals];
    return length === 0;
  }

  add(job: Job): void {
    if (job.initializeWorkflow != null) this.#init.push(job);
    else if (job.signalWorkflow != null) this.#signals.push(job);
    // The server hands updates out after every event of the task, so they follow signals that came later.
    else if (job.doUpdate != null) this.#updates.push(job);
    else if (job.resolveActivity?.isLocal === true) this.#locals.push(job);
    else this.#others.push(job);
  }

  take(): readonly Job[] {
    const jobs = [...this.#init, ...this.#signals, ...this.#updates, ...this.#others, ...this.#locals];
    this.#init = [];
    this.#signals = [];
    this.#updates = [];
    this.#others = [];
    this.#locals = [];
    return jobs;
  }
}

export interface InitOptions {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly args: readonly unknown[];
  readonly seed: number;
  readonly startTimeMs: number;
  readonly chain: Chain;
}

export function makeInitJob(options: InitOptions): Job {
  const { chain } = options;
  return makeJob({
    initializeWorkflow: {
      workflowType: options.workflowType,
      workflowId: options.workflowId,
      arguments: options.args.map(encode),
      // The server draws a seed for each run, so two runs of a chain never make the same ids.
      randomnessSeed: options.seed + chain.index * 1_000_003,
      identity: 'simulation',
      workflowTaskTimeout: toDuration(10_000),
      continuedFromExecutionRunId: chain.previousRunId ?? '',
      firstExecutionRunId: chain.firstRunId,
      attempt: 1,
      memo: { fields: chain.memo },
      searchAttributes: { indexedFields: chain.searchAttributes },
      startTime: toTimestamp(options.startTimeMs),
    },
  });
}

/** A run id that looks like the server's and is the same for the same seed. */
export function deriveRunId(workflowId: string, seed: number, index: number): string {
  const hex = createHash('sha256').update(`${workflowId}/${seed}/${index}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
