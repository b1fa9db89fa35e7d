import { allHandlersFinished, condition, upsertSearchAttributes } from '@temporalio/workflow';
import { withdraw } from '../core/approvals.ts';
import { LIMITS } from '../core/limits.ts';
import type { Append, AppendText, HandOver, Head, QueuedMessage } from '../core/state.ts';
import { replace } from './approvals.ts';
import { messageOf } from './bugs.ts';
import { closeStep } from './closing.ts';
import { enter, openRecords, patch, type Run, refOf, unanswered } from './context.ts';
import { keepLong } from './keeping.ts';
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
  await hearOut(run);
  const left = await endStep(run, ending);
  for (const record of openRecords(run)) replace(run, withdraw(record, Date.now()));
  let told = unanswered(run).length;
  const texts = [...(run.state.turn?.append.texts ?? []), ...unanswered(run).map(textOf)];
  const results = run.state.turn?.append.results ?? [];
  let head = await tellStore(run, ending, run.state.head, { results, texts }, left);
  run.live.ended = true;
  enter(run, 'ended', '');
  upsertSearchAttributes(endAttributes(run.state, ending.outcome, ending.reason));
  // What people write or decide while the end is put on record goes behind it. The inbox is bounded, and so is this.
  for (let tellings = 1; ; tellings += 1) {
    await condition(() => run.live.openSends === 0 && allHandlersFinished());
    const hears = tellings < LIMITS.endTellings;
    if (hears) await hearOut(run);
    const late = unanswered(run).slice(told);
    if (late.length === 0 && !(hears && run.state.unrecorded.length > 0)) break;
    told += late.length;
    head = await tellStore(run, ending, head, { results: [], texts: late.map(textOf) }, null);
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

/** What people said just before the end belongs into the audit as well. */
async function hearOut({ live }: Run): Promise<void> {
  for (let waits = 0; waits < LIMITS.endVerifyGraces && live.verifying; waits += 1)
    await condition(() => !live.verifying, LIMITS.verifyGraceMs, { summary: 'over: who said what last' });
}

/** Whatever ends a run, its calls come to their end first. Returns what people have to take over because of it. */
async function endStep(run: Run, { outcome, reason, answer = '' }: Ending): Promise<HandOver | null> {
  const isOurs = outcome === 'failed' && reason === 'bug';
  const broken = isOurs ? { summary: 'the run stopped at an error of its own', evidence: answer } : null;
  if (!run.state.turn?.step) return broken;
  try {
    const unknown = await closeStep(run);
    // That may have taken days, in which people went on talking.
    await hearOut(run);
    if (broken !== null || unknown.length === 0) return broken;
    return { summary: 'nobody found out what became of an effect', evidence: unknown.join('\n') };
  } catch (error) {
    // R4: what cannot be closed keeps no run from its end. The ledger says which effects that are.
    return { summary: 'the run ended with calls that could not be closed', evidence: messageOf(error) };
  }
}

/** Puts the end on record, with what people did and what was appended since the last time. */
async function tellStore(
  run: Run,
  { outcome, reason }: Ending,
  head: Head | null,
  { results, texts }: Pick<Append, 'results' | 'texts'>,
  left: HandOver | null,
): Promise<Head | null> {
  const kept = await keepLong(run, texts, LIMITS.inlineMessageBytes, forEver);
  const append = {
    results,
    texts: kept.map((text, i) => ({ ...text, by: texts[i]?.by ?? 'user' })),
    remind: false,
  };
  const { state } = run;
  const wanted = state.handOver ?? state.turn?.handOver ?? { summary: reason, evidence: '' };
  const handOver = outcome === 'escalated' ? wanted : left;
  patch(run, { unrecorded: [] });
  const told = await forEver.endRun.executeWithOptions({ summary: `end: ${outcome} (${reason})` }, [
    {
      ...refOf(run),
      outcome,
      reason,
      decisions: state.unrecorded,
      head,
      append,
      handOver: handOver === null ? null : { ...handOver, queue: state.pinned?.queue ?? state.agent },
      costMicroUsd: state.costMicroUsd,
    },
  ]);
  return told.head;
}

function textOf({ text }: QueuedMessage): AppendText {
  return { ...text, by: 'user' };
}
