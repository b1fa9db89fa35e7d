import { FailureError, retryable, terminal } from '../core/errors.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Release, ReleaseTool } from '../core/release.ts';
import type { Sql } from '../store/connection.ts';
import { loadRelease } from '../store/releases.ts';
import type { Agent } from '../tools/agent.ts';
import type { Tool } from '../tools/tool.ts';

/** Published releases by hash. They never change, so each is read once a process. */
export class Releases {
  readonly #sql: Sql;
  readonly #known = new Map<Hash, Release>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async get(hash: Hash): Promise<Release> {
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    const release = await loadRelease(this.#sql, hash);
    if (release === null) throw notHere(`release ${hash} is not in the store`);
    if (this.#known.size >= LIMITS.cachedReleases) this.#known.clear();
    this.#known.set(hash, release);
    return release;
  }
}

/** The channel of a run points to no release, so that nobody can say what the agent is. */
export function nowhere(agent: string, channel: string): never {
  throw new FailureError(
    terminal(
      'unknown_agent',
      `no release of agent "${agent}" on channel "${channel}": start a worker that loads it (HOLDFAST_AGENTS), or promote one with "holdfast release promote"`,
    ),
  );
}

/** The pinned tool and the code for it. Other code under an old approval never runs: a version must match. */
export function implementationOf(
  agents: ReadonlyMap<string, Agent>,
  release: Release,
  name: string,
): { readonly tool: Tool<unknown>; readonly pinned: ReleaseTool; readonly agent: Agent } {
  const pinned = release.tools.find((tool) => tool.labels.name === name);
  const agent = agents.get(release.agent);
  const tool = agent?.tools.get(name);
  if (pinned === undefined || agent === undefined || tool === undefined)
    throw notHere(`this worker has no tool "${name}" of agent "${release.agent}"`);
  if (tool.labels.version !== pinned.labels.version)
    throw notHere(
      `this worker has version ${tool.labels.version} of "${name}", the run is pinned to ${pinned.labels.version}`,
    );
  return { tool, pinned, agent };
}

/** A guard that a release names and this worker does not have. */
export function guardsNotHere(agent: string, guard: string): FailureError {
  return notHere(`this worker has no guard "${guard}" of agent "${agent}"`);
}

/** True for the failure of a worker that does not have what a run is pinned to. */
export function isNotHere(error: unknown): boolean {
  return error instanceof FailureError && error.failure.code === 'release_not_here';
}

/** Another worker may have it: tried again for ten minutes, then the call is refused. */
function notHere(message: string): FailureError {
  return new FailureError(retryable('release_not_here', message, LIMITS.releaseRetryMs));
}
