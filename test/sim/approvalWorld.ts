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
  RunToolResult,
  VerifyControlsInput,
} from '../../src/activities/types.ts';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { PreparedCall } from '../../src/core/calls.ts';
import type { Verified } from '../../src/core/control.ts';
import { type CallKey, callKey, type Hash } from '../../src/core/ids.ts';
import { canonicalJson } from '../../src/core/json.ts';
import { DEFAULT_RUN_LIMITS, LIMITS } from '../../src/core/limits.ts';
import { NO_USAGE } from '../../src/core/messages.ts';
import { usd } from '../../src/core/money.ts';
import type { Ask, Rule } from '../../src/core/policy.ts';
import { refuse } from '../../src/core/refusals.ts';
import type { PinnedRelease, ToolLabels } from '../../src/core/release.ts';
import type { ResultRef, UnrecordedDecision } from '../../src/core/state.ts';
import {
  DIRECTORY,
  type Fate,
  type Gate,
  type PlannedCall,
  type Story,
  verificationMs,
} from './approvalStories.ts';
import type { ActivityHandler, ActivityInfo, ActivityOutcome } from './driver.ts';

/** What was asked, run, recorded and told, as the activities of a story saw it; and what they will answer. */
export interface ApprovalWorld {
  readonly opened: Map<string, ApprovalRecord>;
  readonly ran: { readonly input: RunToolInput; readonly fate: Fate; readonly endedAtMs: number }[];
  readonly recorded: UnrecordedDecision[];
  readonly reminded: RemindInput['due'][number][];
  readonly results: (readonly ResultRef[])[];
  readonly ended: EndRunInput[];
  /** Roles that stood when a decision was verified last, by approval and person. */
  readonly verifiedAs: Map<string, readonly string[]>;
  readonly directory: Map<string, readonly string[]>;
  /** When the server got a message, by its words. */
  readonly arrivedAtMs: Map<string, number>;
  /** The calls that the agent makes when it is asked next; afterwards it only answers. */
  next: readonly PlannedCall[] | null;
  run: string;
  fates: Map<CallKey, readonly Fate[]>;
  readonly handlers: Readonly<Record<keyof Activities, ActivityHandler>>;
}

/** Arguments are one word; its first letters say how the policy takes it. */
export function hashOf(args: string): Hash {
  return [...args]
    .map((c) => c.charCodeAt(0).toString(16))
    .join('')
    .padEnd(64, '0')
    .slice(0, 64) as Hash;
}

export function argsOf(hash: string): string {
  return hash.replace(/(00)+$/, '').replace(/../g, (hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

export function rolesOf(
  world: ApprovalWorld,
  who: string,
): readonly string[] | 'unknown_person' | 'service_account' {
  if (who === 'robot') return 'service_account';
  return world.directory.get(who) ?? 'unknown_person';
}

export function approvalWorld(story: Story): ApprovalWorld {
  const world: Omit<ApprovalWorld, 'handlers'> = {
    opened: new Map(),
    ran: [],
    recorded: [],
    reminded: [],
    results: [],
    ended: [],
    verifiedAs: new Map(),
    directory: new Map(Object.entries(DIRECTORY)),
    arrivedAtMs: new Map(),
    next: null,
    run: '',
    fates: new Map(),
  };
  return Object.assign(world, { handlers: handlers(story, world as ApprovalWorld) });
}

const SLOW: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'store_unavailable', message: 'not at once', nonRetryable: false },
};

function done(result: unknown, takesMs = 0): ActivityOutcome {
  return { kind: 'completed', result, takesMs };
}

function handlers(story: Story, world: ApprovalWorld): ApprovalWorld['handlers'] {
  const pinned = release(story);
  const terms = new Map<CallKey, number>();
  let batches = 0;
  const prepare = (key: CallKey, callId: string, tool: string, args: string): PreparedCall => ({
    key,
    callId,
    tool,
    argsHash: hashOf(args),
    summary: `${tool} ${args}`,
    problem: args.startsWith('bad') ? 'It cannot be so.' : null,
    amount: usd(args.startsWith('small') ? 5 : 40),
    payee: null,
    classes: [],
    firstOf: [],
    learned: null,
    origins: [],
    terms: terms.has(key) ? { version: terms.get(key) ?? 0 } : null,
  });
  const callModel = (input: CallModelInput) => {
    if (input.append.results.length > 0) world.results.push(input.append.results);
    const planned = world.next;
    world.run = input.run;
    world.next = null;
    const calls = (planned ?? []).map(({ tool, fates }, i) => {
      const key = callKey(input.run, input.step, i);
      world.fates.set(key, fates);
      return prepare(key, `call-${input.step}-${i}`, tool, nameOf(input.step, i));
    });
    return done({
      kind: 'answered',
      head: { seq: input.step * 2, node: `${input.step}`.padStart(64, 'd') as Hash },
      stopReason: planned === null ? 'end_turn' : 'tool_use',
      calls,
      usage: NO_USAGE,
      costMicroUsd: 0,
      activeMs: 1,
      hasText: planned === null,
      preview: null,
      answer: planned === null ? { text: 'done', truncated: false } : null,
      stopped: null,
      suspicious: false,
      model: 'simulated',
      pinned: input.release === null ? pinned : null,
    } satisfies CallModelResult);
  };
  const runTool = (input: RunToolInput, info: ActivityInfo) => {
    const [fate = 'done', ...rest] = world.fates.get(input.key) ?? [];
    const happens = input.tool === 'look' ? 'done' : fate;
    if (input.tool !== 'look') world.fates.set(input.key, rest);
    world.ran.push({ input, fate: happens, endedAtMs: info.nowMs });
    if (happens === 'stale') terms.set(input.key, (terms.get(input.key) ?? 0) + 1);
    return done(resultOf(happens, input.tool));
  };
  const verifyControls = (input: VerifyControlsInput, { isLocal }: ActivityInfo) => {
    // What takes longer than a task is held says so at once: the model knows one verification, and how long it takes.
    if (isLocal && verificationMs(story, batches) > LIMITS.quickVerifyMs) return SLOW;
    // The directory is asked when the verification ends: the attempt takes its time before that.
    return done(
      input.controls.map((control): Verified => {
        const { n, body } = control;
        const said = canonicalJson(body);
        const roles = story.keyed
          ? body.signature === undefined
            ? 'unsigned'
            : rolesOf(world, String(body.by))
          : [];
        if (typeof roles === 'string') return { n, kind: 'refused', why: roles };
        world.verifiedAs.set(`${body.approval} ${body.by}`, roles);
        const arrivedAtMs = control.late ? (world.arrivedAtMs.get(said) ?? null) : null;
        return {
          n,
          kind: 'ok',
          speaker: { identity: story.keyed ? 'signed' : 'unverified', roles },
          arrivedAtMs,
        };
      }),
      verificationMs(story, batches++),
    );
  };
  const all: {
    readonly [Name in keyof Activities]: (
      input: Parameters<Activities[Name]>[0],
      info: ActivityInfo,
    ) => ActivityOutcome;
  } = {
    callModel,
    runTool,
    // Only what a kill switch holds is ever closed in these stories.
    closeEffect: () =>
      done({ kind: 'done', outcome: refuse('void'), applied: false, activeMs: 1 } satisfies RunToolResult),
    resolveEffect: (input: ResolveEffectInput) =>
      done(
        input.said === 'happened'
          ? resultOf('done', input.tool)
          : ({
              kind: 'done',
              outcome: refuse(input.said === 'did_not' ? 'void' : 'unknown_outcome'),
              applied: false,
              activeMs: 1,
            } satisfies RunToolResult),
      ),
    prepareCall: ({ key, callId, tool, arguments: from }: PrepareCallInput) =>
      done(
        prepare(
          key,
          callId,
          tool,
          from.kind === 'edited' ? String(from.arguments.word) : argsOf(from.argsHash),
        ),
      ),
    openApprovals: ({ records }: OpenApprovalsInput) => {
      for (const record of records) world.opened.set(record.id, record);
      return done({ signed: story.keyed });
    },
    recordDecisions: ({ decisions }: RecordDecisionsInput) => {
      world.recorded.push(...decisions);
      return done(null);
    },
    verifyControls,
    remind: ({ due }: RemindInput) => {
      world.reminded.push(...due);
      return done(null);
    },
    keepTexts: ({ texts }) => done(texts.map((_, i) => `${i}`.repeat(64).slice(0, 64))),
    endRun: (input: EndRunInput) => {
      world.ended.push(input);
      world.recorded.push(...input.decisions);
      if (input.append.results.length > 0) world.results.push(input.append.results);
      return done({ head: input.head });
    },
  };
  return all as ApprovalWorld['handlers'];
}

export function nameOf(step: number, ordinal: number): string {
  return `s${step}c${ordinal}`;
}

function resultOf(fate: Fate, tool: string): RunToolResult {
  if (fate === 'unknown') return { kind: 'unknown', evidence: 'the attempt was lost', activeMs: 1 };
  if (fate === 'held') return { kind: 'held', name: `tool:${tool}`, activeMs: 1 };
  if (fate === 'stale') return { kind: 'stale', activeMs: 1 };
  const outcome = { kind: 'ran', status: 'success', ref: 'b'.repeat(64) as Hash, bytes: 10 } as const;
  return { kind: 'done', outcome, applied: tool !== 'look', activeMs: 1 };
}

function release({ rules, whileWaiting }: Story): PinnedRelease {
  const policy: Rule[] = [
    { name: 'small', match: { amount: { currency: 'USD', below: 25 } }, answer: { kind: 'allow' } },
    { name: 'free', match: { tools: ['free'] }, answer: { kind: 'allow' } },
    ...rules.map((gate, i) => ({ name: `gate${i}`, match: { tools: [`gate${i}`] }, answer: askOf(gate) })),
  ];
  return {
    hash: 'a'.repeat(64) as Hash,
    tools: ['gate0', 'gate1', 'gate2', 'free', 'look', 'ask_person'].map(labels),
    permissions: { tiers: ['read', 'write_safe', 'write_risky'] },
    policy,
    limits: { ...DEFAULT_RUN_LIMITS, idleMs: 90 * 86_400_000 },
    whileWaiting,
    queue: 'people',
    phases: [],
  };
}

function askOf({ of, people, roles, requesterToo, quorum, hours, remind, escalation, onExpiry }: Gate): Ask {
  return {
    kind: 'ask',
    reason: 'it changes something',
    of,
    approvers: { people, roles },
    quorum,
    ...(requesterToo && { requesterToo: true }),
    deadlineMs: hours * 3_600_000,
    ...(remind !== null && { remindAfterMs: remind.map((minutes) => minutes * 60_000) }),
    escalation: escalation.map(({ minutes, person }) => ({
      afterMs: minutes * 60_000,
      approvers: { people: [person] },
    })),
    onExpiry,
  };
}

function labels(name: string): ToolLabels {
  const effect = name !== 'look' && name !== 'ask_person';
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
    handsOver: false,
    timeoutMs: 10_000,
    retries: 2,
    settlesWithinMs: null,
  };
}
