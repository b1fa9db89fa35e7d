import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Message } from '../core/messages.ts';
import { notice } from '../core/refusals.ts';
import type { Release } from '../core/release.ts';
import { utf8Bytes } from '../core/text.ts';
import { worstCaseMicroUsd } from '../models/prices.ts';
import type { ModelRequest } from '../models/provider.ts';
import { legible } from '../models/request.ts';
import { type ChainNode, link, loadChain } from '../store/chain.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';
import { appendedBlocks } from './userMessage.ts';

// What a model call says, and what it can cost at most.

/** A model call before it is made. */
export interface Draft {
  readonly request: ModelRequest;
  /** The new user message of this call; null where nothing was appended. */
  readonly userNode: ChainNode | null;
}

/** The conversation so far and one new user message, as the pinned release has them sent. */
export async function draftRequest(
  services: ActivityServices,
  input: CallModelInput,
  release: Release,
  pinned: { readonly hash: Hash; readonly model: string; readonly maxOutputTokens: number },
): Promise<Draft> {
  const chain = await loadChain(services.sql, input.run, input.head);
  const appended = await messageOf(services, input, release);
  const request: ModelRequest = {
    model: pinned.model,
    maxOutputTokens: pinned.maxOutputTokens,
    system: release.system,
    tools: release.tools.map((tool) => ({
      name: tool.labels.name,
      description: tool.description,
      inputSchema: tool.inputSchema,
    })),
    messages: [...chain.map((node) => legible(node, pinned.model)), ...(appended === null ? [] : [appended])],
    toolChoice: input.purpose === 'land' ? 'none' : 'auto',
  };
  return { request, userNode: appended === null ? null : link(pinned.hash, input.head, appended) };
}

/** The most this call can use: everything read so far, a token for each new byte, and all the output allowed. */
export function worstCase(
  services: ActivityServices,
  input: CallModelInput,
  { request, userNode }: Draft,
): { readonly tokens: number; readonly microUsd: number } {
  const prefix = utf8Bytes(request.system) + utf8Bytes(JSON.stringify(request.tools));
  const known = input.lastTotalTokens > 0;
  const counted = input.model === request.model ? 1 : LIMITS.otherTokenizerFactor;
  const read = known
    ? Math.ceil(input.lastTotalTokens * counted) + (userNode === null ? 0 : utf8Bytes(userNode.body))
    : prefix + utf8Bytes(JSON.stringify(request.messages));
  const microUsd = worstCaseMicroUsd(request.model, read, request.maxOutputTokens, new Date(), {
    unpriced: services.unpriced,
  });
  return { tokens: read + request.maxOutputTokens, microUsd };
}

/** The user message of this step: results first, in call order, then what people and the system say. */
async function messageOf(
  services: ActivityServices,
  input: CallModelInput,
  release: Release,
): Promise<Message | null> {
  const content = [...(await appendedBlocks(services.sql, input.run, input.append))];
  if (input.context !== null)
    content.push({
      type: 'text',
      text: notice(`Facts from the application: ${JSON.stringify(input.context)}`),
    });
  if (input.append.remind) content.push({ type: 'text', text: notice(release.reminder) });
  return content.length === 0 ? null : { role: 'user', content };
}
