/** The commands of a run as plain data, and the result a closing command stands for. */
import type { Payload, WireCommand } from './vm.ts';
import { decode, durationMs, type FailureView, readSummary, toPlain, viewFailure } from './wire.ts';

export type CommandKind = Exclude<keyof WireCommand, 'userMetadata' | 'eventGroupMarkers'>;

export interface Command {
  /** The activation that made it, counted from 1. */
  readonly activation: number;
  readonly kind: CommandKind;
  readonly body: unknown;
  readonly summary?: string;
}

export type RunResult =
  | { readonly kind: 'running' }
  | { readonly kind: 'completed'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: FailureView }
  | { readonly kind: 'cancelled' }
  | {
      readonly kind: 'continuedAsNew';
      readonly workflowType: string;
      readonly args: readonly unknown[];
      readonly backoffStartMs: number;
      readonly searchAttributePayloads: Readonly<Record<string, Payload>>;
      readonly memoPayloads: Readonly<Record<string, Payload>>;
    };

/** Everything else a workflow can ask for needs a server this simulation does not play. */
const MODELLED: readonly CommandKind[] = [
  'startTimer',
  'cancelTimer',
  'scheduleActivity',
  'requestCancelActivity',
  'scheduleLocalActivity',
  'requestCancelLocalActivity',
  'completeWorkflowExecution',
  'failWorkflowExecution',
  'continueAsNewWorkflowExecution',
  'cancelWorkflowExecution',
  'setPatchMarker',
  'upsertWorkflowSearchAttributes',
  'modifyWorkflowProperties',
  'updateResponse',
];

export function readKind(command: WireCommand): CommandKind {
  const kind = MODELLED.find((candidate) => command[candidate] != null);
  if (kind !== undefined) return kind;
  throw new Error(
    `The simulation does not model the command "${Object.keys(command).join(' ')}"; it models ${MODELLED.join(', ')}.`,
  );
}

export function viewCommand(activation: number, command: WireCommand): Command {
  const kind = readKind(command);
  const summary = readSummary(command.userMetadata);
  // Decoding is put off, for most tests never look.
  let body: unknown;
  return {
    activation,
    kind,
    get body() {
      body ??= toPlain(command[kind]);
      return body;
    },
    ...(summary === undefined ? {} : { summary }),
  };
}

/** The result a command closes its run with; `undefined` for any other command. */
export function readResult(command: WireCommand): RunResult | undefined {
  if (command.completeWorkflowExecution != null) {
    return { kind: 'completed', value: decode(command.completeWorkflowExecution.result) };
  }
  if (command.failWorkflowExecution != null) {
    return { kind: 'failed', failure: viewFailure(command.failWorkflowExecution.failure) };
  }
  if (command.cancelWorkflowExecution != null) return { kind: 'cancelled' };
  const next = command.continueAsNewWorkflowExecution;
  if (next == null) return undefined;
  return {
    kind: 'continuedAsNew',
    workflowType: next.workflowType ?? '',
    args: (next.arguments ?? []).map(decode),
    backoffStartMs: durationMs(next.backoffStartInterval) ?? 0,
    searchAttributePayloads: next.searchAttributes?.indexedFields ?? {},
    memoPayloads: next.memo ?? {},
  };
}
