import { allHandlersFinished, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { withdraw } from '../core/approvals.ts';
import { LIMITS } from '../core/limits.ts';
import { type Append, NOTHING } from '../core/state.ts';
import { replace } from './approvals.ts';
import { closeStep } from './closing.ts';
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
  if (ending.outcome === 'cancelled' && run.state.turn?.step) await closeStep(run);
  for (const record of openRecords(run)) replace(run, withdraw(record, Date.now()));
  const { state } = run;
  const handOver = state.handOver ?? state.turn?.handOver ?? null;
  const escalated = ending.outcome === 'escalated';
  const { head } = await forEver.endRun.executeWithOptions(
    { summary: `end: ${ending.outcome} (${ending.reason})` },
    [
      {
        ...refOf(run),
        outcome: ending.outcome,
        reason: ending.reason,
        decisions: state.unrecorded,
        head: state.head,
        append: lastAppend(run),
        handOver: escalated
          ? {
              ...(handOver ?? { summary: ending.reason, evidence: '' }),
              queue: state.pinned?.queue ?? state.agent,
            }
          : null,
        costMicroUsd: state.costMicroUsd,
      },
    ],
  );
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
    head: head?.node ?? null,
  };
}

/** What was to be told to the model and will not be any more; it belongs into the conversation all the same. */
function lastAppend(run: Run): Append {
  const { turn, inbox } = run.state;
  const open = turn?.append ?? NOTHING;
  return {
    results: open.results,
    texts: [...open.texts, ...inbox.map(({ text }) => ({ ...text, by: 'user' as const }))],
    remind: false,
  };
}
