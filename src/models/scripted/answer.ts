import { createHash } from 'node:crypto';
import { canonicalJson, type Json, type JsonObject } from '../../core/json.ts';
import type { Conversation } from './conversation.ts';
import { signThinking, type Thinker } from './prefix.ts';
import { bare, excerpt } from './wire.ts';

/** A block of an answer. The input of a call is its JSON text, since a script may break it on purpose. */
export type AnswerBlock =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly kind: 'call'; readonly id: string; readonly name: string; readonly inputText: string };

/** The blocks of a scripted answer, or null past the end. */
export function blocksOfStep(
  conversation: Conversation,
  step: number,
  thinker: Thinker,
): AnswerBlock[] | null {
  const says = conversation.steps[step]?.says;
  if (says === undefined) return null;
  const blocks: AnswerBlock[] = [];
  if (says.thinking !== undefined)
    blocks.push({
      kind: 'thinking',
      thinking: says.thinking,
      signature: signThinking(thinker, says.thinking),
    });
  if (says.text !== undefined) blocks.push({ kind: 'text', text: says.text });
  says.calls?.forEach((call, position) => {
    const inputText = typeof call.input === 'string' ? call.input : JSON.stringify(call.input);
    const id = call.id ?? callId(conversation.id, step, position);
    blocks.push({ kind: 'call', id, name: call.name, inputText });
  });
  return blocks;
}

function callId(conversation: string, step: number, position: number): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([conversation, step, position]))
    .digest('hex');
  return `toolu_${digest.slice(0, 24)}`;
}

/** The answer to a request that may use no tool. The same for the same step, so that a history shows it again. */
export function landingBlocks(conversation: Conversation, step: number): AnswerBlock[] {
  return [{ kind: 'text', text: conversation.landing ?? defaultLanding(conversation, step) }];
}

function defaultLanding(conversation: Conversation, step: number): string {
  const names = conversation.steps
    .slice(0, step)
    .flatMap((each) => each.says.calls?.map((call) => call.name) ?? []);
  const done =
    names.length === 0 ? 'I have used no tool yet' : `So far I used ${[...new Set(names)].join(', ')}`;
  return `I have to stop here. You asked: "${excerpt(conversation.opening, 80)}" ${done}. Ask me to continue and I go on from this point.`;
}

/** An answer as the API writes it. Input that is not JSON becomes `{}`, since the API has no other way to show it. */
export function wireBlock(block: AnswerBlock): JsonObject {
  switch (block.kind) {
    case 'text':
      return { type: 'text', text: block.text, citations: null };
    case 'thinking':
      return { type: 'thinking', thinking: block.thinking, signature: block.signature };
    case 'call':
      return {
        type: 'tool_use',
        id: block.id,
        name: block.name,
        input: parsedInput(block.inputText) ?? {},
        caller: { type: 'direct' },
      };
    default:
      return block satisfies never;
  }
}

/** The value of a call input, or undefined when its text is not JSON. No text at all is `{}`, as on the wire. */
export function parsedInput(inputText: string): Json | undefined {
  if (inputText === '') return {};
  try {
    return JSON.parse(inputText);
  } catch {
    return undefined;
  }
}

/**
 * Equal in canonical JSON. What a client makes of broken input is its own affair: such a call may carry any input,
 * or be left out.
 */
export function sameContent(expected: readonly AnswerBlock[], content: readonly JsonObject[]): boolean {
  const broken = (block: AnswerBlock): boolean =>
    block.kind === 'call' && parsedInput(block.inputText) === undefined;
  const whole = expected.filter((block) => !broken(block));
  return [expected, whole].some(
    (wanted) =>
      wanted.length === content.length &&
      wanted.every((block, index) => {
        const found = bare(content[index] ?? {});
        const answer = bare(wireBlock(block));
        return broken(block)
          ? found.type === 'tool_use' && found.id === answer.id && found.name === answer.name
          : canonicalJson(found) === canonicalJson(answer);
      }),
  );
}
