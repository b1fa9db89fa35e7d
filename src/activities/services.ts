import type { DecisionKeys } from '../control/keys.ts';
import type { Circuits } from '../models/circuit.ts';
import type { ModelProvider } from '../models/provider.ts';
import type { ModelChains } from '../models/tiers.ts';
import type { Directory } from '../people/directory.ts';
import type { Sql } from '../store/connection.ts';
import type { RunEnds } from '../store/runEnds.ts';
import type { Agent } from '../tools/agent.ts';
import type { Outside } from '../tools/outside.ts';
import type { Releases } from './releases.ts';

/** What activities work with. The worker builds it once; nothing in it is global. */
export interface ActivityServices {
  readonly sql: Sql;
  /** The engine's own id of the namespace of this worker. */
  readonly namespaceId: string;
  readonly outside: Outside;
  /** The agents whose code this worker has, by name. */
  readonly agents: ReadonlyMap<string, Agent>;
  readonly releases: Releases;
  /** Ends a model call whose run has ended. */
  readonly runEnds: RunEnds;
  readonly provider: ModelProvider;
  readonly models: ModelChains;
  /** One a model, for this process. */
  readonly circuits: Circuits;
  /** Names of the breakers that are open for the whole system; `model:NAME` keeps calls from that model. */
  readonly openBreakers: () => Promise<ReadonlySet<string>>;
  readonly unpriced: 'refuse' | 'dearest';
  /** Short texts in history, so that answers can be read there. */
  readonly previews: boolean;
  /** Who people are now, and which roles they have. */
  readonly directory: Directory;
  /** Values that may appear nowhere: those of this process's secret variables. */
  readonly secrets: readonly string[];
  /** With keys only what is signed counts; null: whoever can reach Temporal is believed. */
  readonly decisionKeys: DecisionKeys | null;
  /** Named points inside activities at which a test may stop the process. */
  readonly crashPoint: (name: CrashPoint) => Promise<void>;
}

export type CrashPoint =
  | 'model:before-call'
  | 'model:after-call'
  | 'effect:before-claim'
  | 'effect:after-claim'
  | 'effect:after-act'
  | 'effect:before-settle'
  | 'effect:after-settle';
