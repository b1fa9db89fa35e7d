import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { type DeliveryRow, listDeliveries } from '../store/notices.ts';
import { wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

/** What people were to hear about and have not heard yet, or never will. */
export function addNoticeCommands(program: Command, run: Run): void {
  program
    .command('notices')
    .description('list notices that did not arrive: on their way, refused or given up; the newest first')
    .option('--all', 'those that arrived too', false)
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIMITS.listRows)
    .action((flags: { readonly all: boolean; readonly limit: number }) =>
      run(async (session) => {
        const deliveries = await session.store((sql) => listDeliveries(sql, flags));
        session.terminal.show({ deliveries }, (shown, paint, columns) =>
          listText(shown.deliveries, flags.all, paint, columns),
        );
        return undefined;
      }),
    );
}

function listText(deliveries: readonly DeliveryRow[], all: boolean, paint: Colors, columns: number): string {
  if (deliveries.length === 0) return all ? 'no notices' : 'every notice has arrived';
  return table(
    ['written (UTC)', 'notice', 'to', 'state', 'tries', 'run', 'why'],
    deliveries.map((one) => [
      moment(one.createdAt),
      one.type,
      one.notifier,
      {
        text: one.dueAt === null ? one.state : `again ${moment(one.dueAt)}`,
        paint: one.state === 'delivered' ? paint.green : one.state === 'waiting' ? paint.yellow : paint.red,
      },
      String(one.attempts),
      one.run,
      one.why ?? '',
    ]),
    paint,
    columns,
  );
}
