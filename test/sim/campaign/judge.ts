import { LIMITS } from '../../../src/core/limits.ts';
import type { RunState, UnrecordedDecision } from '../../../src/core/state.ts';
import { utf8Bytes } from '../../../src/core/text.ts';
import { ReplayDivergence, WorkflowTaskFailure } from '../driver.ts';
import type { Application, Facts, Heard } from './facts.ts';
import { mayDecide } from './people.ts';
import { CALL_TOKENS, MICRO_USD_PER_TOKEN, MINUTE_MS } from './program.ts';
import { openIn } from './states.ts';

/**
 * Judges a program that has come to its end, by facts alone: what was done outside, what people said and when, what
 * stands in the conversation. It knows the rules of DESIGN.md and nothing of how the workflow keeps them.
 */
export function judge(facts: Facts, result: unknown): void {
  judgeEffects(facts);
  for (const application of facts.applications) judgeApplication(facts, application);
  judgeConversation(facts);
  judgeSpend(facts, result);
  judgeMessages(facts);
  for (const heard of facts.heard) judgeHeard(facts, heard);
  const { outcome, reason } = (result ?? {}) as { readonly outcome?: string; readonly reason?: string };
  if (outcome === undefined) facts.faults.push('V5: the run ended without a result');
  else facts.reach(`ended as ${outcome}`);
  if (reason === 'bug') facts.faults.push('V5: the run ended by an error of its own');
}

/** A thrown error as a violation: what the driver throws says which. */
export function words(error: unknown): string {
  if (error instanceof ReplayDivergence) return `V6: ${error.message}`;
  if (error instanceof WorkflowTaskFailure) return `V5: ${error.message}`;
  const message = error instanceof Error ? error.message : String(error);
  if (/^V\d/.test(message)) return message;
  return message.includes('did not settle')
    ? `V5: ${message}`
    : `the simulation failed: ${error instanceof Error ? error.stack : message}`;
}

/** V1. Each key has at most one applied effect. */
function judgeEffects({ applications, faults }: Facts): void {
  const times = new Map<string, number>();
  for (const { key } of applications) times.set(key, (times.get(key) ?? 0) + 1);
  for (const [key, count] of times)
    if (count > 1) faults.push(`V1: an effect was applied ${count} times: ${key}`);
}

/** V2. Every applied effect was allowed, or approved by people who may, for these arguments, before the deadline. */
function judgeApplication(facts: Facts, { input, tool, atMs }: Application): void {
  const { gate } = tool;
  const fault = (what: string) =>
    facts.faults.push(`V2: an effect was done ${what}: ${tool.name} ${input.key}`);
  if (gate.kind === 'allow') return;
  if (gate.kind === 'deny') {
    fault('although the policy denies it');
    return;
  }
  const record = input.approval === null ? undefined : facts.asked.get(input.approval.id);
  if (record === undefined) {
    fault('without an approval');
    return;
  }
  if (record.kind !== 'call' || record.key !== input.key)
    fault(`with the approval of ${record.kind} ${record.key}`);
  if (record.argsHash !== input.argsHash) fault('with other arguments than were approved');
  if (JSON.stringify(record.terms) !== JSON.stringify(input.terms))
    fault('on other terms than were approved');
  const deadlineMs = Math.min(record.deadlineMs, record.openedAtMs + gate.minutes * MINUTE_MS);
  const said = facts.heard.filter(
    (heard) =>
      heard.approval === record.id &&
      heard.kind === 'approve' &&
      heard.atMs < deadlineMs &&
      heard.atMs <= atMs &&
      (heard.argsHash === null ? !facts.program.agent.keyed : heard.argsHash === record.argsHash) &&
      (heard.saying.signed || !facts.program.agent.keyed) &&
      mayDecide(facts, record, heard.who, atMs),
  );
  const people = new Set(said.map(({ who }) => who));
  const needed = gate.of === 'requester' ? 1 : gate.quorum;
  if (people.size < needed) fault(`with the yes of ${people.size} where it needs ${needed}`);
  if (needed > 1) facts.reach('two people said yes to one effect');
}

/** V3. One result for each call, and it says what happened. */
function judgeConversation(facts: Facts): void {
  const { faults } = facts;
  if (
    facts.ended.length > 1 &&
    facts.ended.some(({ append }) => append.results.length > 0 && append !== facts.ended[0]?.append)
  )
    faults.push('V3: results were told again after the end');
  for (const key of facts.calls.keys()) {
    const result = facts.results.get(key);
    if (result === undefined) {
      faults.push(`V3: a call has no result: ${key}`);
      continue;
    }
    const tool = facts.effects.get(key)?.tool;
    if (tool === undefined) {
      if (!isQuestion(facts, key) && result.content.kind === 'blob' && !facts.answered.has(key))
        faults.push(`V3: nothing was read, and the model reads an answer: ${key}`);
      continue;
    }
    const isApplied = facts.appliedTimes(key) > 0;
    const saysDone =
      result.content.kind === 'blob' && !result.isError && facts.effects.get(key)?.applied === true;
    const saysUnknown = result.content.kind === 'inline' && result.content.text.startsWith('It is not known');
    if (isApplied && !saysDone && !saysUnknown)
      faults.push(
        `V3: an effect was done, and the model reads otherwise: ${key}, ${JSON.stringify(result.content)}`,
      );
    if (!isApplied && saysDone)
      faults.push(`V3: an effect was not done, and the model reads that it was: ${key}`);
  }
}

/** What people answer is no tool's work. */
function isQuestion({ asked }: Facts, key: string): boolean {
  return [...asked.values()].some((record) => record.kind === 'question' && record.key === key);
}

/** V4. What was spent is at most the limit, what people added, and one call. */
function judgeSpend(facts: Facts, result: unknown): void {
  const { agent } = facts.program;
  const raised = facts.recorded.filter(({ state }) => state === 'steer_raiseLimit');
  const sum = (name: string) => raised.reduce((all, { facts: said }) => all + Number(said[name] ?? 0), 0);
  const helpings = (word: string) =>
    facts.recorded.filter(
      ({ approval, state }) =>
        state === 'approved' && facts.asked.get(approval)?.summary.includes(`(${word})`) === true,
    ).length;
  const tokens = agent.tokensPerRun * (1 + helpings('tokens')) + sum('tokens') + CALL_TOKENS;
  if (facts.tokens > tokens)
    facts.faults.push(`V4: ${facts.tokens} tokens were used, allowed were ${tokens}`);
  const cost =
    agent.costMicroUsdPerRun * (1 + helpings('cost')) +
    sum('costMicroUsd') +
    CALL_TOKENS * MICRO_USD_PER_TOKEN;
  if (facts.costMicroUsd > cost)
    facts.faults.push(`V4: ${facts.costMicroUsd} micro-dollars were spent, allowed were ${cost}`);
  const counted = (result as { readonly costMicroUsd?: number } | null)?.costMicroUsd;
  if (counted !== undefined && counted !== facts.costMicroUsd - facts.orphanedMicroUsd)
    facts.faults.push(`V4: the run counted ${counted} micro-dollars, ${facts.costMicroUsd} were spent`);
  if (helpings('tokens') + helpings('cost') > 0 || raised.length > 0) facts.reach('somebody allowed more');
}

/** V9. Every message that the run took stands in the conversation, once. */
function judgeMessages(facts: Facts): void {
  const said = facts.chain.flatMap(({ texts }) => texts);
  for (const { text, handle } of facts.messages) {
    const times = said.filter((one) => one === text).length;
    const name = text.slice(0, 12);
    if (times > 1) facts.faults.push(`V9: a message stands in the conversation ${times} times: ${name}`);
    if (times > 0) continue;
    const answer = handle?.result as { readonly kind: string } | undefined;
    if (answer?.kind === 'moved') facts.reach('a sender was told that the run moves');
    if (handle !== null && !handle.accepted) continue;
    facts.faults.push(`V9: a message was taken in and stands nowhere in the conversation: ${name}`);
  }
  for (const { handle } of facts.messages)
    if ((handle?.result as { readonly kind: string } | undefined)?.kind === 'moved')
      facts.reach('a sender was told that the run moves');
}

/** V9. Every decision that the run got took effect or was refused, and stands on record. */
function judgeHeard(facts: Facts, heard: Heard): void {
  const { handle, who, approval, same } = heard;
  if (handle !== null && !handle.accepted) return;
  const mine = facts.recorded.filter((entry) => isAbout(entry, approval) && isBy(entry, who));
  if (mine.some(({ facts: said }) => said.why === 'too_late')) facts.reach('a decision that came too late');
  if (mine.some(({ facts: said }) => said.why === 'own_request'))
    facts.reach('the customer decided for themselves');
  if (mine.length > 0) return;
  // A store that has not verified it by the end is not waited for, at least not for long.
  const isWaiting = [...facts.verifying].some((one) => !facts.verified.has(one));
  if (isWaiting && !facts.verified.has(same)) return;
  facts.faults.push(`V9: a decision is on no record: ${who} said ${heard.kind} to ${approval}`);
}

function isAbout({ approval, facts }: UnrecordedDecision, id: string): boolean {
  return approval === id || facts.approval === id;
}

function isBy({ facts }: UnrecordedDecision, who: string): boolean {
  const votes = Array.isArray(facts.votes) ? (facts.votes as readonly { readonly by?: unknown }[]) : [];
  return facts.by === who || votes.some(({ by }) => by === who);
}

/** What travels to the next execution. */
export function judgeMove(facts: Facts, state: RunState): void {
  const open = openIn(state);
  const bytes = utf8Bytes(JSON.stringify(state));
  if (bytes > LIMITS.runStateBytes) facts.faults.push(`V5: a state of ${bytes} bytes was carried on`);
  if (open.length > 1) facts.reach('continue-as-new with two approvals open');
  if (open.some(({ votes }) => votes.length > 0)) facts.reach('continue-as-new with one of two votes');
  if (state.paused !== null) facts.reach('continue-as-new while paused');
  if (state.controls.length > 0) facts.reach('continue-as-new with a decision that nobody has verified');
  if (state.turn?.step?.calls.some(({ held }) => held !== null) === true)
    facts.reach('continue-as-new with a held call');
}
