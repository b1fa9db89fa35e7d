import { agentModules } from '../config.ts';
import { LIMITS } from '../core/limits.ts';
import type { Approvers, Ask, Rule } from '../core/policy.ts';
import { lintPolicy } from '../core/policyLint.ts';
import type { Release } from '../core/release.ts';
import type { Person } from '../people/directory.ts';
import { listPeople } from '../people/storeDirectory.ts';
import type { Sql } from '../store/connection.ts';
import { type ChannelHealth, readChannels } from '../store/health.ts';
import { channelRelease, releaseHash } from '../store/releases.ts';
import { configuredAgents } from './agents.ts';
import { type Check, failure, type Look, ok, warning } from './doctorChecks.ts';
import type { Environment } from './target.ts';

const HASH_CHARS = 12;

/** The agents that a worker would load with this environment. `sql`: null where there is no store to compare with. */
export function agentChecks(environment: Environment, sql: Sql | null): readonly Check[] {
  return agentModules(environment).map((module) => ({
    name: 'agent',
    mend: `mend the module "${module}", or take it out of HOLDFAST_AGENTS`,
    look: () => lookAtAgent({ ...environment, HOLDFAST_AGENTS: module }, sql),
  }));
}

async function lookAtAgent(environment: Environment, sql: Sql | null): Promise<readonly Look[]> {
  const [agent] = await configuredAgents(environment);
  if (agent === undefined) return [];
  const { release, warnings } = agent;
  const name = release.agent;
  const problems = lintPolicy(release.policy, release.permissions, release.tools).filter(
    ({ severity }) => severity === 'problem',
  );
  const [first] = problems;
  return [
    ...(first === undefined
      ? []
      : [
          failure(
            `${name}: ${problems.length} mistakes in its policy, first: ${first.sentence}`,
            `see "holdfast policy lint ${name}"`,
          ),
        ]),
    ...warnings.map((one) =>
      warning(`${name}: ${one}`, 'mend it, or say in the waivers of the agent why it is meant'),
    ),
    ...(first === undefined && warnings.length === 0 ? [ok(`${name} loads and its policy is clean`)] : []),
    ...(sql === null ? [] : await compareWithLive(sql, release)),
  ];
}

async function compareWithLive(sql: Sql, release: Release): Promise<readonly Look[]> {
  const mine = releaseHash(release);
  const live = await channelRelease(sql, release.agent, 'live');
  if (live === mine) return [];
  return [
    live === null
      ? warning(`${release.agent} has never been published`, 'start a worker that loads it')
      : warning(
          `new runs of ${release.agent} begin with release ${live.slice(0, HASH_CHARS)}, and the code here is ${mine.slice(0, HASH_CHARS)}`,
          `once a worker has published it: holdfast release promote ${mine.slice(0, HASH_CHARS)} --by NAME`,
        ),
  ];
}

/** What channels point to, and whether anybody can give the approvals that its policies ask for. */
export function releaseChecks(sql: Sql, decisionKey: string | null): readonly Check[] {
  const mend = 'start a worker: it publishes the releases of its agents';
  const channels = readChannels(sql);
  channels.catch(() => undefined);
  return [
    { name: 'releases', mend, look: async () => lookAtChannels(await channels) },
    {
      name: 'approvers',
      mend: 'look with "holdfast people"',
      look: async () => {
        const people = await listPeople(sql, { all: true, limit: LIMITS.importedPeople });
        return lookAtApprovers(await channels, people, decisionKey !== null);
      },
    },
  ];
}

function lookAtChannels(channels: readonly ChannelHealth[]): readonly Look[] {
  if (channels.length === 0)
    return [warning('no agent is published', 'start a worker: it publishes the releases of its agents')];
  const broken = channels.filter(({ body }) => body === null);
  if (broken.length === 0)
    return [
      ok(
        channels
          .map(({ agent, channel, release }) => `${agent}@${channel} ${release.slice(0, HASH_CHARS)}`)
          .join(', '),
      ),
    ];
  return broken.map(({ agent, channel, release }) =>
    failure(
      `${agent}@${channel} points to ${release.slice(0, HASH_CHARS)}, which is missing or was changed after it was published`,
      `point it to another one: "holdfast release list --agent ${agent}", then "holdfast release promote"`,
    ),
  );
}

/** One look for each rule that asks more people than there are; one for all where that is not so. */
export function lookAtApprovers(
  channels: readonly ChannelHealth[],
  people: readonly Person[],
  signed: boolean,
): readonly Look[] {
  const looks: Look[] = [];
  let asks = 0;
  const seen = new Set<string>();
  for (const { release, body } of channels) {
    if (body === null || seen.has(release)) continue;
    seen.add(release);
    const { agent, policy } = body;
    for (const rule of policy) {
      if (rule.answer.kind !== 'ask' || rule.answer.of === 'requester') continue;
      asks++;
      const look = lookAtRule(agent, rule, rule.answer, { people, signed });
      if (look !== null) looks.push(look);
    }
  }
  if (looks.length > 0) return looks;
  return [ok(asks === 0 ? 'no rule asks people' : `enough people for each of ${asks} rules that ask`)];
}

interface Known {
  readonly people: readonly Person[];
  readonly signed: boolean;
}

function lookAtRule(agent: string, rule: Rule, ask: Ask, known: Known): Look | null {
  const needed = ask.quorum ?? 1;
  const first = ask.approvers ?? {};
  const all = (ask.escalation ?? []).map(({ approvers }) => approvers).reduce(join, first);
  const [able, later] = [eligible(first, known), eligible(all, known)];
  if (able >= needed) return null;
  const found = `${agent}, rule "${rule.name}": ${needed === 1 ? 'somebody' : `${needed} people`} of ${named(first)} must agree, and there ${able === 1 ? 'is one' : able === 0 ? 'is nobody' : `are ${able}`}`;
  const mend = `give somebody the word: holdfast people set NAME${(first.roles ?? [])
    .slice(0, 1)
    .map((role) => ` --role ${role}`)
    .join('')} --by YOU`;
  return later >= needed
    ? warning(`${found} before it is escalated`, mend)
    : failure(`${found}: what it asks for can never be approved`, mend);
}

/** How many could say yes. Whom the directory does not know may speak only where nothing is signed. */
function eligible({ people = [], roles = [] }: Approvers, known: Known): number {
  const active = known.people.filter((person) => person.active && person.kind === 'person');
  if (people.length === 0 && roles.length === 0)
    return known.signed ? active.length : Number.POSITIVE_INFINITY;
  const listed = new Set(known.people.map(({ id }) => id));
  const strangers = known.signed ? [] : people.filter((id) => !listed.has(id));
  const able = active.filter(
    (person) => people.includes(person.id) || person.roles.some((role) => roles.includes(role)),
  );
  return new Set([...strangers, ...able.map(({ id }) => id)]).size;
}

function named({ people = [], roles = [] }: Approvers): string {
  const names = [...people, ...roles.map((role) => `role ${role}`)];
  return names.length === 0 ? 'anybody in the directory' : names.join(', ');
}

function join(a: Approvers, b: Approvers): Approvers {
  return {
    people: [...(a.people ?? []), ...(b.people ?? [])],
    roles: [...(a.roles ?? []), ...(b.roles ?? [])],
  };
}
