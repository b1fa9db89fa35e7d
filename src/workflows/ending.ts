import { allHandlersFinished, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { withdraw } from '../core/approvals.ts';
import { LIMITS } from '../core/limits.ts';
import { type Append, type AppendText, type Head, NOTHING, type QueuedMessage } from '../core/state.ts';
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
  for (let waits = 0; waits < LIMITS.endVerifyGraces && run.live.verifying; waits += 1)
    await condition(() => !run.live.verifying, LIMITS.verifyGraceMs);
  if (ending.outcome === 'cancelled' && run.state.turn?.step) await closeStep(run);
  for (const record of openRecords(run)) replace(run, withdraw(record, Date.now()));
  const append = lastAppend(run);
  let told = run.state.inbox.length;
  let head = await tellStore(run, ending, run.state.head, append);
  run.live.ended = true;
  enter(run, 'ended', '');
  upsertSearchAttributes(endAttributes(run.state, ending.outcome, ending.reason));
  // What people write while the end is put on record goes behind it; the inbox is bounded, and so is this.
  for (;;) {
    await condition(() => run.live.openSends === 0 && allHandlersFinished());
    const late = run.state.inbox.slice(told);
    if (late.length === 0) break;
    told += late.length;
    head = await tellStore(run, ending, head, { ...NOTHING, texts: late.map(textOf) });
  }
  const { state } = run;
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

/** Puts the end on record, with what people did and what was appended since the last time. */
async function tellStore(
  run: Run,
  { outcome, reason }: Ending,
  head: Head | null,
  append: Append,
): Promise<Head | null> {
  const { state } = run;
  const handOver = state.handOver ?? state.turn?.handOver ?? { summary: reason, evidence: '' };
  patch(run, { unrecorded: [] });
  const told = await forEver.endRun.executeWithOptions({ summary: `end: ${outcome} (${reason})` }, [
    {
      ...refOf(run),
      outcome,
      reason,
      decisions: state.unrecorded,
      head,
      append,
      handOver: outcome === 'escalated' ? { ...handOver, queue: state.pinned?.queue ?? state.agent } : null,
      costMicroUsd: state.costMicroUsd,
    },
  ]);
  return told.head;
}

/** What was to be told to the model and will not be any more; it belongs into the conversation all the same. */
function lastAppend(run: Run): Append {
  const { turn, inbox } = run.state;
  const open = turn?.append ?? NOTHING;
  return {
    results: open.results,
    texts: [...open.texts, ...inbox.map(textOf)],
    remind: false,
  };
}

function textOf({ text }: QueuedMessage): AppendText {
  return { ...text, by: 'user' };
}
