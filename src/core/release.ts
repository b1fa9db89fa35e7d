import type { Hash } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { RunLimits } from './limits.ts';
import type { Phase } from './phases.ts';
import type { Permissions, Rule, Tier } from './policy.ts';
import type { SensitiveField } from './provenance.ts';
import type { ToolRate } from './rates.ts';

/** What a repeat of a call would do (the effect ledger holds the tool to it). */
/**
 * What a second attempt would do, by the tool's word. While an earlier attempt may have acted, only a success of a later one
 * is believed; anything else it says of itself is "unknown", since the earlier request may still arrive.
 *
 * `pure`: changes nothing, and may run at any time. `keyed`: the same key acts once and always gets the answer of that act. Run
 * again after a lost attempt. `checkable`: `check` finds an act once `settlesWithinMs` has passed. "Did not" then clears the
 * attempts before it, and what comes next speaks for itself. `never`: neither. A lost attempt is asked about.
 */
export type Replay = 'pure' | 'keyed' | 'checkable' | 'never';

/** Labels and timing of a tool: what the workflow needs to know of it. */
export interface ToolLabels {
  readonly name: string;
  /** Implementation version. A worker runs a call only with the version the run was pinned to. */
  readonly version: string;
  readonly category: string;
  readonly tier: Tier;
  readonly reads: 'public' | 'private';
  readonly returns: 'trusted' | 'untrusted';
  readonly touches: 'none' | 'state' | 'external';
  readonly replay: Replay;
  /** Arguments whose origin is traced. */
  readonly sensitive: readonly SensitiveField[];
  /** A successful call hands the conversation to people: the run ends as escalated after its last answer. */
  readonly handsOver: boolean;
  readonly timeoutMs: number;
  readonly retries: number;
  /** `pure` only: answers at once from near by, and runs inside the workflow's own task. Left out where it does not. */
  readonly quick?: true;
  /** `checkable` only: after a lost attempt, "did not happen" counts once this time has passed. */
  readonly settlesWithinMs: number | null;
  /** How often it may be called, by its author's word; left out where there is no limit. */
  readonly rate?: ToolRate;
}

export interface ReleaseTool {
  readonly labels: ToolLabels;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** How much model an agent needs. Agents name a tier; only configuration names a model. */
export type ModelTier = 'small' | 'standard' | 'deep';

/** What a model is asked for. `act` is the conversation itself, `land` its last words at a limit. */
export type ModelTask = 'classify' | 'plan' | 'act' | 'verify' | 'land';
export type ModelTiers = Readonly<Record<ModelTask, ModelTier>>;

/**
 * A tier for every task. `land` goes with `act` unless the agent says otherwise: another model in mid-conversation
 * cannot read the thinking so far and pays for the whole prompt again.
 */
export function modelTiers(wanted: Partial<ModelTiers> = {}): ModelTiers {
  const act = wanted.act ?? 'standard';
  return { classify: 'small', plan: act, act, verify: 'small', land: act, ...wanted };
}

/** An agent's definition as data. Its canonical JSON is hashed; the hash is the release. */
export interface Release {
  readonly v: 1;
  readonly agent: string;
  readonly system: string;
  readonly tools: readonly ReleaseTool[];
  readonly permissions: Permissions;
  readonly policy: readonly Rule[];
  readonly limits: RunLimits;
  readonly models: ModelTiers;
  /** The hard rules, repeated to the model every eighth user message. */
  readonly reminder: string;
  /** What a customer's message does to open approvals: withdraw them, or wait its turn. */
  readonly whileWaiting: 'withdraw' | 'queue';
  /** What becomes of a new run while a breaker of this agent is open: it waits, or ends at once as refused. */
  readonly whileBroken: 'wait' | 'refuse';
  /** Where escalations go. */
  readonly queue: string;
  /** Which tools fit when, in order; none: all of them, always. */
  readonly phases: readonly Phase[];
  /** Content checks by stage, in order: `name@version`. The code is the worker's. */
  readonly guards: Readonly<Record<'input' | 'output' | 'answer', readonly string[]>>;
}

/** The part of a release that the workflow keeps: it travels in the run's state. */
export interface PinnedRelease {
  readonly hash: Hash;
  readonly tools: readonly ToolLabels[];
  readonly permissions: Permissions;
  readonly policy: readonly Rule[];
  readonly limits: RunLimits;
  readonly whileWaiting: 'withdraw' | 'queue';
  readonly queue: string;
  readonly phases: readonly Phase[];
}

export function pin(hash: Hash, release: Release, limits: RunLimits): PinnedRelease {
  return {
    hash,
    tools: release.tools.map((tool) => tool.labels),
    permissions: release.permissions,
    policy: release.policy,
    limits,
    whileWaiting: release.whileWaiting,
    queue: release.queue,
    phases: release.phases,
  };
}

/** The run's own limits: the release's, tightened by the start. Loosening is not possible. */
export function tighten(limits: RunLimits, wanted: Partial<RunLimits>): RunLimits {
  const at = (name: keyof RunLimits) => Math.min(limits[name], wanted[name] ?? limits[name]);
  return {
    iterationsPerTurn: at('iterationsPerTurn'),
    toolCallsPerTurn: at('toolCallsPerTurn'),
    activeMsPerTurn: at('activeMsPerTurn'),
    tokensPerRun: at('tokensPerRun'),
    costMicroUsdPerRun: at('costMicroUsdPerRun'),
    maxOutputTokens: at('maxOutputTokens'),
    idleMs: at('idleMs'),
    approvalMs: at('approvalMs'),
  };
}
