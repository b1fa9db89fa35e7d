import { type Command, InvalidArgumentError } from 'commander';
import { LIMITS } from '../core/limits.ts';
import type { ToolRate } from '../core/rates.ts';
import { clearRate, listRates, type Rate, setRate } from '../store/rates.ts';
import { CommandError } from './failures.ts';
import { named, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

interface Change {
  readonly by: string;
  readonly reason?: string;
}

/** How often runs may start and tools may be called. */
export function addRateCommands(program: Command, run: Run): void {
  const rates = program
    .command('rates')
    .description('list how often runs may start and tools may be called')
    .action(() => run(list));
  rates
    .command('set')
    .description(
      'limit starts of each user or tenant, or calls of a tool; it replaces the limit of that name',
    )
    .argument('<name>', 'starts:user, starts:tenant, one of them with :SUBJECT, or tool:NAME', rateName)
    .option('--per-run <n>', 'in one run; tools only', wholeNumber(0, LIMITS.rateMax))
    .option('--per-minute <n>', 'in a minute', wholeNumber(0, LIMITS.rateMax))
    .option('--per-day <n>', 'in a day (UTC)', wholeNumber(0, LIMITS.rateMax))
    .requiredOption('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why', named)
    .action((name: string, flags: ToolRate & Change) => run((session) => set(session, name, flags)));
  rates
    .command('clear')
    .description('take a limit away; what the author of a tool declared stays')
    .argument('<name>', 'as it was set', rateName)
    .requiredOption('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why', named)
    .action((name: string, flags: Change) => run((session) => clear(session, name, flags)));
}

function rateName(text: string): string {
  if (!/^(starts:(user|tenant)(:.+)?|tool:.+)$/.test(text))
    throw new InvalidArgumentError(
      `"${text.slice(0, 80)}" is none of starts:user, starts:tenant, one of them with :SUBJECT, and tool:NAME.`,
    );
  return text;
}

async function list(session: Session): Promise<undefined> {
  const rates = await session.store(listRates);
  session.terminal.show({ rates }, (shown, paint, columns) => ratesText(shown.rates, paint, columns));
  return undefined;
}

function ratesText(rates: readonly Rate[], paint: Colors, columns: number): string {
  if (rates.length === 0) return 'no limits but those that authors of tools declared (holdfast rates set)';
  const shown = (most: number | undefined) => (most === undefined ? '' : String(most));
  return table(
    ['limit of', 'a run', 'a minute', 'a day', 'since (UTC)', 'by'],
    rates.map((rate) => [
      rate.name,
      shown(rate.perRun),
      shown(rate.perMinute),
      shown(rate.perDay),
      moment(rate.setAt),
      rate.setBy,
    ]),
    paint,
    columns,
  );
}

async function set(session: Session, name: string, flags: ToolRate & Change): Promise<undefined> {
  const { perRun, perMinute, perDay, by, reason = '' } = flags;
  if (perRun === undefined && perMinute === undefined && perDay === undefined)
    throw new CommandError(
      'usage',
      'usage',
      'at least one of --per-run, --per-minute and --per-day is needed',
    );
  if (perRun !== undefined && !name.startsWith('tool:'))
    throw new CommandError('usage', 'usage', '--per-run is for tools: a run starts once');
  const rate = {
    name,
    ...(perRun !== undefined && { perRun }),
    ...(perMinute !== undefined && { perMinute }),
    ...(perDay !== undefined && { perDay }),
    by,
    reason,
  };
  await session.store((sql) => setRate(sql, rate));
  session.terminal.show({ ...rate, state: 'set' }, (shown, paint) => `${paint.green('set')} ${shown.name}`);
  return undefined;
}

async function clear(session: Session, name: string, { by, reason = '' }: Change): Promise<undefined> {
  if (!(await session.store((sql) => clearRate(sql, { name, by, reason }))))
    throw new CommandError(
      'notFound',
      'not_found',
      `there is no limit ${name}: see them with "holdfast rates"`,
    );
  session.terminal.show(
    { name, by, state: 'cleared' },
    (shown, paint) => `${paint.green('cleared')} ${shown.name}`,
  );
  return undefined;
}
