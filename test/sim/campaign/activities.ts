import type {
  Activities,
  CallModelInput,
  CallModelResult,
  EndRunInput,
  OpenApprovalsInput,
  PrepareCallInput,
  RecordDecisionsInput,
  RemindInput,
  ResolveEffectInput,
  RunToolInput,
  VerifyControlsInput,
} from '../../../src/activities/types.ts';
import type { Verified } from '../../../src/core/control.ts';
import type { Hash } from '../../../src/core/ids.ts';
import { canonicalJson } from '../../../src/core/json.ts';
import { LIMITS } from '../../../src/core/limits.ts';
import { argsOf } from '../approvalWorld.ts';
import type { ActivityHandler, ActivityInfo, ActivityOutcome } from '../driver.ts';
import { answerOf, pinnedOf, prepare } from './agent.ts';
import type { Facts } from './facts.ts';
import { closeEffect, resolveEffect, runTool } from './ledger.ts';
import { CALL_TOKENS, DIRECTORY, MICRO_USD_PER_TOKEN, type Scene, type Trouble } from './program.ts';

/** Stand-ins for every activity of a run. They are honest: what they tell the run is what they have done. */
export function activitiesOf(facts: Facts): Readonly<Record<keyof Activities, ActivityHandler>> {
  const stored =
    <Input>(work: (input: Input, info: ActivityInfo) => unknown) =>
    (input: Input, info: ActivityInfo): ActivityOutcome => {
      const trouble = facts.calm ? undefined : facts.storeTroubles.shift();
      if (trouble === 'away') return fails('store_unavailable');
      const result = work(input, info);
      if (trouble === 'ends_worker') return { kind: 'ends_worker' };
      return trouble === 'word_lost' ? { kind: 'hangs' } : done(result, facts.random.pick([1, 5, 40, 400]));
    };
  const all: {
    readonly [Name in keyof Activities]: (
      input: Parameters<Activities[Name]>[0],
      info: ActivityInfo,
    ) => ActivityOutcome;
  } = {
    callModel: (input, info) => callModel(facts, input, info),
    runTool: (input: RunToolInput, info) => runTool(facts, input, info),
    closeEffect: stored((input: RunToolInput) => closeEffect(facts, input)),
    resolveEffect: stored(
      onceFor(facts, (input: ResolveEffectInput) => {
        facts.reach(`an unknown effect: a person said ${input.said}`);
        return resolveEffect(facts, input);
      }),
    ),
    prepareCall: (input: PrepareCallInput, info) => {
      const { key, callId, tool, arguments: from } = input;
      const lost = facts.preparationsLost.get(key) ?? 0;
      // One more, and the run rightly takes the call for one that ends every worker: that is beyond this world.
      const isEnough = lost + 1 >= LIMITS.lostAttempts;
      while (isEnough && (facts.storeTroubles[0] ?? 'away') !== 'away') facts.storeTroubles.shift();
      const outcome = stored(() => prepare(facts, { key, callId, tool, word: wordOf(from) }))(input, info);
      facts.preparationsLost.set(
        key,
        outcome.kind === 'completed' ? 0 : outcome.kind === 'failed' ? lost : lost + 1,
      );
      return outcome;
    },
    openApprovals: (input: OpenApprovalsInput, info) => {
      // The run knows of its request before the store does: people may answer what was never told.
      for (const record of input.records) facts.asked.set(record.id, record);
      return stored(() => {
        facts.tellRow(input.state);
        return { signed: facts.program.agent.keyed };
      })(input, info);
    },
    recordDecisions: stored(
      onceFor(facts, ({ decisions, state }: RecordDecisionsInput) => {
        facts.recorded.push(...decisions);
        facts.tellRow(state);
        return null;
      }),
    ),
    verifyControls: (input: VerifyControlsInput, info) => {
      for (const { body } of input.controls) facts.verifying.add(canonicalJson(body));
      const outcome = stored(() => verify(facts, input))(input, info);
      if (info.isLocal && outcome.kind === 'completed')
        facts.reach('what people said, verified inside its task');
      if (info.isLocal && outcome.kind === 'ends_worker')
        facts.reach('a verification inside a task that ended its worker');
      if (outcome.kind === 'completed')
        for (const { body } of input.controls) facts.verified.add(canonicalJson(body));
      return outcome;
    },
    remind: (input: RemindInput, info) => {
      for (const { approval } of input.due) facts.remindersPending.add(approval);
      return stored(({ due }: RemindInput) => {
        facts.reach('somebody was reminded');
        if (due.some(({ escalatedTo }) => escalatedTo !== null)) facts.reach('a request was escalated');
        for (const { approval } of due) facts.remindersPending.delete(approval);
        return null;
      })(input, info);
    },
    keepTexts: stored(({ texts }: { readonly texts: readonly string[] }) =>
      texts.map((text) => {
        facts.reach('a long text went to the store');
        const ref = `${facts.blobs.size + 1}`.padStart(64, 'e') as Hash;
        facts.blobs.set(ref, text);
        return ref;
      }),
    ),
    endRun: (input: EndRunInput, info) => {
      if (!facts.isEnding) facts.onEnding();
      facts.isEnding = true;
      return stored(
        onceFor(facts, (ending: EndRunInput) => {
          facts.ended.push(ending);
          facts.recorded.push(...ending.decisions);
          facts.tellRow('ended');
          return facts.end(ending);
        }),
      )(input, info);
    },
  };
  return all as Readonly<Record<keyof Activities, ActivityHandler>>;
}

/** An activity whose word was lost is tried again and finds its work done. */
function onceFor<Input>(facts: Facts, work: (input: Input) => unknown) {
  return (input: Input, info: ActivityInfo): unknown => {
    const name = `${facts.execution} ${info.activityId}`;
    if (!facts.done.has(name)) facts.done.set(name, work(input));
    return facts.done.get(name);
  };
}

function wordOf(from: PrepareCallInput['arguments']): string {
  return from.kind === 'edited' ? String(from.arguments.word) : argsOf(from.argsHash);
}

function callModel(facts: Facts, input: CallModelInput, info: ActivityInfo): ActivityOutcome {
  facts.run = input.run;
  const name = `${input.step}/${input.purpose}`;
  const known = facts.answers.get(name);
  if (known !== undefined) return done(known);
  facts.checkHead(input);
  const { agent } = facts.program;
  const pinned = input.release === null ? pinnedOf(agent) : null;
  if (input.release === null && facts.isBroken && !facts.calm) {
    facts.reach('a breaker held the start');
    const held = {
      name: 'breaker:agent:test',
      untilMs: info.nowMs + 300_000,
      whileBroken: agent.whileBroken,
    };
    return done({ kind: 'held', release: pinnedOf(agent).hash, ...held } satisfies CallModelResult);
  }
  if (input.release === null && agent.refusedStart)
    return done({
      kind: 'refused_start',
      refused: { scope: 'user/minute', limit: 1, comeBackAtMs: info.nowMs + 60_000 },
    } satisfies CallModelResult);
  // The reservation makes the row, or says in it that the run works.
  facts.row ??= 'running';
  facts.tellRow('running');
  if (input.purpose === 'land') return done(answerOf(facts, input, LAST_WORDS, pinned), 200);
  const scene = facts.program.scenes[facts.scene] ?? SMALL_TALK;
  const trouble = facts.calm ? undefined : scene.troubles[facts.tried++];
  if (trouble !== undefined && trouble !== 'answer_lost') return meet(facts, trouble);
  const limit = overLimit(facts, input);
  if (limit !== null) {
    facts.reach(`the run's ${limit} ran out`);
    return done({ kind: 'over_limit', limit, unanswered: false, pinned } satisfies CallModelResult);
  }
  if (scene.cap !== 'none' && !facts.capped.has(scene)) {
    facts.capped.add(scene);
    facts.reach(`a cap on money: ${scene.cap}`);
    const { cap: atCap } = scene;
    const over = {
      scope: 'fleet',
      atCap,
      degradeTo: null,
      startMs: 0,
      untilMs: info.nowMs + 120_000,
      unanswered: false,
    };
    return done({ kind: 'over_budget', over, pinned } satisfies CallModelResult);
  }
  if (facts.tried > 7) facts.reach('an outage, then an answer');
  const wentOn = ({ approval, state }: { readonly approval: string; readonly state: string }) =>
    state === 'approved' && facts.asked.get(approval)?.kind === 'landing';
  if (facts.recorded.some(wentOn)) facts.reach('landed, then went on');
  const answer = answerOf(facts, input, scene, pinned);
  if (scene.kind === 'say') facts.tellRow('idle');
  facts.scene += 1;
  facts.tried = 0;
  return trouble === 'answer_lost' ? { kind: 'hangs' } : done(answer, scene.takesMs);
}

/** The worst case of this call and of the landing after it: tokens as the workflow counts them, money as it was spent. */
function overLimit(facts: Facts, input: CallModelInput): 'tokens' | 'cost' | null {
  const { spentTokens, extraTokens, extraCostMicroUsd } = input;
  const { tokensPerRun, costMicroUsdPerRun } = facts.program.agent;
  const worst = 2 * CALL_TOKENS;
  if (spentTokens + worst > tokensPerRun + extraTokens) return 'tokens';
  const cost = worst * MICRO_USD_PER_TOKEN;
  return facts.costMicroUsd + cost > costMicroUsdPerRun + extraCostMicroUsd ? 'cost' : null;
}

function meet(facts: Facts, trouble: Exclude<Trouble, 'answer_lost'>): ActivityOutcome {
  switch (trouble) {
    case 'overloaded':
      return fails('model_overloaded', { nextRetryDelayMs: 2_000 });
    case 'circuit_open':
      facts.reach('the circuit of the model was open');
      return fails('model_circuit_open', { nextRetryDelayMs: 5_000 });
    case 'store_away':
      return fails('store_unavailable');
    case 'stalls':
      return { kind: 'hangs' };
    case 'bad_request':
      return fails('model_bad_request', { nonRetryable: true });
    case 'too_long':
      return fails('model_context_exceeded', { nonRetryable: true });
    default:
      return trouble satisfies never;
  }
}

function verify(facts: Facts, { controls }: VerifyControlsInput): readonly Verified[] {
  return controls.map(({ n, body, late }): Verified => {
    const roles = DIRECTORY[String(body.by)];
    if (facts.program.agent.keyed) {
      if (body.signature === undefined) return { n, kind: 'refused', why: 'unsigned' };
      if (roles === undefined) return { n, kind: 'refused', why: 'unknown_person' };
      return {
        n,
        kind: 'ok',
        speaker: { identity: 'signed', roles },
        arrivedAtMs: arrival(facts, body, late),
      };
    }
    return {
      n,
      kind: 'ok',
      speaker: { identity: 'unverified', roles: [] },
      arrivedAtMs: arrival(facts, body, late),
    };
  });
}

function arrival(facts: Facts, body: Parameters<typeof canonicalJson>[0], late: boolean): number | null {
  return late ? (facts.arrivedAtMs.get(canonicalJson(body)) ?? null) : null;
}

const SMALL_TALK: Scene = { kind: 'say', calls: [], tokens: 60, takesMs: 300, troubles: [], cap: 'none' };
const LAST_WORDS: Scene = { ...SMALL_TALK, tokens: 80 };

function fails(
  type: string,
  more: { readonly nonRetryable?: boolean; readonly nextRetryDelayMs?: number } = {},
): ActivityOutcome {
  return { kind: 'failed', failure: { type, message: type, nonRetryable: false, ...more }, takesMs: 5 };
}

function done(result: unknown, takesMs = 5): ActivityOutcome {
  return { kind: 'completed', result, takesMs };
}
