import type { CallModelResult } from '../activities/types.ts';
import type { OverBudget } from '../core/budget.ts';
import { LIMITS } from '../core/limits.ts';
import { type RateLimited, rateWords } from '../core/rates.ts';
import { oneLine } from '../core/text.ts';
import { enter, patchTurn, type Run, turnOf } from './context.ts';
import type { Ending } from './ending.ts';
import { forgetReplies, mayJoin, replyTo } from './inbox.ts';
import { waitOnRecord } from './waiting.ts';

// A model call that the store did not let through: a cap on money, or a start that comes too fast.

export type NotLetThrough = Extract<CallModelResult, { kind: 'over_budget' | 'refused_start' }>;

/** What the cap, or the limit of starts, says is done instead of the call. */
export async function meetCap(run: Run, result: NotLetThrough): Promise<Ending | null> {
  if (result.kind === 'refused_start') return refusedStart(result.refused);
  const { over } = result;
  // Where an earlier attempt may still answer, what it was asked stays as it is.
  patchTurn(run, { sealed: over.unanswered });
  switch (over.atCap) {
    case 'wait':
      await waitForWindow(run, over);
      return null;
    case 'ask': {
      const helping = { scope: over.scope, startMs: over.startMs };
      patchTurn(run, { landing: { reason: 'budget', record: null, raised: false, helping } });
      return null;
    }
    case 'degrade':
    case 'land':
      patchTurn(run, { landing: { reason: 'budget', record: null, raised: false } });
      return null;
    default:
      return over.atCap satisfies never;
  }
}

function refusedStart(refused: RateLimited): Ending {
  const comeBack = new Date(refused.comeBackAtMs ?? 0).toISOString();
  const answer = `Too many conversations were started: the limit is ${rateWords(refused)}. Come back at ${comeBack}.`;
  return { outcome: 'refused', reason: 'rate_limited', answer };
}

/**
 * Parks the turn until the window turns. Whoever writes, pauses, hands over, raises a limit or says `retry` makes it look
 * again at once; the loop around it does the rest. Runs that wait for the same window do not all come back in one moment.
 */
async function waitForWindow(run: Run, { scope, untilMs }: OverBudget): Promise<void> {
  const { messages } = turnOf(run);
  const opensMs = Math.max(untilMs ?? 0, Date.now() + LIMITS.budgetRetryMs);
  const waitsFor = `the budget ${scope} to open again at ${new Date(opensMs).toISOString()}, or \`retry\``;
  enter(run, 'budget', waitsFor);
  replyTo(run, messages, { kind: 'waiting', approvals: [] });
  run.live.retry = false;
  const { paused, extraTokens, extraCostMicroUsd } = run.state;
  const woke = () =>
    run.live.retry ||
    mayJoin(run) ||
    run.state.paused !== paused ||
    run.state.handOver !== null ||
    run.state.extraTokens !== extraTokens ||
    run.state.extraCostMicroUsd !== extraCostMicroUsd;
  const spreadMs = Math.floor(Math.random() * LIMITS.budgetSpreadMs);
  await waitOnRecord(run, woke, opensMs + spreadMs, oneLine(waitsFor, LIMITS.summaryChars));
  forgetReplies(run, messages);
  enter(run, 'running', '');
}
