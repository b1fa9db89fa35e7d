import { join } from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import { buildServer, builtServer, SERVER_VERSION } from '../cluster/programs.ts';
import { ROLES, type Role } from '../cluster/roles.ts';
import { openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign, Report } from './campaign.ts';
import { quantile } from './report.ts';
import { playStorm, reportOf } from './storm.ts';

/** In turn. What a quick run leaves out stands behind the other two. */
const KILLS = {
  quick: ['history', 'matching'],
  full: Array.from({ length: 10 }, () => ROLES).flat(),
} as const satisfies Record<string, readonly Role[]>;
/** How long a role is away, from and to. */
const AWAY_MS = [300, 2_500] as const;
/** A role that is back finds its place among the others first. */
const RECOVERY_MS = 90_000;

export const r4c: Campaign = {
  id: 'R4c',
  promise:
    'each role of the production Temporal server (on PostgreSQL) killed in turn and started again loses nothing and doubles nothing',
  run: async (how) => {
    const built = builtServer(process.env);
    if (built === null && how.quick) return notBuilt();
    const programs = built ?? (await buildServer(process.env, how.progress));
    await using cluster = await startCluster({
      dir: join(how.dir, 'cluster'),
      programs,
      record: `${how.dir}.processes.json`,
      progress: how.progress,
    });
    await using fleet = await openFleet({ addresses: cluster, seed: how.seed, workers: 1 });
    const kills = how.quick ? KILLS.quick : KILLS.full;
    const storm = await playStorm({
      fleet,
      seed: how.seed,
      load: { concurrency: how.quick ? 6 : 10 },
      faults: kills.length,
      pauseMs: [500, 2_500],
      strike: async (ordinal, random) => {
        const role = kills[ordinal - 1] ?? 'history';
        how.progress(`killing ${role}`);
        await cluster.kill(role);
        await pause(AWAY_MS[0] + random.below(AWAY_MS[1] - AWAY_MS[0]));
        await cluster.start(role);
      },
      recoverWithinMs: RECOVERY_MS,
      progress: how.progress,
    });
    how.progress('judging');
    const verdict = await judge(fleet, { runsAtLeast: kills.length * 4, effectsAtLeast: kills.length * 2 });
    const report = reportOf(storm, verdict, {
      productionServer: `${SERVER_VERSION} on PostgreSQL, a process for each of ${ROLES.join(', ')}`,
      slowestRunMs: Math.max(
        0,
        ...fleet.runs.flatMap(({ askedAtMs, endedAtMs }) => (endedAtMs ?? askedAtMs) - askedAtMs),
      ),
      ...(storm.recoveryMs.length === kills.length && recoveryOf(kills, storm.recoveryMs)),
    });
    const fallen = cluster.fallen().map((role) => `the role ${role} ended though nobody killed it`);
    return { ...report, problems: [...report.problems, ...fallen] };
  },
};

function recoveryOf(kills: readonly Role[], recoveryMs: readonly number[]): Report['figures'] {
  return Object.fromEntries(
    [...new Set(kills)].flatMap((role) => {
      const ofRole = recoveryMs.filter((_, i) => kills[i] === role);
      return [0.5, 0.95].map((share) => [
        `${role}RecoveryP${share * 100}Ms`,
        Math.round(quantile(ofRole, share) ?? 0),
      ]);
    }),
  );
}

/** A quick run builds nothing, and says so. */
function notBuilt(): Report {
  return {
    faults: 0,
    runs: 0,
    effects: 0,
    lost: 0,
    duplicated: 0,
    recoveryMs: [],
    problems: [],
    vacuous: [],
    leftOut: [
      `the production server ${SERVER_VERSION} is not built; "npm run chaos -- --only R4c" builds it, which takes Go and some minutes`,
    ],
    figures: {},
  };
}
