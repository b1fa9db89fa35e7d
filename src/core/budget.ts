import { LIMITS, type RunLimits } from './limits.ts';
import { totalTokens } from './messages.ts';
import { notice } from './refusals.ts';
import type { LandingReason, RunState, Turn } from './state.ts';

/** What happens to a call that does not fit under a cap any more. */
export type AtCap = 'degrade' | 'ask' | 'land' | 'wait';

/** A cap that leaves no room for a call. Times are the database's, in milliseconds since 1970. */
export interface OverBudget {
  /** `run:ID`, `user:TENANT/ID`, `tenant:ID`, `agent:NAME`, `fleet`. */
  readonly scope: string;
  readonly atCap: AtCap;
  /** With `degrade`: the tier to try instead. */
  readonly degradeTo: 'small' | 'standard' | null;
  /** The window it stands in. */
  readonly startMs: number;
  /** When the window turns; null for a run's own, which never does. */
  readonly untilMs: number | null;
  /** An earlier attempt at this step never came back: its answer may still come. */
  readonly unanswered: boolean;
}

/** One helping on top of a cap, allowed by a person for one run in one window. */
export interface BudgetGrant {
  readonly scope: string;
  readonly startMs: number;
  readonly microUsd: number;
  /** The request and who said yes to it. */
  readonly approval: string;
  readonly by: string;
}

/** What the run may use in all: its limits and what people added. */
export function allowance(state: Pick<RunState, 'extraTokens' | 'extraCostMicroUsd'>, limits: RunLimits) {
  return {
    tokens: limits.tokensPerRun + state.extraTokens,
    costMicroUsd: limits.costMicroUsdPerRun + state.extraCostMicroUsd,
    maxOutputTokens: limits.maxOutputTokens,
  };
}

/** The limit of this turn that is used up, if any. Checked before every model call. */
export function turnLimitReached(turn: Turn, limits: RunLimits): LandingReason | null {
  if (turn.iterations >= limits.iterationsPerTurn) return 'iterations';
  if (turn.toolCalls >= limits.toolCallsPerTurn) return 'tool_calls';
  if (turn.activeMs >= limits.activeMsPerTurn) return 'active_time';
  return null;
}

/** Notices for limits of which less than a fifth is left, each given once a turn. */
export function dueNotices(
  state: RunState,
  turn: Turn,
  limits: RunLimits,
): readonly { name: string; text: string }[] {
  const all = allowance(state, limits);
  const uses: readonly (readonly [name: string, used: number, limit: number, words: string])[] = [
    ['iterations', turn.iterations, limits.iterationsPerTurn, 'steps in this turn'],
    ['tool_calls', turn.toolCalls, limits.toolCallsPerTurn, 'tool calls in this turn'],
    ['active_time', turn.activeMs, limits.activeMsPerTurn, 'milliseconds of work in this turn'],
    ['tokens', totalTokens(state.usage), all.tokens, 'tokens in this conversation'],
    ['cost', state.costMicroUsd, all.costMicroUsd, 'micro-dollars in this conversation'],
  ];
  return uses
    .filter(
      ([name, used, limit]) =>
        used > 0 && limit - used < limit * LIMITS.noticeShare && !turn.notices.includes(name),
    )
    .map(([name, used, limit, words]) => ({
      name,
      text: notice(
        `Only ${Math.max(0, limit - used)} of ${limit} ${words} are left. Finish what matters most and answer.`,
      ),
    }));
}

/**
 * True when this call's worst case, and that of the landing after it, still fits. Worst case of a call: everything
 * the model has read so far, one token for each new byte, and all the output it may write.
 */
export function fits(
  used: number,
  limit: number,
  worst: { readonly call: number; readonly landing: number },
): boolean {
  return used + worst.call + worst.landing <= limit;
}

/** What the model is told when the turn lands. */
export function landingNotice(reason: LandingReason): string {
  const why = LANDING_WORDS[reason];
  return notice(
    reason === 'failures'
      ? `${why} A person takes over now. Write one short message to the customer: what was done, what was not, and that a colleague will go on. Use no tool.`
      : `${why} This is your last message of this turn, and no tool may be used. Write to the customer, briefly: what was done, what was not done, and how to go on.`,
  );
}

const LANDING_WORDS: Readonly<Record<LandingReason, string>> = {
  iterations: 'You have used all steps of this turn.',
  tool_calls: 'You have used all tool calls of this turn.',
  active_time: 'You have used all working time of this turn.',
  tokens: 'This conversation has used its tokens.',
  cost: 'This conversation has used its budget.',
  repeats: 'You have made the same call again and again.',
  truncated: 'Your answers were cut off for their length again and again.',
  empty: 'Your answers were empty.',
  context: 'The conversation has become too long.',
  unknown_stop: 'The model stopped in a way that is not understood.',
  model_failed: 'The model could not answer.',
  failures: 'A tool has failed three times.',
  budget: 'The budget that pays for this conversation is used up for now.',
};

/** Said in our own words where the model cannot be asked for its own. */
export function ownWords(reason: LandingReason): string {
  return `I have to stop here for now. ${LANDING_WORDS[reason].replace(/^You have/, 'I have').replace(/^Your answers/, 'My answers')} Nothing further will be done until someone continues this conversation.`;
}

/** Reasons for which the model cannot write its own last message. */
export function modelCannotLand(reason: LandingReason): boolean {
  return reason === 'context' || reason === 'unknown_stop' || reason === 'model_failed' || reason === 'empty';
}

/** Whether a landed turn stays where it is when the customer writes. */
export function staysLanded(landing: NonNullable<Turn['landing']>): boolean {
  return isRunLimit(landing.reason) || landing.helping !== undefined;
}

/** Limits that a customer's next message does not lift: only a person with the right to can. */
export function isRunLimit(reason: LandingReason): boolean {
  return reason === 'tokens' || reason === 'cost' || reason === 'context' || reason === 'model_failed';
}
