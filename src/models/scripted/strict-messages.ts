import type { Json, JsonObject } from '../../core/json.ts';
import { blockProblems } from './strict-blocks.ts';
import { isJsonArray, isJsonObject, text } from './wire.ts';

export interface MessageRules {
  readonly toolNames: readonly string[];
  readonly continuesPause: boolean;
}

export const PREFILL_REFUSED =
  'This model does not support assistant message prefill. The conversation must end with a user message.';

/** What is wrong with a list of messages: roles, content, and that every call meets its result. */
export function messageProblems(messages: readonly Json[], rules: MessageRules): string[] {
  const read = messages.map(contentOf);
  return [
    ...messages.flatMap((message, index) => shapeProblems(message, index, messages.length)),
    ...orderProblems(read, rules),
    ...pairProblems(read, rules.toolNames),
  ];
}

interface Read {
  readonly role: string;
  readonly blocks: readonly JsonObject[];
}

function contentOf(message: Json): Read {
  if (!isJsonObject(message)) return { role: '', blocks: [] };
  const blocks = isJsonArray(message.content) ? message.content.filter(isJsonObject) : [];
  return { role: text(message.role), blocks };
}

function shapeProblems(message: Json, index: number, count: number): string[] {
  const at = `messages.${index}`;
  if (!isJsonObject(message)) return [`${at}: Input should be an object`];
  const problems = Object.keys(message)
    .filter((key) => key !== 'role' && key !== 'content')
    .map((key) => `${at}.${key}: Extra inputs are not permitted`);
  const role = text(message.role);
  if (role !== 'user' && role !== 'assistant' && role !== 'system')
    return [...problems, `${at}.role: Input should be 'user', 'assistant' or 'system'`];
  const content = message.content;
  if (typeof content !== 'string' && !isJsonArray(content))
    return [...problems, `${at}.content: Input should be a string or a list of blocks`];
  if (content.length === 0 && !(role === 'assistant' && index === count - 1))
    problems.push(
      `${at}: all messages must have non-empty content except for the optional final assistant message`,
    );
  if (typeof content === 'string')
    return content !== '' && content.trim() === ''
      ? [...problems, `${at}: text content blocks must contain non-whitespace text`]
      : problems;
  return [
    ...problems,
    ...content.flatMap((block, position) => blockProblems(block, `${at}.content.${position}`, role)),
  ];
}

function orderProblems(messages: readonly Read[], rules: MessageRules): string[] {
  const problems: string[] = [];
  if (messages[0]?.role !== 'user') problems.push('messages: first message must use the "user" role');
  if (messages.at(-1)?.role === 'assistant' && !rules.continuesPause) problems.push(PREFILL_REFUSED);
  return problems;
}

function pairProblems(messages: readonly Read[], toolNames: readonly string[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  messages.forEach(({ role, blocks }, index) => {
    if (role === 'assistant') {
      problems.push(...callProblems(blocks, index, { seen, toolNames }));
      problems.push(...openCallProblems(blocks, index, messages[index + 1]));
    }
    if (role === 'user') problems.push(...resultProblems(blocks, index, messages[index - 1]));
  });
  return problems;
}

function callProblems(
  blocks: readonly JsonObject[],
  index: number,
  known: { readonly seen: Set<string>; readonly toolNames: readonly string[] },
): string[] {
  return blocks.flatMap((block, position) => {
    if (block.type !== 'tool_use') return [];
    const at = `messages.${index}.content.${position}`;
    const problems: string[] = [];
    const id = text(block.id);
    if (known.seen.has(id)) problems.push(`${at}: \`tool_use\` ids must be unique`);
    known.seen.add(id);
    // A name that is not among the tools is accepted: models make them up, and the API lets the refusal be sent back.
    if (known.toolNames.length === 0)
      problems.push(`${at}: requests which include \`tool_use\` or \`tool_result\` blocks must define tools`);
    return problems;
  });
}

function openCallProblems(blocks: readonly JsonObject[], index: number, next: Read | undefined): string[] {
  const answered = next?.role === 'user' ? resultIds(next.blocks) : [];
  const open = idsOf(blocks, 'tool_use', 'id').filter((id) => !answered.includes(id));
  return open.length === 0
    ? []
    : [
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      ];
}

function resultProblems(blocks: readonly JsonObject[], index: number, before: Read | undefined): string[] {
  const asked = before?.role === 'assistant' ? idsOf(before.blocks, 'tool_use', 'id') : [];
  const seen = new Set<string>();
  let othersStarted = false;
  return blocks.flatMap((block, position) => {
    const at = `messages.${index}.content.${position}`;
    if (block.type !== 'tool_result') {
      othersStarted = true;
      return [];
    }
    const id = text(block.tool_use_id);
    const problems: string[] = [];
    if (othersStarted) problems.push(`${at}: \`tool_result\` blocks must come before any other content`);
    if (!asked.includes(id))
      problems.push(
        `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
      );
    if (seen.has(id))
      problems.push(
        `${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      );
    seen.add(id);
    return problems;
  });
}

function resultIds(blocks: readonly JsonObject[]): string[] {
  return idsOf(blocks, 'tool_result', 'tool_use_id');
}

function idsOf(blocks: readonly JsonObject[], kind: string, member: string): string[] {
  return blocks.filter((block) => block.type === kind).map((block) => text(block[member]));
}
