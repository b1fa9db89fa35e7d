import { LIMITS } from '../../../src/core/limits.ts';
import type { Replay } from '../../../src/core/release.ts';
import { type Random, randomOf } from '../../hostile/random.ts';
import {
  type AgentPlan,
  type AskGate,
  CALL_TOKENS,
  type CallPlan,
  type Event,
  type Fate,
  type Gate,
  MICRO_USD_PER_TOKEN,
  type Program,
  REQUESTER,
  type Saying,
  type Scene,
  type ToolPlan,
  type Trouble,
} from './program.ts';

/** Programs of one campaign are unrelated: each has a seed of its own, mixed from the campaign's and its number. */
export function programOf(seed: number, number: number): Program {
  const own = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35);
  const random = randomOf(own);
  const agent = drawAgent(random);
  return {
    number,
    seed: random.below(2 ** 31),
    agent,
    scenes: times(3 + random.below(9), (n) => drawScene(random, agent, n)),
    events: times(8 + random.below(40), () => drawEvent(random, agent)),
    everyActivation: random.chance(0.12),
    crashShare: random.pick([0, 0.01, 0.03]),
    closes: random.chance(0.5),
    lastWord: random.chance(0.05),
  };
}

function times<Item>(count: number, make: (n: number) => Item): readonly Item[] {
  return Array.from({ length: count }, (_, n) => make(n));
}

/** One of them, the first ones more often. */
function weighted<Item>(
  random: Random,
  items: readonly [readonly [number, Item], ...(readonly [number, Item])[]],
): Item {
  let left = random.next() * items.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, item] of items) {
    left -= weight;
    if (left < 0) return item;
  }
  return items[0][1];
}

function drawAgent(random: Random): AgentPlan {
  const keyed = random.chance(0.35);
  return {
    tools: times(3 + random.below(4), (n) => drawTool(random, n, keyed)),
    whileWaiting: random.pick(['withdraw', 'queue']),
    whileBroken: random.chance(0.8) ? 'wait' : 'refuse',
    keyed,
    once: random.chance(0.1),
    greets: random.chance(0.9),
    broken: random.chance(0.05),
    refusedStart: random.chance(0.01),
    iterationsPerTurn: random.pick([3, 5, 12, 12]),
    toolCallsPerTurn: random.pick([3, 6, 15, 15]),
    tokensPerRun: CALL_TOKENS * random.pick([5, 8, 30, 60, 60]),
    costMicroUsdPerRun: CALL_TOKENS * MICRO_USD_PER_TOKEN * random.pick([6, 30, 60, 60]),
    approvalMs: random.pick([120_000, 3_600_000, 86_400_000]),
  };
}

function drawTool(random: Random, n: number, keyed: boolean): ToolPlan {
  const replay: Replay =
    n <= 1
      ? 'pure'
      : random.pick<Replay>(['keyed', 'checkable', 'never', 'keyed', 'checkable', 'never', 'pure']);
  const isEffect = replay !== 'pure';
  const name = n === 1 && random.chance(0.3) ? 'ask_person' : `${replay}_${n}`;
  const quick = !isEffect && name !== 'ask_person' && random.chance(0.7);
  return {
    name,
    replay,
    quick,
    gate: isEffect ? drawGate(random, keyed) : { kind: 'allow' },
    handsOver: !isEffect && n > 1 && random.chance(0.1),
    timeoutMs: quick ? LIMITS.quickReadMs : random.pick([1_000, 10_000]),
    retries: random.below(3),
    hasTerms: isEffect && random.chance(0.4),
  };
}

function drawGate(random: Random, keyed: boolean): Gate {
  if (random.chance(0.3)) return { kind: 'allow' };
  return random.chance(0.06) ? { kind: 'deny' } : drawAsk(random, keyed);
}

function drawAsk(random: Random, keyed: boolean): AskGate {
  const named = random.chance(0.6);
  const quorum = random.chance(0.35) ? 2 : 1;
  return {
    kind: 'ask',
    of: random.chance(0.15) ? 'requester' : 'people',
    people: named ? (quorum === 2 ? ['ann', 'ben', 'cleo'] : [random.pick(['ann', 'ben', 'cleo'])]) : [],
    roles: keyed && named && random.chance(0.5) ? ['lead'] : [],
    requesterToo: random.chance(0.15),
    quorum,
    minutes: random.pick([1, 5, 60, 600]),
    remind: random.pick([[], [0.5], [2, 30]]),
    escalation: random.chance(0.3) ? [{ minutes: random.pick([0.4, 3, 40]), person: 'dan' }] : [],
    onExpiry: random.chance(0.75) ? 'reject' : 'escalate',
  };
}

function drawScene(random: Random, agent: AgentPlan, n: number): Scene {
  const kind = weighted<Scene['kind']>(random, [
    [n === 0 ? 90 : 45, 'calls'],
    [18, 'say'],
    [3, 'empty'],
    [2, 'cut_off'],
    [1, 'pause'],
    [0.7, 'refusal'],
    [0.7, 'context'],
    [0.7, 'odd'],
    [1, 'repair'],
    [0.5, 'block'],
    [1, 'calls_cut_off'],
  ]);
  const makesCalls = kind === 'calls' || kind === 'calls_cut_off';
  return {
    kind,
    calls: makesCalls
      ? times(
          weighted(random, [
            [3, 1],
            [4, 2],
            [3, 3],
            [1, 5],
          ]),
          () => drawCall(random, agent),
        )
      : [],
    tokens: 50 + random.below(CALL_TOKENS - 50),
    takesMs: random.pick([5, 800, 4_000, 20_000]),
    troubles: random.chance(0.12) ? drawTroubles(random) : [],
    cap: weighted<Scene['cap']>(random, [
      [40, 'none'],
      [1, 'wait'],
      [1, 'ask'],
      [0.5, 'land'],
    ]),
  };
}

function drawTroubles(random: Random): readonly Trouble[] {
  // Six attempts are one activity: from the seventh on the run has parked.
  if (random.chance(0.3))
    return times(6 + random.below(12), () => random.pick(['circuit_open', 'overloaded']));
  return times(1 + random.below(3), () =>
    weighted<Trouble>(random, [
      [4, 'overloaded'],
      [2, 'circuit_open'],
      [2, 'store_away'],
      [2, 'stalls'],
      [2, 'answer_lost'],
      [0.5, 'bad_request'],
      [0.5, 'too_long'],
    ]),
  );
}

function drawCall(random: Random, agent: AgentPlan): CallPlan {
  const tool = random.chance(0.03) ? null : pickTool(random, agent);
  const isQuick = tool !== null && agent.tools[tool]?.quick === true;
  return {
    tool,
    word: random.chance(0.08) ? 'same' : `w${random.below(1_000_000)}`,
    isBad: random.chance(0.03),
    fates: random.chance(0.6)
      ? []
      : isQuick
        ? drawQuickFates(random)
        : times(1 + random.below(3), () => drawFate(random)),
  };
}

/** Effects more often than reads: they are what can go wrong. */
function pickTool(random: Random, { tools }: AgentPlan): number {
  return random.chance(0.3) ? random.below(tools.length) : tools.length - 1 - random.below(tools.length - 2);
}

function drawFate(random: Random): Fate {
  return weighted<Fate>(random, [
    [2, 'done'],
    [1, 'not_found'],
    [2, 'failed'],
    [2, 'busy'],
    [0.5, 'slow'],
    [0.5, 'ends_worker'],
    [1, 'lost_before'],
    [1, 'lost_after'],
    [1, 'word_lost'],
    [2, 'stale'],
    [1.5, 'unknown_done'],
    [1.5, 'unknown_not'],
  ]);
}

function drawQuickFates(random: Random): readonly Fate[] {
  // Poison: whoever takes it dies of it.
  if (random.chance(0.1)) return times(5, () => 'ends_worker');
  return times(1 + random.below(3), () => drawQuickFate(random));
}

function drawQuickFate(random: Random): Fate {
  return weighted<Fate>(random, [
    [2, 'done'],
    [1, 'not_found'],
    [1, 'failed'],
    [2, 'busy'],
    [2, 'slow'],
    [2, 'ends_worker'],
    [1, 'lost_before'],
  ]);
}

function drawEvent(random: Random, agent: AgentPlan): Event {
  const kind = weighted<Event['kind']>(random, [
    [30, 'say'],
    [3, 'during'],
    [22, 'wait'],
    [14, 'settle'],
    [8, 'timer'],
    [8, 'down'],
    [6, 'strike'],
    [4, 'crash'],
    [3, 'crash_in_task'],
    [4, 'crash_at_local'],
    [5, 'suggest'],
    [5, 'switch'],
    [1.5, 'breaker'],
    [3, 'terms'],
    [5, 'store'],
  ]);
  switch (kind) {
    case 'say':
      return {
        kind,
        said: times(
          weighted(random, [
            [6, 1],
            [3, 2],
            [1, 4],
          ]),
          () => drawSaying(random),
        ),
      };
    case 'during':
      return { kind, said: { ...drawSaying(random), via: 'signal' } };
    case 'wait':
      return { kind, ms: random.pick([0, 3, 40, 300, 2_000, 9_000, 60_000, 900_000, 7_200_000]) };
    case 'timer':
      return { kind, offsetMs: random.pick([-1, 0, 0, 1, 5_000]) };
    case 'down':
      return {
        kind,
        to: random.pick(['timer', 'deadline', 'deadline', 'hour']),
        earlyMs: random.pick([0, 1, 1, 20_000]),
        said: times(random.below(3), () => drawSaying(random)),
      };
    case 'strike':
      return {
        kind,
        at: random.pick(['effect', 'effect', 'unknown', 'unknown', 'unknown', 'model', 'held']),
        name: random.pick(['cancel', 'cancel', 'pause', 'handOver', 'upgrade', 'lift', 'lift']),
      };
    case 'switch':
      return { kind, tool: pickTool(random, agent), isOn: random.chance(0.6) };
    case 'breaker':
      return { kind, isOpen: random.chance(0.4) };
    case 'store':
      return {
        kind,
        attempts: 1 + random.below(3),
        how: random.pick(['away', 'away', 'word_lost', 'ends_worker']),
      };
    case 'settle':
    case 'crash':
    case 'crash_in_task':
    case 'crash_at_local':
    case 'suggest':
    case 'terms':
      return { kind };
    default:
      return kind satisfies never;
  }
}

function drawSaying(random: Random): Saying {
  const name = weighted<Saying['name']>(random, [
    [22, 'message'],
    [60, 'decide'],
    [4, 'pause'],
    [6, 'resume'],
    [3, 'retry'],
    [0.5, 'cancel'],
    [0.3, 'close'],
    [0.4, 'handOver'],
    [4, 'raiseLimit'],
    [2, 'upgrade'],
    [2, 'lookAgain'],
  ]);
  const who = name === 'decide' ? drawDecider(random) : random.pick(['dan', 'dan', 'ann', REQUESTER]);
  return {
    name,
    via: random.chance(0.3) ? 'update' : 'signal',
    who,
    signed: random.chance(0.94),
    kind: weighted<Saying['kind']>(random, [
      [18, 'approve'],
      [3, 'reject'],
      [3, 'edit'],
      [2, 'answer'],
      [1, 'give_up'],
    ]),
    about: weighted<Saying['about']>(random, [
      [20, 'open'],
      [3, 'any'],
      [1, 'nothing'],
    ]),
    pick: random.below(8),
    hash: weighted<Saying['hash']>(random, [
      [20, 'right'],
      [1, 'wrong'],
      [3, 'none'],
    ]),
    form: weighted<Saying['form']>(random, [
      [30, 'plain'],
      [1, 'long'],
      [3, 'again'],
      [1, 'malformed'],
    ]),
    amount: random.below(3) * CALL_TOKENS,
  };
}

function drawDecider(random: Random): string {
  return random.chance(0.75) ? 'fit' : random.pick(['ann', 'ben', 'cleo', 'dan', REQUESTER, 'stranger']);
}
