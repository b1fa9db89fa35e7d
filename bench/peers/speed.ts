import { openDatabase, type TestDatabase } from '../../test/store/database.ts';
import { tableBytes } from '../bytes.ts';
import { readHistories } from '../growth/history.ts';
import { alternate } from '../rounds.ts';
import type { Contender } from './contenders.ts';
import type { Peer } from './process.ts';
import { seat, type Table } from './table.ts';
import { reading } from './work.ts';

/** So many conversations side by side, each of so many turns; `repeats` one after another, where one is over at once. */
export interface Shape {
  readonly turns: number;
  readonly lanes: number;
  readonly repeats: number;
}

export type Measured =
  | {
      readonly kind: 'measured';
      readonly turnsPerSecond: number;
      /** With one conversation: in the order of its turns. */
      readonly turnsMs: readonly number[];
      /** Added to the tables of its database. */
      readonly tableBytes: number;
      /** Of all its conversations, where the engine is Temporal and they ran one after another. */
      readonly historyBytes: number | null;
    }
  | { readonly kind: 'failed'; readonly why: string };

export interface Speed {
  readonly shape: Shape;
  /** By name of the contender, in the order of rounds. */
  readonly measured: Readonly<Record<string, readonly Measured[]>>;
}

interface Seat {
  readonly contender: Contender;
  readonly database: TestDatabase;
  readonly peer: Peer;
}

const WARM_UP: Shape = { turns: 3, lanes: 2, repeats: 2 };

/** All contenders sit there from beginning to end; each shape goes round by round. */
export async function measureSpeed(
  table: Table,
  contenders: readonly Contender[],
  shapes: readonly Shape[],
  how: { readonly rounds: number; readonly progress: (line: string) => void },
): Promise<readonly Speed[]> {
  how.progress(`starting ${contenders.map(({ name }) => name).join(', ')}`);
  const taken = await Promise.allSettled(contenders.map((one) => takeSeat(table, one)));
  const seats = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  try {
    for (const one of taken) if (one.status === 'rejected') throw one.reason;
    for (const one of seats) await measure(table, one, WARM_UP);
    const speeds: Speed[] = [];
    for (const shape of shapes) {
      const measured = await alternate(
        seats.map((one) => ({ name: one.contender.name, measure: () => measure(table, one, shape) })),
        how.rounds,
        (round, name) =>
          how.progress(
            `${shape.lanes} at a time, ${shape.turns} turns, round ${round + 1} of ${how.rounds}: ${name}`,
          ),
      );
      speeds.push({ shape, measured: Object.fromEntries(measured) });
    }
    return speeds;
  } finally {
    for (const { peer, database } of seats) {
      await peer[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    }
  }
}

async function takeSeat(table: Table, contender: Contender): Promise<Seat> {
  const database = await openDatabase(table.stack.databaseUrl, { migrated: false });
  try {
    return { contender, database, peer: await seat(table, contender, database) };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

async function measure(
  table: Table,
  { contender, database, peer }: Seat,
  { turns, lanes, repeats }: Shape,
): Promise<Measured> {
  const ids = Array.from({ length: lanes }, () =>
    Array.from({ length: repeats }, () => table.newId(contender)),
  );
  for (const id of ids.flat()) table.model.add(reading(id, turns));
  const before = await tableBytes(database.sql);
  try {
    const { ms, turnsMs } = await peer.converse(ids);
    if (turnsMs.length !== turns * lanes * repeats)
      return { kind: 'failed', why: `${turnsMs.length} turns in place of ${turns * lanes * repeats}` };
    return {
      kind: 'measured',
      turnsPerSecond: turnsMs.length / (ms / 1_000),
      turnsMs,
      tableBytes: (await tableBytes(database.sql)) - before,
      // Where many run side by side each says the same again.
      historyBytes: await historyBytes(table, contender, lanes === 1 ? ids.flat() : []),
    };
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

async function historyBytes(
  { stack }: Table,
  { modelActivity }: Contender,
  ids: readonly string[],
): Promise<number | null> {
  if (modelActivity === null || ids.length === 0) return null;
  let bytes = 0;
  for (const id of ids) bytes += (await readHistories(stack.temporalAddress, id, modelActivity)).bytes;
  return bytes;
}
