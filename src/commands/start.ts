import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import {
  type HoldfastClient,
  HoldfastError,
  type Reply,
  type RunResult,
  type StartInput,
} from '../client.ts';
import type { JsonObject } from '../core/json.ts';
import { formatMicroUsd } from '../core/money.ts';
import { listAgents } from '../store/views.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import { jsonObject, limitPairs, wholeNumber } from './options.ts';
import type { Run } from './program.ts';
import { replyText } from './reply.ts';
import type { Session } from './session.ts';

const TIMEOUT_SECONDS = 120;
const TIMEOUT_MAX_SECONDS = 3_600;
export const timeout = [
  '--timeout <seconds>',
  'how long to wait for an answer',
  wholeNumber(1, TIMEOUT_MAX_SECONDS),
  TIMEOUT_SECONDS,
] as const;

interface StartFlags {
  readonly requester: string;
  readonly tenant?: string;
  readonly channel?: string;
  readonly once?: boolean;
  readonly limits?: Readonly<Record<string, number>>;
  readonly context?: JsonObject;
  readonly workflowId?: string;
  readonly wait?: boolean;
  readonly timeout: number;
}

export function addStartCommands(program: Command, run: Run): void {
  program
    .command('start')
    .description('start a run, with or without its first message')
    .argument('<agent>', 'name of the agent, such as support')
    .argument('[message]', 'what the customer says first')
    .requiredOption('--requester <id>', 'for whom the run acts')
    .option('--tenant <id>', 'the tenant of the requester')
    .option('--channel <name>', 'which release channel to use (default live)')
    .option('--once', 'end after the first answer')
    .option(
      '--limits <name=number>',
      'tighten a limit, such as tokensPerRun=20000; may be repeated',
      limitPairs,
    )
    .option('--context <json>', 'facts of the application for the model', jsonObject)
    .option('--workflow-id <id>', 'name the conversation (default: a new name)')
    .option('--wait', 'wait for the answer to the message')
    .option(...timeout)
    .action((agent: string, message: string | undefined, flags: StartFlags) =>
      run((session) => start(session, agent, message, flags)),
    );
  program
    .command('send')
    .description('send a message and wait for the answer')
    .argument('<workflow-id>')
    .argument('<text>')
    .requiredOption('--by <id>', 'who says it')
    .option('--id <id>', 'id of the message: sent twice, it counts once (default: a new one)')
    .option(...timeout)
    .action(
      (
        workflowId: string,
        text: string,
        flags: { readonly by: string; readonly id?: string; readonly timeout: number },
      ) => run((session) => send(session, { workflowId, text, id: randomUUID(), ...flags })),
    );
}

async function start(
  session: Session,
  agent: string,
  message: string | undefined,
  flags: StartFlags,
): Promise<number | undefined> {
  const { wait = false, workflowId = `${agent}-${randomUUID()}` } = flags;
  if (wait && message === undefined)
    throw new CommandError('usage', 'usage', '--wait needs a message: give one, or leave --wait out');
  await refuseUnknownAgent(session, agent, flags.channel ?? 'live');
  return session.temporal(async (holdfast) => {
    await holdfast.start(startInput(agent, message, flags), { workflowId });
    if (!wait || message === undefined) {
      session.terminal.show({ workflowId }, ({ workflowId: id }, paint) =>
        [`started ${paint.bold(id)}`, paint.dim(`follow it with: holdfast show ${id}`)].join('\n'),
      );
      return undefined;
    }
    const answer = await awaitAnswer(
      holdfast,
      { workflowId, text: message, by: flags.requester, id: 'start' },
      flags,
    );
    return showAnswer(session, workflowId, answer);
  });
}

function startInput(agent: string, message: string | undefined, flags: StartFlags): Omit<StartInput, 'v'> {
  const { requester, tenant, channel, once, limits, context } = flags;
  return {
    agent,
    requester: { id: requester, ...(tenant !== undefined && { tenant }) },
    ...(message !== undefined && { message }),
    ...(channel !== undefined && { channel }),
    ...(once !== undefined && { once }),
    ...(limits !== undefined && { limits }),
    ...(context !== undefined && { context }),
  };
}

/**
 * A run of an agent that nobody published ends as failed; saying so before it starts is kinder. Where the store cannot
 * be asked, or is still empty, the run itself will tell.
 */
export async function refuseUnknownAgent(session: Session, agent: string, channel: string): Promise<void> {
  const known = await session.store(listAgents).catch(() => []);
  if (known.length === 0 || known.some((one) => one.agent === agent && one.channel === channel)) return;
  const names = known.map((one) => (one.channel === 'live' ? one.agent : `${one.agent}@${one.channel}`));
  throw new CommandError(
    'notFound',
    'unknown_agent',
    `no agent "${agent}" is published on channel "${channel}". Known: ${names.join(', ')}. Agents come with the workers that load them (HOLDFAST_AGENTS)`,
  );
}

interface Message {
  readonly workflowId: string;
  readonly text: string;
  readonly by: string;
  readonly id: string;
}

interface Answer {
  readonly reply: Reply | null;
  /** There once the run has ended. */
  readonly result: RunResult | null;
}

/** Waits for the answer to a message the run has or gets; a run that ends meanwhile answers with its result. */
async function awaitAnswer(
  holdfast: HoldfastClient,
  message: Message,
  flags: { readonly timeout: number; readonly once?: boolean },
): Promise<Answer> {
  const timeoutMs = flags.timeout * 1_000;
  const resultOf = () => holdfast.result(message.workflowId, { timeoutMs });
  try {
    const reply = await holdfast.send(message, { timeoutMs });
    const ends = reply.kind === 'ended' || (flags.once === true && reply.kind === 'answered');
    return { reply, result: ends ? await resultOf() : null };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === 'ended') return { reply: null, result: await resultOf() };
    if (error.code === 'timed_out') return { reply: null, result: null };
    throw error;
  }
}

async function send(
  session: Session,
  input: Message & { readonly timeout: number },
): Promise<number | undefined> {
  const { timeout: seconds, ...message } = input;
  return session.temporal(async (holdfast) => {
    try {
      const reply = await holdfast.send(message, { timeoutMs: seconds * 1_000 });
      return showAnswer(session, message.workflowId, { reply, result: null });
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'timed_out') throw error;
      // An update that no worker took is not durable. The signal is, and the message id makes the two count once.
      await holdfast.post(message);
      return showAnswer(session, message.workflowId, { reply: null, result: null });
    }
  });
}

function showAnswer(session: Session, workflowId: string, answer: Answer): number | undefined {
  const { reply, result } = answer;
  session.terminal.show({ workflowId, reply, result }, (shown, paint) =>
    [
      paint.dim(`run ${shown.workflowId}`),
      ...(shown.reply === null ? [] : [replyText(shown.reply, paint)]),
      ...(shown.result === null || shown.reply?.kind === 'answered'
        ? []
        : [shown.result.answer ?? paint.dim('no answer')]),
      ...(shown.result === null
        ? []
        : [
            paint.dim(
              `ended: ${shown.result.outcome} (${shown.result.reason}), cost ${formatMicroUsd(shown.result.costMicroUsd)}`,
            ),
          ]),
    ].join('\n'),
  );
  if (reply === null && result === null) {
    session.terminal.note(
      `no answer yet: is a worker running? The message is in the run's history and is read as soon as one works; look with: holdfast show ${workflowId}`,
    );
    return EXIT_CODES.noAnswer[0];
  }
  if (result?.outcome !== 'failed') return undefined;
  return result.reason === 'unknown_agent' ? EXIT_CODES.notFound[0] : EXIT_CODES.unexpected[0];
}
