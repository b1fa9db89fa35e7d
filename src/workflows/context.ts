import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { RunRef, Sent } from '../activities/types.ts';
import type { ApprovalRecord } from '../core/approvals.ts';
import type { CallState } from '../core/calls.ts';
import type { JsonObject } from '../core/json.ts';
import { DEFAULT_RUN_LIMITS, LIMITS, type RunLimits } from '../core/limits.ts';
import type { PinnedRelease, ToolLabels } from '../core/release.ts';
import type { RunPhase } from '../core/runPhases.ts';
import type { HandOver, QueuedMessage, RunState, Step, Turn } from '../core/state.ts';
import { card } from './card.ts';
import type { DecideReply } from './messages.ts';
import { phaseAttributes } from './searchAttributes.ts';

/**
 * A run while it lives in a worker. `state` is all that survives (plain data, carried through continue-as-new, one
 * writer: the functions below); `live` is what a replay builds up again by itself.
 */
export interface Run {
  state: RunState;
  readonly live: Live;
}

export interface Live {
  waitsFor: string;
  /** Continue as new at the next seam. */
  upgrade: boolean;
  /** Whoever waits at a seam moves on (moveDue.ts). */
  moveDue: boolean;
  /** From here on messages are kept for the next execution and senders are told so. */
  moving: boolean;
  ended: boolean;
  cancelled: { readonly by: string; readonly reason: string } | null;
  /** Cancels the conversation's scope; set before handlers are. */
  cancel: () => void;
  /** One loop at a time verifies what people said. */
  verifying: boolean;
  /** Control messages whose senders wait, and the answers for them. */
  readonly awaited: Set<number>;
  /** What waits to be verified as canonical text, by its number: each newcomer is compared with all of it. */
  readonly controlTexts: Map<number, { readonly text: string; readonly bytes: number }>;
  readonly answers: Map<number, DecideReply>;
  /** A person said: try again now (after an outage or a bug). */
  retry: boolean;
  /** The governor said: what a breaker holds may look again. */
  lookAgain: boolean;
  openSends: number;
  /** Updates this execution has accepted: the server ends its patience at 2,000. */
  updates: number;
  /** Calls whose activity is outstanding. */
  readonly running: Set<string>;
  /** Something happened that a waiting loop has to look at. Also at the start: what was decided during the move. */
  dirty: boolean;
  /** The first error of a call that runs beside the loop. */
  failure: { readonly error: unknown } | null;
  /** What may run inside a workflow task, and how long the history was (quick.ts). */
  readonly quick: {
    /** The model's answer is there, and its calls have not been looked at. */
    answered: boolean;
    askedAtEvent: number;
    parkedAtEvent: number | null;
    signalledAtEvent: number;
    markers: { atEvent: number; count: number };
  };
  dropped: number;
  /** The last word that did not count, for the card: whoever sent a signal by hand sees it nowhere else. */
  refused: { readonly by: string; readonly why: string } | null;
}

export function newLive(): Live {
  return {
    waitsFor: '',
    upgrade: false,
    moveDue: false,
    moving: false,
    ended: false,
    cancelled: null,
    cancel: () => undefined,
    verifying: false,
    awaited: new Set(),
    controlTexts: new Map(),
    answers: new Map(),
    retry: false,
    lookAgain: false,
    openSends: 0,
    updates: 0,
    running: new Set(),
    dirty: true,
    failure: null,
    quick: {
      answered: false,
      askedAtEvent: 0,
      parkedAtEvent: null,
      signalledAtEvent: 0,
      markers: { atEvent: 0, count: 0 },
    },
    dropped: 0,
    refused: null,
  };
}

export function refOf({ state: { run, agent, requester } }: Run): Sent<RunRef> {
  return { run, agent, requester };
}

export function patch(run: Run, changes: Partial<RunState>): void {
  run.state = { ...run.state, ...changes };
}

export function turnOf(run: Run): Turn {
  if (run.state.turn === null) throw new Error('no turn is open');
  return run.state.turn;
}

export function patchTurn(run: Run, changes: Partial<Turn>): void {
  patch(run, { turn: { ...turnOf(run), ...changes } });
}

export function stepOf(run: Run): Step {
  const step = turnOf(run).step;
  if (step === null) throw new Error('no step is open');
  return step;
}

export function callAt(run: Run, index: number): CallState {
  const call = stepOf(run).calls[index];
  if (call === undefined) throw new Error(`step ${stepOf(run).n} has no call ${index}`);
  return call;
}

export function patchCall(run: Run, index: number, changes: Partial<CallState>): void {
  const step = stepOf(run);
  patchTurn(run, {
    step: { ...step, calls: step.calls.map((call, i) => (i === index ? { ...call, ...changes } : call)) },
  });
}

export function pinnedOf(run: Run): PinnedRelease {
  if (run.state.pinned === null) throw new Error('the run has pinned no release yet');
  return run.state.pinned;
}

/** The run's limits; the defaults while no release is pinned yet. */
export function limitsOf(run: Run): RunLimits {
  return run.state.pinned?.limits ?? DEFAULT_RUN_LIMITS;
}

/** Labels of a tool of the pinned release; null for a name the model made up. */
export function labelsOf(run: Run, tool: string): ToolLabels | null {
  return pinnedOf(run).tools.find((labels) => labels.name === tool) ?? null;
}

export function isEffect(run: Run, tool: string): boolean {
  const labels = labelsOf(run, tool);
  return labels !== null && labels.replay !== 'pure';
}

/** Every record that may still be decided. */
export function openRecords(run: Run): readonly ApprovalRecord[] {
  const { turn, paused } = run.state;
  const records = [
    paused?.record ?? null,
    ...(turn?.step?.calls.flatMap((call) => [call.approval, call.reconcile]) ?? []),
    turn?.landing?.record ?? null,
  ];
  return records.filter((record): record is ApprovalRecord => record?.state.kind === 'open');
}

/** Every message that was taken in and has not joined a turn, in order. */
export function unanswered({ state: { inbox, afterwards } }: Run): readonly QueuedMessage[] {
  return [...inbox, ...afterwards];
}

/** Moves the run to a phase: card at once, search attributes only when the phase changed. */
export function enter(run: Run, phase: RunPhase, waitsFor: string): void {
  const changed = run.state.shownPhase !== phase;
  patch(run, { shownPhase: phase });
  run.live.waitsFor = waitsFor;
  showCard(run);
  if (changed) upsertSearchAttributes(phaseAttributes(run.state, phase));
}

export function showCard(run: Run): void {
  setCurrentDetails(card(run.state, run.live.waitsFor, openRecords(run), run.live.refused));
}

/** People take over. Whoever says so again adds what did not start; the first summary stands. */
export function takeOver(run: Run, next: HandOver): void {
  const first = run.state.handOver ?? next;
  const notStarted = [...(run.state.handOver?.notStarted ?? []), ...(next.notStarted ?? [])];
  patch(run, { handOver: notStarted.length === 0 ? first : { ...first, notStarted } });
}

/** Remembers the newest of a bounded list. */
export function remember<Item>(list: readonly Item[], item: Item): readonly Item[] {
  return [...list, item].slice(-LIMITS.rememberedIds);
}

/**
 * Writes what a person did into what the store will be told at the next seam. Closed records always get in (there are
 * never more than were open); a flood of refused decisions and steering is counted and dropped beyond the limit.
 */
export function note(
  run: Run,
  state: string,
  facts: JsonObject,
  closed = '',
  atMs: number = Date.now(),
): void {
  if (closed === '' && run.state.unrecorded.length >= LIMITS.unrecordedDecisions) {
    run.live.dropped++;
    return;
  }
  patch(run, { unrecorded: [...run.state.unrecorded, { approval: closed, state, facts, atMs }] });
}
