import type { ActivityHandler, ActivityOutcome } from '../driver.ts';
import type { Event, Program, Saying, Scene, StoreTrouble, ToolPlan } from './program.ts';

// A program in words, for whoever has to find out what went wrong.

export function tellProgram({
  agent,
  scenes,
  everyActivation,
  closes,
  lastWord,
}: Program): readonly string[] {
  const { tools, tokensPerRun, costMicroUsdPerRun, iterationsPerTurn, toolCallsPerTurn } = agent;
  return [
    `agent: ${agent.keyed ? 'decisions are signed' : 'nothing is signed'}, messages ${agent.whileWaiting} open requests, a breaker makes it ${agent.whileBroken}${agent.broken ? ' (one is open)' : ''}${agent.once ? ', one answer' : ''}${agent.greets ? '' : ', no first message'}`,
    `limits: ${iterationsPerTurn} steps and ${toolCallsPerTurn} calls a turn, ${tokensPerRun} tokens, ${costMicroUsdPerRun} micro-dollars, ${agent.approvalMs} ms to decide`,
    ...tools.map((tool) => `tool ${tellTool(tool)}`),
    ...scenes.map((scene, n) => `model ${n + 1}: ${tellScene(scene, tools)}`),
    `${everyActivation ? 'replayed after every activation' : 'replayed at crashes'}; ${closes ? 'closed at last' : 'left to end by itself'}${lastWord ? ', and the customer writes at the very end' : ''}`,
  ];
}

function tellTool({ name, gate, timeoutMs, retries, handsOver, quick, hasTerms }: ToolPlan): string {
  const asks =
    gate.kind === 'ask'
      ? `asks ${gate.of === 'requester' ? 'the customer' : `${gate.quorum} of ${[...gate.people, ...gate.roles].join(', ') || 'anybody'}`}${gate.requesterToo ? ', the customer too' : ''} within ${gate.minutes} min${gate.escalation.map(({ minutes, person }) => `, ${person} after ${minutes} min`).join('')}, else ${gate.onExpiry}`
      : gate.kind;
  return `${name}: ${asks}; ${timeoutMs} ms, ${retries} retries${hasTerms ? ', has terms' : ''}${handsOver ? ', hands over' : ''}${quick ? ', quick' : ''}`;
}

function tellScene(
  { kind, calls, tokens, takesMs, troubles, cap }: Scene,
  tools: readonly ToolPlan[],
): string {
  const made = calls.map(
    ({ tool, word, isBad, fates }) =>
      `${tool === null ? 'made_up' : (tools[tool]?.name ?? 'made_up')}(${isBad ? 'bad' : word})${fates.length > 0 ? ` -> ${fates.join(', ')}` : ''}`,
  );
  const before = [...troubles, ...(cap === 'none' ? [] : [`cap: ${cap}`])];
  return `${kind} ${made.join('; ')} [${tokens} tokens, ${takesMs} ms]${before.length > 0 ? ` after ${before.join(', ')}` : ''}`;
}

export function tellEvent(event: Event): string {
  switch (event.kind) {
    case 'say':
      return `> ${event.said.map(tellSaying).join(' + ')}`;
    case 'during':
      return `> during the next task: ${tellSaying(event.said)}`;
    case 'wait':
      return `> ${event.ms} ms pass`;
    case 'settle':
      return '> activities run to their end';
    case 'timer':
      return `> until the next timer ${event.offsetMs === 0 ? '' : `${event.offsetMs > 0 ? '+' : ''}${event.offsetMs} ms`}`;
    case 'down':
      return `> no worker until the next ${event.to}; ${event.earlyMs} ms before: ${event.said.map(tellSaying).join(' + ') || 'nothing'}`;
    case 'strike':
      return event.name === 'lift'
        ? `> the kill switches are lifted, as soon as this is under way: ${event.at}`
        : `> dan ${event.name}, as soon as this is under way: ${event.at}`;
    case 'crash':
      return '> the worker is lost';
    case 'crash_at_local':
      return '> the worker is lost as soon as something runs inside a task';
    case 'crash_in_task':
      return '> the worker will be lost in the next task';
    case 'suggest':
      return '> the server suggests to continue as new';
    case 'switch':
      return `> kill switch of tool ${event.tool}: ${event.isOn ? 'on' : 'off'}`;
    case 'breaker':
      return `> the breaker ${event.isOpen ? 'opens' : 'closes'}`;
    case 'terms':
      return '> the terms change';
    case 'store':
      return `> the store ${TROUBLE_WORDS[event.how]} ${event.attempts} times`;
    default:
      return event satisfies never;
  }
}

const TROUBLE_WORDS: Readonly<Record<StoreTrouble, string>> = {
  away: 'is away',
  word_lost: 'is heard of too late',
  ends_worker: 'ends whoever asks it',
};

function tellSaying({ name, via, who, kind, about, form, signed, hash, amount }: Saying): string {
  const how = [
    ...(via === 'update' ? ['update'] : []),
    ...(form === 'plain' ? [] : [form]),
    ...(signed ? [] : ['unsigned']),
  ];
  const what =
    name === 'decide'
      ? `: ${kind}, ${about} request, hash ${hash}`
      : name === 'raiseLimit'
        ? ` by ${amount}`
        : '';
  return `${who} ${name}${what}${how.length > 0 ? ` (${how.join(', ')})` : ''}`;
}

/** The same activities, which say what they do. */
export function telling(
  activities: Readonly<Record<string, ActivityHandler>>,
  tell: (line: string) => void,
): Readonly<Record<string, ActivityHandler>> {
  return Object.fromEntries(
    Object.entries(activities).map(([name, handler]) => {
      const told: ActivityHandler = async (input, info) => {
        const outcome = await handler(input, info);
        tell(
          `  ${name}${info.isLocal ? ' in the task' : ''}${info.attempt > 1 ? ` (attempt ${info.attempt})` : ''}: ${info.summary ?? ''} -> ${tellOutcome(outcome)}`,
        );
        return outcome;
      };
      return [name, told];
    }),
  );
}

function tellOutcome(outcome: ActivityOutcome): string {
  if (outcome.kind === 'hangs') return 'is never heard of again';
  if (outcome.kind === 'ends_worker') return 'ends its worker';
  if (outcome.kind === 'failed') return `fails: ${outcome.failure.type ?? outcome.failure.message}`;
  return JSON.stringify(outcome.result ?? null).slice(0, 160);
}
