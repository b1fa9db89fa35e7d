import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { LIMITS } from '../core/limits.ts';
import { type Interrupts, listenForInterrupts } from '../dev/interrupt.ts';
import type { Sql } from '../store/connection.ts';
import { lastAnswer } from '../store/views.ts';
import { eventText } from './chatEvents.ts';
import { Follower, readStanding, type Standing } from './chatFollow.ts';
import { Chat } from './chatLoop.ts';
import { CommandError } from './failures.ts';
import { named } from './options.ts';
import type { Run } from './program.ts';
import type { Session } from './session.ts';
import { refuseUnknownAgent, timeout } from './start.ts';

interface ChatFlags {
  readonly as?: string;
  readonly tenant?: string;
  readonly workflowId?: string;
  readonly channel?: string;
  readonly approveAs?: string;
  readonly timeout: number;
}

/** A conversation on the terminal, or line by line from a pipe. */
export function addChatCommand(program: Command, run: Run): void {
  program
    .command('chat')
    .description('talk with an agent; what it asks you is answered with yes or no')
    .argument('[agent]', 'name of the agent, such as support; not needed to come back to a conversation')
    .option('--as <person>', 'who you are (default: the requester of the conversation)', named)
    .option('--tenant <id>', 'the tenant of the requester', named)
    .option('--workflow-id <id>', 'name the conversation, or come back to it', named)
    .option('--channel <name>', 'which release channel to use (default live)')
    .option('--approve-as <name>', 'decide here, as this person, what other people are asked', named)
    .option(...timeout)
    .action((agent: string | undefined, flags: ChatFlags) =>
      run((session) =>
        session.store((sql) => openChat(session, sql, agent, flags), { timeoutMs: 2 * LIMITS.chatMs }),
      ),
    );
}

async function openChat(
  session: Session,
  sql: Sql,
  agent: string | undefined,
  flags: ChatFlags,
): Promise<number> {
  const { workflowId = `chat-${randomUUID()}`, tenant, channel, approveAs = null } = flags;
  const standing = flags.workflowId === undefined ? null : await readStanding(sql, workflowId);
  const { name, as } = participants(agent, flags, standing);
  if (standing === null) await refuseUnknownAgent(session, name, channel ?? 'live');
  const start = {
    agent: name,
    requester: { id: as, ...(tenant !== undefined && { tenant }) },
    ...(channel !== undefined && { channel }),
  };
  const { terminal } = session;
  const opened = {
    event: 'opened' as const,
    workflowId,
    agent: name,
    as,
    before: standing === null ? null : await lastAnswer(sql, standing.run.run),
  };
  return session.temporal(async (holdfast) => {
    const lines = createInterface({ input: process.stdin, terminal: false, crlfDelay: Infinity });
    const each = lines[Symbol.asyncIterator]();
    const interrupts: Interrupts = listenForInterrupts();
    const timeoutMs = flags.timeout * 1_000;
    const chat = new Chat({
      terminal,
      holdfast,
      sql,
      workflowId,
      as,
      approveAs,
      timeoutMs,
      interactive: process.stdin.isTTY === true,
      nextLine: () => each.next().then((line) => (line.done === true ? null : line.value)),
      newId: randomUUID,
      interrupted: interrupts.signal,
      follower: (tell) =>
        new Follower({
          holdfast,
          sql,
          workflowId,
          by: as,
          start: standing === null ? start : null,
          timeoutMs,
          tell,
        }),
      resumed: standing !== null,
    });
    terminal.say(opened, (shown, paint) => eventText(shown, paint));
    if (standing !== null && standing.run.state !== 'idle') chat.takeUp();
    try {
      return await chat.talk();
    } finally {
      lines.close();
      interrupts.release();
    }
  });
}

/** Who talks with whom. A conversation that is there knows both. */
function participants(
  agent: string | undefined,
  { as, workflowId }: ChatFlags,
  standing: Standing | null,
): { readonly name: string; readonly as: string } {
  if (standing?.run.state === 'ended')
    throw new CommandError(
      'refused',
      'ended',
      `run "${workflowId}" has ended: read it with "holdfast show ${workflowId}", or start a new chat without --workflow-id`,
    );
  if (standing !== null && agent !== undefined && agent !== standing.run.agent)
    throw new CommandError(
      'usage',
      'other_agent',
      `"${workflowId}" is a conversation with agent "${standing.run.agent}", not with "${agent}": leave the agent out, or choose another --workflow-id`,
    );
  const name = agent ?? standing?.run.agent;
  if (name === undefined && workflowId !== undefined)
    throw new CommandError(
      'notFound',
      'not_found',
      `there is no run "${workflowId}" in the store: name the agent to begin it, or list runs with "holdfast list"`,
    );
  if (name === undefined)
    throw new CommandError(
      'usage',
      'usage',
      'with whom? Name an agent, such as "holdfast chat support --as you"',
    );
  const person = as ?? standing?.run.requester;
  if (person === undefined)
    throw new CommandError('usage', 'usage', '--as is needed to begin a conversation: who you are');
  return { name, as: person };
}
