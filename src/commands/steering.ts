import type { Command } from 'commander';
import type { HoldfastClient, Steer } from '../client.ts';
import { LIMITS } from '../core/limits.ts';
import { findRun } from '../store/views.ts';
import { CommandError } from './failures.ts';
import { microDollars, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';

interface SteerFlags {
  readonly by: string;
  readonly reason?: string;
}

type Send = (holdfast: HoldfastClient, input: Steer) => Promise<void>;

/** Commands that send one signal: they return when the server has it, and it counts when a worker reads it. */
export function addSteeringCommands(program: Command, run: Run): void {
  const steering = (name: string, description: string, send: Send) =>
    signalCommand(program, name, description).action((id: string, flags: SteerFlags) =>
      run((session) => steer(session, name, id, flags, send)),
    );
  steering(
    'cancel',
    'stop a run; what it is doing right now is finished or closed first',
    (holdfast, input) => holdfast.cancel(input),
  );
  steering('pause', 'stop at the next seam until resumed', (holdfast, input) => holdfast.pause(input));
  steering('resume', 'go on after a pause', (holdfast, input) => holdfast.resume(input));
  steering('retry', 'try again now, after an outage, a bug or a kill switch', (holdfast, input) =>
    holdfast.retry(input),
  );
  steering('close', 'end the conversation once everything in it is answered', (holdfast, input) =>
    holdfast.close(input),
  );
  steering('hand-over', 'end the conversation as escalated to people', (holdfast, input) =>
    holdfast.handOver(input),
  );
  steering('upgrade', 'continue as new, so that a new build takes over', (holdfast, input) =>
    holdfast.upgrade(input),
  );
  signalCommand(program, 'raise-limit', 'let a run use more than it was given')
    .option('--tokens <n>', 'tokens to add', wholeNumber(1, LIMITS.raiseMax), 0)
    .option('--usd <amount>', 'dollars to add, such as 0.50', microDollars, 0)
    .action((id: string, flags: SteerFlags & { readonly tokens: number; readonly usd: number }) =>
      run((session) =>
        steer(session, 'raise-limit', id, flags, (holdfast, input) =>
          holdfast.raiseLimit({ ...input, tokens: flags.tokens, costMicroUsd: flags.usd }),
        ),
      ),
    );
}

function signalCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<workflow-id>', 'of the run; a run id will do as well')
    .requiredOption('--by <name>', 'who does it')
    .option('--reason <text>', 'why');
}

async function steer(
  session: Session,
  name: string,
  id: string,
  flags: SteerFlags,
  send: Send,
): Promise<undefined> {
  const workflowId = await workflowIdOf(session, id);
  const { by, reason } = flags;
  await session.temporal((holdfast) =>
    send(holdfast, { workflowId, by, ...(reason !== undefined && { reason }) }),
  );
  session.terminal.show(
    { workflowId, signal: name, by },
    (shown, paint) => `${paint.green('sent')} ${shown.signal} to ${shown.workflowId}`,
  );
  return undefined;
}

/** Temporal knows runs by workflow id only; a run id is looked up in the store. */
async function workflowIdOf(session: Session, id: string): Promise<string> {
  if (!/^r[0-9a-f]{20}$/.test(id)) return id;
  const found = await session.store((sql) => findRun(sql, id));
  if (found !== null) return found.row.workflowId;
  throw new CommandError('notFound', 'not_found', `there is no run "${id}": list them with "holdfast list"`);
}
