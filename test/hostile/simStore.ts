import type { Context } from '@temporalio/activity';
import type { ActivityServices } from '../../src/activities/services.ts';
import type { Hash } from '../../src/core/ids.ts';
import { hashJson, hashText } from '../../src/store/hash.ts';
import type { Agent } from '../../src/tools/agent.ts';

/** What the store would hold for one run: texts by hash, and the classes of what was applied. */
export interface SimStore {
  readonly blobs: Map<Hash, string>;
  readonly seenClasses: Set<string>;
  readonly services: ActivityServices;
}

/** The statements that preparing calls makes, answered from memory; any other one is an error and not an empty answer. */
export function simStore(agent: Agent): SimStore {
  const blobs = new Map<Hash, string>();
  const seenClasses = new Set<string>();
  const answer = (statement: string, values: readonly unknown[]): readonly unknown[] => {
    if (statement.startsWith('select * from call_facts(')) {
      const asked: readonly { key: string; classes: readonly string[] }[] = JSON.parse(String(values[2]));
      return asked.map(({ key, classes }) => ({
        key,
        first_of: classes.filter((one) => !seenClasses.has(one)),
        learned: null,
      }));
    }
    if (statement.startsWith('select hash, body from blobs'))
      return (values[1] as readonly Hash[]).map((hash) => ({ hash, body: blobs.get(hash) ?? '' }));
    if (statement.startsWith('insert into blobs')) {
      for (const body of values[2] as readonly string[]) blobs.set(hashText(body), body);
      return [];
    }
    throw new Error(`the simulated store does not know the statement: ${statement.slice(0, 200)}`);
  };
  const { release } = agent;
  const services = {
    secrets: [],
    // A list inside a statement stands for itself.
    sql: (strings: TemplateStringsArray | readonly Hash[], ...values: readonly unknown[]) =>
      'raw' in strings ? Promise.resolve(answer(strings.join('?').trim(), values)) : strings,
    agents: new Map([[release.agent, agent]]),
    releases: { get: async () => release },
    outside: { database: null },
  };
  // The only part of the services that preparing a call touches.
  return { blobs, seenClasses, services: services as unknown as ActivityServices };
}

/** Activities ask which attempt they are. */
export const FIRST_ATTEMPT = { info: { attempt: 1 } } as unknown as Context;

export function releaseHashOf(agent: Agent): Hash {
  return hashJson(agent.release);
}
