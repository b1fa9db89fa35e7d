import type { Command } from 'commander';
import { asHash, type Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { ModelTiers, Release } from '../core/release.ts';
import type { Sql } from '../store/connection.ts';
import { channelsOf, listReleases, loadRelease, promoteRelease } from '../store/releases.ts';
import { findReleases } from '../store/views.ts';
import { CommandError } from './failures.ts';
import { wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { facts, indented, moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

interface PromoteFlags {
  readonly by: string;
  readonly agent?: string;
  readonly channel: string;
}

/** A channel says which release a new run pins. Running conversations keep what they began with. */
export function addReleaseCommands(program: Command, run: Run): void {
  const release = program
    .command('release')
    .description('see and move the releases that new runs begin with');
  release
    .command('list')
    .description('list releases: those that channels point to, then the others, the newest first')
    .option('--agent <name>', 'of this agent only')
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIMITS.listRows)
    .action((flags: { readonly agent?: string; readonly limit: number }) =>
      run((session) => list(session, flags)),
    );
  release
    .command('show')
    .description('show what a release consists of')
    .argument('<hash>', 'or its first six or more digits')
    .action((hash: string) => run((session) => show(session, hash)));
  release
    .command('promote')
    .description('point a channel to a release: new runs begin with it')
    .argument('<hash>', 'or its first six or more digits')
    .requiredOption('--by <name>', 'who moves it')
    .option('--agent <name>', 'refuse when the release is of another agent')
    .option('--channel <name>', 'the channel to move', 'live')
    .action((hash: string, flags: PromoteFlags) => run((session) => promote(session, hash, flags)));
}

async function list(
  session: Session,
  flags: { readonly agent?: string; readonly limit: number },
): Promise<undefined> {
  const rows = await session.store((sql) => listReleases(sql, flags.limit, flags));
  const releases = rows.map(({ createdAt, ...row }) => ({ ...row, createdAt: createdAt.toISOString() }));
  session.terminal.show({ releases }, (shown, paint, columns) =>
    shown.releases.length === 0
      ? 'no releases: workers publish those of the agents they load'
      : table(
          ['release', 'agent', 'published (UTC)', 'channels'],
          shown.releases.map((one) => [
            one.hash.slice(0, 12),
            one.agent,
            moment(one.createdAt),
            { text: one.channels.join(', '), paint: paint.green },
          ]),
          paint,
          columns,
        ),
  );
  return undefined;
}

async function show(session: Session, prefix: string): Promise<undefined> {
  const found = await session.store(async (sql) => {
    const hash = await resolveHash(sql, prefix);
    return { hash, channels: await channelsOf(sql, hash), release: await loadExisting(sql, hash) };
  });
  session.terminal.show(found, (shown, paint, columns) => releaseText(shown, paint, columns));
  return undefined;
}

async function promote(session: Session, prefix: string, flags: PromoteFlags): Promise<undefined> {
  const { by, channel } = flags;
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(channel))
    throw new CommandError('usage', 'usage', `--channel is "${channel}": a name, such as live`);
  if (by.trim() === '' || by.length > LIMITS.personChars)
    throw new CommandError('usage', 'usage', `--by has 1 to ${LIMITS.personChars} characters: who moves it`);
  const moved = await session.store(async (sql) => {
    const hash = await resolveHash(sql, prefix);
    const { agent } = await loadExisting(sql, hash);
    if (flags.agent !== undefined && flags.agent !== agent)
      throw new CommandError(
        'refused',
        'other_agent',
        `release ${hash.slice(0, 12)} is of agent "${agent}", not of "${flags.agent}": list them with "holdfast release list"`,
      );
    const before = await promoteRelease(sql, { agent, channel, release: hash, by });
    return { agent, channel, before, release: hash, by };
  });
  session.terminal.show(moved, (shown, paint) => {
    const at = `${shown.agent}@${shown.channel}`;
    if (shown.before === shown.release) return `${at} points to ${shown.release.slice(0, 12)} already`;
    const from = shown.before === null ? 'nothing' : shown.before.slice(0, 12);
    return `${paint.green('moved')} ${at} from ${from} to ${shown.release.slice(0, 12)}: new runs begin with it, running ones keep theirs`;
  });
  return undefined;
}

async function resolveHash(sql: Sql, prefix: string): Promise<Hash> {
  if (!/^[0-9a-f]{6,64}$/.test(prefix))
    throw new CommandError(
      'usage',
      'usage',
      `"${prefix}" is not a release: six or more hex digits of its hash`,
    );
  const [first, second] = await findReleases(sql, prefix, 2);
  if (first === undefined)
    throw new CommandError(
      'notFound',
      'not_found',
      `there is no release "${prefix}": list them with "holdfast release list"`,
    );
  if (second !== undefined)
    throw new CommandError('usage', 'ambiguous', `several releases begin with "${prefix}": give more digits`);
  return asHash(first);
}

async function loadExisting(sql: Sql, hash: Hash): Promise<Release> {
  const release = await loadRelease(sql, hash);
  if (release === null) throw new CommandError('notFound', 'not_found', `release ${hash} is gone`);
  return release;
}

function releaseText(
  found: { readonly hash: string; readonly channels: readonly string[]; readonly release: Release },
  paint: Colors,
  columns: number,
): string {
  const { release, hash, channels } = found;
  return [
    `${paint.bold(`release ${hash}`)}`,
    facts(
      [
        ['agent', release.agent],
        ['channels', channels.length === 0 ? null : channels.join(', ')],
        ['models', modelsText(release.models)],
        ['tiers', release.permissions.tiers.join(', ')],
        ['limits', JSON.stringify(release.limits)],
      ],
      paint,
    ),
    '',
    table(
      ['tool', 'version', 'tier', 'repeat'],
      release.tools.map(({ labels }) => [labels.name, labels.version, labels.tier, labels.replay]),
      paint,
      columns,
    ),
    '',
    ...release.policy.map((rule) => `${paint.dim('rule')} ${rule.name}: ${rule.answer.kind}`),
    '',
    indented(release.system, '  '),
  ].join('\n');
}

/** `act standard, land standard, …`: the tier of every task. */
function modelsText(models: ModelTiers): string {
  return Object.entries(models)
    .map(([task, tier]) => `${task} ${tier}`)
    .join(', ');
}
