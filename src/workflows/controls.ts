import { ActivityFailure, ApplicationFailure, CancellationScope, condition } from '@temporalio/workflow';
import type { Sent, VerifyControlsInput } from '../activities/types.ts';
import {
  type ApprovalRecord,
  type DecisionOutcome,
  decideApproval,
  type ParsedDecision,
  parseDecision,
  parseReconciliation,
} from '../core/approvals.ts';
import type { Control, ControlFault, ControlName, Speaker, Verified } from '../core/control.ts';
import { canonicalJson, isObject, type JsonObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { utf8Bytes } from '../core/text.ts';
import { replace } from './approvals.ts';
import { note, openRecords, patch, type Run, refOf, showCard } from './context.ts';
import type { DecideReply } from './messages.ts';
import { noteMoveDue } from './moveDue.ts';
import { store } from './proxies.ts';
import { markSignalled, tryVerifyQuickly } from './quick.ts';
import { actOn, parseSteering } from './steering.ts';

/**
 * What people say to a run: dropped at once, or queued, verified in order of arrival, and then applied.
 *
 * Handlers cost nothing but memory, and that is bounded: what is malformed, unknown, decided, surplus or waiting
 * already is dropped and counted. One activity at a time verifies everything that waits.
 */
export function receiveDecision(run: Run, input: unknown): void {
  markSignalled(run);
  queueDecision(run, input, true);
}

/** A decision by update: answered as soon as it is verified. Where that takes too long it stays queued, and its sender is told so. */
export async function decideNow(run: Run, input: unknown): Promise<DecideReply> {
  const queued = queueDecision(run, input, false);
  if (typeof queued !== 'number') return queued;
  run.live.awaited.add(queued);
  await condition(() => run.live.answers.has(queued), LIMITS.decideNowMs, {
    summary: 'somebody waits for the answer to a decision',
  });
  const answer = run.live.answers.get(queued);
  if (answer !== undefined) return answer;
  run.live.awaited.delete(queued);
  throw ApplicationFailure.nonRetryable(
    'who says so cannot be verified at the moment: the decision is kept, send it again to hear of it',
    'not_verified',
  );
}

/** The number under which it waits, or the answer that needs no verification. */
function queueDecision(run: Run, input: unknown, signalled: boolean): number | DecideReply {
  const decision = parseDecision(input);
  if (decision === null || !isPlain(input)) {
    run.live.dropped++;
    return { kind: 'refused', why: 'malformed' };
  }
  const record = findOpen(run, decision.approval);
  if (record === undefined) return answerClosed(run, decision);
  const late = Date.now() >= record.deadlineMs;
  // A sender who waits for an answer is there now, and now is too late; a signal may have come long before it is read.
  if (late && !signalled) return refuse(run, decision, 'too_late', 'unverified');
  return queue(run, 'decide', record.id, input, late);
}

/** A decision on something closed: the one that closed it gets its answer again, every other one is refused. */
function answerClosed(run: Run, decision: ParsedDecision): DecideReply {
  const closed = run.state.closedApprovals.find(({ id }) => id === decision.approval);
  if (closed === undefined) return refuse(run, decision, 'unknown_approval', 'unverified');
  if (closed.by === decision.by && closed.said === decision.kind)
    return { kind: 'decided', state: closed.state };
  return refuse(run, decision, 'already_decided', 'unverified');
}

function queue(
  run: Run,
  name: ControlName,
  approval: string,
  input: unknown,
  late: boolean,
): number | DecideReply {
  const body = input as JsonObject;
  const text = canonicalJson(body);
  const { controls, nextControl } = run.state;
  const same = controls.find((control) => control.name === name && textOf(run, control).text === text);
  if (same !== undefined) return same.n;
  const bytes = controls.reduce((sum, control) => sum + textOf(run, control).bytes, 0);
  const waiting = controls.filter((control) => control.approval === approval).length;
  if (waiting >= LIMITS.waitingControls || bytes + utf8Bytes(text) > LIMITS.waitingControlBytes) {
    run.live.dropped++;
    return { kind: 'refused', why: 'too_many' };
  }
  const control: Control = { n: nextControl, name, approval, body, receivedAtMs: Date.now(), late };
  patch(run, { controls: [...controls, control], nextControl: nextControl + 1 });
  verifyWaiting(run);
  return control.n;
}

function textOf({ live }: Run, { n, body }: Control): { readonly text: string; readonly bytes: number } {
  const known = live.controlTexts.get(n);
  if (known !== undefined) return known;
  const text = canonicalJson(body);
  const made = { text, bytes: utf8Bytes(text) };
  live.controlTexts.set(n, made);
  return made;
}

/** A steering signal. Stopping must never need a key: `pause` and `cancel` act at once. */
export function receiveSteering(run: Run, name: Exclude<ControlName, 'decide'>, input: unknown): void {
  markSignalled(run);
  const said = parseSteering(input);
  if (said === null || !isPlain(input)) {
    run.live.dropped++;
    return;
  }
  if (name === 'pause' || name === 'cancel') actOn(run, name, said, UNVERIFIED);
  else queue(run, name, '', input, false);
}

/** Deep or cyclic bodies have no canonical text; they are nothing that a person would send. */
function isPlain(input: unknown): boolean {
  try {
    return isObject(input) && utf8Bytes(canonicalJson(input)) <= LIMITS.waitingControlBytes;
  } catch {
    return false;
  }
}

const UNVERIFIED: Speaker = { identity: 'unverified', roles: [] };

/** Starts the one verifying loop unless it runs. Also called when a run wakes up with something waiting. */
export function verifyWaiting(run: Run): void {
  if (run.live.verifying || !hasToVerify(run)) return;
  run.live.verifying = true;
  void CancellationScope.nonCancellable(() => verifyAll(run)).catch((error: unknown) => {
    run.live.failure ??= { error };
    run.live.dirty = true;
  });
}

/** A run that moves on takes what nobody waits for with it: its next execution verifies that. */
function hasToVerify({ state, live }: Run): boolean {
  return state.controls.length > 0 && (!live.moving || live.awaited.size > 0);
}

async function verifyAll(run: Run): Promise<void> {
  try {
    while (hasToVerify(run)) await verifySome(run);
  } finally {
    // With the last look, in one go: who finds more to verify after it must not find that somebody is at it.
    run.live.verifying = false;
    run.live.dirty = true;
  }
}

/** As much as one activity is given; what it cannot say stays queued. */
async function verifySome(run: Run): Promise<void> {
  const batch = run.state.controls.slice(0, LIMITS.waitingControls);
  const summary = batch.length === 1 ? 'who says so' : `who says so: ${batch.length} messages`;
  const input = { ...refOf(run), controls: batch };
  const verified =
    (await tryVerifyQuickly(run, summary, input)) ?? (await verifyPatiently(run, summary, input));
  if (verified === null) return;
  for (const control of batch) {
    patch(run, { controls: run.state.controls.filter(({ n }) => n !== control.n) });
    run.live.controlTexts.delete(control.n);
    settle(
      run,
      control,
      verified.find(({ n }) => n === control.n),
    );
  }
  run.live.dirty = true;
  noteMoveDue(run);
}

/** Null after an error of ours: what people said stays queued, and is tried again after a while. */
async function verifyPatiently(
  run: Run,
  summary: string,
  input: Sent<VerifyControlsInput>,
): Promise<readonly Verified[] | null> {
  try {
    return await store.verifyControls.executeWithOptions({ summary }, [input]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const moves = () => run.live.moving && run.live.awaited.size === 0;
    await condition(moves, LIMITS.verifyAgainMs, { summary: `try again: ${summary}` });
    return null;
  }
}

function settle(run: Run, control: Control, verified: Verified | undefined): void {
  if (control.name === 'decide') {
    const answer = settleDecision(run, control, verified);
    if (run.live.awaited.delete(control.n)) run.live.answers.set(control.n, answer);
    return;
  }
  const said = parseSteering(control.body);
  if (said === null) return;
  if (verified?.kind === 'ok') actOn(run, control.name, said, verified.speaker);
  else {
    const why = verified?.why ?? 'unsigned';
    note(run, 'refused', { by: said.by, channel: said.channel, signal: control.name, why });
    run.live.refused = { by: said.by, why };
    showCard(run);
  }
}

function settleDecision(run: Run, control: Control, verified: Verified | undefined): DecideReply {
  const decision = parseDecision(control.body);
  if (decision === null) return { kind: 'refused', why: 'malformed' };
  if (verified?.kind !== 'ok') return refuse(run, decision, verified?.why ?? 'unsigned', 'unverified');
  const record = findOpen(run, decision.approval);
  if (record === undefined) return answerClosed(run, decision);
  const atMs = control.late ? (verified.arrivedAtMs ?? Date.now()) : control.receivedAtMs;
  const outcome = outcomeOf(record, decision, verified.speaker, atMs);
  switch (outcome.kind) {
    case 'refused':
      return refuse(run, decision, outcome.why, verified.speaker.identity);
    case 'voted': {
      const { by, channel } = decision;
      const { identity } = verified.speaker;
      note(run, 'vote', { approval: record.id, by, channel, identity, kind: decision.kind });
      replace(run, outcome.record);
      return { kind: 'voted', votes: outcome.record.votes.length, quorum: outcome.record.quorum };
    }
    case 'decided':
      replace(run, outcome.record);
      return { kind: 'decided', state: outcome.record.state.kind };
    default:
      return outcome satisfies never;
  }
}

function outcomeOf(
  record: ApprovalRecord,
  decision: ParsedDecision,
  speaker: Speaker,
  atMs: number,
): DecisionOutcome {
  const malformed = record.kind === 'reconcile' && parseReconciliation(decision.answer) === null;
  return malformed ? { kind: 'refused', why: 'malformed' } : decideApproval(record, decision, speaker, atMs);
}

type Refusal = Extract<DecideReply, { kind: 'refused' }>;

function refuse(
  run: Run,
  decision: ParsedDecision,
  why: Refusal['why'] | ControlFault,
  identity: Speaker['identity'],
): Refusal {
  const { approval, by, channel, kind } = decision;
  note(run, 'refused', { approval, by, channel, identity, kind, why });
  run.live.refused = { by, why };
  showCard(run);
  return { kind: 'refused', why };
}

function findOpen(run: Run, id: string): ApprovalRecord | undefined {
  return openRecords(run).find((record) => record.id === id);
}
