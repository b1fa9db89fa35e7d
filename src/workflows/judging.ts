import { ASK_PERSON, type CallOutcome, type CallState } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import { unfit } from '../core/phases.ts';
import { decide, type PolicyFacts, type Verdict } from '../core/policy.ts';
import { refuse } from '../core/refusals.ts';
import {
  callAt,
  isEffect,
  labelsOf,
  patchCall,
  patchTurn,
  pinnedOf,
  type Run,
  stepOf,
  turnOf,
} from './context.ts';

// What may be done with a call, before anything is: problems, limits, repeats, policy. Nothing here waits.

/** The verdict on a call: problems, limits and repeats first, then the policy. What keeps it from running, or null. */
export function judgeCall(run: Run, index: number): CallOutcome | null {
  const call = callAt(run, index);
  const { prepared } = call;
  const { permissions, policy, limits } = pinnedOf(run);
  const labels = labelsOf(run, prepared.tool);
  if (prepared.problem !== null || labels === null) return refuse('bad_call', prepared.problem ?? '');
  const notNow = unfit(pinnedOf(run).phases, run.state.phase, labels);
  if (notNow !== null) return refuse('not_now', notNow);
  const refused = call.requests > 0 ? null : tooMuch(run, index, limits.toolCallsPerTurn);
  if (refused !== null) return refused;
  const facts: PolicyFacts = {
    tool: prepared.tool,
    category: labels.category,
    tier: labels.tier,
    touches: labels.touches,
    amount: prepared.amount,
    taint: run.state.taint,
    origins: prepared.origins,
    requester: run.state.requester,
    firstOf: prepared.firstOf,
    learned: prepared.learned,
    nowMs: Date.now(),
  };
  const decided = decide(permissions, policy, facts, run.state.ownRules);
  // A question to a person is always one, whatever allows the tool; only a denial comes before it.
  const verdict = prepared.tool === ASK_PERSON && decided.answer.kind === 'allow' ? A_QUESTION : decided;
  patchCall(run, index, { verdict });
  if (verdict.answer.kind === 'deny') return refuse('denied', verdict.answer.reason);
  if (verdict.answer.kind === 'allow') return null;
  if (call.requests >= LIMITS.requestsPerCall) return refuse('not_approved', 'it was asked for too often');
  return asksInStep(run) > LIMITS.openApprovals ? refuse('too_many_calls') : null;
}

const A_QUESTION: Verdict = {
  rule: 'question',
  answer: { kind: 'ask', reason: 'The agent asks a person. Answer in your own words, or decline.' },
};

function asksInStep(run: Run): number {
  return stepOf(run).calls.filter((call) => call.outcome === null && call.verdict?.answer.kind === 'ask')
    .length;
}

/** Limits and repeats: the third same call without an effect in between is refused, the fourth lands the turn. */
function tooMuch(run: Run, index: number, toolCallsPerTurn: number): CallOutcome | null {
  const turn = turnOf(run);
  if (turn.landing !== null) return refuse('landing');
  if (turn.toolCalls + index >= toolCallsPerTurn) return refuse('too_many_calls');
  const { calls } = stepOf(run);
  const name = repeatName(callAt(run, index));
  const inThisStep = calls.slice(0, index).filter((other) => repeatName(other) === name).length;
  const times = (turn.repeats[name] ?? 0) + inThisStep + 1;
  if (times >= LIMITS.repeatsLanding) {
    patchTurn(run, { landing: { reason: 'repeats', record: null, raised: false } });
    return refuse('landing');
  }
  return times >= LIMITS.repeatsRefused ? refuse('repeated') : null;
}

export function repeatName(call: CallState): string {
  return `${call.prepared.tool} ${call.prepared.argsHash}`;
}

export function refuseCall(run: Run, index: number, outcome: CallOutcome): void {
  patchCall(run, index, { outcome });
  reprepareLater(run, index);
}

/** S4 (step.ts): what later effects were prepared from may have changed. */
export function reprepareLater(run: Run, index: number): void {
  stepOf(run).calls.forEach((call, i) => {
    if (i <= index || call.outcome !== null || call.verdict === null) return;
    if (!isEffect(run, call.prepared.tool)) return;
    patchCall(run, i, { stale: true });
    // A step that parks now would leave it lying until somebody decides something else.
    run.live.dirty = true;
  });
}
