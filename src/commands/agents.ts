import { agentModules } from '../config.ts';
import type { Agent } from '../tools/agent.ts';
import { CommandError } from './failures.ts';
import type { Environment } from './target.ts';

// Agents as a worker would load them from here. The loader comes with the Temporal SDK, so it is fetched when needed.

/** The agents that HOLDFAST_AGENTS names. Throws exit `usage` when one of them cannot be loaded. */
export async function configuredAgents(environment: Environment): Promise<readonly Agent[]> {
  return load(agentModules(environment));
}

/** An agent by its name, among the configured ones or those that ship, or by its module. Throws exit `notFound`. */
export async function findAgent(environment: Environment, name: string): Promise<Agent> {
  const loaded = await Promise.allSettled(agentModules(environment).map((module) => load([module])));
  const configured = loaded.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const found = configured.find((agent) => agent.release.agent === name);
  if (found !== undefined) return found;
  try {
    const [agent] = await load([name]);
    if (agent !== undefined) return agent;
  } catch (error) {
    // An agent that is there but wrong is another matter than none.
    if (!isMissing(error)) throw error;
  }
  const known = configured.map((agent) => agent.release.agent).join(', ');
  throw new CommandError(
    'notFound',
    'unknown_agent',
    `there is no agent "${name}" here. Known: ${known || 'none'}. Name its module, or put it into HOLDFAST_AGENTS`,
  );
}

async function load(modules: readonly string[]): Promise<readonly Agent[]> {
  const { loadAgents } = await import('../worker.ts');
  try {
    return await loadAgents(modules);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CommandError('usage', 'configuration', words, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  const codes = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];
  for (let one = error; one instanceof Error; one = one.cause)
    if ('code' in one && codes.includes(String(one.code))) return true;
  return false;
}
