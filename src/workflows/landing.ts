import { withdraw } from '../core/approvals.ts';
import { type BudgetGrant, landingNotice, modelCannotLand, ownWords, staysLanded } from '../core/budget.ts';
import { LIMITS } from '../core/limits.ts';
import { notice } from '../core/refusals.ts';
import { FRESH, type LandingReason, openTurn, type Turn } from '../core/state.ts';
import { flushDecisions, replace } from './approvals.ts';
import { enter, limitsOf, patch, patchTurn, type Run, takeOver, turnOf } from './context.ts';
import type { Ending } from './ending.ts';
import { forgetReplies, replyTo, summaryOf } from './inbox.ts';
import { askToContinue, storeRequests } from './requests.ts';
import { askModel } from './turn.ts';
import { waitForPeople } from './waiting.ts';

/**
 * Hitting a limit is not an exception: one last call, kept in reserve, says what was done and what was not; then the
 * run parks with a request to continue. Only Stop, a close, or the request's expiry, ends it as partial.
 */
export async function land(run: Run): Promise<Ending | null> {
  const { landing } = turnOf(run);
  if (landing === null) throw new Error('the turn is not landing');
  return landing.record === null ? touchDown(run, landing) : awaitGo(run, landing);
}

type Landing = NonNullable<Turn['landing']>;

async function touchDown(run: Run, { reason, helping }: Landing): Promise<Ending | null> {
  const text = await lastWords(run, reason);
  if (text === null) return null;
  const turn = turnOf(run);
  if (reason === 'failures') {
    if (turn.handOver !== null) takeOver(run, turn.handOver);
    replyTo(run, turn.messages, { kind: 'answered', text });
    return { outcome: 'escalated', reason: 'repeated_failures', answer: text };
  }
  if (turn.landings >= LIMITS.landingsPerTurn) return { outcome: 'partial', reason, answer: text };
  const record = askToContinue(run, { reason, ...(helping && { helping }) });
  patchTurn(run, {
    landing: { reason, record, raised: false, ...(helping && { helping }) },
    landings: turn.landings + 1,
  });
  await storeRequests(run, [record], 'landed');
  // Only now: whoever hears of the request looks for it in the store.
  replyTo(run, turn.messages, { kind: 'landed', text, approvals: [summaryOf(record)] });
  return null;
}

async function lastWords(run: Run, reason: LandingReason): Promise<string | null> {
  if (modelCannotLand(reason)) return ownWords(reason);
  const { append } = turnOf(run);
  const answer = await askModel(run, 'land', [landingNotice(reason)]);
  if (answer === null) return null;
  if (typeof answer !== 'string' && answer.kind === 'answered')
    return answer.answer?.text || ownWords(reason);
  // No model has read what it was to read; where an attempt may still answer, its bytes stay as they are.
  const sealed =
    typeof answer === 'string' ? turnOf(run).sealed : answer.kind === 'over_budget' && answer.over.unanswered;
  if (!sealed) patchTurn(run, { append, sealed });
  return ownWords(reason);
}

async function awaitGo(run: Run, given: Landing): Promise<Ending | null> {
  const { reason } = given;
  const landing = () => turnOf(run).landing;
  const record = () => landing()?.record ?? null;
  const raised = () => landing()?.raised === true;
  const wrote = () => run.state.inbox.length > 0 && !staysLanded(given);
  const first = record();
  if (first === null) throw new Error('the landing has no request');
  enter(run, 'landed', first.summary);
  const met = () =>
    record()?.state.kind !== 'open' ||
    raised() ||
    wrote() ||
    run.state.closing ||
    run.state.handOver !== null;
  await waitForPeople(run, met, `landed (${reason}): continue or stop`);
  if (record()?.state.kind === 'open') replace(run, withdraw(record() ?? first, Date.now()));
  const state = record()?.state.kind;
  await flushDecisions(run);
  // The conversation goes to a person; what was open is withdrawn.
  if (run.state.handOver !== null) return { outcome: 'escalated', reason: 'handed_over' };
  if (raised()) {
    forgetReplies(run, turnOf(run).messages);
    goOn(run, null);
    return null;
  }
  if (state === 'withdrawn' && wrote()) {
    // The customer went on by writing: a new turn with its own allowance answers it, and what was not read before.
    const { messages, append, sealed } = turnOf(run);
    const isRead = append.results.length + append.texts.length === 0;
    if (!isRead) forgetReplies(run, messages);
    patch(run, { turn: isRead ? null : { ...openTurn(messages, append), sealed } });
    return null;
  }
  if (state !== 'approved') return { outcome: 'partial', reason };
  forgetReplies(run, turnOf(run).messages);
  const helping = helpingOf(run, given, record());
  if (helping !== null) patch(run, { grant: helping });
  goOn(run, reason);
  return null;
}

/** What the yes allows on top of a cap: once more what a run may spend. */
function helpingOf(run: Run, { helping }: Landing, record: Landing['record']): BudgetGrant | null {
  if (helping === undefined || record?.state.kind !== 'approved') return null;
  const { by } = record.state.decision;
  return { ...helping, microUsd: limitsOf(run).costMicroUsdPerRun, approval: record.id, by };
}

/** A person allowed another helping of what was used up; null where they have said how much. */
function goOn(run: Run, reason: LandingReason | null): void {
  const limits = limitsOf(run);
  patch(run, {
    extraTokens: run.state.extraTokens + (reason === 'tokens' ? limits.tokensPerRun : 0),
    extraCostMicroUsd: run.state.extraCostMicroUsd + (reason === 'cost' ? limits.costMicroUsdPerRun : 0),
  });
  patchTurn(run, {
    ...FRESH,
    landing: null,
    append: {
      ...turnOf(run).append,
      texts: [
        ...turnOf(run).append.texts,
        {
          kind: 'inline',
          by: 'holdfast',
          text: notice('A person has allowed you to go on. Continue where you stopped.'),
        },
      ],
    },
  });
}
