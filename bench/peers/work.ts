import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { randomText } from '../text.ts';

// The work that is the same for all: what the model says, what its tools are, what they do.

export const MODEL = 'claude-sonnet-5-5';
export const MAX_OUTPUT_TOKENS = 4_096;
export const SYSTEM =
  'You read books and pay bills. One page at a time; pay a bill once. Stop calling tools after the last page.';

/** Of each page that the tool returns. */
const PAGE_BYTES = 2_000;

/** How the payment service takes a second request with the same key. */
export type Service = 'honours' | 'ignores';

export const TOOLS = [
  {
    name: 'read_page',
    description: 'Returns one page of a book by its number.',
    input_schema: {
      type: 'object',
      properties: { conversation: { type: 'string' }, page: { type: 'integer' } },
      required: ['conversation', 'page'],
      additionalProperties: false,
    },
  },
  {
    name: 'pay',
    description: 'Pays one bill at the payment service.',
    input_schema: {
      type: 'object',
      properties: { conversation: { type: 'string' }, service: { type: 'string' } },
      required: ['conversation', 'service'],
      additionalProperties: false,
    },
  },
] as const;

/** A conversation of so many turns: a model call and a tool call each, and one last answer. */
export function reading(conversation: string, turns: number): Conversation {
  const steps = Array.from({ length: turns }, (_, page) => ({
    says: { calls: [{ name: 'read_page', input: { conversation, page } }] },
  }));
  return {
    id: conversation,
    opening: conversation,
    steps: [...steps, { says: { text: 'That was all.' } }],
  };
}

export function paying(conversation: string, tool: string, service: Service): Conversation {
  return {
    id: conversation,
    opening: conversation,
    steps: [
      { says: { calls: [{ name: tool, input: { conversation, service } }] } },
      { says: { text: 'That is paid.' } },
    ],
  };
}

export function pageText(page: number): string {
  return randomText(PAGE_BYTES, page);
}
