import {
  ApplicationFailure,
  condition,
  type SignalDefinition,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import type { ApprovalRecord } from '../core/approvals.ts';
import { staysLanded } from '../core/budget.ts';
import type { ControlName } from '../core/control.ts';
import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { messageProblems } from '../core/start.ts';
import type { Reply, TextRef, TurnReply } from '../core/state.ts';
import { utf8Bytes, wellFormed } from '../core/text.ts';
import { openRecords, patch, type Run, remember, unanswered } from './context.ts';
import { decideNow, receiveDecision, receiveSteering } from './controls.ts';
import {
  approvalsQuery,
  cancelSignal,
  closeSignal,
  decideNowUpdate,
  decideSignal,
  handOverSignal,
  lookAgainSignal,
  messageSignal,
  pauseSignal,
  type RunStatus,
  raiseLimitSignal,
  resumeSignal,
  retrySignal,
  sendUpdate,
  statusQuery,
  transcriptQuery,
  type UserMessage,
  upgradeSignal,
} from './messages.ts';
import { noteMoveDue } from './moveDue.ts';
import { lookAgain } from './steering.ts';

/**
 * Everything that reaches a run from outside. Handlers only write down what came and wake the loop; malformed input
 * is dropped and counted, never thrown, because a throw in a signal handler would stop the run for everybody.
 */
export function registerHandlers(run: Run): void {
  onSignal(run, messageSignal, (message) => {
    if (messageFault(run, message) !== null) run.live.dropped++;
    else admit(run, message);
  });
  setHandler(sendUpdate, (message) => send(run, message), {
    validator: (message) => validateSend(run, message),
  });
  onSignal(run, decideSignal, (decision) => receiveDecision(run, decision));
  setHandler(
    decideNowUpdate,
    (decision) => {
      noteUpdate(run);
      return decideNow(run, decision);
    },
    { validator: (_decision) => validateDecide(run) },
  );
  for (const [name, signal] of Object.entries(STEERING) as [keyof typeof STEERING, SteeringSignal][])
    onSignal(run, signal, (input: unknown) => receiveSteering(run, name, input));
  onSignal(run, lookAgainSignal, () => lookAgain(run));
  setHandler(statusQuery, () => statusOf(run));
  setHandler(transcriptQuery, () => ({
    run: run.state.run,
    head: run.state.head === null ? null : { seq: run.state.head.seq, node: run.state.head.node },
  }));
  setHandler(approvalsQuery, () => openRecords(run));
}

function onSignal<Said extends unknown[]>(
  run: Run,
  signal: SignalDefinition<Said>,
  hear: (...said: Said) => void,
): void {
  setHandler(signal, (...said) => {
    hear(...said);
    noteMoveDue(run);
  });
}

type SteeringSignal = typeof pauseSignal;

const STEERING = {
  pause: pauseSignal,
  resume: resumeSignal,
  retry: retrySignal,
  cancel: cancelSignal,
  close: closeSignal,
  handOver: handOverSignal,
  upgrade: upgradeSignal,
  raiseLimit: raiseLimitSignal,
} as const satisfies Record<Exclude<ControlName, 'decide'>, unknown>;

/** What is wrong with a message, in words for its sender; null when it may go in. */
function messageFault(run: Run, message: unknown): string | null {
  if (!isObject(message)) return 'a message is an object { text, by, id? }';
  const { text, by, id } = message;
  if (typeof text !== 'string') return 'message.text is missing: say something';
  if (typeof by !== 'string' || by === '' || by.length > LIMITS.personChars)
    return `message.by is missing or too long: who says it, at most ${LIMITS.personChars} characters`;
  if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > LIMITS.idChars))
    return `message.id: text of 1 to ${LIMITS.idChars} characters`;
  const problems = messageProblems(text);
  if (problems.length > 0) return problems.join('; ');
  if (typeof id === 'string' && run.state.seenMessages.includes(id)) return null;
  return unanswered(run).length >= LIMITS.inboxMessages
    ? `${LIMITS.inboxMessages} messages wait already: send this one after the next answer`
    : null;
}

/**
 * Takes a message in, once. Returns its id. A run that is ending answers nobody any more, and a signal has nobody who
 * could be told so: what it brings is put on record with the end, for the people who take over.
 */
export function admit(run: Run, message: UserMessage): string {
  const id = message.id ?? uuid4();
  const { inbox, afterwards, seenMessages } = run.state;
  if (seenMessages.includes(id)) return id;
  const text = { kind: 'inline', text: wellFormed(message.text) } as const;
  const queued = { id, by: wellFormed(message.by), text };
  patch(run, {
    ...(isEnding(run) ? { afterwards: [...afterwards, queued] } : { inbox: [...inbox, queued] }),
    seenMessages: remember(seenMessages, id),
  });
  run.live.dirty = true;
  return id;
}

function isEnding({ state: { closing, handOver } }: Run): boolean {
  return closing || handOver !== null;
}

function validateSend(run: Run, message: UserMessage): void {
  const fault = messageFault(run, message);
  if (fault !== null) throw ApplicationFailure.nonRetryable(fault, 'bad_message');
  const isNew = message.id === undefined || !run.state.seenMessages.includes(message.id);
  if (isNew && isEnding(run))
    throw ApplicationFailure.nonRetryable('the run is ending: start a new one', 'bad_message');
  if (run.live.openSends >= LIMITS.openSends)
    throw ApplicationFailure.nonRetryable(
      `${LIMITS.openSends} senders wait for answers already: use the signal "message", or try again`,
      'too_many_senders',
    );
}

function noteUpdate(run: Run): void {
  run.live.updates++;
  noteMoveDue(run);
}

/** A run that answered everybody who comes while it wants to move on would never move on. */
function validateDecide(run: Run): void {
  if (run.live.moving)
    throw ApplicationFailure.nonRetryable(
      'the run moves to a new execution right now: send the decision again in a moment',
      'moving',
    );
}

async function send(run: Run, message: UserMessage): Promise<Reply> {
  noteUpdate(run);
  const known = message.id !== undefined && run.state.seenMessages.includes(message.id);
  const messageId = admit(run, message);
  if (known && isForgotten(run, messageId)) return { kind: 'answered', messageId };
  const reply = () => run.state.replies.find(({ messages }) => messages.includes(messageId))?.reply;
  run.live.openSends++;
  try {
    await condition(
      () => reply() !== undefined || run.live.moving || run.live.ended || isParked(run, messageId),
    );
  } finally {
    run.live.openSends--;
  }
  const said = reply();
  if (said !== undefined) return { ...said, messageId };
  if (run.live.ended) return { kind: 'ended', messageId };
  if (run.live.moving) return { kind: 'moved', messageId };
  return {
    kind: run.state.shownPhase === 'landed' ? 'landed' : 'waiting',
    messageId,
    approvals: openRecords(run).map(summaryOf),
  };
}

/** It was answered so long ago that the words are gone from the state; the store still has them. */
function isForgotten(run: Run, messageId: string): boolean {
  const { turn, replies } = run.state;
  return (
    !unanswered(run).some((message) => message.id === messageId) &&
    turn?.messages.includes(messageId) !== true &&
    !replies.some(({ messages }) => messages.includes(messageId))
  );
}

/** Whether the message that waits first may join the open turn. What the model has been asked already stays as it is. */
export function mayJoin({ state: { inbox, turn } }: Run): boolean {
  const [next] = inbox;
  if (next === undefined || turn === null || turn.sealed) return false;
  const bytes = [...turn.append.texts, next.text].reduce((sum, text) => sum + inlineBytes(text), 0);
  return turn.messages.length < LIMITS.turnMessages && bytes <= LIMITS.turnTextBytes;
}

/** What it takes of the state: a longer text goes to the store before it joins a turn. */
function inlineBytes(text: TextRef): number {
  return text.kind === 'inline' ? Math.min(utf8Bytes(text.text), LIMITS.inlineMessageBytes) : 0;
}

/** The run will not come to this message before a person, the clock or an operator moves it: its sender is told. */
function isParked(run: Run, messageId: string): boolean {
  const queued = run.state.inbox.some((message) => message.id === messageId);
  const { pinned, turn, shownPhase } = run.state;
  const joins = mayJoin(run);
  switch (shownPhase) {
    case 'paused':
      return run.state.paused !== null;
    case 'outage':
    case 'bug':
      return !run.live.retry;
    case 'waiting':
    case 'held':
      // Without a release the run has not begun: whatever is written then waits with it.
      return queued && (pinned === null || pinned.whileWaiting === 'queue' || !joins);
    case 'unknown':
      return queued;
    case 'budget':
      return queued && !joins;
    case 'landed':
      return queued && turn !== null && turn.landing !== null && staysLanded(turn.landing);
    default:
      return false;
  }
}

/** A request as senders are told of it. */
export function summaryOf(record: ApprovalRecord): NonNullable<Reply['approvals']>[number] {
  const { id, kind, summary, deadlineMs, argsHash, requesterMay } = record;
  return { id, kind, summary, deadlineMs, argsHash, of: requesterMay === 'only' ? 'requester' : 'people' };
}

/** Tells everybody who waits for one of these messages; a later reply replaces an earlier one. */
export function replyTo(run: Run, messages: readonly string[], reply: TurnReply['reply']): void {
  forgetReplies(run, messages);
  patch(run, { replies: [...run.state.replies, { messages, reply }].slice(-LIMITS.rememberedReplies) });
}

/** The run moves again: who asks now waits for the next answer instead of reading the old one. */
export function forgetReplies(run: Run, messages: readonly string[]): void {
  const others = run.state.replies.filter((old) => !old.messages.some((id) => messages.includes(id)));
  patch(run, { replies: others });
}

function statusOf(run: Run): RunStatus {
  const { state, live } = run;
  return {
    run: state.run,
    agent: state.agent,
    release: state.pinned?.hash ?? null,
    state: state.shownPhase,
    step: state.nextStep - 1,
    iterations: state.iterations,
    usage: state.usage,
    costMicroUsd: state.costMicroUsd,
    waitsFor: live.waitsFor,
    openApprovals: openRecords(run).length,
    queuedMessages: unanswered(run).length,
    continuedTimes: state.continuedTimes,
    dropped: live.dropped,
  };
}
