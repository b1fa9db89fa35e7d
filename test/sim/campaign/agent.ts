import type { CallModelInput, CallModelResult } from '../../../src/activities/types.ts';
import type { PreparedCall } from '../../../src/core/calls.ts';
import { type CallKey, callKey, type Hash } from '../../../src/core/ids.ts';
import { DEFAULT_RUN_LIMITS } from '../../../src/core/limits.ts';
import { NO_USAGE } from '../../../src/core/messages.ts';
import type { Rule, RuleAnswer } from '../../../src/core/policy.ts';
import type { PinnedRelease, ToolLabels } from '../../../src/core/release.ts';
import { hashOf } from '../approvalWorld.ts';
import type { Facts } from './facts.ts';
import { termsOf } from './ledger.ts';
import {
  type AgentPlan,
  type Gate,
  MICRO_USD_PER_TOKEN,
  MINUTE_MS,
  type Scene,
  type ToolPlan,
} from './program.ts';

// An agent of a program as the run sees it: its release, and the answers of its model.

export function pinnedOf(agent: AgentPlan): PinnedRelease {
  return {
    hash: 'a'.repeat(64) as Hash,
    tools: agent.tools.map(labelsOf),
    permissions: { tiers: ['read', 'write_safe', 'write_risky'] },
    policy: agent.tools.map(
      ({ name, gate }): Rule => ({ name, match: { tools: [name] }, answer: answerOfGate(gate) }),
    ),
    limits: {
      ...DEFAULT_RUN_LIMITS,
      iterationsPerTurn: agent.iterationsPerTurn,
      toolCallsPerTurn: agent.toolCallsPerTurn,
      tokensPerRun: agent.tokensPerRun,
      costMicroUsdPerRun: agent.costMicroUsdPerRun,
      approvalMs: agent.approvalMs,
    },
    whileWaiting: agent.whileWaiting,
    queue: 'people',
    phases: [],
  };
}

function labelsOf({ name, replay, handsOver, timeoutMs, retries, quick }: ToolPlan): ToolLabels {
  const isEffect = replay !== 'pure';
  return {
    name,
    version: '1',
    category: 'test',
    tier: isEffect ? 'write_risky' : 'read',
    reads: 'public',
    returns: 'trusted',
    touches: isEffect ? 'state' : 'none',
    sensitive: [],
    replay,
    handsOver,
    timeoutMs,
    retries,
    ...(quick && { quick: true as const }),
    settlesWithinMs: replay === 'checkable' ? 0 : null,
  };
}

function answerOfGate(gate: Gate): RuleAnswer {
  if (gate.kind === 'allow') return { kind: 'allow' };
  if (gate.kind === 'deny') return { kind: 'deny', reason: 'not this one' };
  const { of, people, roles, requesterToo, quorum, minutes, remind, escalation, onExpiry } = gate;
  return {
    kind: 'ask',
    reason: 'it changes something',
    of,
    approvers: { people, roles },
    quorum,
    ...(requesterToo && { requesterToo: true as const }),
    deadlineMs: minutes * MINUTE_MS,
    ...(remind.length > 0 && { remindAfterMs: remind.map((after) => after * MINUTE_MS) }),
    escalation: escalation.map((step) => ({
      afterMs: step.minutes * MINUTE_MS,
      approvers: { people: [step.person] },
    })),
    onExpiry,
  };
}

export function prepare(
  facts: Facts,
  {
    key,
    callId,
    tool,
    word,
  }: { readonly key: CallKey; readonly callId: string; readonly tool: string; readonly word: string },
): PreparedCall {
  const plan = facts.toolOf(tool);
  const isBad = plan === undefined || word === 'bad';
  return {
    key,
    callId,
    tool,
    argsHash: hashOf(word),
    summary: `${tool} ${word}`,
    problem: isBad ? 'There is no such call.' : null,
    amount: null,
    payee: null,
    classes: [],
    firstOf: [],
    learned: null,
    origins: [],
    terms: plan === undefined ? null : termsOf(facts, plan),
  };
}

/** The answer of a scene, put on record with what was appended before it: the first one stands. */
export function answerOf(
  facts: Facts,
  input: CallModelInput,
  scene: Scene,
  pinned: PinnedRelease | null,
): CallModelResult {
  facts.unheard = {
    length: facts.chain.length,
    step: input.step,
    costMicroUsd: scene.tokens * MICRO_USD_PER_TOKEN,
  };
  facts.append(input.append);
  const calls = scene.calls.map((plan, i): PreparedCall => {
    const key = callKey(input.run, input.step, i);
    const callId = `call-${input.step}-${i}`;
    facts.calls.set(key, plan);
    facts.keyOf.set(callId, key);
    const tool = plan.tool === null ? 'made_up' : (facts.program.agent.tools[plan.tool]?.name ?? 'made_up');
    return prepare(facts, { key, callId, tool, word: plan.isBad ? 'bad' : plan.word });
  });
  const text = SILENT.has(scene.kind) ? '' : `words of step ${input.step}`;
  if (calls.length > 0 || text !== '')
    facts.chain.push({ role: 'assistant', texts: [], callIds: calls.map(({ callId }) => callId) });
  const costMicroUsd = scene.tokens * MICRO_USD_PER_TOKEN;
  facts.tokens += scene.tokens;
  facts.costMicroUsd += costMicroUsd;
  const isFinal = calls.length === 0 && text !== '';
  const answer: CallModelResult = {
    kind: 'answered',
    head: facts.head,
    stopReason: STOP_REASONS[scene.kind],
    calls,
    usage: { ...NO_USAGE, inputTokens: scene.tokens - 10, outputTokens: 10 },
    costMicroUsd,
    activeMs: scene.takesMs,
    hasText: text !== '',
    preview: isFinal || text === '' ? null : { text, truncated: false },
    answer: isFinal ? { text, truncated: false } : null,
    stopped: stoppedOf(scene),
    suspicious: false,
    model: 'simulated',
    pinned,
  };
  facts.answers.set(`${input.step}/${input.purpose}`, { ...answer, pinned });
  return answer;
}

const SILENT: ReadonlySet<Scene['kind']> = new Set(['empty', 'context', 'odd']);

const STOP_REASONS: Readonly<Record<Scene['kind'], string>> = {
  say: 'end_turn',
  calls: 'tool_use',
  empty: 'end_turn',
  cut_off: 'max_tokens',
  pause: 'pause_turn',
  refusal: 'refusal',
  context: 'model_context_window_exceeded',
  odd: 'something_new',
  repair: 'end_turn',
  block: 'end_turn',
  calls_cut_off: 'max_tokens',
};

function stoppedOf({ kind }: Scene) {
  if (kind === 'repair') return { kind: 'repair', instruction: 'Say it better.', why: 'a guard' } as const;
  return kind === 'block' ? ({ kind: 'block', reply: 'I cannot say.', why: 'a guard' } as const) : null;
}
