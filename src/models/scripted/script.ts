import { canonicalJson, type JsonObject } from '../../core/json.ts';
import { type AnswerBlock, blocksOfStep, landingBlocks, sameContent, wireBlock } from './answer.ts';
import type { Conversation, Step } from './conversation.ts';
import { digestBefore, type PrefixLink } from './prefix.ts';
import { isSpoken, unseenProblem } from './seen.ts';
import { PREFILL_REFUSED } from './strict-messages.ts';
import { excerpt, text, type WireRequest } from './wire.ts';

/** What the script has for a request. `step` counts from 0. */
export type Place =
  | {
      readonly kind: 'step';
      readonly conversation: Conversation;
      readonly step: number;
      readonly script: Step;
      readonly blocks: readonly AnswerBlock[];
    }
  | {
      readonly kind: 'landing';
      readonly conversation: Conversation;
      readonly step: number;
      readonly blocks: readonly AnswerBlock[];
    }
  | { readonly kind: 'refused'; readonly message: string };

/**
 * `answeredByOther`: another model may have given that answer, so its thinking is missing rightly.
 *
 * Finds the answer to a request from the request alone: the conversation by its first user text, the step by the
 * answers it already holds, each compared with what was answered then. So a client that was killed and comes back
 * gets the same answer again, and one whose history differs from what it was told is refused.
 */
export function findPlace(
  conversations: ReadonlyMap<string, Conversation>,
  request: WireRequest,
  chain: readonly PrefixLink[],
  answeredByOther: (place: { readonly conversation: string; readonly step: number }) => boolean,
): Place {
  const opening = openingOf(request);
  const conversation = conversations.get(opening);
  if (conversation === undefined)
    return refuse(`no scripted conversation opens with "${excerpt(opening)}"; ${known(conversations)}`);

  let step = 0;
  let lastAnswer = -1;
  for (const [index, message] of request.messages.entries()) {
    if (message.role !== 'assistant') continue;
    const thinker = { model: request.model, prefixDigest: digestBefore(chain, index) };
    const expected = blocksOfStep(conversation, step, thinker);
    const thoughtless = expected?.filter((block) => block.kind !== 'thinking') ?? null;
    const mayForget = answeredByOther({ conversation: conversation.id, step });
    const wanted = [expected, mayForget ? thoughtless : null].filter((blocks) => blocks !== null);
    if (wanted.some((blocks) => sameContent(blocks, message.content))) {
      step += 1;
      lastAnswer = index;
    } else if (!sameContent(landingBlocks(conversation, step), message.content)) {
      if (index === request.messages.length - 1) return refuse(PREFILL_REFUSED);
      return refuse(differs(conversation, step, { index, expected, content: message.content }));
    }
  }
  const ended = request.messages.at(-1)?.role === 'assistant';
  if (ended && conversation.steps[step - 1]?.says.stopReason !== 'pause_turn') return refuse(PREFILL_REFUSED);

  if (request.toolChoice === 'none')
    return { kind: 'landing', conversation, step, blocks: landingBlocks(conversation, step) };
  const script = conversation.steps[step];
  const blocks = blocksOfStep(conversation, step, {
    model: request.model,
    prefixDigest: digestBefore(chain, request.messages.length),
  });
  if (script === undefined || blocks === null)
    return refuse(
      `${conversation.id}: the script ends after ${conversation.steps.length} answers, but one more was asked for`,
    );
  const unseen = unseenProblem(script, request, lastAnswer);
  return unseen === null
    ? { kind: 'step', conversation, step, script, blocks }
    : refuse(`${conversation.id}: step ${step}: ${unseen}`);
}

/** The first user text that is no notice, without the white space around it. */
function openingOf(request: WireRequest): string {
  const first = request.messages[0]?.content.find(isSpoken);
  return text(first?.text).trim();
}

function differs(
  conversation: Conversation,
  step: number,
  found: {
    readonly index: number;
    readonly expected: readonly AnswerBlock[] | null;
    readonly content: readonly JsonObject[];
  },
): string {
  const expected =
    found.expected === null ? 'no more answers' : excerpt(canonicalJson(found.expected.map(wireBlock)), 400);
  return `${conversation.id}: messages.${found.index} is not what was answered at step ${step}: expected ${expected}, came ${excerpt(canonicalJson(found.content), 400)}`;
}

function known(conversations: ReadonlyMap<string, Conversation>): string {
  const openings = [...conversations.keys()].slice(0, 5).map((opening) => `"${excerpt(opening, 60)}"`);
  return `it knows ${conversations.size}${openings.length > 0 ? `, among them ${openings.join(', ')}` : ''}`;
}

function refuse(message: string): Place {
  return { kind: 'refused', message };
}
