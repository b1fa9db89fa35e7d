import type { Decision } from '../client.ts';
import { isObject, type JsonObject } from '../core/json.ts';
import type { ApprovalRow } from '../store/views.ts';

// What a line on the terminal means. Pure.

export const CHAT_COMMANDS = {
  close: 'end the conversation once everything in it is answered',
  cancel: 'stop the run',
  quit: 'leave; the run goes on',
  status: 'how the run stands',
  help: 'this list',
} as const;

export type ChatCommand = keyof typeof CHAT_COMMANDS;

export type Typed =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'command'; readonly name: ChatCommand }
  | { readonly kind: 'unknown'; readonly word: string }
  | { readonly kind: 'text'; readonly text: string };

/** A message that begins with a slash is written with two. */
export function readTyped(line: string): Typed {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (!text.startsWith('/')) return { kind: 'text', text };
  if (text.startsWith('//')) return { kind: 'text', text: text.slice(1) };
  const name = Object.keys(CHAT_COMMANDS).find((one) => `/${one}` === text);
  return name === undefined
    ? { kind: 'unknown', word: text }
    : { kind: 'command', name: name as ChatCommand };
}

/** Only a bare yes or no decides; "no, the other card" is a message. */
export function readYesNo(text: string): 'approve' | 'reject' | null {
  if (/^(y|yes)[.!]?$/i.test(text)) return 'approve';
  return /^(n|no)[.!]?$/i.test(text) ? 'reject' : null;
}

/** What a person says about a request: a decision without who and on what, or `skip`. */
export type Said =
  | { readonly kind: 'decision'; readonly decision: Word }
  | { readonly kind: 'skip' }
  | { readonly kind: 'bad'; readonly problem: string };

export type Word = Pick<Decision, 'kind' | 'reason' | 'arguments' | 'answer'>;

/** The short words of `--approve-as`. Null: it is not about the request, but a message. */
export function readSaid(kind: ApprovalRow['kind'], text: string): Said | null {
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const verb = word.toLowerCase();
  if (verb === 'skip' && rest === '') return { kind: 'skip' };
  switch (kind) {
    case 'call':
      if (isOneOf(verb, 'a', 'approve') && rest === '') return said({ kind: 'approve' });
      if (isOneOf(verb, 'e', 'edit')) return edited(rest);
      return rejected(verb, rest, 'r', 'reject');
    case 'question':
      if (isOneOf(verb, 'a', 'answer') && rest !== '') return said({ kind: 'answer', answer: rest });
      return rejected(verb, rest, 'r', 'reject');
    case 'reconcile':
      return reconciled(verb, rest);
    case 'landing':
    case 'pause':
      if (isOneOf(verb, 'c', 'continue') && rest === '') return said({ kind: 'approve' });
      return rejected(verb, rest, 's', 'stop');
    default:
      return kind satisfies never;
  }
}

/** The words that `readSaid` knows for a request, for its prompt. */
export function saidWords(kind: ApprovalRow['kind']): string {
  switch (kind) {
    case 'call':
      return 'a = approve · r WHY = reject · e {"argument": …} = edit · skip';
    case 'question':
      return 'a ANSWER = answer · r WHY = reject · skip';
    case 'reconcile':
      return 'happened {result} · did-not · give-up · skip';
    case 'landing':
    case 'pause':
      return 'c = continue · s WHY = stop · skip';
    default:
      return kind satisfies never;
  }
}

function said(decision: Word): Said {
  return { kind: 'decision', decision };
}

function rejected(verb: string, reason: string, ...words: readonly string[]): Said | null {
  if (!isOneOf(verb, ...words)) return null;
  return said({ kind: 'reject', ...(reason !== '' && { reason }) });
}

function edited(rest: string): Said {
  const value = objectOf(rest);
  return value === null
    ? {
        kind: 'bad',
        problem: 'an edit is one line: e and all arguments as a JSON object, such as e {"a": 1}',
      }
    : said({ kind: 'edit', arguments: value });
}

function reconciled(verb: string, rest: string): Said | null {
  if (isOneOf(verb, 'did-not') && rest === '')
    return said({ kind: 'answer', answer: { outcome: 'did_not' } });
  if (isOneOf(verb, 'give-up') && rest === '')
    return said({ kind: 'answer', answer: { outcome: 'give_up' } });
  if (!isOneOf(verb, 'happened')) return null;
  const result = rest === '' ? {} : objectOf(rest);
  return result === null
    ? { kind: 'bad', problem: 'what happened is told with its result as a JSON object, or alone' }
    : said({ kind: 'answer', answer: { outcome: 'happened', result } });
}

function objectOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

function isOneOf(word: string, ...words: readonly string[]): boolean {
  return words.includes(word);
}
