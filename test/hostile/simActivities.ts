import { asyncLocalStorage } from '@temporalio/activity';
import { traceThrough } from '../../src/activities/origins.ts';
import { effected, readable } from '../../src/activities/outcome.ts';
import { prepareCall, prepareCalls } from '../../src/activities/prepare.ts';
import { present } from '../../src/activities/presenting.ts';
import { privacyFor } from '../../src/activities/privacy.ts';
import type {
  Activities,
  CallModelInput,
  CallModelResult,
  ResolveEffectInput,
  RunToolInput,
  RunToolResult,
  VerifyControlsInput,
} from '../../src/activities/types.ts';
import { blocksOf as messageBlocks, readAppend } from '../../src/activities/userMessage.ts';
import type { ApprovalRecord } from '../../src/core/approvals.ts';
import type { CallOutcome } from '../../src/core/calls.ts';
import type { CallKey, Hash } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { type Message, NO_USAGE, type ToolUseBlock } from '../../src/core/messages.ts';
import { refuse } from '../../src/core/refusals.ts';
import { pin, tighten } from '../../src/core/release.ts';
import { hashText } from '../../src/store/hash.ts';
import type { Agent } from '../../src/tools/agent.ts';
import { READ_RESULT } from '../../src/tools/builtin.ts';
import { failed, success, type ToolResult } from '../../src/tools/result.ts';
import type { ActivityHandler, ActivityInfo, ActivityOutcome } from '../sim/driver.ts';
import type { HostileAnswer, HostileModel } from './hostileModel.ts';
import type { Random } from './random.ts';
import { FIRST_ATTEMPT, releaseHashOf, simStore } from './simStore.ts';
import type { World } from './world.ts';

export interface SimParts {
  readonly agent: Agent;
  readonly world: World;
  readonly model: HostileModel;
  readonly random: Random;
}

/** What a test may look at and change while the run goes on. */
export interface SimOutside {
  readonly handlers: Readonly<Record<keyof Activities, ActivityHandler>>;
  readonly blobs: ReadonlyMap<Hash, string>;
  readonly opened: Map<string, ApprovalRecord>;
  /** Model answers and calls so far. */
  readonly counts: { answers: number; calls: number; landings: number };
  answersThisTurn: number;
}

interface Settled {
  readonly argsHash: Hash;
  readonly outcome: CallOutcome;
  readonly applied: boolean;
}

/**
 * The activities of one run in memory. Calls are prepared by the product's own code, and tools are run on the stored
 * bytes as it runs them; only the database and the engine are missing.
 */
export function simOutside({ agent, world, model, random }: SimParts): SimOutside {
  const store = simStore(agent);
  const { services, blobs } = store;
  const ledger = new Map<CallKey, Settled>();
  const messages: Message[] = [];
  const releaseHash = releaseHashOf(agent);
  const toolServices = agent.services({ database: null as never }, requesterOf(world));
  const outside: Omit<SimOutside, 'handlers'> = {
    blobs,
    opened: new Map(),
    counts: { answers: 0, calls: 0, landings: 0 },
    answersThisTurn: 0,
  };
  const put = (text: string): Hash => {
    const hash = hashText(text);
    blobs.set(hash, text);
    return hash;
  };

  const callModel = async (input: CallModelInput): Promise<ActivityOutcome> => {
    const { counts } = outside;
    counts.answers++;
    if (input.purpose === 'land') counts.landings++;
    const said = input.purpose === 'land' ? model.lastWords() : model.answer(outside.answersThisTurn++);
    counts.calls += said.calls.length;
    const read = await readAppend(services.sql, input.run, input.append);
    messages.push({ role: 'user', content: messageBlocks(read) });
    const blocks = blocksOf(said, input.step);
    const unparsable = blocks.flatMap(({ id }, i) => (said.calls[i]?.broken ? [id] : []));
    const prepared = await prepareCalls(
      services,
      agent.release,
      { ...input, release: releaseHash },
      blocks,
      unparsable,
      { trace: traceThrough(agent.release, input.run, messages), privacy: NOTHING_SECRET },
    );
    for (const { args } of prepared) put(args);
    messages.push({ role: 'assistant', content: [{ type: 'text', text: said.text }, ...blocks] });
    const limits = tighten(agent.release.limits, input.wantedLimits);
    return done({
      kind: 'answered',
      head: { seq: (input.head?.seq ?? 0) + 2, node: hashText(`${world.id} ${input.step}`) },
      stopReason: said.stopReason,
      calls: prepared.map(({ call }) => call),
      usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 10 },
      costMicroUsd: 1,
      activeMs: 1,
      hasText: said.text !== '',
      preview: null,
      answer: said.text === '' || blocks.length > 0 ? null : { text: said.text, truncated: false },
      stopped: null,
      suspicious: false,
      model: 'hostile',
      pinned: input.release === null ? pin(releaseHash, agent.release, limits) : null,
    } satisfies CallModelResult);
  };

  const runTool = async (input: RunToolInput, info: ActivityInfo): Promise<ActivityOutcome> => {
    const tool = agent.tools.get(input.tool);
    const args = blobs.get(input.argsHash);
    if (tool === undefined || args === undefined) throw new Error(`${input.key}: no tool or no arguments`);
    const pure = tool.labels.replay === 'pure';
    const before = ledger.get(input.key);
    // The key is on record with other arguments: only a person can say what that means.
    if (before !== undefined && before.argsHash !== input.argsHash)
      return done({ kind: 'unknown', evidence: 'other arguments', activeMs: 1 } satisfies RunToolResult);
    if (before !== undefined) return done(finished(before));
    const answer = await runOnce(input, JSON.parse(args) as JsonObject);
    const result = pure ? readable(answer) : (effected(answer) ?? failed('no result'));
    // The act is done and its answer is lost: the next attempt must not do it again.
    if (!pure && info.attempt === 1 && random.chance(0.02)) return LOST;
    const { returns, reads } = tool.labels;
    const { run, requester } = input;
    const author = returns === 'untrusted' ? input.tool : null;
    const withinMs = Number.POSITIVE_INFINITY;
    const shown = { run, tool: input.tool, requester, reads, author, isLookUp: pure, withinMs };
    const rendered = await present(agent.guards.output, NOTHING_SECRET, shown, result);
    put(rendered.text);
    const settled = {
      argsHash: input.argsHash,
      outcome: rendered.outcome,
      applied: !pure && rendered.outcome.status === 'success',
    };
    if (!pure) ledger.set(input.key, settled);
    if (settled.applied) for (const one of input.classes) store.seenClasses.add(one);
    return done(finished(settled));
  };

  const runOnce = async (input: RunToolInput, args: JsonObject): Promise<ToolResult> => {
    const tool = agent.tools.get(input.tool);
    if (tool === undefined) throw new Error(`no tool ${input.tool}`);
    if (input.tool === READ_RESULT) return success(blobs.get(args.reference as Hash) ?? 'nothing');
    try {
      return await tool.run(args, {
        requester: input.requester,
        key: input.key,
        idempotencyKey: input.key,
        services: toolServices,
        signal: new AbortController().signal,
        heartbeat: () => undefined,
        now: () => new Date(0),
        log: () => undefined,
      });
    } catch {
      return failed('it threw');
    }
  };

  const all: { readonly [Name in keyof Activities]: (input: never, info: ActivityInfo) => unknown } = {
    callModel,
    runTool,
    prepareCall: (input: Parameters<Activities['prepareCall']>[0]) =>
      asyncLocalStorage.run(FIRST_ATTEMPT, async () => done(await prepareCall(services, input))),
    closeEffect: (input: RunToolInput) => {
      const before = ledger.get(input.key);
      return done(before === undefined ? NOT_DONE : finished(before));
    },
    resolveEffect: (_: ResolveEffectInput) => done(NOT_DONE),
    openApprovals: ({ records }: { records: readonly ApprovalRecord[] }) => {
      for (const record of records) outside.opened.set(record.id, record);
      return done({ signed: false });
    },
    recordDecisions: () => done(null),
    verifyControls: ({ controls }: VerifyControlsInput) =>
      done(
        controls.map(({ n }) => ({
          n,
          kind: 'ok',
          speaker: { identity: 'unverified', roles: [] },
          arrivedAtMs: null,
        })),
      ),
    remind: () => done(null),
    keepTexts: ({ texts }: { texts: readonly string[] }) => done(texts.map(put)),
    endRun: ({ head }: { head: unknown }) => done({ head }),
  };
  return Object.assign(outside, { handlers: all as SimOutside['handlers'] });
}

export function requesterOf(world: World) {
  return { id: 'customer', tenant: world.id, roles: [] };
}

function blocksOf(said: HostileAnswer, step: number): readonly ToolUseBlock[] {
  return said.calls.map(({ name, input }, i) => ({
    type: 'tool_use',
    id: `call-${step}-${i}`,
    name,
    input: input as ToolUseBlock['input'],
  }));
}

function done(result: unknown): ActivityOutcome {
  return { kind: 'completed', result, takesMs: 1 };
}

function finished({ outcome, applied }: Settled): RunToolResult {
  return { kind: 'done', outcome, applied, activeMs: 1 };
}

const NOTHING_SECRET = privacyFor([]);
const NOT_DONE: RunToolResult = { kind: 'done', outcome: refuse('void'), applied: false, activeMs: 1 };

const LOST: ActivityOutcome = {
  kind: 'failed',
  failure: { type: 'tool_unavailable', message: 'the answer was lost', nonRetryable: false },
  takesMs: 1,
};
