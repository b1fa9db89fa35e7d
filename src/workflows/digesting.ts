import type { PrepareCallInput } from '../activities/types.ts';
import { parseReconciliation, withdraw } from '../core/approvals.ts';
import type { CallState } from '../core/calls.ts';
import { canonicalJson } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { refuse } from '../core/refusals.ts';
import type { HandOver } from '../core/state.ts';
import { oneLine, utf8Bytes } from '../core/text.ts';
import { replace, settleTimes, voidApproval } from './approvals.ts';
import {
  callAt,
  isEffect,
  openRecords,
  patchCall,
  patchTurn,
  pinnedOf,
  type Run,
  refOf,
  stepOf,
  takeOver,
  turnOf,
} from './context.ts';
import { keep } from './keeping.ts';
import { interrupted } from './parking.ts';
import { prepareCall, store } from './proxies.ts';
import { endCall, giveUp, take } from './running.ts';

// What people, the clock and the customer did, turned into outcomes of calls.

/** Turns what people, the clock and the customer did into outcomes, and prepares again what went stale. */
export async function digest(run: Run): Promise<void> {
  await settleTimes(run);
  const stop = interrupted(run) && run.live.running.size === 0;
  if (stop)
    for (const record of openRecords(run))
      if (record.kind === 'call' || record.kind === 'question') replace(run, withdraw(record, Date.now()));
  for (let i = 0; i < stepOf(run).calls.length; i++) {
    const call = callAt(run, i);
    if (call.outcome !== null || run.live.running.has(call.prepared.key)) continue;
    if (call.held !== null && !call.stale) await digestHeld(run, i, call.held, stop);
    else await digestCall(run, i, call);
  }
  if (run.state.handOver !== null && run.live.running.size === 0)
    await leaveToPeople(run, run.state.handOver);
}

/** What has not started does not start any more, and whoever takes over reads of it. */
async function leaveToPeople(run: Run, handOver: HandOver): Promise<void> {
  const notStarted: string[] = [];
  for (const [i, call] of stepOf(run).calls.entries()) {
    if (call.outcome !== null || call.reconcile !== null) continue;
    await endCall(run, i, refuse('handed_over', call.held?.name));
    const { outcome } = callAt(run, i);
    const isNotRun = outcome?.kind === 'refused' && outcome.code === 'handed_over';
    if (isNotRun && isEffect(run, call.prepared.tool)) notStarted.push(call.prepared.summary);
  }
  takeOver(run, { ...handOver, notStarted });
}

/** Kept back by a kill switch: looked at again now and then, and given up after a long time or a new message. */
async function digestHeld(
  run: Run,
  index: number,
  held: NonNullable<CallState['held']>,
  stop: boolean,
): Promise<void> {
  if (stop || Date.now() - held.sinceMs >= LIMITS.heldMs)
    await giveUp(run, index, refuse(run.state.handOver === null ? 'switched_off' : 'handed_over', held.name));
  else if (held.againAtMs !== null && Date.now() >= held.againAtMs)
    patchCall(run, index, { held: { ...held, againAtMs: null } });
}

async function digestCall(run: Run, index: number, call: CallState): Promise<void> {
  const state = call.approval?.state;
  if (state?.kind === 'rejected') return endCall(run, index, refuse('rejected', state.decision.reason));
  if (state?.kind === 'expired') {
    if (call.approval?.onExpiry === 'escalate') escalateLater(run, call);
    return endCall(run, index, refuse('expired'));
  }
  if (state?.kind === 'withdrawn' && !call.stale)
    return endCall(run, index, refuse(run.state.handOver === null ? 'withdrawn' : 'handed_over'));
  if (state?.kind === 'answered' && call.approval?.kind === 'question') {
    const text = canonicalJson({ answer: state.decision.answer ?? null });
    const [kept] = await keep(run, [text]);
    if (kept?.kind !== 'blob') throw new Error(`the answer to ${call.prepared.key} was not kept`);
    return patchCall(run, index, {
      outcome: { kind: 'ran', status: 'success', ref: kept.ref, bytes: utf8Bytes(text) },
    });
  }
  if (state?.kind === 'answered') {
    const { argsHash } = call.prepared;
    const edited = { kind: 'edited', arguments: state.decision.arguments ?? {}, argsHash } as const;
    return prepareAgain(run, index, call, edited);
  }
  if (call.stale) return prepareAgain(run, index, call, { kind: 'stored', argsHash: call.prepared.argsHash });
  await settleReconciled(run, index, call, run.state.handOver !== null);
}

/** What a person said became of an effect, put on record. `final`: nothing runs any more, also after "did not". */
export async function settleReconciled(
  run: Run,
  index: number,
  call: CallState,
  final: boolean,
): Promise<void> {
  const settled = call.reconcile?.state;
  if (call.outcome !== null || settled === undefined || settled.kind === 'open') return;
  const said = settled.kind === 'answered' ? parseReconciliation(settled.decision.answer) : null;
  if (settled.kind === 'expired') escalateLater(run, call);
  if (said?.kind === 'did_not' && !final)
    return patchCall(run, index, { reconcile: null, generation: call.generation + 1 });
  const by = settled.kind === 'answered' ? settled.decision.by : 'holdfast';
  const result = await store.resolveEffect.executeWithOptions(
    { summary: oneLine(`record what became of: ${call.prepared.summary}`, LIMITS.summaryChars) },
    [
      {
        ...refOf(run),
        key: call.prepared.key,
        tool: call.prepared.tool,
        said: said?.kind ?? 'give_up',
        result: said?.kind === 'happened' ? said.result : null,
        by,
        release: pinnedOf(run).hash,
      },
    ],
  );
  await take(run, index, result);
}

/** Nobody answered: the model has its last words, and then people take over. */
function escalateLater(run: Run, { prepared }: CallState): void {
  if (turnOf(run).handOver !== null) return;
  const handOver = { summary: `nobody decided: ${prepared.summary}`, evidence: `call ${prepared.key}` };
  patchTurn(run, { handOver });
}

/** Looks again at the facts of a call. An approval stands only if nothing that was shown to the person has changed. */
async function prepareAgain(
  run: Run,
  index: number,
  call: CallState,
  from: PrepareCallInput['arguments'],
): Promise<void> {
  const prepared = await prepareCall(`prepare again: ${call.prepared.summary}`, {
    ...refOf(run),
    release: pinnedOf(run).hash,
    key: call.prepared.key,
    callId: call.prepared.callId,
    tool: call.prepared.tool,
    arguments: from,
    origins: call.prepared.origins,
  });
  const same = canonicalJson(prepared) === canonicalJson(call.prepared);
  if (same && from.kind === 'stored') return patchCall(run, index, { stale: false });
  if (call.approval?.state.kind === 'open') replace(run, withdraw(call.approval, Date.now()));
  if (call.approval?.state.kind === 'approved') voidApproval(run, call.approval);
  const asked = call.requests > 0 && canonicalJson(prepared.terms) !== canonicalJson(call.prepared.terms);
  const formerTerms = asked ? call.prepared.terms : call.formerTerms;
  patchCall(run, index, { prepared, stale: false, verdict: null, approval: null, held: null, formerTerms });
}
