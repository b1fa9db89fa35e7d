/**
 * The checker of determinism. A crash loses the instance; replaying the recorded activations must give the same
 * commands, to the byte. What the core would leave out or change on replay is left out or changed here too:
 * - an update its validator refused was never written, so it does not come back, nor does a task that held only such;
 * - validators do not run again, and updates come back in the order they were accepted, after the signals;
 * - patches the run decided on are announced at the start of their task;
 * - a task that worked inside itself may have been kept by a heartbeat, and is three events longer then; what it gave to
 *   such work is in no history, so nothing is compared with it.
 */
import type { Activation, Bundle, Completion, Job, WireCommand } from './vm.ts';
import { makeActivation, makeJob, mapStackTrace, WorkflowInstance } from './vm.ts';
import { canonicalJson, isRecord, viewFailure } from './wire.ts';

/** One activation as it happened. `task` numbers the workflow task it belonged to. */
export interface Recorded {
  readonly task: number;
  readonly activation: Activation;
  readonly commands: readonly WireCommand[];
  readonly usedFlags: readonly number[];
}

export class ReplayDivergence extends Error {
  override readonly name = 'ReplayDivergence';
}

/** Builds a fresh instance from the record. Throws `ReplayDivergence` at the first command that differs. */
export async function rebuild(
  bundle: Bundle,
  label: string,
  record: readonly Recorded[],
): Promise<WorkflowInstance> {
  const instance = await beginReplay(bundle, label, record);
  try {
    await continueReplay({ bundle, instance, label, record, from: 0 });
  } catch (error) {
    await instance.dispose();
    throw error;
  }
  return instance;
}

/** An instance that has seen nothing of its record yet. */
export async function beginReplay(
  bundle: Bundle,
  label: string,
  record: readonly Recorded[],
): Promise<WorkflowInstance> {
  const [first] = record;
  if (first === undefined) throw new Error(`${label} has no activation to replay yet; deliver one first.`);
  return WorkflowInstance.create(bundle, { ...first.activation, isReplaying: true });
}

export interface ReplayStep {
  readonly bundle: Bundle;
  readonly instance: WorkflowInstance;
  readonly label: string;
  readonly record: readonly Recorded[];
  /** The first activation the instance has not seen. */
  readonly from: number;
}

/** Feeds the rest of the record. The record must end with a finished task. */
export async function continueReplay(step: ReplayStep): Promise<void> {
  for (let index = step.from; index < step.record.length; index += 1) {
    const item = step.record[index];
    if (item !== undefined) await replayOne(step, index, item);
  }
}

async function replayOne(step: ReplayStep, index: number, item: Recorded): Promise<void> {
  const { instance } = step;
  const rejected = findRejected(item);
  const jobs = reshapeJobs(item, rejected, announcePatches(step.record, index));
  const expected = item.commands.filter((command) => !isRejection(command, rejected));
  const where = `${step.label}, activation ${index + 1} of ${step.record.length} (${describeJobs(item.activation)})`;
  if (jobs.length === 0 && expected.length === 0) return;
  if (jobs.length === 0) {
    throw new ReplayDivergence(
      `${where}: every update was refused, yet the task made commands. ` +
        `A validator changed state: ${canonicalJson(expected[0])}`,
    );
  }
  const completion = await instance.activate(
    makeActivation({
      ...item.activation,
      runId: item.activation.runId ?? '',
      historyLength: (item.activation.historyLength ?? 0) + heartbeatEvents(step.record, item),
      isReplaying: true,
      availableInternalFlags: [...item.usedFlags],
      jobs,
    }),
  );
  compare(step.bundle, where, expected, completion);
}

/** Its end, and the schedule and the start of the next one, which a replay takes for the same. */
const HEARTBEAT_EVENTS = 3;

function heartbeatEvents(record: readonly Recorded[], { task }: Recorded): number {
  const local = (item: Recorded) =>
    item.task === task && item.commands.some((command) => command.scheduleLocalActivity != null);
  return record.some(local) ? HEARTBEAT_EVENTS : 0;
}

/** Without what no history holds. */
function asCompared(command: WireCommand): WireCommand {
  const local = command.scheduleLocalActivity;
  if (local == null) return command;
  return { ...command, scheduleLocalActivity: { ...local, arguments: local.arguments?.slice(0, 1) ?? null } };
}

function compare(
  bundle: Bundle,
  where: string,
  expected: readonly WireCommand[],
  completion: Completion,
): void {
  if (completion.kind === 'taskFailed') {
    throw new ReplayDivergence(
      `${where}: replay failed the task: ${viewFailure(completion.failure).message}\n${mapStackTrace(bundle, completion.failure.stackTrace ?? '')}`,
    );
  }
  const count = Math.max(expected.length, completion.commands.length);
  for (let index = 0; index < count; index += 1) {
    const before = expected[index];
    const after = completion.commands[index];
    const beforeText = before === undefined ? 'no command' : canonicalJson(asCompared(before));
    const afterText = after === undefined ? 'no command' : canonicalJson(asCompared(after));
    if (beforeText === afterText) continue;
    throw new ReplayDivergence(
      `${where}: command ${index + 1} differs at ${findDifference(JSON.parse(quoted(beforeText)), JSON.parse(quoted(afterText)))}\n` +
        `  before the crash: ${beforeText}\n  after the crash:  ${afterText}\n` +
        `Workflow code must depend only on its arguments, its messages, activity results and the SDK's clock and randomness.`,
    );
  }
}

function quoted(text: string): string {
  return text === 'no command' ? JSON.stringify(text) : text;
}

/** The path of the first value that differs, such as `scheduleActivity.seq`. */
function findDifference(before: unknown, after: unknown, path = ''): string {
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (JSON.stringify(before[key]) === JSON.stringify(after[key])) continue;
      return findDifference(before[key], after[key], path === '' ? key : `${path}.${key}`);
    }
  }
  return path === '' ? 'its whole' : path;
}

/** Updates refused by their validator: a rejection that no acceptance came before. */
function findRejected(item: Recorded): ReadonlySet<string> {
  const delivered = new Set(
    (item.activation.jobs ?? []).flatMap((job) =>
      job.doUpdate == null ? [] : [job.doUpdate.protocolInstanceId ?? ''],
    ),
  );
  const accepted = new Set(acceptanceOrder(item));
  return new Set([...delivered].filter((id) => !accepted.has(id)));
}

function acceptanceOrder(item: Recorded): readonly string[] {
  return item.commands.flatMap((command) =>
    command.updateResponse?.accepted == null ? [] : [command.updateResponse.protocolInstanceId ?? ''],
  );
}

function isRejection(command: WireCommand, rejected: ReadonlySet<string>): boolean {
  return (
    command.updateResponse?.rejected != null && rejected.has(command.updateResponse.protocolInstanceId ?? '')
  );
}

function reshapeJobs(item: Recorded, rejected: ReadonlySet<string>, patches: readonly Job[]): readonly Job[] {
  const jobs = item.activation.jobs ?? [];
  const order = acceptanceOrder(item);
  const updates = jobs
    .filter((job) => job.doUpdate != null && !rejected.has(job.doUpdate.protocolInstanceId ?? ''))
    .sort(
      (a, b) =>
        order.indexOf(a.doUpdate?.protocolInstanceId ?? '') -
        order.indexOf(b.doUpdate?.protocolInstanceId ?? ''),
    )
    .map((job) => makeJob({ doUpdate: { ...job.doUpdate, runValidator: false } }));
  const init = jobs.filter((job) => job.initializeWorkflow != null);
  const signals = jobs.filter((job) => job.signalWorkflow != null);
  const late = jobs.filter(
    (job) => job.initializeWorkflow == null && job.signalWorkflow == null && job.doUpdate == null,
  );
  return [...init, ...patches, ...signals, ...updates, ...late];
}

function announcePatches(record: readonly Recorded[], index: number): readonly Job[] {
  const task = record[index]?.task;
  if (index > 0 && record[index - 1]?.task === task) return [];
  return record
    .filter((item) => item.task === task)
    .flatMap((item) => item.commands)
    .flatMap((command) =>
      command.setPatchMarker == null
        ? []
        : [makeJob({ notifyHasPatch: { patchId: command.setPatchMarker.patchId } })],
    );
}

function describeJobs(activation: Activation): string {
  return (activation.jobs ?? []).map(describeJob).join(', ');
}

function describeJob(job: Job): string {
  if (job.signalWorkflow != null) return `signal ${job.signalWorkflow.signalName ?? ''}`;
  if (job.doUpdate != null) return `update ${job.doUpdate.name ?? ''}`;
  if (job.fireTimer != null) return `timer ${job.fireTimer.seq ?? ''}`;
  if (job.resolveActivity != null) return `activity ${job.resolveActivity.seq ?? ''}`;
  return Object.keys(job).join(' ');
}
