import { allHandlersFinished, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { withdraw } from '../core/approvals.ts';
import { LIMITS } from '../core/limits.ts';
import { replace } from './approvals.ts';
import { enter, openRecords, patch, type Run, refOf } from './context.ts';
import type { EndReason, Outcome, RunResult } from './messages.ts';
import { forEver } from './proxies.ts';
import { endAttributes } from './searchAttributes.ts';

export interface Ending {
  readonly outcome: Outcome;
  readonly reason: EndReason;
  readonly answer?: string;
}

/** The last thing a run does: what is open is withdrawn, the store is told, senders get their word. */
export async function endRun(run: Run, ending: Ending): Promise<RunResult> {
  // What people said just before the end belongs into the audit as well.
  if (run.live.verifying) await condition(() => !run.live.verifying, LIMITS.verifyGraceMs);
  for (const record of openRecords(run)) replace(run, withdraw(record, Date.now()));
  const { state } = run;
  const handOver = state.handOver ?? state.turn?.handOver ?? null;
  const escalated = ending.outcome === 'escalated';
  await forEver.endRun.executeWithOptions({ summary: `end: ${ending.outcome} (${ending.reason})` }, [
    {
      ...refOf(run),
      outcome: ending.outcome,
      reason: ending.reason,
      decisions: state.unrecorded,
      handOver: escalated
        ? {
            ...(handOver ?? { summary: ending.reason, evidence: '' }),
            queue: state.pinned?.queue ?? state.agent,
          }
        : null,
      costMicroUsd: state.costMicroUsd,
    },
  ]);
  patch(run, { unrecorded: [] });
  run.live.ended = true;
  enter(run, 'ended', '');
  upsertSearchAttributes(endAttributes(run.state, ending.outcome, ending.reason));
  await condition(() => run.live.openSends === 0 && allHandlersFinished());
  return {
    run: state.run,
    outcome: ending.outcome,
    reason: ending.reason,
    ...(ending.answer !== undefined && ending.answer !== '' && { answer: ending.answer }),
    usage: state.usage,
    costMicroUsd: state.costMicroUsd,
    head: state.head?.node ?? null,
  };
}
