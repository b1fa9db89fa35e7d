import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removePostgresData } from '../../../src/stack/postgres.ts';
import { isAlive } from '../../../src/stack/processes.ts';
import { connect } from '../../../src/store/connection.ts';
import { verifyAudit } from '../../../src/store/integrity.ts';
import { until } from '../../e2e/lab.ts';
import { openSmallDisk, type SmallDisk } from '../disk.ts';
import { type Fleet, openFleet } from '../fleet/fleet.ts';
import { judge } from '../fleet/judge.ts';
import type { Load } from '../fleet/load.ts';
import { pause } from '../fleet/patience.ts';
import type { Campaign, Report } from './campaign.ts';
import { type FullTime, judgeFull } from './fullDisk.ts';
import { closeLedger, exhaustLog, readClaims, readRecords, stopVacuum } from './fullStore.ts';
import { openPostgres, type Part } from './parts.ts';
import { playStorm, reportOf } from './storm.ts';

interface Scene {
  readonly what: FullTime['what'];
  readonly ms: number;
}

/** After half a minute a run parks in an outage, and looks again after a minute: that is for the long version. */
const SCENES: Readonly<Record<'quick' | 'full', readonly Scene[]>> = {
  quick: [
    { what: 'tables', ms: 3_000 },
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
/** PostgreSQL gives files back now and then; they are taken at once. */
const REFILL_MS = 250;
const LOOK_MS = 100;
/** Four looks take a tenth of a second, and more on a busy machine. */
const READS_PER_SECOND_AT_LEAST = 4;
const GONE_MS = 15_000;
const WAITING_AT_LEAST = 2;
const SAY_MS = 9_000;
const MEANWHILE = { runs: 6, concurrency: 6, mix: { keyed: 2, checkable: 1, never: 1 } };

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
    const scenes = SCENES[quick ? 'quick' : 'full'].filter(
      // What forbids PostgreSQL to write ends it at once: its tables cannot be full alone.
      ({ what }) => what === 'log' || disk.how === 'tmpfs',
    );
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
        times.push(scene.what === 'tables' ? await fillTables(stage, scene) : await fillLog(stage, scene));
      },
      recoverWithinMs: 60_000,
      progress,
    });
    await Promise.all(visitors.map(({ done }) => done));
    progress('judging');
    const enough = scenes.length * 8;
    const verdict = await judge(fleet, { runsAtLeast: enough, effectsAtLeast: enough });
    return withFull(reportOf(storm, verdict), await judgeTimes(fleet, times), disk);
  },
};

const homeOf = (dir: string) => join(dir, 'postgres');

async function evict(dir: string): Promise<void> {
  if (existsSync(homeOf(dir))) await removePostgresData({ dir: homeOf(dir), programs: undefined });
}

interface Stage {
  readonly disk: SmallDisk;
  readonly postgres: Part;
  readonly fleet: Fleet;
  readonly visitors: Load[];
  progress(line: string): void;
}

async function fillTables(stage: Stage, { ms }: Scene): Promise<FullTime> {
  const { disk, postgres, fleet } = stage;
  await using ledger = await closeLedger(storeUrl(fleet));
  const since = sinceNow(stage);
  await until('claims to come', async () => (await ledger.waiting()) >= WAITING_AT_LEAST, GONE_MS);
  await disk.fill([postgres.identity()]);
  try {
    await ledger.open();
    const time = await watch(stage, since, { what: 'tables', ms });
    if (!isAlive(postgres.identity())) throw new Error('PostgreSQL ended although its log had room');
    return time;
  } finally {
    await disk.free();
  }
}

async function fillLog(stage: Stage, { ms }: Scene): Promise<FullTime> {
  const { disk, postgres, fleet } = stage;
  await disk.fill([postgres.identity()]);
  try {
    await exhaustLog(storeUrl(fleet));
    await until('PostgreSQL to stop itself', async () => !isAlive(postgres.identity()), GONE_MS);
    const time = await watch(stage, sinceNow(stage), { what: 'log', ms });
    // Whoever supervises it starts it again and again: on a full disk in vain.
    if (disk.how === 'tmpfs') {
      const began = await postgres.start(1).then(
        () => true,
        () => false,
      );
      if (began) throw new Error('PostgreSQL started: its disk was not full');
    }
    return time;
  } finally {
    await disk.free();
    if (!isAlive(postgres.identity())) await postgres.start();
  }
}

function storeUrl({ environment }: Fleet): string {
  return environment.DATABASE_URL ?? '';
}

interface Since {
  readonly closedAtMs: number;
  readonly acts: ReadonlyMap<string, number>;
}

/** From now on nothing is claimed; more customers come, who want something done. */
function sinceNow({ fleet, visitors }: Stage): Since {
  visitors.push(fleet.load(MEANWHILE));
  return { closedAtMs: Date.now(), acts: actsOf(fleet) };
}

/** People read, and the outside keeps its books. */
async function watch(stage: Stage, since: Since, { what, ms }: Scene): Promise<FullTime> {
  const { disk, postgres, fleet, progress } = stage;
  const fromMs = Date.now();
  const sql = connect(storeUrl(fleet), { maxConnections: 2 });
  const unread: string[] = [];
  let reads = 0;
  const look = async (work: () => Promise<number>) => {
    try {
      reads += await work();
    } catch (error) {
      unread.push(error instanceof Error ? error.message : String(error));
    }
  };
  let refilledAtMs = fromMs;
  let saidAtMs = fromMs;
  try {
    while (Date.now() - fromMs < ms) {
      if (what === 'tables') await look(() => readRecords(sql));
      await pause(LOOK_MS);
      if (Date.now() - refilledAtMs > REFILL_MS) {
        refilledAtMs = Date.now();
        if (disk.how === 'tmpfs') await disk.fill([postgres.identity()]);
      }
      if (Date.now() - saidAtMs > SAY_MS) {
        saidAtMs = Date.now();
        progress(`${what}: full for ${Math.round((saidAtMs - fromMs) / 1_000)} s, ${reads} reads`);
      }
    }
    await look(async () => {
      const { faults } = await verifyAudit(sql);
      if (faults.length > 0) throw new Error(`the audit: ${faults[0]?.problem}`);
      return 1;
    });
    const refused = await refusedCalls(fleet);
    const untilMs = Date.now();
    const acted = [...actsOf(fleet)].flatMap(([key, acts]) =>
      acts > (since.acts.get(key) ?? 0) ? [key] : [],
    );
    return { what, closedAtMs: since.closedAtMs, fromMs, untilMs, acted, refused, reads, unread };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function actsOf({ payments }: Fleet): ReadonlyMap<string, number> {
  return new Map([...payments.books].map(([key, { acts }]) => [key, acts]));
}

/** By the server's own word of what waits for its next attempt. */
async function refusedCalls(fleet: Fleet): Promise<Readonly<Record<string, number>>> {
  const refused: Record<string, number> = {};
  const open = fleet.runs.filter(({ outcome, startedAtMs }) => outcome === null && startedAtMs !== null);
  const found = await Promise.all(
    open.map(({ plan }) => fleet.client.workflow.getHandle(plan.workflowId).describe()),
  );
  for (const { raw } of found)
    for (const { activityType, lastFailure } of raw.pendingActivities ?? []) {
      if (lastFailure?.applicationFailureInfo?.type !== 'store_unavailable') continue;
      const name = activityType?.name ?? '';
      refused[name] = (refused[name] ?? 0) + 1;
    }
  return refused;
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
