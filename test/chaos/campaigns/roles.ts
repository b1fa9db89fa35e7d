import { join } from 'node:path';
import { randomOf } from '../../hostile/random.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { buildServer, builtServer, SERVER_VERSION } from '../cluster/programs.ts';
import { ROLES, type Role } from '../cluster/roles.ts';
import { type Fleet, openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign, How, Report } from './campaign.ts';
import { recoveryAfter } from './recovery.ts';
import { quantile } from './report.ts';

const PROMISE =
  'Each role of the production Temporal server may be killed at any moment: no run is lost, no effect doubled.';
const RECOVERY_MS = 90_000;
const CALM_MS = 1_500;
/** How long a role stays away: at least, and up to as much more. */
const AWAY_MS = 300;
const AWAY_MORE_MS = 2_500;

/** What is played in which size. */
const SIZES = {
  quick: { kills: ['history', 'matching'], concurrency: 6, runsAtLeast: 10, effectsAtLeast: 5 },
  full: {
    kills: Array.from({ length: 10 }, () => ROLES).flat(),
    concurrency: 10,
    runsAtLeast: 200,
    effectsAtLeast: 100,
  },
} as const satisfies Record<string, { readonly kills: readonly Role[] } & Record<string, unknown>>;

interface Kill {
  readonly role: Role;
  /** From its start again to the first work that began after it; null: none in time. */
  readonly recoveryMs: number | null;
  /** From the kill to the first work that began after it. */
  readonly standstillMs: number | null;
}

export const roles: Campaign = { id: 'R4c', promise: PROMISE, run };

async function run(how: How): Promise<Report> {
  const built = builtServer(process.env);
  if (built === null && how.quick) return notBuilt(how);
  const programs = built ?? (await buildServer(process.env, how.progress));
  const size = how.quick ? SIZES.quick : SIZES.full;
  await using cluster = await startCluster({
    dir: join(how.dir, 'cluster'),
    programs,
    progress: how.progress,
  });
  await using fleet = await openFleet({ addresses: cluster, seed: how.seed, workers: 2 });
  const load = fleet.load({ runs: Number.MAX_SAFE_INTEGER, concurrency: size.concurrency });
  const first = await recoveryAfter(fleet, Date.now(), RECOVERY_MS);
  const kills: Kill[] = [];
  const random = randomOf(how.seed);
  for (const role of size.kills) {
    await pause(CALM_MS);
    kills.push(await killAndStart({ cluster, fleet, role }, AWAY_MS + random.below(AWAY_MORE_MS)));
    const last = kills.at(-1);
    how.progress(
      `${kills.length}/${size.kills.length}: ${role} killed; back, work went on after ${last?.recoveryMs ?? '?'} ms; ${fleet.runs.length} runs so far`,
    );
  }
  await pause(CALM_MS);
  load.stop();
  await load.done;
  const verdict = await judge(fleet, size);
  return {
    faults: kills.length,
    runs: verdict.runs,
    effects: verdict.effects,
    lost: verdict.lost,
    duplicated: verdict.duplicated,
    recoveryMs: kills.flatMap(({ recoveryMs }) => recoveryMs ?? []),
    problems: [
      ...verdict.problems,
      ...(first === null ? ['no work was done on the untouched server'] : []),
      ...kills.flatMap(({ role, recoveryMs }) =>
        recoveryMs === null ? [`V5: after ${role} was back, nothing moved for ${RECOVERY_MS / 1_000} s`] : [],
      ),
      ...cluster.fallen().map((role) => `the role ${role} ended though nobody killed it`),
    ],
    vacuous: verdict.vacuous,
    figures: {
      productionServer: `${SERVER_VERSION} on PostgreSQL, ${ROLES.length} processes`,
      ...Object.fromEntries(ROLES.flatMap((role) => figuresOf(role, kills))),
      ...verdict.figures,
    },
  };
}

async function killAndStart(
  { cluster, fleet, role }: { readonly cluster: Cluster; readonly fleet: Fleet; readonly role: Role },
  awayMs: number,
): Promise<Kill> {
  const killedAtMs = Date.now();
  await cluster.kill(role);
  await pause(awayMs);
  await cluster.start(role);
  const backAtMs = Date.now();
  const recoveryMs = await recoveryAfter(fleet, backAtMs, RECOVERY_MS);
  return { role, recoveryMs, standstillMs: await recoveryAfter(fleet, killedAtMs, 0) };
}

function figuresOf(role: Role, kills: readonly Kill[]): readonly (readonly [string, string])[] {
  const ofRole = kills.filter((kill) => kill.role === role);
  if (ofRole.length === 0) return [];
  const seconds = (values: readonly number[]) =>
    [0.5, 0.95].map((share) => `${((quantile(values, share) ?? 0) / 1_000).toFixed(1)} s`).join(' / ');
  return [
    [
      role,
      `${ofRole.length} kills; p50 / p95 from its return to new work ${seconds(ofRole.flatMap((kill) => kill.recoveryMs ?? []))}, from the kill ${seconds(ofRole.flatMap((kill) => kill.standstillMs ?? []))}`,
    ],
  ];
}

/** A quick run builds nothing, and says so: it has proven nothing either. */
function notBuilt(how: How): Report {
  const words = 'not built; npm run chaos -- --only R4c builds it';
  how.progress(`the production server is ${words}`);
  return {
    faults: 0,
    runs: 0,
    effects: 0,
    lost: 0,
    duplicated: 0,
    recoveryMs: [],
    problems: [],
    vacuous: [],
    figures: { productionServer: words },
  };
}
