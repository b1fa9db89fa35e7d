import type { HoldfastClient, Steer } from '../client.ts';
import { LIMITS } from '../core/limits.ts';
import { type HeldRun, heldRuns, type SwitchChange } from '../store/switches.ts';
import { paced } from '../store/waking.ts';
import { asCommandError } from './failures.ts';
import type { Session } from './session.ts';

/** What became of waking: `gone` had ended; `problem` says why the rest was left to the runs' own timers. */
export interface Woken {
  readonly woken: number;
  readonly gone: number;
  readonly problem: string | null;
}

/** Every five seconds or so. */
const SAID_EVERY = 5 * LIMITS.wakesPerSecond;

/**
 * Tells the runs that a lifted switch held to look again, `wakesPerSecond` at most: a fleet that was stopped for hours
 * must not arrive at its tools all at once. Nothing depends on it, because a held run looks again by itself; so what
 * goes wrong here is told and never thrown.
 */
export async function wakeHeldRuns(
  session: Session,
  change: SwitchChange,
  wakeRun: (holdfast: HoldfastClient, input: Steer) => Promise<void>,
): Promise<Woken> {
  const { name, by } = change;
  const counted = { woken: 0, gone: 0 };
  const reason = `${name} was lifted: ${change.reason}`.slice(0, LIMITS.reasonChars);
  const read = (after: string) => session.store((sql) => heldRuns(sql, name, after));
  try {
    const first = await read('');
    if (first.length === 0) return { ...counted, problem: null };
    await session.temporal((holdfast) =>
      paced(pages(first), async (run) => {
        counted[await wakeOne(holdfast, run)]++;
        const done = counted.woken + counted.gone;
        if (done % SAID_EVERY === 0) session.terminal.note(`${done} held runs woken so far`);
      }),
    );
    return { ...counted, problem: null };
  } catch (error) {
    return { ...counted, problem: asCommandError(error)?.message.split('\n')[0] ?? 'unknown' };
  }

  /** Runs that are woken leave the list while it is read, so each page begins after the last id of the one before. */
  async function* pages(page: readonly HeldRun[]): AsyncGenerator<HeldRun> {
    yield* page;
    const last = page.at(-1);
    if (last !== undefined && page.length === LIMITS.wakePageRows) yield* pages(await read(last.run));
  }

  async function wakeOne(holdfast: HoldfastClient, run: HeldRun): Promise<'woken' | 'gone'> {
    try {
      await wakeRun(holdfast, { workflowId: run.workflowId, by, reason });
      return 'woken';
    } catch (error) {
      const exit = asCommandError(error)?.exit;
      if (exit === 'refused' || exit === 'notFound') return 'gone';
      throw error;
    }
  }
}
