import { Command } from 'commander';
import { addApprovalCommands } from './approvals.ts';
import { addAuditCommands } from './audit.ts';
import { addBreakerCommands } from './breakers.ts';
import { addBudgetCommands } from './budgets.ts';
import { addChatCommand } from './chat.ts';
import { addDoctorCommand } from './doctor.ts';
import { EXIT_CODES } from './failures.ts';
import { addHandOverCommands } from './handovers.ts';
import { addInboxCommand } from './inbox.ts';
import { addLocalCommands } from './local.ts';
import { addNoticeCommands } from './notices.ts';
import { addPeopleCommands } from './people.ts';
import { addPolicyCommands } from './policy.ts';
import { addRateCommands } from './rates.ts';
import { addReadingCommands } from './reading.ts';
import { addReleaseCommands } from './releases.ts';
import { addRuleCommands } from './rules.ts';
import type { Session } from './session.ts';
import { addStartCommands } from './start.ts';
import { addSteeringCommands } from './steering.ts';
import { addStopCommand } from './stop.ts';
import { addUpgradeCheckCommand } from './upgradeCheck.ts';

export interface ProgramOptions {
  readonly version: string;
  /** Takes help and version. */
  readonly write: (text: string) => void;
}

/** Runs the body of a command. A code that is returned is the exit code; nothing means success. */
export type Run = (
  work: (session: Session, options: { readonly json: boolean }) => Promise<number | undefined>,
) => Promise<void>;

/** The command tree. `run` is handed the body of the chosen command, once. */
export function createProgram(run: Run, options: ProgramOptions): Command {
  const program = new Command('holdfast')
    .description(
      'Runs AI agents that take real actions as Temporal workflows, and lets people see and stop them.',
    )
    .version(options.version)
    .option('--json', 'print one JSON value instead of text')
    .exitOverride()
    .configureOutput({ writeOut: options.write, writeErr: () => undefined })
    .addHelpText('after', afterHelp);
  addLocalCommands(program, run);
  addDoctorCommand(program, run);
  addStartCommands(program, run);
  addChatCommand(program, run);
  addReadingCommands(program, run);
  addInboxCommand(program, run);
  addApprovalCommands(program, run);
  addSteeringCommands(program, run);
  addStopCommand(program, run);
  addBreakerCommands(program, run);
  addRuleCommands(program, run);
  addBudgetCommands(program, run);
  addRateCommands(program, run);
  addHandOverCommands(program, run);
  addNoticeCommands(program, run);
  addPeopleCommands(program, run);
  addReleaseCommands(program, run);
  addUpgradeCheckCommand(program, run);
  addPolicyCommands(program, run);
  addAuditCommands(program, run);
  return program;
}

function afterHelp(): string {
  const codes = Object.values(EXIT_CODES).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return [
    '',
    'Exit codes:',
    ...codes,
    '',
    'Addresses come from DATABASE_URL, TEMPORAL_ADDRESS and HOLDFAST_TASK_QUEUE, else from the local stack that runs',
    'here ("holdfast dev"). list, show, inbox, approvals, handovers, accept and notices need the database only: no',
    'worker, no Temporal.',
  ].join('\n');
}
