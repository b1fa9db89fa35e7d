import type {
  CallModelInput,
  CallModelResult,
  EndRunInput,
  GuardStop,
  OpenApprovalsInput,
  PrepareCallInput,
  RecordDecisionsInput,
  RemindInput,
  ResolveEffectInput,
  RunToolInput,
  RunToolResult,
  VerifyControlsInput,
} from '../../src/activities/types.ts';
import type { PreparedCall } from '../../src/core/calls.ts';
import type { Control, Verified } from '../../src/core/control.ts';
import { callKey, type Hash } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { DEFAULT_RUN_LIMITS, type RunLimits } from '../../src/core/limits.ts';
import { NO_USAGE } from '../../src/core/messages.ts';
import { usd } from '../../src/core/money.ts';
import type { Phase } from '../../src/core/phases.ts';
import type { Rule } from '../../src/core/policy.ts';
import type { PinnedRelease, ToolLabels } from '../../src/core/release.ts';
import type { RunPhase } from '../../src/core/runPhases.ts';
import type { StartInput } from '../../src/core/start.ts';
import type { RunState, UnrecordedDecision } from '../../src/core/state.ts';
import type { ActivityInfo } from './activities.ts';
import type { ActivityHandler, ActivityOutcome, Bundle } from './driver.ts';
import { bundleWorkflows, Simulation } from './driver.ts';
import { packing } from './packed.ts';

/** What the simulated model says at its nth call. */
export interface Line {
  readonly say?: string;
  readonly calls?: readonly {
    readonly tool: string;
    readonly args?: string;
    readonly amount?: number;
    readonly problem?: string;
    readonly origins?: PreparedCall['origins'];
  }[];
  readonly stop?: string;
  /** What the guards did not let through. */
  readonly stopped?: GuardStop;
  readonly suspicious?: boolean;
  readonly takesMs?: number;
  readonly tokens?: number;
  readonly model?: string;
  readonly overLimit?: 'tokens' | 'cost';
  readonly unanswered?: boolean;
  /** A breaker keeps the run from beginning. */
  readonly held?: { readonly untilMs: number | null; readonly whileBroken: 'wait' | 'refuse' };
  readonly fails?: Extract<ActivityOutcome, { kind: 'failed' }>['failure'];
}

/** Facts of a simulated world: what was asked, run and recorded, in order. */
export interface World {
  readonly modelCalls: CallModelInput[];
  readonly ran: RunToolInput[];
  readonly closed: RunToolInput[];
  readonly opened: OpenApprovalsInput[];
  readonly recorded: UnrecordedDecision[];
  /** How the run said that it stands, for lists, in order. */
  readonly told: RunPhase[];
  readonly ended: EndRunInput[];
  readonly verified: VerifyControlsInput[];
  readonly reminded: RemindInput[];
  readonly kept: (readonly string[])[];
  readonly resolved: ResolveEffectInput[];
  readonly limits: RunLimits;
}

export interface WorldOptions {
  readonly lines: readonly Line[];
  /** What the model says when it lands. */
  readonly landing?: Line;
  readonly limits?: Partial<RunLimits>;
  readonly policy?: readonly Rule[];
  readonly whileWaiting?: 'withdraw' | 'queue';
  readonly phases?: readonly Phase[];
  /** What the store says instead of letting a model call through; null lets it. */
  readonly cap?: (input: CallModelInput, nowMs: number) => CallModelResult | null;
  /** What is different about a tool. */
  readonly labels?: Readonly<Record<string, Partial<ToolLabels>>>;
  /** Answers of tools by name; success by default. */
  readonly tools?: Readonly<Record<string, (input: RunToolInput) => ActivityOutcome>>;
  readonly arrivals?: readonly {
    readonly approval: string;
    readonly by: string;
    readonly kind: string;
    readonly arrivedAtMs: number;
  }[];
  /** With it the workers have a decision key; null leaves a message to the rule for workers without one. */
  readonly verify?: (control: Control) => Verified | null;
  /** Whether the nth try at verifying fails for the store. */
  readonly verifyFails?: (attempt: number) => boolean;
  /** Whether the nth try at verifying is an error of ours. */
  readonly verifyBug?: (attempt: number) => boolean;
  /** Whether the nth try at verifying ends its worker. */
  readonly verifyEndsWorker?: (attempt: number) => boolean;
  readonly verifyMs?: number;
  /** Whether an activity meets an error of our own. */
  readonly breaks?: (activity: string) => boolean;
  /** What tools say is true when a call is prepared. */
  readonly terms?: () => JsonObject;
  /** What the ledger says of an effect whose activity has failed; nothing was done by default. */
  readonly closing?: () => RunToolResult;
  readonly crashEveryActivation?: boolean;
  readonly input?: Partial<StartInput>;
  readonly seed?: number;
}

export const START_MS = Date.UTC(2026, 0, 5, 9, 0, 0);
const RELEASE = 'a'.repeat(64) as Hash;

function labels(name: string, effect: boolean): ToolLabels {
  return {
    name,
    version: '1',
    category: 'test',
    tier: effect ? 'write_risky' : 'read',
    reads: 'public',
    returns: 'trusted',
    touches: effect ? 'state' : 'none',
    sensitive: [],
    replay: effect ? 'keyed' : 'pure',
    handsOver: name === 'escalate',
    timeoutMs: 10_000,
    retries: 2,
    settlesWithinMs: null,
  };
}

export const ASK_ALL_WRITES: readonly Rule[] = [
  {
    name: 'small',
    match: { tiers: ['write_risky'], amount: { currency: 'USD', below: 25 } },
    answer: { kind: 'allow' },
  },
  { name: 'ask', match: { tiers: ['write_risky'] }, answer: { kind: 'ask', reason: 'it changes something' } },
];

let bundle: Promise<Bundle> | undefined;

/** The real workflow in a simulated world. */
export async function simulate(
  options: WorldOptions,
): Promise<{ readonly simulation: Simulation; readonly world: World }> {
  bundle ??= bundleWorkflows(new URL('../../src/workflows/index.ts', import.meta.url).pathname);
  const world: World = {
    modelCalls: [],
    ran: [],
    closed: [],
    opened: [],
    recorded: [],
    told: [],
    ended: [],
    verified: [],
    reminded: [],
    kept: [],
    resolved: [],
    limits: { ...DEFAULT_RUN_LIMITS, ...options.limits },
  };
  const pinned: PinnedRelease = {
    hash: RELEASE,
    tools: [
      labels('look', false),
      labels('look_too', false),
      labels('write', true),
      labels('write_too', true),
      labels('escalate', false),
      labels('ask_person', false),
    ].map((one) => ({ ...one, ...options.labels?.[one.name] })),
    permissions: { tiers: ['read', 'write_safe', 'write_risky'] },
    policy: options.policy ?? ASK_ALL_WRITES,
    limits: world.limits,
    whileWaiting: options.whileWaiting ?? 'withdraw',
    queue: 'people',
    phases: options.phases ?? [],
  };
  const simulation = new Simulation({
    bundle: await bundle,
    workflowType: 'agentRun',
    args: [{ v: 1, agent: 'test', message: 'hello', requester: { id: 'customer' }, ...options.input }],
    startTimeMs: START_MS,
    seed: options.seed ?? 1,
    crashEveryActivation: options.crashEveryActivation ?? true,
    stableQueries: ['status', 'approvals'],
    activities: packing(activities(options, world, pinned)),
  });
  return { simulation, world };
}

function done(result: unknown, takesMs = 5): ActivityOutcome {
  return { kind: 'completed', result, takesMs };
}

function activities(
  options: WorldOptions,
  world: World,
  pinned: PinnedRelease,
): Record<string, ActivityHandler> {
  const callModel = (input: CallModelInput, info: ActivityInfo): ActivityOutcome => {
    world.modelCalls.push(input);
    const capped = options.cap?.(input, info.nowMs) ?? null;
    if (capped !== null)
      return done(
        capped.kind === 'over_budget'
          ? { ...capped, pinned: input.release === null ? pinned : null }
          : capped,
      );
    const acts = world.modelCalls.filter((call) => call.purpose === 'act').length;
    const line: Line =
      input.purpose === 'land'
        ? (options.landing ?? { say: 'last words', model: 'of another tier' })
        : (options.lines[Math.min(acts, options.lines.length) - 1] ?? { say: 'nothing left to say' });
    if (line.fails) return { kind: 'failed', failure: line.fails, takesMs: 5 };
    if (line.held)
      return done({
        kind: 'held',
        release: RELEASE,
        name: 'breaker:agent:test',
        ...line.held,
      } satisfies CallModelResult);
    if (line.overLimit)
      return done({
        kind: 'over_limit',
        limit: line.overLimit,
        unanswered: line.unanswered ?? false,
        pinned: input.release === null ? pinned : null,
      } satisfies CallModelResult);
    return done(answer(input, line, pinned, options.terms), line.takesMs ?? 100);
  };
  const runTool = (input: RunToolInput): ActivityOutcome => {
    world.ran.push(input);
    return options.tools?.[input.tool]?.(input) ?? toolDone(input);
  };
  const all: Readonly<Record<string, ActivityHandler>> = {
    callModel: callModel as ActivityHandler,
    runTool: runTool as ActivityHandler,
    closeEffect: ((input: RunToolInput) => {
      world.closed.push(input);
      return done(options.closing?.() ?? NOT_DONE);
    }) as ActivityHandler,
    resolveEffect: ((input: ResolveEffectInput) => {
      world.resolved.push(input);
      return toolDone({ tool: 'write' } as never);
    }) as ActivityHandler,
    prepareCall: ((input: PrepareCallInput) =>
      done({
        ...prepared(
          input.key,
          input.callId,
          input.tool,
          input.arguments.kind === 'edited' ? JSON.stringify(input.arguments.arguments) : '',
          undefined,
          options.terms,
        ),
        origins: input.origins,
      })) as ActivityHandler,
    openApprovals: ((input: OpenApprovalsInput) => {
      world.opened.push(input);
      world.told.push(input.state);
      return done({ signed: options.verify !== undefined });
    }) as ActivityHandler,
    recordDecisions: ((input: RecordDecisionsInput) => {
      world.recorded.push(...input.decisions);
      if (input.state !== null) world.told.push(input.state);
      return done(null);
    }) as ActivityHandler,
    verifyControls: ((input: VerifyControlsInput) => {
      world.verified.push(input);
      if (options.verifyFails?.(world.verified.length)) return STORE_AWAY;
      if (options.verifyBug?.(world.verified.length)) return BUG;
      if (options.verifyEndsWorker?.(world.verified.length)) return { kind: 'ends_worker' };
      return done(
        input.controls.map((control) => options.verify?.(control) ?? unverified(control, options)),
        options.verifyMs ?? 5,
      );
    }) as ActivityHandler,
    remind: ((input: RemindInput) => {
      world.reminded.push(input);
      return done(null);
    }) as ActivityHandler,
    keepTexts: ((input: { texts: readonly string[] }) => {
      world.kept.push(input.texts);
      return done(input.texts.map((_, i) => `${i}`.repeat(64).slice(0, 64)));
    }) as ActivityHandler,
    endRun: ((input: EndRunInput) => {
      world.ended.push(input);
      world.recorded.push(...input.decisions);
      return done({ head: input.head });
    }) as ActivityHandler,
  };
  const breaking = Object.entries(all).map(([name, handle]): [string, ActivityHandler] => [
    name,
    (input, info) => (options.breaks?.(name) === true ? BROKEN : handle(input, info)),
  ]);
  return Object.fromEntries(breaking);
}

const BROKEN: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'bug', message: 'an error of our own', nonRetryable: true },
  takesMs: 5,
};

const NOT_DONE: RunToolResult = {
  kind: 'done',
  outcome: { kind: 'refused', code: 'void', text: 'not done' },
  applied: false,
  activeMs: 1,
};

const STORE_AWAY: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'store_unavailable', message: 'the store is away', nonRetryable: false },
  takesMs: 5,
};

const BUG: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'bug', message: 'unexpected TypeError', nonRetryable: true },
  takesMs: 5,
};

/** What a worker without a decision key says: the name is taken as given, and has no roles. */
function unverified({ n, body, late }: Control, { arrivals = [] }: WorldOptions): Verified {
  const arrival = arrivals.find(
    (one) => one.approval === body.approval && one.by === body.by && one.kind === body.kind,
  );
  return {
    n,
    kind: 'ok',
    speaker: { identity: 'unverified', roles: [] },
    arrivedAtMs: late ? (arrival?.arrivedAtMs ?? null) : null,
  };
}

export function toolDone(input: RunToolInput, takesMs = 50): ActivityOutcome {
  return done(
    {
      kind: 'done',
      outcome: { kind: 'ran', status: 'success', ref: 'b'.repeat(64) as Hash, bytes: 10 },
      applied: input.tool.startsWith('write'),
      activeMs: takesMs,
    } satisfies RunToolResult,
    takesMs,
  );
}

export function toolFailed(): ActivityOutcome {
  return done({
    kind: 'done',
    outcome: { kind: 'ran', status: 'failed', ref: 'c'.repeat(64) as Hash, bytes: 10 },
    applied: false,
    activeMs: 5,
  } satisfies RunToolResult);
}

function prepared(
  key: PreparedCall['key'],
  callId: string,
  tool: string,
  args: string,
  amount: number | undefined,
  terms: WorldOptions['terms'],
  problem: string | null = null,
): PreparedCall {
  return {
    key,
    callId,
    tool,
    argsHash: `${[...`${tool}${args}`].map((c) => c.charCodeAt(0).toString(16)).join('')}`
      .padEnd(64, '0')
      .slice(0, 64) as Hash,
    summary: `${tool} ${args}`.trim(),
    problem,
    amount: amount === undefined ? null : usd(amount),
    payee: null,
    classes: [],
    firstOf: [],
    learned: null,
    origins: [],
    terms: terms?.() ?? null,
  };
}

function answer(
  input: CallModelInput,
  line: Line,
  pinned: PinnedRelease,
  terms: WorldOptions['terms'],
): CallModelResult {
  const seq = (input.head?.seq ?? 0) + 2;
  const text = line.say ?? '';
  return {
    kind: 'answered',
    head: { seq, node: `${seq}`.padStart(64, 'd') as Hash },
    stopReason: line.stop ?? (line.calls ? 'tool_use' : 'end_turn'),
    calls: (line.calls ?? []).map((call, i) => ({
      ...prepared(
        callKey(input.run, input.step, i),
        `call-${input.step}-${i}`,
        call.tool,
        call.args ?? '',
        call.amount,
        terms,
        call.problem ?? null,
      ),
      origins: call.origins ?? [],
    })),
    usage: { ...NO_USAGE, inputTokens: line.tokens ?? 100, outputTokens: 10 },
    costMicroUsd: 1_000,
    activeMs: line.takesMs ?? 100,
    hasText: text !== '',
    preview: text === '' || !line.calls ? null : { text, truncated: false },
    answer: text === '' || line.calls ? null : { text, truncated: false },
    stopped: line.stopped ?? null,
    suspicious: line.suspicious ?? false,
    model: line.model ?? 'simulated',
    pinned: input.release === null ? pinned : null,
  };
}

/** Carried state of a continue-as-new. */
export function carriedState(simulation: Simulation): RunState {
  if (simulation.result.kind !== 'continuedAsNew') throw new Error(`the run is ${simulation.result.kind}`);
  return simulation.result.args[1] as RunState;
}
