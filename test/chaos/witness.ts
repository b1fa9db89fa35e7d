import { readdirSync, readlinkSync } from 'node:fs';
import { LIMITS } from '../../src/core/limits.ts';
import type { Fleet } from './fleet/fleet.ts';
import { pause } from './fleet/patience.ts';

// What a fleet's workers took while something went wrong, and who was seen waiting.

const LOOK_MS = 500;
const MB = 1024 * 1024;
/** Every activity may hold one to the model and one to a tool; the store has its pool, the server some. */
const SOCKETS_MOST = 2 * LIMITS.workerActivities + LIMITS.storeConnections + 40;
const RSS_MORE_BYTES = 250 * MB;
const HEAP_MORE_BYTES = 40 * MB;

export interface Taken {
  /** Of the worker that had most. */
  readonly socketsMost: number;
  readonly rssBeforeBytes: number;
  readonly rssMostBytes: number;
  readonly heapBeforeBytes: number;
  readonly heapAfterBytes: number;
  /** Requests that the model had under way at once. */
  readonly underWayMost: number;
  /** Runs that were seen parked in an outage, by their rows. */
  readonly parked: number;
}

export interface Witness {
  /** Ends the looking. Call it when the fleet is calm again: the heap is asked for now. */
  stop(): Promise<Taken>;
}

/** Looks twice a second. Start it when the workers are warm. */
export async function startWitness(fleet: Fleet): Promise<Witness> {
  const living = () => fleet.workers.filter(({ rssBytes }) => rssBytes() !== null);
  const heap = async () => Math.max(0, ...(await Promise.all(living().map((worker) => worker.heapBytes()))));
  const rss = () => Math.max(0, ...living().map((worker) => worker.rssBytes() ?? 0));
  const heapBeforeBytes = await heap();
  const rssBeforeBytes = rss();
  const most = { sockets: 0, rss: rssBeforeBytes, underWay: 0 };
  const parked = new Set<string>();
  let over = false;
  const look = async () => {
    while (!over) {
      most.sockets = Math.max(most.sockets, ...living().map(({ pid }) => socketsOf(pid)));
      most.rss = Math.max(most.rss, rss());
      most.underWay = Math.max(most.underWay, fleet.model.underWay);
      const rows = await fleet.sql<{ run: string }[]>`select run from runs where state = 'outage'`.catch(
        () => [],
      );
      for (const { run } of rows) parked.add(run);
      await pause(LOOK_MS);
    }
  };
  const looking = look();
  return {
    stop: async () => {
      over = true;
      await looking;
      return {
        socketsMost: most.sockets,
        rssBeforeBytes,
        rssMostBytes: most.rss,
        heapBeforeBytes,
        heapAfterBytes: await heap(),
        underWayMost: most.underWay,
        parked: parked.size,
      };
    },
  };
}

/** What no trouble outside excuses. */
export function brokenBounds(taken: Taken): readonly string[] {
  const { socketsMost, rssBeforeBytes, rssMostBytes, heapBeforeBytes, heapAfterBytes } = taken;
  return [
    ...(socketsMost > SOCKETS_MOST
      ? [`a worker had ${socketsMost} sockets open, ${SOCKETS_MOST} at most`]
      : []),
    ...(rssMostBytes - rssBeforeBytes > RSS_MORE_BYTES
      ? [`a worker grew from ${inMb(rssBeforeBytes)} to ${inMb(rssMostBytes)} MB`]
      : []),
    ...(heapAfterBytes - heapBeforeBytes > HEAP_MORE_BYTES
      ? [`a worker's heap went from ${inMb(heapBeforeBytes)} to ${inMb(heapAfterBytes)} MB and stayed there`]
      : []),
  ];
}

export function figuresOf(taken: Taken): Readonly<Record<string, number>> {
  return {
    workerSocketsMost: taken.socketsMost,
    workerRssBeforeMb: inMb(taken.rssBeforeBytes),
    workerRssMostMb: inMb(taken.rssMostBytes),
    workerHeapBeforeMb: inMb(taken.heapBeforeBytes),
    workerHeapAfterMb: inMb(taken.heapAfterBytes),
    modelRequestsAtOnceMost: taken.underWayMost,
    runsSeenParked: taken.parked,
  };
}

function inMb(bytes: number): number {
  return Math.round(bytes / MB);
}

/** By the kernel's own list; 0 for a process that is gone. */
function socketsOf(pid: number): number {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).filter((name) => isSocket(`${folder}/${name}`)).length;
  } catch {
    return 0;
  }
}

/** One that was closed since is none. */
function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    return false;
  }
}
