import type { ResolveEffectInput, RunToolInput, RunToolResult } from '../../../src/activities/types.ts';
import type { CallOutcome } from '../../../src/core/calls.ts';
import { canonicalJson } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { refuse } from '../../../src/core/refusals.ts';
import { hashOf } from '../approvalWorld.ts';
import type { ActivityInfo, ActivityOutcome } from '../driver.ts';
import type { Effect, Facts } from './facts.ts';
import type { Fate, ToolPlan } from './program.ts';

// A small honest effect ledger, and the world outside that it speaks about.

export const SUCCESS: CallOutcome = { kind: 'ran', status: 'success', ref: hashOf('success'), bytes: 10 };
const NOT_FOUND: CallOutcome = { ...SUCCESS, status: 'not_found' };
const FAILED: CallOutcome = { ...SUCCESS, status: 'failed' };

/** Longer than a workflow task is held, and shorter than any activity may take. */
const SLOW_MS = LIMITS.quickReadMs + LIMITS.quickReadOverheadMs + 1_000;

/** An attempt of which nothing is heard any more: its time-out ends it. */
const LOST: ActivityOutcome = { kind: 'hangs' };

export function runTool(facts: Facts, input: RunToolInput, info: ActivityInfo): ActivityOutcome {
  const tool = facts.toolOf(input.tool);
  if (tool === undefined) {
    facts.faults.push(`V2: ${input.tool} was run, and the agent has no such tool`);
    return done({ kind: 'done', outcome: FAILED, applied: false, activeMs: 1 });
  }
  if (facts.calls.get(input.key)?.isBad === true && input.argsHash === hashOf('bad'))
    facts.faults.push(`V2: ${input.key} was run with arguments that no tool takes`);
  return tool.replay === 'pure' ? read(facts, tool, input, info) : act(facts, tool, input, info.nowMs);
}

function read(
  facts: Facts,
  tool: ToolPlan,
  { key }: RunToolInput,
  { isLocal }: ActivityInfo,
): ActivityOutcome {
  if (isLocal && !tool.quick) facts.faults.push(`V5: ${tool.name} is not quick, and was run inside a task`);
  if (isLocal) facts.quickly.add(key);
  else if (facts.quickly.has(key)) facts.reach('a quick read that fell back to an activity');
  const answer = (outcome: CallOutcome, takesMs: number): ActivityOutcome => {
    facts.answered.add(key);
    if (isLocal) facts.reach('a quick read answered inside its task');
    return done({ kind: 'done', outcome, applied: false, activeMs: 20 }, takesMs);
  };
  const fate = nextFate(facts, key);
  switch (fate) {
    case 'busy':
      return busy();
    case 'slow':
      if (!isLocal) return answer(SUCCESS, SLOW_MS);
      facts.reach('a quick read that was too slow for its task');
      return LOST;
    case 'ends_worker':
      if (isLocal) facts.reach('a quick read that ended its worker');
      return { kind: 'ends_worker' };
    case 'lost_before':
    case 'lost_after':
    case 'word_lost':
      return LOST;
    case 'not_found':
      return answer(NOT_FOUND, 5);
    case 'failed':
      return answer(FAILED, 5);
    case 'done':
    case 'stale':
    case 'unknown_done':
    case 'unknown_not':
      return answer(SUCCESS, facts.random.pick([5, 60, 700]));
    default:
      return fate satisfies never;
  }
}

function act(facts: Facts, tool: ToolPlan, input: RunToolInput, nowMs: number): ActivityOutcome {
  const effect = effectOf(facts, tool, input);
  if (effect.state === 'unknown' && input.generation > effect.generation) {
    facts.reach('an unknown effect: a person said did_not, and it ran again');
    Object.assign(effect, { state: 'open', doubt: false, said: null, generation: input.generation });
  }
  const standing = standingOf(effect);
  if (standing !== null) return done(standing);
  if (facts.switches.has(tool.name)) {
    facts.reach('held by a kill switch');
    return done({ kind: 'held', name: `tool:${tool.name}`, activeMs: 1 });
  }
  if (input.approval !== null && canonicalJson(input.terms) !== canonicalJson(termsOf(facts, tool))) {
    facts.reach('terms changed after the yes');
    return done({ kind: 'stale', activeMs: 1 });
  }
  if (effect.doubt) {
    const found = lookBack(facts, effect);
    if (found !== null) return done(found);
  }
  return happen(facts, effect, input, nextFate(facts, input.key), nowMs);
}

function happen(
  facts: Facts,
  effect: Effect,
  input: RunToolInput,
  fate: Fate,
  nowMs: number,
): ActivityOutcome {
  const apply = () => {
    facts.applications.push({ key: input.key, input, tool: effect.tool, atMs: nowMs });
  };
  // A service that knows the key does it once and answers with that, however often it is asked.
  if (effect.tool.replay === 'keyed' && facts.appliedTimes(input.key) > 0) {
    settle(effect, SUCCESS, true);
    return done(standingOf(effect), 40);
  }
  switch (fate) {
    case 'done':
    case 'slow':
      apply();
      settle(effect, SUCCESS, true);
      return done(standingOf(effect), facts.random.pick([5, 300, 900, 4_000]));
    case 'not_found':
    case 'failed':
      settle(effect, fate === 'failed' ? FAILED : NOT_FOUND, false);
      return done(standingOf(effect), 40);
    case 'busy':
      return busy();
    case 'lost_before':
    case 'lost_after':
    case 'ends_worker':
      if (fate === 'lost_after') apply();
      facts.reach('an attempt at an effect was lost');
      effect.doubt = true;
      return LOST;
    case 'word_lost':
      apply();
      settle(effect, SUCCESS, true);
      return LOST;
    case 'stale':
      facts.terms += 1;
      if (input.approval === null || input.terms === null) return happen(facts, effect, input, 'done', nowMs);
      facts.reach('terms changed after the yes');
      return done({ kind: 'stale', activeMs: 1 });
    case 'unknown_done':
    case 'unknown_not':
      if (fate === 'unknown_done') apply();
      effect.state = 'unknown';
      return done(standingOf(effect), 40);
    default:
      return fate satisfies never;
  }
}

/** Finds out what became of an effect, and closes it: an attempt that comes later does nothing. */
export function closeEffect(facts: Facts, input: RunToolInput): RunToolResult {
  const tool = facts.toolOf(input.tool);
  if (tool === undefined)
    throw new Error(`an effect of ${input.tool} is closed, which the agent does not have`);
  const effect = effectOf(facts, tool, input);
  if (effect.state === 'open' && effect.doubt) {
    const found = effect.tool.replay === 'checkable' ? lookBack(facts, effect) : null;
    if (found !== null) return found;
    if (effect.tool.replay !== 'checkable') effect.state = 'unknown';
  }
  if (effect.state === 'open') effect.state = 'void';
  return standingOf(effect) ?? VOID;
}

/** A person's word on what nobody else knows. A run that is cancelled meanwhile may say it again, but not another one. */
export function resolveEffect(facts: Facts, { key, said, tool }: ResolveEffectInput): RunToolResult {
  const effect = facts.effects.get(key);
  if (effect === undefined || (effect.state !== 'unknown' && effect.said !== said))
    facts.faults.push(
      `V1: a person was asked what became of ${tool} ${key}, which is ${effect?.state ?? 'not there'}`,
    );
  if (effect === undefined) return VOID;
  effect.said = said;
  if (said === 'happened') settle(effect, SUCCESS, true);
  else if (said === 'did_not') effect.state = 'void';
  else settle(effect, refuse('unknown_outcome'), false);
  return standingOf(effect) ?? VOID;
}

const VOID: RunToolResult = { kind: 'done', outcome: refuse('void'), applied: false, activeMs: 1 };

function effectOf(facts: Facts, tool: ToolPlan, { key, generation }: RunToolInput): Effect {
  const known = facts.effects.get(key);
  if (known !== undefined) return known;
  const fresh: Effect = {
    key,
    tool,
    generation,
    state: 'open',
    outcome: null,
    applied: false,
    doubt: false,
    said: null,
  };
  facts.effects.set(key, fresh);
  return fresh;
}

function settle(effect: Effect, outcome: CallOutcome, applied: boolean): void {
  Object.assign(effect, { state: 'settled', outcome, applied, doubt: false });
}

/** What the ledger says without doing anything; null where an attempt may begin. */
function standingOf({ state, outcome, applied }: Effect): RunToolResult | null {
  switch (state) {
    case 'settled':
      return { kind: 'done', outcome: outcome ?? SUCCESS, applied, activeMs: 20 };
    case 'unknown':
      return { kind: 'unknown', evidence: 'an attempt was lost', activeMs: 20 };
    case 'void':
      return VOID;
    case 'open':
      return null;
    default:
      return state satisfies never;
  }
}

/** After a lost attempt: a keyed effect may simply run again, one that can be checked is looked up, else nobody knows. */
function lookBack(facts: Facts, effect: Effect): RunToolResult | null {
  if (effect.tool.replay === 'keyed') return null;
  if (effect.tool.replay === 'checkable') {
    if (facts.appliedTimes(effect.key) > 0) settle(effect, SUCCESS, true);
    else effect.doubt = false;
    return standingOf(effect);
  }
  effect.state = 'unknown';
  return standingOf(effect);
}

function nextFate(facts: Facts, key: string): Fate {
  const used = facts.fatesUsed.get(key) ?? 0;
  facts.fatesUsed.set(key, used + 1);
  return (facts.calm ? undefined : facts.calls.get(key)?.fates[used]) ?? 'done';
}

export function termsOf(facts: Facts, tool: ToolPlan): { readonly version: number } | null {
  return tool.hasTerms ? { version: facts.terms } : null;
}

function busy(): ActivityOutcome {
  const failure = { type: 'tool_failed', message: 'busy', nonRetryable: false };
  return { kind: 'failed', failure, takesMs: 20 };
}

function done(result: RunToolResult | null, takesMs = 5): ActivityOutcome {
  return { kind: 'completed', result, takesMs };
}
