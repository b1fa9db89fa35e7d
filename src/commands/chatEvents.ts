import { canonicalJson, type Json } from '../core/json.ts';
import { formatAmount, formatMicroUsd } from '../core/money.ts';
import { parkedAs } from '../core/runPhases.ts';
import { oneLine } from '../core/text.ts';
import type { ApprovalRow, RunRow } from '../store/views.ts';
import type { Decided } from './approvals.ts';
import { verbsText } from './approvals.ts';
import { CHAT_COMMANDS, saidWords } from './chatWords.ts';
import { stateCell } from './reading.ts';
import { decidedWords, whoMay } from './reply.ts';
import { facts, indented, moment } from './table.ts';
import type { Colors } from './terminal.ts';

/** What happens in a chat, in its order. With `--json` each is one line. */
export type ChatEvent =
  | {
      readonly event: 'opened';
      readonly workflowId: string;
      readonly agent: string;
      readonly as: string;
      /** What the agent said last, where a conversation is taken up again. */
      readonly before: string | null;
    }
  | { readonly event: 'sent'; readonly messageId: string; readonly text: string }
  | {
      readonly event: 'answered';
      readonly messageId: string | null;
      readonly text: string | null;
      /** An answer to several messages is shown once. */
      readonly again: boolean;
    }
  | { readonly event: 'landed'; readonly messageId: string | null; readonly text: string | null }
  | {
      readonly event: 'asked';
      /** Whose word it needs: `you`, or other people. `approver`: you may speak for one of them here. */
      readonly of: 'you' | 'people' | 'approver';
      readonly request: AskedRequest;
    }
  | { readonly event: 'parked'; readonly state: string }
  | { readonly event: 'decided'; readonly approval: string; readonly by: string; readonly decided: Decided }
  | {
      readonly event: 'refused';
      readonly about: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly event: 'status'; readonly run: RunRow | null; readonly waitsFor: string | null }
  | { readonly event: 'help' }
  | { readonly event: 'signalled'; readonly signal: 'close' | 'cancel' }
  | {
      readonly event: 'ended';
      readonly outcome: string;
      readonly reason: string;
      readonly answer: string | null;
      readonly costMicroUsd: number;
    }
  | {
      readonly event: 'left';
      readonly why: 'quit' | 'end_of_input' | 'interrupted' | 'no_answer' | 'long';
      readonly workflowId: string;
      /** Whether a run is there to come back to. */
      readonly started: boolean;
    };

export type AskedRequest = Pick<
  ApprovalRow,
  | 'id'
  | 'kind'
  | 'tool'
  | 'arguments'
  | 'argsHash'
  | 'amount'
  | 'summary'
  | 'reason'
  | 'quote'
  | 'deadline'
  | 'requester'
  | 'requesterMay'
  | 'approvers'
  | 'quorum'
>;

export function asked(row: ApprovalRow): AskedRequest {
  const { id, kind, tool, arguments: args, argsHash, amount, summary, reason, quote } = row;
  const { deadline, requester, requesterMay, approvers, quorum } = row;
  return {
    ...{ id, kind, tool, arguments: args, argsHash, amount, summary, reason, quote },
    ...{ deadline, requester, requesterMay, approvers, quorum },
  };
}

export function eventText(event: ChatEvent, paint: Colors): string {
  switch (event.event) {
    case 'opened':
      return openedText(event, paint);
    case 'sent':
      return paint.dim(`you: ${event.text}`);
    case 'answered':
      if (event.again) return paint.dim('(answered with that)');
      return said(event.text, paint);
    case 'landed':
      return [
        said(event.text, paint),
        paint.yellow('a limit was reached: a person may let it continue, or stop it'),
      ].join('\n');
    case 'asked':
      return askedText(event, paint);
    case 'parked':
      return paint.yellow(parkedAs(event.state)?.words ?? `the run is ${event.state}`);
    case 'decided':
      return event.decided.kind === 'sent'
        ? `${paint.green('sent')} as ${event.by}: it counts as soon as a worker is back`
        : `${paint.green('decided')} as ${event.by}: ${decidedWords(event.decided)}`;
    case 'refused':
      return `${paint.red('refused:')} ${event.message}`;
    case 'status':
      return statusText(event, paint);
    case 'help':
      return helpText(paint);
    case 'signalled':
      return paint.dim(event.signal === 'close' ? 'closing the conversation' : 'stopping the run');
    case 'ended':
      return [
        ...(event.answer === null ? [] : [said(event.answer, paint)]),
        paint.dim(`ended: ${event.outcome} (${event.reason}), cost ${formatMicroUsd(event.costMicroUsd)}`),
      ].join('\n');
    case 'left':
      return leftText(event, paint);
    default:
      return event satisfies never;
  }
}

function openedText(event: Extract<ChatEvent, { event: 'opened' }>, paint: Colors): string {
  return [
    paint.dim(`chat with ${event.agent} as ${event.as}, ${event.workflowId}; /help lists commands`),
    ...(event.before === null ? [] : [said(event.before, paint)]),
  ].join('\n');
}

function said(text: string | null, paint: Colors): string {
  const words = text === null || text === '' ? paint.dim('(no text)') : text;
  return `${paint.green('agent:')} ${indented(words, '  ').trimStart()}`;
}

const ARGUMENTS_CHARS = 400;
const HASH_CHARS = 12;

function askedText({ of, request }: Extract<ChatEvent, { event: 'asked' }>, paint: Colors): string {
  const heading = of === 'you' ? `${request.summary}?` : `waiting for people: ${request.summary}`;
  return [
    paint.yellow(heading),
    facts(
      [
        ['call', callOf(request)],
        ['amount', request.amount === null ? null : formatAmount(request.amount)],
        ['why', request.reason],
        [
          'quoted',
          request.quote === null || of === 'you'
            ? null
            : `"${oneLine(request.quote, ARGUMENTS_CHARS)}" (the model's own words, checked by nobody)`,
        ],
        ['who', of === 'you' ? null : whoOf(request)],
        ['until', `${moment(request.deadline)} UTC`],
        ['say', sayOf(of, request)],
      ],
      paint,
    ),
  ].join('\n');
}

function callOf({ tool, arguments: args, argsHash }: AskedRequest): string | null {
  if (tool === null) return null;
  const bound = argsHash === null ? '' : ` (exactly these: ${argsHash.slice(0, HASH_CHARS)})`;
  return `${tool} ${shownJson(args)}${bound}`;
}

function whoOf(request: AskedRequest): string {
  const who = whoMay(request);
  return request.quorum <= 1 ? who : `${request.quorum} people of: ${who}`;
}

function sayOf(of: 'you' | 'people' | 'approver', { id, kind }: AskedRequest): string {
  if (of === 'you') return 'yes or no; anything else is a message, and takes the question back';
  return of === 'approver' ? saidWords(kind) : verbsText({ id, kind });
}

function shownJson(value: Json): string {
  return oneLine(canonicalJson(value), ARGUMENTS_CHARS);
}

function statusText({ run, waitsFor }: Extract<ChatEvent, { event: 'status' }>, paint: Colors): string {
  if (run === null) return paint.dim('the run has not been seen in the store yet');
  const state = stateCell(run, paint);
  const used = `${run.step} steps, ${run.tokens} tokens, ${formatMicroUsd(run.costMicroUsd)}`;
  return [
    `${state.paint(state.text)} ${paint.dim(`${used}, release ${run.release?.slice(0, HASH_CHARS) ?? 'none'}`)}`,
    ...(waitsFor === null || waitsFor === '' ? [] : [paint.dim(`waits for: ${waitsFor}`)]),
  ].join('\n');
}

function helpText(paint: Colors): string {
  return facts(
    Object.entries(CHAT_COMMANDS).map(([name, words]) => [`/${name}`, words] as const),
    paint,
  );
}

function leftText(event: Extract<ChatEvent, { event: 'left' }>, paint: Colors): string {
  if (!event.started) return paint.dim('nothing was said, so nothing was started');
  return paint.dim(`the run goes on; come back with: holdfast chat --workflow-id ${event.workflowId}`);
}
