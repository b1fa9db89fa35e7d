import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { RunToolInput, RunToolResult } from '../activities/types.ts';
import { parseReconciliation, withdraw } from '../core/approvals.ts';
import { type CallState, startable } from '../core/calls.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { refuse } from '../core/refusals.ts';
import type { ResultRef } from '../core/state.ts';
import { raise } from '../core/taint.ts';
import { flushDecisions, nextDeadline, replace, settleDeadlines } from './approvals.ts';
import {
  callAt,
  enter,
  isEffect,
  labelsOf,
  openRecords,
  patch,
  patchCall,
  patchTurn,
  pinnedOf,
  type Run,
  refOf,
  stepOf,
  turnOf,
} from './context.ts';
import { forgetReplies, replyTo, summaryOf } from './inbox.ts';
import { judge, refuseCall, repeatName, reprepareLater } from './judging.ts';
import { closeEffect, failureCode, runTool, store } from './proxies.ts';
import { askForCall, askWhatHappened, storeRequests } from './requests.ts';
import { seam, waitUntil } from './waiting.ts';

/**
 * The calls of one step, from verdict to result.
 *
 * S1. Every call gets exactly one outcome, and every outcome one result, in call order.
 * S2. All approvals of a step open together.
 * S3. Reads run at once; effects strictly in call order; a read listed after an effect waits for it (core/calls.ts).
 * S4. After a call did not happen or nobody knows, later effects are prepared and judged again.
 * S5. Nothing is awaited here while an activity runs, except that activity: a seam has nothing outstanding.
 */
export async function playStep(run: Run): Promise<void> {
  try {
    while (stepOf(run).calls.some((call) => call.outcome === null)) {
      if (run.live.running.size === 0) await seam(run);
      const before = run.state;
      judge(run);
      await openRequests(run);
      startReady(run);
      if (run.live.running.size > 0) await awaitProgress(run);
      else if (stepOf(run).calls.some((call) => call.outcome === null)) await awaitPeople(run);
      await digest(run);
      // A loop that changed nothing would spin for ever: better a visible bug than a run that is never heard of again.
      if (run.state === before && run.live.running.size === 0 && openRecords(run).length === 0)
        throw new Error(
          `step ${stepOf(run).n} cannot go on: ${stepOf(run)
            .calls.filter((call) => call.outcome === null)
            .map((call) => call.prepared.key)
            .join(', ')}`,
        );
    }
    await condition(() => run.live.running.size === 0);
  } finally {
    // A cancelled step still waits for its effects to say what they did.
    await CancellationScope.nonCancellable(() => condition(() => run.live.running.size === 0));
  }
  throwFailure(run);
  await flushDecisions(run);
  collect(run);
}

/** S2: one record for each call that must be asked for, all stored by one activity. */
async function openRequests(run: Run): Promise<void> {
  const terms: Record<string, NonNullable<CallState['prepared']['terms']>> = {};
  const asked = stepOf(run).calls.flatMap((call, i) => {
    const answer = call.verdict?.answer;
    if (call.outcome !== null || call.approval !== null || call.stale || answer?.kind !== 'ask') return [];
    const record = askForCall(run, call, answer);
    if (call.prepared.terms !== null) terms[record.id] = call.prepared.terms;
    patchCall(run, i, { approval: record, requests: call.requests + 1 });
    return [record];
  });
  await storeRequests(run, asked, 'waiting', { terms });
}

function startReady(run: Run): void {
  for (const index of startable(stepOf(run).calls, (tool) => isEffect(run, tool))) {
    const { key } = callAt(run, index).prepared;
    if (run.live.running.has(key)) continue;
    run.live.running.add(key);
    void runCall(run, index)
      .catch((error: unknown) => {
        run.live.failure ??= { error };
      })
      .finally(() => {
        run.live.running.delete(key);
        run.live.dirty = true;
      });
  }
}

async function awaitProgress(run: Run): Promise<void> {
  if (run.state.unrecorded.length > 0) await flushDecisions(run);
  await condition(() => run.live.dirty || run.live.running.size === 0);
  run.live.dirty = false;
  throwFailure(run);
}

function throwFailure(run: Run): void {
  const failure = run.live.failure;
  if (failure === null) return;
  run.live.failure = null;
  throw failure.error;
}

/** Parked: only people, the customer or the clock can move this step on. A seam. */
async function awaitPeople(run: Run): Promise<void> {
  await flushDecisions(run);
  const open = openRecords(run);
  if (open.length > 0 && run.live.disputed.length === 0) {
    const unknown = open.some((record) => record.kind === 'reconcile');
    const first = open[0]?.summary ?? '';
    enter(
      run,
      unknown ? 'unknown' : 'waiting',
      `${open.length === 1 ? 'a decision on' : `${open.length} decisions, first`}: ${first}`,
    );
    replyTo(run, turnOf(run).messages, {
      kind: 'waiting',
      approvals: open.map(summaryOf),
    });
    const by = open[0] ? new Date(Math.min(...open.map((r) => r.deadlineMs))).toISOString().slice(0, 16) : '';
    await waitUntil(
      run,
      () => run.live.dirty || interrupted(run),
      nextDeadline(run),
      `approval: ${first}, by ${by}`.slice(0, LIMITS.summaryChars),
    );
    forgetReplies(run, turnOf(run).messages);
    enter(run, 'running', '');
  }
  run.live.dirty = false;
}

/** Nobody needs the open decisions any more: the customer wrote (where the agent lets that withdraw them), or a person takes over. */
function interrupted(run: Run): boolean {
  return (
    (run.state.inbox.length > 0 && pinnedOf(run).whileWaiting === 'withdraw') || run.state.handOver !== null
  );
}

/** Turns what people, the clock and the customer did into outcomes, and prepares again what went stale. */
async function digest(run: Run): Promise<void> {
  await settleDeadlines(run);
  if (interrupted(run) && run.live.running.size === 0)
    for (const record of openRecords(run))
      if (record.kind === 'call') replace(run, withdraw(record, Date.now()));
  for (let i = 0; i < stepOf(run).calls.length; i++) {
    const call = callAt(run, i);
    if (call.outcome !== null || run.live.running.has(call.prepared.key)) continue;
    await digestCall(run, i, call);
  }
}

async function digestCall(run: Run, index: number, call: CallState): Promise<void> {
  const state = call.approval?.state;
  if (state?.kind === 'rejected') return refuseCall(run, index, refuse('rejected', state.decision.reason));
  if (state?.kind === 'expired') return refuseCall(run, index, refuse('expired'));
  if (state?.kind === 'withdrawn' && !call.stale) return refuseCall(run, index, refuse('withdrawn'));
  if (state?.kind === 'answered') {
    const edited = { kind: 'edited', arguments: state.decision.arguments ?? {} } as const;
    return prepareAgain(run, index, call, edited);
  }
  if (call.stale) return prepareAgain(run, index, call, { kind: 'stored', argsHash: call.prepared.argsHash });
  const settled = call.reconcile?.state;
  if (settled === undefined || settled.kind === 'open') return;
  const said = settled.kind === 'answered' ? parseReconciliation(settled.decision.answer) : null;
  if (said?.kind === 'did_not')
    return patchCall(run, index, { reconcile: null, generation: call.generation + 1 });
  const by = settled.kind === 'answered' ? settled.decision.by : 'holdfast';
  const result = await store.resolveEffect.executeWithOptions(
    { summary: `record what became of: ${call.prepared.summary}`.slice(0, LIMITS.summaryChars) },
    [
      {
        ...refOf(run),
        key: call.prepared.key,
        tool: call.prepared.tool,
        said: said?.kind === 'happened' ? 'happened' : 'give_up',
        result: said?.kind === 'happened' ? said.result : null,
        by,
      },
    ],
  );
  await take(run, index, result);
}

/** Looks again at the facts of a call. An approval stands only if nothing that was shown to the person has changed. */
async function prepareAgain(
  run: Run,
  index: number,
  call: CallState,
  from: Parameters<typeof store.prepareCall>[0]['arguments'],
): Promise<void> {
  const prepared = await store.prepareCall.executeWithOptions(
    { summary: `prepare again: ${call.prepared.summary}`.slice(0, LIMITS.summaryChars) },
    [
      {
        ...refOf(run),
        release: pinnedOf(run).hash,
        key: call.prepared.key,
        callId: call.prepared.callId,
        tool: call.prepared.tool,
        arguments: from,
      },
    ],
  );
  const same = canonicalJson(prepared) === canonicalJson(call.prepared);
  if (same && from.kind === 'stored') return patchCall(run, index, { stale: false });
  if (call.approval?.state.kind === 'open') replace(run, withdraw(call.approval, Date.now()));
  patchCall(run, index, { prepared, stale: false, verdict: null, approval: null });
}

async function runCall(run: Run, index: number): Promise<void> {
  const call = callAt(run, index);
  const labels = labelsOf(run, call.prepared.tool);
  if (labels === null) throw new Error(`call ${call.prepared.key} was cleared without labels`);
  const input = toolInput(run, call);
  const effect = labels.replay !== 'pure';
  try {
    await take(run, index, await runTool(labels, call, input));
  } catch (error) {
    if (!effect) {
      if (isCancellation(error)) throw error;
      const code = failureCode(error) === 'release_not_here' ? 'release_not_here' : 'unavailable';
      return patchCall(run, index, { outcome: refuse(code) });
    }
    // A time-out or a cancellation can hide an attempt that still runs: only the ledger may say what became of it.
    const closed = await CancellationScope.nonCancellable(() => closeEffect(call, input));
    await CancellationScope.nonCancellable(() => take(run, index, closed));
    if (isCancellation(error)) throw error;
  }
}

function toolInput(run: Run, call: CallState): RunToolInput {
  const { prepared, approval } = call;
  const decided = approval?.state.kind === 'approved' ? approval.state : null;
  return {
    ...refOf(run),
    release: pinnedOf(run).hash,
    key: prepared.key,
    tool: prepared.tool,
    argsHash: prepared.argsHash,
    generation: call.generation,
    terms: prepared.terms,
    approval:
      approval === null || decided === null
        ? null
        : {
            id: approval.id,
            decision: {
              by: decided.decision.by,
              channel: decided.decision.channel,
              reason: decided.decision.reason ?? '',
            },
            decidedAtMs: decided.atMs,
          },
  };
}

async function take(run: Run, index: number, result: RunToolResult): Promise<void> {
  const call = callAt(run, index);
  patchTurn(run, { activeMs: turnOf(run).activeMs + result.activeMs });
  switch (result.kind) {
    case 'done':
      patchCall(run, index, { outcome: result.outcome });
      if (result.applied) patchTurn(run, { repeats: {} });
      if (result.outcome.kind === 'refused') reprepareLater(run, index);
      return;
    case 'stale':
      // The approval speaks about terms that are gone: look again, judge again, ask again.
      patchCall(run, index, { stale: true, verdict: null, approval: null });
      return;
    case 'unknown': {
      const record = askWhatHappened(run, call);
      patchCall(run, index, { reconcile: record, requests: call.requests + 1 });
      reprepareLater(run, index);
      await storeRequests(run, [record], 'unknown', { evidence: result.evidence });
      return;
    }
    default:
      return result satisfies never;
  }
}

/** S1: one user message with every result, in call order; and what the calls mean for the rest of the turn. */
function collect(run: Run): void {
  const step = stepOf(run);
  const turn = turnOf(run);
  const repeats = { ...turn.repeats };
  const failures = { ...turn.failures };
  let { taint } = run.state;
  let handOver = turn.handOver;
  let toolCalls = turn.toolCalls;
  const results = step.calls.map((call): ResultRef => {
    const { prepared, outcome } = call;
    if (outcome === null) throw new Error(`call ${prepared.key} has no outcome`);
    const labels = labelsOf(run, prepared.tool);
    const name = repeatName(call);
    repeats[name] = (repeats[name] ?? 0) + 1;
    const failed =
      outcome.kind === 'refused'
        ? outcome.code === 'unavailable' || outcome.code === 'bad_call'
        : outcome.status === 'failed';
    if (failed && turn.iterations > LIMITS.failuresCountAfterIteration)
      failures[prepared.tool] = (failures[prepared.tool] ?? 0) + 1;
    if (outcome.kind === 'refused')
      return { callId: prepared.callId, isError: true, content: { kind: 'inline', text: outcome.text } };
    toolCalls++;
    if (labels !== null) taint = raise(taint, labels);
    if (labels?.handsOver && outcome.status === 'success')
      handOver = { summary: prepared.summary, evidence: `call ${prepared.key}` };
    return {
      callId: prepared.callId,
      isError: outcome.status === 'failed',
      content: { kind: 'blob', ref: outcome.ref },
    };
  });
  patch(run, { taint });
  const often = Object.entries(failures).find(([, times]) => times >= LIMITS.failuresOfAKind);
  patchTurn(run, {
    step: null,
    append: { ...turn.append, results },
    repeats,
    failures,
    toolCalls,
    handOver,
    ...(often !== undefined &&
      turn.landing === null && {
        landing: { reason: 'failures', record: null } as const,
        handOver: { summary: `${often[0]} failed ${often[1]} times`, evidence: `step ${step.n}` },
      }),
  });
}
