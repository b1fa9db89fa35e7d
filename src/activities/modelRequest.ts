import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Message } from '../core/messages.ts';
import { notice } from '../core/refusals.ts';
import type { Release } from '../core/release.ts';
import { utf8Bytes } from '../core/text.ts';
import type { AskYesNo, Guards } from '../guards/subjects.ts';
import { worstCaseMicroUsd } from '../models/prices.ts';
import type { ModelRequest } from '../models/provider.ts';
import { legible } from '../models/request.ts';
import { type ChainNode, link } from '../store/chain.ts';
import { recallChain } from '../store/recall.ts';
import { judgeInput, type StageNote } from './guarding.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';
import { blocksOf, type ReadAppend, readAppend } from './userMessage.ts';

// What a model call says, and what it can cost at most.

/** A model call before it is made. */
export interface Draft {
  readonly request: ModelRequest;
  /** The conversation before it, with the model of each answer. */
  readonly chain: readonly ChainNode[];
  /** The new user message of this call; null where nothing was appended. */
  readonly userNode: ChainNode | null;
  /** What the guards of messages said. */
  readonly notes: readonly StageNote[];
  /** Messages that were withheld or changed, as they came. */
  readonly originals: readonly string[];
  /** What the customer reads in place of an answer; then the model is not asked. */
  readonly reply: string | null;
}

/** The conversation so far and one new user message, as the pinned release has them sent. */
export async function draftRequest(
  services: ActivityServices,
  input: CallModelInput,
  release: Release,
  pinned: {
    readonly hash: Hash;
    readonly model: string;
    readonly maxOutputTokens: number;
    readonly guards: Guards;
    readonly ask: AskYesNo;
  },
): Promise<Draft> {
  const chain = await recallChain(services.sql, input.run, input.head);
  const read = await readAppend(services.sql, input.run, input.append);
  const judged = await judgeInput(pinned.guards, input, read, pinned.ask);
  const appended = messageOf(judged.read, input, release);
  const request: ModelRequest = {
    model: pinned.model,
    maxOutputTokens: pinned.maxOutputTokens,
    system: release.system,
    tools: release.tools.map((tool) => ({
      name: tool.labels.name,
      description: tool.description,
      inputSchema: tool.inputSchema,
    })),
    messages: messagesFor(pinned.model, chain, appended),
    toolChoice: input.purpose === 'land' ? 'none' : 'auto',
  };
  const { notes, originals, reply } = judged;
  const userNode = appended === null ? null : link(pinned.hash, input.head, appended);
  return { request, chain, userNode, notes, originals, reply };
}

/** The same call, asked of another model. */
export function draftFor(draft: Draft, model: string): Draft {
  const { request, chain, userNode } = draft;
  return {
    ...draft,
    request: { ...request, model, messages: messagesFor(model, chain, userNode?.message ?? null) },
  };
}

function messagesFor(
  model: string,
  chain: readonly ChainNode[],
  appended: Message | null,
): readonly Message[] {
  return [...chain.map((node) => legible(node, model)), ...(appended === null ? [] : [appended])];
}

/** The most this call can use: everything read so far, a token for each new byte, and all the output allowed. */
export function worstCase(
  services: ActivityServices,
  input: CallModelInput,
  { request, userNode, reply }: Draft,
): { readonly tokens: number; readonly microUsd: number } {
  if (reply !== null) return { tokens: 0, microUsd: 0 };
  const known = input.lastTotalTokens > 0;
  const counted = input.model === request.model ? 1 : LIMITS.otherTokenizerFactor;
  const read = known
    ? Math.ceil(input.lastTotalTokens * counted) + (userNode === null ? 0 : utf8Bytes(userNode.body))
    : utf8Bytes(request.system) + utf8Bytes(JSON.stringify([request.tools, request.messages]));
  const microUsd = worstCaseMicroUsd(request.model, read, request.maxOutputTokens, new Date(), {
    unpriced: services.unpriced,
  });
  return { tokens: read + request.maxOutputTokens, microUsd };
}

/** The user message of this step: results first, in call order, then what people and the system say. */
function messageOf(read: ReadAppend, input: CallModelInput, release: Release): Message | null {
  const content = [...blocksOf(read)];
  if (input.context !== null)
    content.push({
      type: 'text',
      text: notice(`Facts from the application: ${JSON.stringify(input.context)}`),
    });
  if (input.append.remind) content.push({ type: 'text', text: notice(release.reminder) });
  return content.length === 0 ? null : { role: 'user', content };
}
