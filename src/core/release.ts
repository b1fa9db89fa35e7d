import type { Hash } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { RunLimits } from './limits.ts';
import type { Permissions, Rule, Tier } from './policy.ts';
import type { SensitiveField } from './provenance.ts';

/** What a repeat of a call would do (the effect ledger holds the tool to it). */
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
  /** `checkable` only: after a lost attempt, "did not happen" counts once this time has passed. */
  readonly settlesWithinMs: number | null;
}

export interface ReleaseTool {
  readonly labels: ToolLabels;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** How much model an agent needs. Agents name a tier; only configuration names a model. */
export type ModelTier = 'small' | 'standard' | 'deep';

/** An agent's definition as data. Its canonical JSON is hashed; the hash is the release. */
export interface Release {
  readonly v: 1;
  readonly agent: string;
  readonly system: string;
  readonly tools: readonly ReleaseTool[];
  readonly permissions: Permissions;
  readonly policy: readonly Rule[];
  readonly limits: RunLimits;
  readonly modelTier: ModelTier;
  /** The hard rules, repeated to the model every eighth user message. */
  readonly reminder: string;
  /** What a customer's message does to open approvals: withdraw them, or wait its turn. */
  readonly whileWaiting: 'withdraw' | 'queue';
  /** Where escalations go. */
  readonly queue: string;
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
