import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { RunToolInput, RunToolResult, Sent } from '../activities/types.ts';
import { type CallOutcome, type CallState, mustBeClosed } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import { refuse } from '../core/refusals.ts';
import { decisionFacts, voidApproval } from './approvals.ts';
import { callAt, labelsOf, patchCall, patchTurn, pinnedOf, type Run, refOf, turnOf } from './context.ts';
import { refuseCall, reprepareLater } from './judging.ts';
import { closeEffect, failureCode, runTool } from './proxies.ts';
import { tryQuickly } from './quick.ts';
import { askWhatHappened, storeRequests } from './requests.ts';

// One cleared call on its way to the outside and back.

/** `quickly`: in the task that has the model's answer, where a read may run inside it. */
export async function runCall(run: Run, index: number, quickly: boolean): Promise<void> {
  const call = callAt(run, index);
  const labels = labelsOf(run, call.prepared.tool);
  if (labels === null) throw new Error(`call ${call.prepared.key} was cleared without labels`);
  const input = toolInput(run, call);
  const effect = labels.replay !== 'pure';
  try {
    const quick = labels.quick && quickly ? await tryQuickly(run, call, input) : null;
    const result = quick ?? (await runTool(labels, call, input));
    const asked = take(run, index, result);
    if (asked !== null) await asked;
  } catch (error) {
    if (!effect) {
      if (isCancellation(error)) throw error;
      const code = failureCode(error) === 'release_not_here' ? 'release_not_here' : 'unavailable';
      return patchCall(run, index, { outcome: refuse(code) });
    }
    // A time-out or a cancellation can hide an attempt that still runs: only the ledger may say what became of it.
    const closed = await CancellationScope.nonCancellable(() => closeEffect(call, input));
    await CancellationScope.nonCancellable(async () => take(run, index, closed));
    if (isCancellation(error)) throw error;
  }
}

function toolInput(run: Run, call: CallState): Sent<RunToolInput> {
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
    classes: prepared.classes,
    learned: call.verdict?.rule === `learned:${prepared.learned}` ? prepared.learned : null,
    approval:
      approval === null || decided === null
        ? null
        : { id: approval.id, decision: decisionFacts(approval), decidedAtMs: decided.atMs },
  };
}

/** Notes what came of a call. Only what a person has to be asked about is waited for; null where nobody is. */
export function take(run: Run, index: number, result: RunToolResult): Promise<void> | null {
  const call = callAt(run, index);
  patchTurn(run, { activeMs: turnOf(run).activeMs + result.activeMs });
  switch (result.kind) {
    case 'done':
      patchCall(run, index, { outcome: result.outcome });
      if (result.applied) patchTurn(run, { repeats: {} });
      if (result.outcome.kind === 'refused') reprepareLater(run, index);
      return null;
    case 'stale':
      // The approval speaks about terms that are gone: look again, judge again, ask again.
      if (call.approval !== null) voidApproval(run, call.approval);
      patchCall(run, index, { stale: true, verdict: null, approval: null });
      return null;
    case 'held': {
      const sinceMs = call.held?.sinceMs ?? Date.now();
      const lookedAtMs = Date.now();
      const againAtMs = lookedAtMs + LIMITS.heldRetryMs;
      patchCall(run, index, { held: { name: result.name, sinceMs, lookedAtMs, againAtMs } });
      return null;
    }
    case 'unknown': {
      const record = askWhatHappened(run, call);
      patchCall(run, index, { reconcile: record, requests: call.requests + 1, held: null });
      reprepareLater(run, index);
      return storeRequests(run, [record], 'unknown', result.evidence);
    }
    default:
      return result satisfies never;
  }
}

/** The one way to end a call that shall not run any more: what may have begun is closed first. */
export async function endCall(run: Run, index: number, refused: CallOutcome): Promise<void> {
  if (mustBeClosed(callAt(run, index))) await giveUp(run, index, refused);
  else refuseCall(run, index, refused);
}

/** Gives up a call whose effect has to be closed first; what the ledger finds instead of nothing is the result. */
export async function giveUp(run: Run, index: number, refused: CallOutcome): Promise<void> {
  const call = callAt(run, index);
  const closed = await closeEffect(call, toolInput(run, call));
  const nothing =
    closed.kind === 'done' && closed.outcome.kind === 'refused' && closed.outcome.code === 'void';
  if (nothing) refuseCall(run, index, refused);
  else await take(run, index, closed);
}
