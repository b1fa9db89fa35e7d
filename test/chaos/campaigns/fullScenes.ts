import { isAlive } from '../../../src/stack/processes.ts';
import { connect } from '../../../src/store/connection.ts';
import { verifyAudit } from '../../../src/store/integrity.ts';
import { until } from '../../e2e/lab.ts';
import type { SmallDisk } from '../disk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Load } from '../fleet/load.ts';
import { pause } from '../fleet/patience.ts';
import type { FullTime } from './fullDisk.ts';
import { closeLedger, exhaustLog, readRecords } from './fullStore.ts';
import type { Part } from './parts.ts';

// The disk of a store becomes full under a fleet, stays so while somebody watches, and has room again.

export interface Scene {
  readonly what: FullTime['what'];
  readonly ms: number;
}

/** PostgreSQL gives files back now and then; they are taken at once. */
const REFILL_MS = 250;
const LOOK_MS = 100;
const GONE_MS = 30_000;
const WAITING_AT_LEAST = 2;
const SAY_MS = 9_000;
const ASK_MS = 500;
const MEANWHILE = { runs: 6, concurrency: 6, mix: { keyed: 2, checkable: 1, never: 1 } };

export interface Stage {
  readonly disk: SmallDisk;
  readonly postgres: Part;
  readonly fleet: Fleet;
  readonly visitors: Load[];
  progress(line: string): void;
}

/** Resolves when there is room again and PostgreSQL answers. */
export function playScene(stage: Stage, scene: Scene): Promise<FullTime> {
  return scene.what === 'tables' ? fillTables(stage, scene) : fillLog(stage, scene);
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
  const refused = new Map<string, string>();
  let refilledAtMs = fromMs;
  let askedAtMs = fromMs;
  let saidAtMs = fromMs;
  try {
    while (Date.now() - fromMs < ms) {
      if (what === 'tables') await look(() => readRecords(sql));
      await pause(LOOK_MS);
      if (Date.now() - refilledAtMs > REFILL_MS) {
        refilledAtMs = Date.now();
        if (disk.how === 'tmpfs') await disk.fill([postgres.identity()]);
      }
      if (Date.now() - askedAtMs > ASK_MS) {
        askedAtMs = Date.now();
        await noteRefused(fleet, refused);
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
    await noteRefused(fleet, refused);
    const untilMs = Date.now();
    const acted = [...actsOf(fleet)].flatMap(([key, acts]) =>
      acts > (since.acts.get(key) ?? 0) ? [key] : [],
    );
    const { closedAtMs } = since;
    return { what, closedAtMs, fromMs, untilMs, acted, refused: countsOf(refused), reads, unread };
  } finally {
    await sql.end({ timeoutMs: 1_000 });
  }
}

function actsOf({ payments }: Fleet): ReadonlyMap<string, number> {
  return new Map([...payments.books].map(([key, { acts }]) => [key, acts]));
}

/**
 * By the server's own word of what waits for its next attempt: each activity, and its name. The newest failure alone is told, and
 * the next attempt may meet another one, so this is asked again and again.
 */
async function noteRefused(fleet: Fleet, refused: Map<string, string>): Promise<void> {
  const open = fleet.runs.filter(({ outcome, startedAtMs }) => outcome === null && startedAtMs !== null);
  const found = await Promise.all(
    open.map(({ plan }) => fleet.client.workflow.getHandle(plan.workflowId).describe()),
  );
  for (const { raw, workflowId, runId } of found)
    for (const { activityId, activityType, lastFailure } of raw.pendingActivities ?? [])
      if (lastFailure?.applicationFailureInfo?.type === 'store_unavailable')
        refused.set(`${workflowId}/${runId}/${activityId}`, activityType?.name ?? '');
}

function countsOf(names: ReadonlyMap<string, string>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names.values()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
