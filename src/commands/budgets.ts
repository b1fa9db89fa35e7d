import { type Command, InvalidArgumentError } from 'commander';
import type { AtCap } from '../core/budget.ts';
import { formatMicroUsd } from '../core/money.ts';
import {
  type Budget,
  type BudgetKind,
  type BudgetUse,
  clearBudget,
  listBudgets,
  listBudgetUse,
  setBudget,
} from '../store/budgets.ts';
import { CommandError } from './failures.ts';
import { microDollars, named, oneOf } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

const KINDS: readonly BudgetKind[] = ['run', 'user', 'tenant', 'agent', 'fleet'];
const WINDOWS: Readonly<Record<BudgetKind, string>> = {
  run: 'in all',
  user: 'a day',
  tenant: 'a day',
  agent: 'a day',
  fleet: 'an hour',
};
const AT_CAPS: readonly AtCap[] = ['degrade', 'ask', 'land', 'wait'];
const TIERS = ['small', 'standard'] as const;

interface Scope {
  readonly kind: BudgetKind;
  readonly subject: string;
}

interface Change {
  readonly by: string;
  readonly reason?: string;
}

interface SetFlags extends Change {
  readonly usd: number;
  readonly atCap: AtCap;
  readonly degradeTo?: 'small' | 'standard';
}

/** Caps on money: what a run, a user, a tenant, an agent or all of them may spend, and what happens at the cap. */
export function addBudgetCommands(program: Command, run: Run): void {
  const budgets = program
    .command('budgets')
    .description('list the caps on money, and what is used of them right now')
    .action(() => run(list));
  budgets
    .command('set')
    .description('cap what may be spent: run, user, tenant, agent (a day, UTC) or fleet (an hour)')
    .argument('<kind[:subject]>', 'such as user, user:ACME/ANNA, agent:support, fleet', budgetScope)
    .requiredOption('--usd <amount>', 'the cap in dollars', microDollars)
    .requiredOption('--at-cap <word>', `what happens at it: ${AT_CAPS.join(', ')}`, oneOf(AT_CAPS))
    .option('--degrade-to <tier>', 'with degrade: the cheaper tier, small by default', oneOf(TIERS))
    .requiredOption('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why', named)
    .action((scope: Scope, flags: SetFlags) => run((session) => set(session, scope, flags)));
  budgets
    .command('clear')
    .description('take a cap away: there is none from now on')
    .argument('<kind[:subject]>', 'as it was set', budgetScope)
    .requiredOption('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why', named)
    .action((scope: Scope, flags: Change) => run((session) => clear(session, scope, flags)));
}

function budgetScope(text: string): Scope {
  const [word = '', ...rest] = text.split(':');
  const kind = KINDS.find((one) => one === word);
  const subject = rest.length === 0 ? '*' : rest.join(':');
  if (kind === undefined || subject === '' || (kind === 'fleet' && subject !== '*'))
    throw new InvalidArgumentError(
      `"${text.slice(0, 80)}" is none of ${KINDS.join(', ')}, alone or (but for fleet) with :SUBJECT.`,
    );
  return { kind, subject };
}

function nameOf({ kind, subject }: Scope): string {
  return subject === '*' ? kind : `${kind}:${subject}`;
}

async function list(session: Session): Promise<undefined> {
  const [budgets, use] = await session.store((sql) => Promise.all([listBudgets(sql), listBudgetUse(sql)]));
  session.terminal.show({ budgets, use }, (shown, paint, columns) =>
    [budgetsText(shown.budgets, paint, columns), useText(shown.use, paint, columns)]
      .filter((text) => text !== '')
      .join('\n\n'),
  );
  return undefined;
}

function budgetsText(budgets: readonly Budget[], paint: Colors, columns: number): string {
  if (budgets.length === 0)
    return 'no caps: nothing but the limits of each run bounds what is spent (holdfast budgets set)';
  return table(
    ['cap', 'for', 'amount', 'at the cap', 'since (UTC)', 'by'],
    budgets.map((one) => [
      nameOf(one),
      WINDOWS[one.kind],
      formatMicroUsd(one.capMicroUsd),
      one.degradeTo === null ? one.atCap : `${one.atCap} to ${one.degradeTo}, then land`,
      moment(one.setAt),
      one.setBy,
    ]),
    paint,
    columns,
  );
}

function useText(use: readonly BudgetUse[], paint: Colors, columns: number): string {
  if (use.length === 0) return '';
  return table(
    ['used now', 'spent', 'reserved'],
    use.map((one) => [one.scope, formatMicroUsd(one.spentMicroUsd), formatMicroUsd(one.reservedMicroUsd)]),
    paint,
    columns,
  );
}

async function set(session: Session, scope: Scope, flags: SetFlags): Promise<undefined> {
  const { usd, atCap, degradeTo, by, reason = '' } = flags;
  if (degradeTo !== undefined && atCap !== 'degrade')
    throw new CommandError('usage', 'usage', `--degrade-to goes with --at-cap degrade, not ${atCap}`);
  if (scope.kind === 'run' && atCap === 'wait')
    throw new CommandError(
      'usage',
      'usage',
      'the cap of a run never opens again, so nothing can wait for it: degrade, ask or land',
    );
  const budget = {
    ...scope,
    capMicroUsd: usd,
    atCap,
    degradeTo: atCap === 'degrade' ? (degradeTo ?? 'small') : null,
    by,
    reason,
  };
  await session.store((sql) => setBudget(sql, budget));
  session.terminal.show({ ...budget, state: 'set' }, (shown, paint) =>
    [
      `${paint.green('set')} ${nameOf(shown)}: ${formatMicroUsd(shown.capMicroUsd)} ${WINDOWS[shown.kind]}, then ${shown.atCap}`,
      'a cap that is new counts from now on: what was spent before it is not in it',
    ].join('\n'),
  );
  return undefined;
}

async function clear(session: Session, scope: Scope, flags: Change): Promise<undefined> {
  const { by, reason = '' } = flags;
  if (!(await session.store((sql) => clearBudget(sql, { ...scope, by, reason }))))
    throw new CommandError(
      'notFound',
      'not_found',
      `there is no cap ${nameOf(scope)}: see them with "holdfast budgets"`,
    );
  session.terminal.show(
    { ...scope, by, state: 'cleared' },
    (shown, paint) => `${paint.green('cleared')} ${nameOf(shown)}: there is no cap from now on`,
  );
  return undefined;
}
