import { LIMITS } from '../core/limits.ts';
import { oneLine } from '../core/text.ts';
import { ungroundedAmounts } from './groundingAmounts.ts';
import { isExample } from './groundingExamples.ts';
import { PHONE_TAIL_DIGITS, type Seen } from './groundingSeen.ts';
import { findMentions, type Mention } from './mentions.ts';

// Whether an answer states identifiers, amounts and addresses that nobody has given.

export { type Seen, seen } from './groundingSeen.ts';
export type { Source } from './groundingSources.ts';

/**
 * The mentions of an answer that no tool result, no word of the user and no text of the operator contains, and that do
 * not follow from those by simple arithmetic. In order; empty when the answer may go out.
 */
export function ungrounded(answer: string, seen: Seen): readonly Mention[] {
  const mentions = findMentions(answer);
  const amounts = ungroundedAmounts(answer, mentions, seen.money);
  return mentions.filter((mention) =>
    mention.kind === 'amount' ? amounts.has(mention) : !isSeen(mention, seen) && !isExample(mention, answer),
  );
}

/** What the model is told to do about such mentions. Its own words are quoted, and bounded. */
export function reasonFor(mentions: readonly Mention[]): string {
  const values = [...new Set(mentions.map(({ kind, text }) => `${NAMES[kind]} ${quoted(text)}`))];
  const named = values.slice(0, LIMITS.groundingNamed);
  const more = values.length - named.length;
  return [
    `It states what no tool result and nobody in this conversation has given: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`,
    'Look each of them up with a tool, or write the answer without it and say that you do not know it. Do not guess and do not make up values.',
  ].join(' ');
}

const NAMES: Readonly<Record<Mention['kind'], string>> = {
  order: 'the order',
  identifier: 'the identifier',
  ending: 'the last digits',
  phone: 'the phone number',
  mail: 'the mail address',
  link: 'the link',
  amount: 'the amount',
  date: 'the date',
};

function quoted(text: string): string {
  return JSON.stringify(oneLine(text, LIMITS.groundingNamedChars));
}

function isSeen({ kind, value }: Mention, seen: Seen): boolean {
  switch (kind) {
    case 'order':
    case 'identifier':
      return isSeenIdentifier(value, seen);
    case 'ending':
      return seen.endings.has(value) || seen.digits.has(value);
    case 'phone':
      return isSeenPhone(value, seen);
    case 'mail':
      return (
        seen.mails.has(value) || (value.includes('*') && [...seen.mails].some((mail) => fits(mail, value)))
      );
    case 'link':
      return seen.pages.has(value) || seen.hosts.has(value);
    // Amounts are judged together; a date may be worked out from the calendar.
    case 'amount':
    case 'date':
      return true;
    default:
      return kind satisfies never;
  }
}

function isSeenIdentifier(value: string, { words, digits, numbers, texts }: Seen): boolean {
  if (/^[a-z]+$/.test(value)) return texts.some((text) => new RegExp(`\\b${value}\\b`, 'i').test(text));
  if (words.has(value)) return true;
  if (/^\d+$/.test(value)) return digits.has(value);
  // People leave out the letters: `W2378156` is the order that was called 2378156.
  const bare = /^[a-z]{1,12}(\d{5,})$/.exec(value)?.[1];
  return bare !== undefined && numbers.has(bare);
}

function isSeenPhone(value: string, { phones, phoneTails, words }: Seen): boolean {
  if (phoneTails.has(value) || words.has(value)) return true;
  for (let from = 1; value.length - from >= PHONE_TAIL_DIGITS; from++)
    if (phones.has(value.slice(from))) return true;
  return false;
}

/** Whether the text is what the pattern masks with stars, each run of which stands for any characters. */
function fits(text: string, pattern: string): boolean {
  const parts = pattern.split(/\*+/);
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}
