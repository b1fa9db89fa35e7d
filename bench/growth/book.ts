import { z } from 'zod';
import type { Json } from '../../src/core/json.ts';
import { MAX_RUN_LIMITS } from '../../src/core/limits.ts';
import type { ContentBlock, Message } from '../../src/core/messages.ts';
import { createAnthropicProvider } from '../../src/models/anthropic.ts';
import type { ModelRequest } from '../../src/models/provider.ts';
import type { Conversation } from '../../src/models/scripted/conversation.ts';
import { defineAgent } from '../../src/tools/agent.ts';
import { success } from '../../src/tools/result.ts';
import { defineTool } from '../../src/tools/tool.ts';
import type { Lab } from '../../test/e2e/lab.ts';
import { randomText } from '../text.ts';

/** A conversation of so many model calls, each followed by one tool call that returns a page of text. */
export interface Book {
  readonly name: string;
  readonly calls: number;
  readonly pageBytes: number;
  readonly seed: number;
}

export const OPENING = 'Read all pages.';
export const TOOL = 'read_page';

export function pageText({ pageBytes, seed }: Pick<Book, 'pageBytes' | 'seed'>, page: number): string {
  return randomText(pageBytes, seed * 1_000_003 + page);
}

export function conversationOf({ name, calls }: Book): Conversation {
  const steps = Array.from({ length: calls }, (_, page) => ({
    says: { calls: [{ name: TOOL, input: { page } }] },
  }));
  return { id: name, opening: OPENING, steps: [...steps, { says: { text: 'That was all.' } }] };
}

/** The agent that reads this book, with the widest limits: what is measured is growth, not the limits on it. */
export function readerOf(book: Book) {
  const readPage = defineTool<z.ZodObject<{ page: z.ZodNumber }>, unknown>({
    name: TOOL,
    description: 'Returns one page of the book by its number.',
    whenToUse: 'The next page has not been read yet.',
    whenNotToUse: 'The page has been read before.',
    category: 'book',
    tier: 'read',
    reads: 'public',
    returns: 'trusted',
    touches: 'none',
    replay: 'pure',
    input: z.object({ page: z.number().int() }),
    run: ({ page }) => success({ page, text: pageText(book, page) }),
  });
  return defineAgent<unknown>({
    name: 'reader',
    prompt: {
      role: 'You read books.',
      goal: 'Read every page.',
      rules: ['One page at a time.'],
      stop: ['Stop calling tools after the last page.'],
    },
    tools: [readPage],
    permissions: { tiers: ['read'] },
    policy: [],
    limits: { ...MAX_RUN_LIMITS },
    services: () => null,
  });
}

/** The same model request as the agent's, with the conversation that the workflow hands over. */
export function askerOf(lab: Lab, book: Book): (messages: readonly Message[]) => Promise<Answer> {
  const { release } = readerOf(book);
  const provider = createAnthropicProvider({
    apiKey: lab.config.anthropic.apiKey,
    ...(lab.config.anthropic.baseUrl !== null && { baseURL: lab.config.anthropic.baseUrl }),
    stallTimeoutMs: 60_000,
    callTimeoutMs: 60_000,
  });
  const request: Omit<ModelRequest, 'messages'> = {
    model: lab.config.models.standard[0] ?? '',
    maxOutputTokens: 4_096,
    system: release.system,
    tools: release.tools.map(({ labels, description, inputSchema }) => ({
      name: labels.name,
      description,
      inputSchema,
    })),
    toolChoice: 'auto',
  };
  const signal = new AbortController().signal;
  return async (messages) => {
    const answer = await provider.complete({ ...request, messages }, { signal });
    return { content: answer.content, stopReason: answer.stopReason };
  };
}

export interface Answer {
  readonly content: readonly ContentBlock[];
  readonly stopReason: string;
}

/** What the tool returns, as text. */
export function pageOf(book: Book, input: Json): string {
  const { page } = input as { readonly page: number };
  return JSON.stringify({ page, text: pageText(book, page) });
}
