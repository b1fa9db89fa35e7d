import { LIMITS } from '../core/limits.ts';
import type { ResultRef } from '../core/state.ts';
import { exposureOf, raise } from '../core/taint.ts';
import { labelsOf, patch, patchTurn, type Run, stepOf, turnOf } from './context.ts';
import { repeatName } from './judging.ts';

/** S1: one user message with every result, in call order; and what the calls mean for the rest of the turn. */
export function collect(run: Run): void {
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
    if (labels !== null) taint = raise(taint, exposureOf(labels));
    taint = raise(taint, { suspicious: outcome.suspicious === true });
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
        landing: { reason: 'failures', record: null, raised: false } as const,
        handOver: { summary: `${often[0]} failed ${often[1]} times`, evidence: `step ${step.n}` },
      }),
  });
}
