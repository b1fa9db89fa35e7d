import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { formatAmount } from '../core/money.ts';
import { type LearnedRule, listRules, revokeRule } from '../store/rules.ts';
import { CommandError } from './failures.ts';
import { named, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { moment, table } from './table.ts';
import type { Colors } from './terminal.ts';

/** Rules that approvers taught with "and from now on": what they allow, for how long, and how to take them back. */
export function addRuleCommands(program: Command, run: Run): void {
  const rules = program
    .command('rules')
    .description('list the rules that approvers taught, the first to expire first')
    .option('--all', 'also those that expired or were revoked', false)
    .option('--limit <n>', 'how many at most', wholeNumber(1, LIMITS.listRows), LIMITS.listRows)
    .action((filter: { readonly all: boolean; readonly limit: number }) =>
      run((session) => list(session, filter)),
    );
  rules
    .command('revoke')
    .description('take a rule back: from now on its calls are judged as if it had never been taught')
    .argument('<id>', 'of the rule, a number')
    .requiredOption('--by <name>', 'who does it', named)
    .option('--reason <text>', 'why', named)
    .action((id: string, flags: { readonly by: string; readonly reason?: string }) =>
      run((session) => revoke(session, id, flags)),
    );
}

async function list(
  session: Session,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<undefined> {
  const rules = await session.store((sql) => listRules(sql, filter));
  session.terminal.show({ rules }, (shown, paint, columns) => rulesText(shown.rules, paint, columns));
  return undefined;
}

function rulesText(rules: readonly LearnedRule[], paint: Colors, columns: number): string {
  if (rules.length === 0)
    return 'no rules (an approver teaches one by approving "and from now on" for a number of days)';
  return table(
    ['rule', 'state', 'agent', 'tenant', 'tool', 'payee', 'up to', 'until (UTC)', 'taught by', 'approval'],
    rules.map((rule) => [
      rule.id,
      { text: rule.state, paint: rule.state === 'active' ? paint.green : paint.dim },
      rule.agent,
      rule.tenant ?? '',
      rule.tool,
      rule.payee,
      formatAmount(rule.upTo),
      moment(rule.revokedAt ?? rule.until),
      rule.identity === 'signed' ? rule.createdBy : `${rule.createdBy} (${rule.identity})`,
      rule.approval,
    ]),
    paint,
    columns,
  );
}

async function revoke(
  session: Session,
  id: string,
  flags: { readonly by: string; readonly reason?: string },
): Promise<undefined> {
  const { by, reason = '' } = flags;
  const became = await session.store((sql) => revokeRule(sql, { id, by, reason }));
  if (became === 'no_such_rule')
    throw new CommandError(
      'notFound',
      'not_found',
      `there is no rule "${id}": list them with "holdfast rules --all"`,
    );
  session.terminal.show({ rule: id, became, by }, (shown, paint) =>
    shown.became === 'revoked'
      ? `${paint.green('revoked')} rule ${shown.rule}: no effect starts under it any more; calls that were allowed by it are judged again`
      : `rule ${shown.rule} was revoked before`,
  );
  return undefined;
}
