import { condition } from '@temporalio/workflow';
import { type ApprovalRecord, withdraw } from '../core/approvals.ts';
import { mustBeClosed } from '../core/calls.ts';
import { refuse } from '../core/refusals.ts';
import { flushDecisions, nextTime, replace, settleTimes } from './approvals.ts';
import { collect } from './collecting.ts';
import { callAt, enter, openRecords, patchCall, type Run, stepOf } from './context.ts';
import { settleReconciled } from './digesting.ts';
import { giveUp } from './running.ts';

/**
 * The open step of a run that was cancelled, brought to its end: nothing new starts, every effect that was let through
 * is closed, what nobody knows is still asked for, and every call gets its result.
 */
export async function closeStep(run: Run): Promise<void> {
  for (const record of openRecords(run))
    if (record.kind !== 'reconcile') replace(run, withdraw(record, Date.now()));
  for (const [i, call] of stepOf(run).calls.entries())
    if (mustBeClosed(call)) await giveUp(run, i, 'cancelled');
  await askUntilKnown(run);
  stepOf(run).calls.forEach((call, i) => {
    if (call.outcome === null) patchCall(run, i, { outcome: refuse('cancelled') });
  });
  collect(run);
}

/** Whether an effect happened matters also when nobody wants it any more: the run waits for the answer, or its deadline. */
async function askUntilKnown(run: Run): Promise<void> {
  const open = (): readonly ApprovalRecord[] =>
    openRecords(run).filter((record) => record.kind === 'reconcile');
  while (open().length > 0) {
    enter(run, 'unknown', `the run was cancelled; what became of: ${open()[0]?.summary}`);
    await flushDecisions(run);
    run.live.dirty = false;
    const time = nextTime(run);
    if (time !== null && time > Date.now())
      await condition(() => run.live.dirty, time - Date.now(), { summary: 'cancelled: what became of it' });
    await settleTimes(run);
  }
  for (const [i] of stepOf(run).calls.entries()) await settleReconciled(run, i, callAt(run, i), true);
}
