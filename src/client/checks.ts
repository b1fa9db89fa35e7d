import type { WorkflowStartOptions } from '@temporalio/client';
import { type Decision, parseDecision } from '../core/approvals.ts';
import { parseEnvelope } from '../core/control.ts';
import { LIMITS } from '../core/limits.ts';
import { messageProblems, parseStart, type StartInput } from '../core/start.ts';
import { oneLine, wellFormed } from '../core/text.ts';
import type { RaiseLimit, Steering, UserMessage } from '../workflows/messages.ts';
import { HoldfastError } from './errors.ts';
import type { AgentRun, SendInput, Steer } from './inputs.ts';

// What callers hand in, checked before anything is sent: a run drops malformed signals without a word.

/** Options of the start of a run; throws `bad_start` with every problem, before anything is sent. */
export function startOptions(
  input: Omit<StartInput, 'v'>,
  workflowId: string,
  taskQueue: string,
): WorkflowStartOptions<AgentRun> {
  const start: StartInput = { ...input, v: 1 };
  if (typeof start.message === 'string') checkText(start.message);
  const parsed = parseStart(start);
  if (parsed.kind === 'bad')
    throw new HoldfastError('bad_start', `cannot start: ${parsed.problems.join('; ')}`);
  checkWorkflowId(workflowId);
  const { agent, channel, requester, once } = parsed.start;
  return {
    workflowId,
    taskQueue,
    args: [start],
    staticSummary: oneLine(`${agent} for ${requester.id}`, LIMITS.summaryChars),
    // The message itself stays out: it is a person's text, and lists of runs are read by many.
    staticDetails: [
      `Agent \`${plain(agent)}\` on channel \`${plain(channel)}\`, for requester \`${plain(requester.id)}\`${requester.tenant === null ? '' : ` of tenant \`${plain(requester.tenant)}\``}.`,
      once ? 'Ends after its first answer.' : 'A conversation: it waits for messages until it is closed.',
      `Everything it said and did: \`holdfast show ${plain(workflowId)}\``,
    ].join('\n\n'),
  };
}

/** Text inside inline code, where a back-tick would end it. */
function plain(text: string): string {
  return oneLine(text, LIMITS.summaryChars).replaceAll('`', "'");
}

function checkWorkflowId(workflowId: string): void {
  if (typeof workflowId !== 'string' || workflowId === '' || workflowId.length > LIMITS.personChars)
    throw new HoldfastError(
      'bad_start',
      `workflowId is ${JSON.stringify(workflowId)}: text of 1 to ${LIMITS.personChars} characters`,
    );
}

function checkText(text: string): void {
  const problems = messageProblems(text);
  if (problems.length > 0) throw new HoldfastError('bad_message', problems.join('; '));
}

/** Gives a message an id where it has none, so that asking again never says it twice. */
export function checkMessage(input: SendInput): {
  readonly workflowId: string;
  readonly message: UserMessage & { readonly id: string };
} {
  const { workflowId, text, by, id = globalThis.crypto.randomUUID() } = input;
  checkText(text);
  if (typeof by !== 'string' || by === '' || by.length > LIMITS.personChars)
    throw new HoldfastError(
      'bad_message',
      `by is missing or too long: who says it, at most ${LIMITS.personChars} characters`,
    );
  if (id === '' || id.length > LIMITS.idChars)
    throw new HoldfastError('bad_message', `id is "${id}": text of 1 to ${LIMITS.idChars} characters`);
  return { workflowId, message: { text, by, id } };
}

/** `channel` is where it is said, unless the input says so itself. */
export function checkDecision(
  input: Decision & { readonly workflowId: string },
  channel: string,
): { readonly workflowId: string; readonly decision: Decision } {
  const { workflowId, ...sent } = input;
  const decision = parseDecision({ channel, ...sent });
  if (decision === null)
    throw new HoldfastError(
      'bad_decision',
      `the decision is malformed: approval, kind, by and channel are texts, the reason has at most ${LIMITS.reasonChars} characters, an edit carries arguments`,
    );
  return { workflowId, decision };
}

/** `channel` is where it is said, unless the input says so itself. */
export function checkSteering(input: Steer, channel: string): Steering {
  const { reason } = input;
  const envelope = parseEnvelope({ channel, ...input });
  if (envelope === null)
    throw new HoldfastError(
      'bad_steering',
      `by or channel is missing or too long: who does it and where, at most ${LIMITS.personChars} characters each`,
    );
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > LIMITS.reasonChars))
    throw new HoldfastError(
      'bad_steering',
      `the reason has ${reason.length} characters, the limit is ${LIMITS.reasonChars}: shorten it`,
    );
  return { ...envelope, ...(reason !== undefined && { reason: wellFormed(reason) }) };
}

export function checkRaise(input: RaiseLimit): { readonly tokens: number; readonly costMicroUsd: number } {
  const { tokens = 0, costMicroUsd = 0 } = input;
  const valid = [tokens, costMicroUsd].every(
    (value) => Number.isSafeInteger(value) && value >= 0 && value <= LIMITS.raiseMax,
  );
  if (!valid || tokens + costMicroUsd === 0)
    throw new HoldfastError(
      'bad_steering',
      `a raise of ${tokens} tokens and ${costMicroUsd} micro-dollars: give whole numbers up to ${LIMITS.raiseMax}, one of them above 0`,
    );
  return { tokens, costMicroUsd };
}
