import { condition } from '@temporalio/workflow';
import { type ApprovalRecord, withdraw } from '../core/approvals.ts';
import { isCleared } from '../core/calls.ts';
import { refuse } from '../core/refusals.ts';
import { flushAll, nextTime, replace, settleTimes } from './approvals.ts';
import { collect } from './collecting.ts';
import { callAt, enter, isEffect, openRecords, type Run, stepOf } from './context.ts';
import { settleReconciled } from './digesting.ts';
import { endCall, giveUp } from './running.ts';

/**
 * The open step of a run that ends, brought to its end: nothing new starts, every effect that was let through is
 * closed, what nobody knows is still asked for, and every call gets its result. Returns what stays unknown for good.
 */
export async function closeStep(run: Run): Promise<readonly string[]> {
  for (const record of openRecords(run))
    if (record.kind !== 'reconcile') replace(run, withdraw(record, Date.now()));
  if (run.live.running.size > 0) await condition(() => run.live.running.size === 0);
  for (const [i, call] of stepOf(run).calls.entries()) {
    const { outcome, reconcile, held, prepared } = callAt(run, i);
    if (outcome !== null || reconcile !== null) continue;
    const refused = refuse('cancelled', held?.name);
    // An execution that stopped at a bug may have left an attempt behind.
    if (run.state.bug != null && isCleared(call) && isEffect(run, prepared.tool))
      await giveUp(run, i, refused);
    else await endCall(run, i, refused);
  }
  await askUntilKnown(run);
  const unknown = stepOf(run).calls.filter(
    ({ outcome }) => outcome?.kind === 'refused' && outcome.code === 'unknown_outcome',
  );
  collect(run);
  return unknown.map(({ prepared }) => prepared.summary);
}

/** Whether an effect happened matters also when nobody wants it any more: the run waits for the answer, or its deadline. */
async function askUntilKnown(run: Run): Promise<void> {
  const open = (): readonly ApprovalRecord[] =>
    openRecords(run).filter((record) => record.kind === 'reconcile');
  do {
    while (open().length > 0) {
      enter(run, 'unknown', `the run is over; what became of: ${open()[0]?.summary}`);
      await flushAll(run);
      run.live.dirty = false;
      const time = nextTime(run);
      if (time !== null && time > Date.now())
        await condition(() => run.live.dirty, time - Date.now(), { summary: 'over: what became of it' });
      await settleTimes(run);
    }
    // What is learnt late may contradict the answer: then it is asked for once more.
    for (const [i] of stepOf(run).calls.entries()) await settleReconciled(run, i, callAt(run, i), true);
  } while (open().length > 0);
}
