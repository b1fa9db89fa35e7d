import { type OnWorkerExit, type Stage, workerEnded } from './play.ts';
import { type Facts, readFacts, runOf } from './proof.ts';
import { seconds } from './screen.ts';
import { startWorkerProcess } from './workerProcess.ts';

/** How the worker died and who took over. */
export interface Kill {
  readonly killedPid: number;
  readonly newPid: number;
  /** As things were when nobody was alive to change them. */
  readonly before: Facts;
  /** The whole lease of the attempt that died. */
  readonly leaseMs: number;
}

/**
 * What happens after the kill: look at what the dead worker left, start a new one, and wait for the lease. Nothing here
 * repairs anything; ledger and engine do that by themselves.
 */
export function resumeAfterKill(stage: Stage, order: string, onKill: (kill: Kill) => void): OnWorkerExit {
  return async (exit, { workflowId, view }) => {
    const { screen, sql } = stage;
    const { red, green, bold } = screen.colors;
    const dead = stage.worker;
    if (exit.signal !== 'SIGKILL') throw workerEnded(exit, dead);
    const before = await readFacts(sql, { run: await runOf(sql, workflowId), shop: workflowId, order });
    const lease = await readLease(stage, before.run);
    const endMs = performance.now() + lease.remainingMs;
    const leftMs = () => Math.max(0, endMs - performance.now());
    const [effect] = before.effects;
    screen.note(`· ${view.running ?? 'an effect'} …`);
    screen.line(
      `  ${red('kill -9'.padEnd(11))}${bold(`worker ${dead.pid} is dead, in the middle of the effect`)}`,
    );
    screen.note(
      `shop     order ${order} is "${before.order.status}" (transaction ${before.order.transaction})`,
    );
    screen.note(
      `ledger   ${effect?.tool} is "${effect?.state}", fence ${effect?.fence}: it has not heard of that`,
    );
    const next = startWorkerProcess({ module: 'worker' });
    stage.worker = next;
    view.waitFor(() => 'starting another worker');
    await next.ready;
    view.waitFor(null);
    screen.line(`  ${green('restart'.padEnd(11))}worker ${next.pid} polls; nothing else was touched`);
    screen.note(
      `The dead worker's lease on this effect runs for ${seconds(leftMs())} more. Until then nobody may act: from ` +
        'outside, a dead worker and a slow one look the same.',
    );
    view.waitFor(() =>
      leftMs() > 0
        ? `the lease runs out in ${Math.ceil(leftMs() / 1_000)} s`
        : 'the lease is over; the new worker takes over with the same key',
    );
    onKill({ killedPid: dead.pid, newPid: next.pid, before, leaseMs: Math.round(lease.totalMs) });
    throw workerEnded(await next.exited, next);
  };
}

/** By the database's clock, the only one that counts for leases. */
async function readLease(
  { sql }: Stage,
  run: string,
): Promise<{ readonly remainingMs: number; readonly totalMs: number }> {
  const [row] = await sql<{ remaining: number; total: number }[]>`
    select (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as remaining,
      (extract(epoch from lease_until - claimed_at) * 1000)::float8 as total
    from effects where run = ${run}`;
  if (row === undefined) throw new Error(`run ${run} has no effect in the ledger`);
  return { remainingMs: row.remaining, totalMs: row.total };
}
