import type { Json, JsonObject } from '../../core/json.ts';
import { isJsonArray, isJsonObject } from './wire.ts';

/** The members that the blocks a client sends most may have. Other kinds are taken as they are. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  text: ['cache_control', 'citations', 'text', 'type'],
  thinking: ['signature', 'thinking', 'type'],
  redacted_thinking: ['data', 'type'],
  tool_use: ['cache_control', 'caller', 'id', 'input', 'name', 'toolset_name', 'type'],
  tool_result: ['cache_control', 'content', 'is_error', 'tool_use_id', 'toolset_name', 'type'],
};

const USER_KINDS = ['text', 'tool_result', 'image', 'document', 'search_result', 'container_upload'];
const ASSISTANT_KINDS = [
  'text',
  'thinking',
  'redacted_thinking',
  'tool_use',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'container_upload',
];

/** What is wrong with one content block of a message by that role, wherever it stands. */
export function blockProblems(block: Json, at: string, role: string): string[] {
  if (!isJsonObject(block)) return [`${at}: Input should be an object`];
  const kind = typeof block.type === 'string' ? block.type : '';
  if (role === 'system') return textBlockProblems(block, at);
  if (role === 'assistant' && kind === 'document')
    return [`${at}: \`document\` blocks are not permitted in assistant messages`];
  if (!(role === 'assistant' ? ASSISTANT_KINDS : USER_KINDS).includes(kind))
    return [`${at}: a block of type '${kind}' is not permitted in ${role} messages`];
  return [...memberProblems(block, kind, at), ...kindProblems(block, kind, at, role)];
}

/** For places that take text only: `system` and messages of the system role. */
export function textBlockProblems(block: Json, at: string): string[] {
  if (!isJsonObject(block) || block.type !== 'text') return [`${at}: Input should be a text block`];
  return [...memberProblems(block, 'text', at), ...textProblems(block, at)];
}

function kindProblems(block: JsonObject, kind: string, at: string, role: string): string[] {
  switch (kind) {
    case 'text': {
      const citations = block.citations;
      if (role === 'user' && isJsonArray(citations) && citations.length > 0)
        return [`${at}.citations: citations are not permitted in user messages`];
      return textProblems(block, at);
    }
    case 'thinking':
      return [...requireString(block, 'thinking', at), ...requireString(block, 'signature', at)];
    case 'tool_use':
      return toolUseProblems(block, at);
    case 'tool_result':
      return toolResultProblems(block, at);
    default:
      return [];
  }
}

function toolUseProblems(block: JsonObject, at: string): string[] {
  const problems = [...requireString(block, 'id', at), ...requireString(block, 'name', at)];
  if (typeof block.id === 'string' && !/^[a-zA-Z0-9_-]+$/.test(block.id))
    problems.push(`${at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  if (!isJsonObject(block.input)) problems.push(`${at}.tool_use.input: Input should be a valid dictionary`);
  return problems;
}

function toolResultProblems(block: JsonObject, at: string): string[] {
  const problems = requireString(block, 'tool_use_id', at);
  const content = block.content;
  if (block.is_error !== undefined && typeof block.is_error !== 'boolean')
    problems.push(`${at}.tool_result.is_error: Input should be a valid boolean`);
  if (content === undefined || typeof content === 'string') return problems;
  if (!isJsonArray(content))
    return [...problems, `${at}.tool_result.content: Input should be a string or blocks`];
  for (const [index, part] of content.entries())
    if (isJsonObject(part) && part.type === 'text')
      problems.push(...textProblems(part, `${at}.tool_result.content.${index}`));
  return problems;
}

function textProblems(block: JsonObject, at: string): string[] {
  if (typeof block.text !== 'string') return [`${at}.text: Field required`];
  if (block.text === '') return [`${at}: text content blocks must be non-empty`];
  if (block.text.trim() === '') return [`${at}: text content blocks must contain non-whitespace text`];
  return [];
}

function memberProblems(block: JsonObject, kind: string, at: string): string[] {
  const allowed = MEMBERS[kind];
  if (allowed === undefined) return [];
  return Object.keys(block)
    .filter((key) => !allowed.includes(key))
    .map((key) => `${at}.${key}: Extra inputs are not permitted`);
}

function requireString(block: JsonObject, key: string, at: string): string[] {
  return typeof block[key] === 'string' ? [] : [`${at}.${key}: Field required`];
}
