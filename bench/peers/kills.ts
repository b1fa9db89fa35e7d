import type { Account } from '../../test/chaos/payments.ts';
import { openDatabase } from '../../test/store/database.ts';
import type { Contender, Payment } from './contenders.ts';
import { seat, type Table } from './table.ts';
import { paying } from './work.ts';

/** What came of one payment whose process was killed when it was made and its result stored nowhere. */
export interface Killed {
  readonly contender: string;
  readonly payment: string;
  /** How often money moved. */
  readonly acts: number;
  readonly requests: number;
  readonly checks: number;
  readonly ended: string;
  /** It ended as it should, and money moved as often as it should; null of a peer, whose end is only told. */
  readonly held: boolean | null;
  /** From the kill to the end, the start of the next process included. */
  readonly seconds: number;
}

/** Kills this contender in the middle of all its payments, starts it again, and asks the payment service. */
export async function killInPayment(table: Table, contender: Contender): Promise<readonly Killed[]> {
  await using database = await openDatabase(table.stack.databaseUrl, { migrated: false });
  const playing = contender.payments.map((payment) => ({ payment, id: table.newId(contender) }));
  for (const { payment, id } of playing) table.model.add(paying(id, payment.tool, payment.service));
  const keys = await actAndDie(table, contender, database, playing);
  const killedAtMs = performance.now();
  await using next = await seat(table, contender, database);
  // Awaited here: the process must live until its last conversation has ended.
  return await Promise.all(
    playing.map(async ({ payment, id }) => {
      const ended = await next
        .resume(id)
        .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      const account = table.payments.of(keys.get(id) ?? id);
      return {
        contender: contender.name,
        payment: payment.name,
        ...account,
        ended,
        held: judge(payment, account, ended),
        seconds: (performance.now() - killedAtMs) / 1_000,
      };
    }),
  );
}

/** Whether what was promised of this payment came true; null where nobody here has promised anything. */
export function judge({ ends }: Payment, { acts }: Account, ended: string): boolean | null {
  return ends === null ? null : acts === 1 && ended === ends;
}

async function actAndDie(
  table: Table,
  contender: Contender,
  database: Parameters<typeof seat>[2],
  playing: readonly { readonly payment: Payment; readonly id: string }[],
): Promise<ReadonlyMap<string, string>> {
  await using first = await seat(table, contender, database, { HOLD: 'on' });
  for (const { id } of playing) await first.begin(id);
  const keys = await first.acted(playing.map(({ id }) => id)).catch((error: unknown) => {
    const refused = table.model.problems.at(-1);
    throw new Error(`${error}${refused === undefined ? '' : `; the model refused: ${refused}`}`);
  });
  await first.kill();
  return keys;
}
