import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgresData } from '../../../src/stack/postgres.ts';
import { type DiskMethod, openSmallDisk, type SmallDisk } from '../disk.ts';
import { type Fleet, openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import type { Load } from '../fleet/load.ts';
import type { Campaign, Report } from './campaign.ts';
import { type FullTime, judgeFull } from './fullDisk.ts';
import { playScene, type Scene } from './fullScenes.ts';
import { readClaims, stopVacuum } from './fullStore.ts';
import { openPostgres } from './parts.ts';
import { playStorm, reportOf } from './storm.ts';

/** After half a minute a run parks in an outage, and looks again after a minute: that is for the long version. */
const SCENES: Readonly<Record<'quick' | 'full', readonly Scene[]>> = {
  quick: [
    { what: 'tables', ms: 2_500 },
    { what: 'log', ms: 1_500 },
  ],
  full: [
    { what: 'tables', ms: 6_000 },
    { what: 'log', ms: 6_000 },
    { what: 'tables', ms: 35_000 },
    { what: 'log', ms: 2_000 },
  ],
};

const DISK_BYTES = 160 * 1024 * 1024;
/** Four looks take a tenth of a second, and more on a busy machine. */
const READS_PER_SECOND_AT_LEAST = 4;

export const r27: Campaign = {
  id: 'R27',
  promise:
    'A full disk stops every effect with nothing done off the record; what is on record can be read; with room all goes on',
  run: async ({ quick, seed, dir, addresses, progress }) => {
    const { temporalAddress } = await addresses();
    await using disk = await openSmallDisk({ bytes: DISK_BYTES, owner: dir, evict });
    const home = homeOf(disk.dir);
    mkdirSync(home);
    await using postgres = await openPostgres(home);
    await using fleet = await openFleet({
      addresses: { databaseUrl: postgres.address, temporalAddress },
      seed,
      workers: 1,
      // Some effects are under way when the disk becomes full.
      paymentDelayMs: 100,
      environment: { TOOL_TIMEOUT_MS: '500' },
    });
    await stopVacuum(fleet.sql);
    const { scenes, leftOut } = possible(SCENES[quick ? 'quick' : 'full'], disk.how);
    const times: FullTime[] = [];
    const visitors: Load[] = [];
    const stage = { disk, postgres, fleet, visitors, progress };
    const storm = await playStorm({
      fleet,
      seed,
      load: { concurrency: 10 },
      faults: scenes.length,
      pauseMs: [500, 1_500],
      strike: async (ordinal) => {
        const scene = scenes[ordinal - 1];
        if (scene === undefined) throw new Error(`there is no fault ${ordinal}`);
        progress(`${scene.what} without room for ${scene.ms / 1_000} s`);
        times.push(await playScene(stage, scene));
      },
      recoverWithinMs: 60_000,
      progress,
    });
    await Promise.all(visitors.map(({ done }) => done));
    progress('judging');
    const enough = scenes.length * 8;
    const verdict = await judge(fleet, { runsAtLeast: enough, effectsAtLeast: enough });
    return { ...withFull(reportOf(storm, verdict), await judgeTimes(fleet, times), disk), leftOut };
  },
};

/** What forbids PostgreSQL to write ends it at once: without a mount its tables cannot be full alone. */
export function possible(
  scenes: readonly Scene[],
  how: DiskMethod,
): { readonly scenes: readonly Scene[]; readonly leftOut: readonly string[] } {
  const played = scenes.filter(({ what }) => what === 'log' || how === 'tmpfs');
  const left = scenes.length - played.length;
  return {
    scenes: played,
    leftOut:
      left === 0
        ? []
        : [
            `tables that are full, ${left} of ${scenes.length} faults: they take a mount; run it as root, or with sudo that asks for no password`,
          ],
  };
}

const homeOf = (dir: string) => join(dir, 'postgres');

async function evict(dir: string): Promise<void> {
  if (existsSync(homeOf(dir))) await removePostgresData({ dir: homeOf(dir), programs: undefined });
}

type Judged = Pick<Report, 'problems' | 'vacuous' | 'figures'>;

async function judgeTimes(fleet: Fleet, times: readonly FullTime[]): Promise<Judged> {
  const claims = await readClaims(fleet.sql);
  const verdicts = times.map((time) => {
    const seconds = (time.untilMs - time.fromMs) / 1_000;
    return judgeFull(time, claims, Math.floor(seconds * READS_PER_SECOND_AT_LEAST));
  });
  const sum = (of: (i: number) => number) => times.reduce((all, _, i) => all + of(i), 0);
  const during = (atMs: number | null) =>
    times.some(({ fromMs, untilMs }) => atMs !== null && atMs >= fromMs && atMs <= untilMs);
  const refused = new Map<string, number>();
  for (const time of times)
    for (const [name, count] of Object.entries(time.refused))
      refused.set(name, (refused.get(name) ?? 0) + count);
  const reads = (what: FullTime['what']) =>
    sum((i) => (times[i]?.what === what ? (times[i]?.reads ?? 0) : 0));
  return {
    problems: verdicts.flatMap(({ problems }) => problems),
    vacuous: verdicts.flatMap(({ vacuous }) => vacuous),
    figures: {
      secondsFull: times
        .map(({ what, fromMs, untilMs }) => `${what} ${((untilMs - fromMs) / 1_000).toFixed(1)}`)
        .join(', '),
      readsWhileFull: reads('tables'),
      readsWithoutLog: reads('log'),
      effectsClaimedWhileFull: sum((i) => verdicts[i]?.claimed ?? 0),
      effectsUnderWayWhenFull: sum((i) => verdicts[i]?.underWay ?? 0),
      callsRefused: [...refused].map(([name, count]) => `${name} ${count}`).join(', '),
      startsTakenWhileFull: fleet.runs.filter(({ startedAtMs }) => during(startedAtMs)).length,
      messagesTakenWhileFull: fleet.runs.flatMap(({ heard }) => heard).filter(({ atMs }) => during(atMs))
        .length,
      decisionsTakenWhileFull: fleet.people.decided.filter(({ atMs }) => during(atMs)).length,
    },
  };
}

function withFull(report: Report, full: Judged, disk: SmallDisk): Report {
  return {
    ...report,
    problems: [...report.problems, ...full.problems],
    vacuous: [...report.vacuous, ...full.vacuous],
    figures: { method: disk.how, ...full.figures, ...report.figures },
  };
}
