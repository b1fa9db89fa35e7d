import type { CallModelInput, CallModelResult, GuardStop, Sent } from '../activities/types.ts';
import { dueNotices, turnLimitReached } from '../core/budget.ts';
import { newCall } from '../core/calls.ts';
import { LIMITS } from '../core/limits.ts';
import { addUsage, totalTokens } from '../core/messages.ts';
import { notice, refuse } from '../core/refusals.ts';
import { type AppendText, type LandingReason, NOTHING, openTurn } from '../core/state.ts';
import { raise } from '../core/taint.ts';
import { oneLine, visible } from '../core/text.ts';
import { awaitAdmission, type Held } from './admission.ts';
import { meetCap, type NotLetThrough } from './budgets.ts';
import { enter, patch, patchTurn, type Run, refOf, showCard, takeOver, turnOf } from './context.ts';
import type { Ending } from './ending.ts';
import { mayJoin, replyTo } from './inbox.ts';
import { keepLong } from './keeping.ts';
import { land } from './landing.ts';
import { modelFailureOf, throughOutages } from './outage.ts';
import { callModel } from './proxies.ts';
import { markAnswered, markAsked } from './quick.ts';
import { playStep } from './step.ts';

/** Opens a turn for what the customer wrote. */
export async function startTurn(run: Run): Promise<void> {
  patch(run, { turn: openTurn([], NOTHING), idleDeadlineMs: null });
  await absorb(run);
}

/**
 * Moves the open turn on by one phase: the calls of its step, or its landing, or the next model call. Every phase
 * leaves the state complete, so that the run may continue as new between any two. An ending ends the run.
 */
export async function playTurn(run: Run): Promise<Ending | null> {
  const turn = turnOf(run);
  if (turn.step !== null) {
    await playStep(run);
    return null;
  }
  if (turn.landing !== null) return land(run);
  if (mayJoin(run)) await absorb(run);
  const limits = run.state.pinned?.limits;
  if (limits !== undefined) {
    const reached = turnLimitReached(turnOf(run), limits);
    if (reached !== null) return startLanding(run, reached);
    const due = turnOf(run).sealed ? [] : dueNotices(run.state, turnOf(run), limits);
    addTexts(
      run,
      due.map(({ text }) => text),
      due.map(({ name }) => name),
    );
  }
  enter(run, 'running', '');
  const result = await askModel(run, 'act');
  if (result === null) return null;
  if (typeof result === 'string') return startLanding(run, result);
  if (result.kind === 'held') return awaitAdmission(run, result);
  return result.kind === 'answered' ? digestAnswer(run, result) : meetCap(run, result);
}

/** Messages that wait join the turn; long ones are put into the store first. */
async function absorb(run: Run): Promise<void> {
  for (let [message] = run.state.inbox; message !== undefined && mayJoin(run); [message] = run.state.inbox) {
    const [text] = await keepLong(run, [message.text]);
    const userMessages = run.state.userMessages + 1;
    const turn = turnOf(run);
    patch(run, { inbox: run.state.inbox.slice(1), userMessages });
    patchTurn(run, {
      messages: [...turn.messages, message.id],
      append: {
        ...turn.append,
        texts: [...turn.append.texts, { ...(text ?? message.text), by: 'user' }],
        remind: turn.append.remind || userMessages % LIMITS.reminderEveryUserMessages === 0,
      },
    });
  }
}

function addTexts(run: Run, texts: readonly string[], notices: readonly string[] = []): void {
  if (texts.length === 0) return;
  const turn = turnOf(run);
  const refs: AppendText[] = texts.map((text) => ({ kind: 'inline', text, by: 'holdfast' }));
  patchTurn(run, {
    append: { ...turn.append, texts: [...turn.append.texts, ...refs] },
    notices: [...turn.notices, ...notices],
  });
}

function startLanding(run: Run, reason: LandingReason): null {
  patchTurn(run, { landing: { reason, record: null, raised: false } });
  return null;
}

export type Answer = Extract<CallModelResult, { kind: 'answered' }>;

/**
 * One model call with what waits to be appended. Returns what keeps the run from it, or the landing it leads to; null
 * where people did not want to wait for it any longer (outage.ts).
 */
export async function askModel(
  run: Run,
  purpose: 'act' | 'land',
  more: readonly string[] = [],
): Promise<Answer | Held | NotLetThrough | LandingReason | null> {
  if (!turnOf(run).sealed || purpose === 'act') addTexts(run, more);
  patchTurn(run, { sealed: true });
  const step = run.state.nextStep;
  try {
    const result = await throughOutages(run, `step ${step}: ask the model`, () => {
      markAsked(run);
      patch(run, { recordedPhase: null });
      const summary = `step ${step}: ${purpose === 'land' ? 'last words' : 'model'}`;
      return callModel(summary, modelInput(run, step, purpose));
    });
    if (result === null) return null;
    markAnswered(run);
    if (result.kind === 'refused_start' || result.kind === 'held') return result;
    if (turnOf(run).heldSinceMs !== null) patchTurn(run, { heldSinceMs: null });
    if (result.pinned !== null) patch(run, { pinned: result.pinned });
    if (result.kind === 'over_budget') return result;
    if (result.kind === 'over_limit') return notAsked(run, result.limit, result.unanswered);
    book(run, result);
    // Last words may come from another tier, which is not where the conversation goes on.
    if (purpose === 'act') patch(run, { model: result.model });
    return result;
  } catch (error) {
    const reason = modelFailureOf(error);
    if (reason === null) throw error;
    return notAsked(run, reason, false);
  }
}

/** Nothing came of this call: the append may grow once more, unless an earlier attempt may still answer it. */
function notAsked(run: Run, reason: LandingReason, unanswered: boolean): LandingReason {
  patchTurn(run, { sealed: unanswered });
  return reason;
}

function modelInput(run: Run, step: number, purpose: 'act' | 'land'): Sent<CallModelInput> {
  const { state } = run;
  return {
    ...refOf(run),
    step,
    purpose,
    head: state.head,
    append: turnOf(run).append,
    release: state.pinned?.hash ?? null,
    channel: state.channel,
    wantedLimits: state.wantedLimits,
    context: state.head === null ? state.context : null,
    extraTokens: state.extraTokens,
    extraCostMicroUsd: state.extraCostMicroUsd,
    spentTokens: totalTokens(state.usage),
    lastTotalTokens: state.lastTotalTokens,
    pieces: turnOf(run).pieces,
    ...(state.grant !== null && { grant: state.grant }),
    model: state.model ?? null,
  };
}

/** The answer stands in the store: from here on the run counts with it. */
function book(run: Run, answer: Answer): void {
  const { state } = run;
  patch(run, {
    head: answer.head,
    nextStep: state.nextStep + 1,
    iterations: state.iterations + 1,
    taint: raise(state.taint, { suspicious: answer.suspicious }),
    usage: addUsage(state.usage, answer.usage),
    costMicroUsd: state.costMicroUsd + answer.costMicroUsd,
    lastTotalTokens: totalTokens(answer.usage),
  });
  const turn = turnOf(run);
  patchTurn(run, {
    append: NOTHING,
    sealed: false,
    iterations: turn.iterations + 1,
    activeMs: turn.activeMs + answer.activeMs,
  });
  showCard(run);
}

/** What each stop reason means for the turn. Tools run only on `tool_use`. */
function digestAnswer(run: Run, answer: Answer): Ending | null {
  const turn = turnOf(run);
  // First of all: such an answer is not in the conversation, and none of its calls is.
  if (answer.stopReason === 'refusal')
    return { outcome: 'refused', reason: 'model_refused', answer: REFUSED };
  if (answer.stopReason === 'model_context_window_exceeded') return startLanding(run, 'context');
  if (answer.calls.length > 0) {
    const cutOff = answer.stopReason !== 'tool_use';
    const calls = answer.calls.map((prepared) => ({
      ...newCall(prepared),
      outcome: cutOff ? refuse('cut_off') : null,
    }));
    const said = answer.preview === null ? null : oneLine(visible(answer.preview.text), LIMITS.quoteChars);
    patchTurn(run, { step: { n: run.state.nextStep - 1, said: said === '' ? null : said, calls } });
    return null;
  }
  if (answer.stopped !== null) return digestStopped(run, answer.stopped);
  switch (answer.stopReason) {
    case 'end_turn':
    case 'stop_sequence':
    case 'tool_use':
      if (answer.hasText) return finishTurn(run, answer.answer?.text ?? '');
      if (turn.empty >= LIMITS.emptyAnswers) return startLanding(run, 'empty');
      patchTurn(run, { empty: turn.empty + 1 });
      addTexts(run, [notice('Your last answer was empty. Answer the customer, or make a tool call.')]);
      return null;
    case 'max_tokens':
      if (turn.truncated >= LIMITS.truncatedAnswers) return startLanding(run, 'truncated');
      patchTurn(run, {
        truncated: turn.truncated + 1,
        pieces: turn.pieces + (answer.hasText ? 1 : 0),
      });
      addTexts(run, [
        notice('Your answer was cut off for its length. Go on exactly where it stopped; be brief.'),
      ]);
      return null;
    case 'pause_turn':
      return null;
    default:
      return startLanding(run, 'unknown_stop');
  }
}

/** An answer that may not go out is written again, or kept back for good; then people take over. */
function digestStopped(run: Run, stopped: GuardStop): Ending | null {
  const turn = turnOf(run);
  if (stopped.kind === 'repair' && turn.repairs < LIMITS.repairsPerTurn) {
    patchTurn(run, { repairs: turn.repairs + 1, pieces: 0 });
    addTexts(run, [
      notice(
        `Your answer was not sent. ${stopped.instruction} Write the whole answer again, for the customer.`,
      ),
    ]);
    return null;
  }
  const reply = stopped.kind === 'block' ? stopped.reply : KEPT_BACK;
  const handOver = turn.handOver ?? {
    summary: `an answer was kept back (${stopped.why})`,
    evidence: `step ${run.state.nextStep - 1}`,
  };
  replyTo(run, turn.messages, { kind: 'answered', text: reply });
  patch(run, { turn: null });
  takeOver(run, handOver);
  return { outcome: 'escalated', reason: 'answer_kept_back', answer: reply };
}

const KEPT_BACK =
  'I cannot give you a reliable answer to this. A colleague will look at it and come back to you.';

const REFUSED = 'I cannot help with this request.';

/** The turn has its answer: senders get it, and the run goes idle or ends. */
function finishTurn(run: Run, text: string): Ending | null {
  const { messages, handOver } = turnOf(run);
  replyTo(run, messages, { kind: 'answered', text });
  patch(run, { turn: null });
  if (handOver !== null) {
    takeOver(run, handOver);
    return { outcome: 'escalated', reason: 'handed_over', answer: text };
  }
  return run.state.once ? { outcome: 'completed', reason: 'answered', answer: text } : null;
}
