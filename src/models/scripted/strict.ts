import type { Json, JsonObject } from '../../core/json.ts';
import { maximumOutputTokens, refusesForcedTool, thinkingProblem } from './models.ts';
import { textBlockProblems } from './strict-blocks.ts';
import { messageProblems } from './strict-messages.ts';
import { isJsonArray, isJsonObject } from './wire.ts';

export interface CheckOptions {
  /** `count` for `/v1/messages/count_tokens`, which takes fewer fields. */
  readonly endpoint?: 'create' | 'count';
  /** True when the request continues an answer that ended with `pause_turn`: only then may it end with an assistant message. */
  readonly continuesPause?: boolean;
}

const COUNT_FIELDS = [
  'cache_control',
  'messages',
  'model',
  'output_config',
  'speed',
  'system',
  'thinking',
  'tool_choice',
  'tools',
];
const CREATE_FIELDS = [
  ...COUNT_FIELDS,
  'container',
  'diagnostics',
  'inference_geo',
  'max_tokens',
  'metadata',
  'service_tier',
  'stop_sequences',
  'stream',
];
const SAMPLING_FIELDS = ['temperature', 'top_k', 'top_p'];
const TOOL_CHOICES = ['any', 'auto', 'none', 'tool'];
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const MAX_MESSAGES = 100_000;
const MAX_BREAKPOINTS = 4;
const MAX_DEPTH = 200;

/**
 * Everything for which the API (version 2026-10-21) would answer this request with 400, in its manner of saying so.
 * Pure; knows nothing of scripts. Empty when the request is sound.
 */
export function checkRequest(body: Json, options: CheckOptions = {}): string[] {
  const shape = shapeProblem(body, 0);
  if (shape !== null) return [shape];
  if (!isJsonObject(body)) return ['The request body must be a JSON object'];
  const model = typeof body.model === 'string' ? body.model : '';
  return [
    ...fieldProblems(body, options.endpoint ?? 'create'),
    ...systemProblems(body.system),
    ...toolProblems(body.tools),
    ...toolChoiceProblems(body, model),
    ...thinkingProblems(body.thinking, model),
    ...markerProblems(body),
    ...messageListProblems(body, options.continuesPause === true),
  ];
}

function fieldProblems(body: JsonObject, endpoint: 'create' | 'count'): string[] {
  const allowed = endpoint === 'create' ? CREATE_FIELDS : COUNT_FIELDS;
  const problems = Object.keys(body).flatMap((key) => {
    if (SAMPLING_FIELDS.includes(key)) return [`${key}: sampling parameters are not supported`];
    return allowed.includes(key) ? [] : [`${key}: Extra inputs are not permitted`];
  });
  if (typeof body.model !== 'string' || body.model === '') problems.push('model: Field required');
  if (body.stream !== undefined && typeof body.stream !== 'boolean')
    problems.push('stream: Input should be a valid boolean');
  if (endpoint === 'create') problems.push(...maxTokensProblems(body.max_tokens, body.model));
  return problems;
}

function maxTokensProblems(value: Json | undefined, model: Json | undefined): string[] {
  if (value === undefined) return ['max_tokens: Field required'];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    return ['max_tokens: Input should be an integer of at least 0'];
  const most = maximumOutputTokens(typeof model === 'string' ? model : '');
  return value > most
    ? [`max_tokens: ${value} > ${most}, which is the maximum allowed number of output tokens`]
    : [];
}

function systemProblems(system: Json | undefined): string[] {
  if (system === undefined || typeof system === 'string') return [];
  if (!isJsonArray(system)) return ['system: Input should be a string or a list of text blocks'];
  return system.flatMap((block, index) => textBlockProblems(block, `system.${index}`));
}

function toolProblems(tools: Json | undefined): string[] {
  if (tools === undefined) return [];
  if (!isJsonArray(tools)) return ['tools: Input should be a valid list'];
  const seen = new Set<string>();
  return tools.flatMap((tool, index) => {
    const at = `tools.${index}`;
    if (!isJsonObject(tool)) return [`${at}: Input should be an object`];
    const name = tool.name;
    if (typeof name !== 'string' || !TOOL_NAME.test(name))
      return [`${at}.name: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`];
    if (seen.has(name)) return ['tools: Tool names must be unique.'];
    seen.add(name);
    const kind = tool.type ?? 'custom';
    if (kind !== 'custom') return [];
    const schema = tool.input_schema;
    if (schema === undefined) return [`${at}.input_schema: Field required`];
    if (!isJsonObject(schema) || schema.type !== 'object')
      return [`${at}.input_schema.type: Input should be 'object'`];
    return [];
  });
}

function toolChoiceProblems(body: JsonObject, model: string): string[] {
  const choice = body.tool_choice;
  if (choice === undefined) return [];
  const kind = isJsonObject(choice) ? choice.type : undefined;
  if (!isJsonObject(choice) || typeof kind !== 'string' || !TOOL_CHOICES.includes(kind))
    return ["tool_choice: Input tag should be one of 'auto', 'any', 'tool', 'none'"];
  if (!isJsonArray(body.tools) || body.tools.length === 0)
    return ['tool_choice: may only be specified while providing tools'];
  if (kind === 'none' && choice.disable_parallel_tool_use !== undefined)
    return ['tool_choice.none.disable_parallel_tool_use: Extra inputs are not permitted'];
  if (kind !== 'any' && kind !== 'tool') return [];
  if (refusesForcedTool(model))
    return [`tool_choice: type "${kind}" is not supported by ${model}; use "auto"`];
  const named = body.tools.some((tool) => isJsonObject(tool) && tool.name === choice.name);
  return kind === 'tool' && !named
    ? [`tool_choice: Tool '${String(choice.name)}' not found in provided tools`]
    : [];
}

function thinkingProblems(thinking: Json | undefined, model: string): string[] {
  if (thinking === undefined) return [];
  if (!isJsonObject(thinking) || typeof thinking.type !== 'string')
    return ['thinking: Input should be an object with a type'];
  const problem = thinkingProblem(model, thinking.type);
  return problem === null ? [] : [problem];
}

function messageListProblems(body: JsonObject, continuesPause: boolean): string[] {
  const messages = body.messages;
  if (messages === undefined) return ['messages: Field required'];
  if (!isJsonArray(messages)) return ['messages: Input should be a valid list'];
  if (messages.length === 0) return ['messages: at least one message is required'];
  if (messages.length > MAX_MESSAGES) return [`messages: at most ${MAX_MESSAGES} messages are allowed`];
  const tools = isJsonArray(body.tools) ? body.tools : [];
  const names = tools.flatMap((tool) =>
    isJsonObject(tool) && typeof tool.name === 'string' ? [tool.name] : [],
  );
  return messageProblems(messages, { toolNames: names, continuesPause });
}

/** Cache markers in the order of the prefix. Those inside a tool's input or schema are data, not markers. */
function markerProblems(body: JsonObject): string[] {
  const places = [body.tools, body.system].flatMap(marked);
  if (isJsonArray(body.messages))
    for (const message of body.messages) {
      if (!isJsonObject(message) || !isJsonArray(message.content)) continue;
      for (const block of message.content) {
        if (isJsonObject(block) && block.type === 'tool_result') places.push(...marked(block.content));
        places.push(...marked([block]));
      }
    }
  places.push(...marked([body]));
  const problems: string[] = [];
  if (places.length > MAX_BREAKPOINTS)
    problems.push(
      `A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${places.length}.`,
    );
  const kinds = places.map((marker) =>
    isJsonObject(marker) && marker.type === 'ephemeral' ? (marker.ttl ?? '5m') : 'wrong',
  );
  if (kinds.some((kind) => kind !== '5m' && kind !== '1h'))
    problems.push("cache_control: Input should be { type: 'ephemeral' } with a ttl of '5m' or '1h'");
  const firstShort = kinds.indexOf('5m');
  if (firstShort >= 0 && kinds.indexOf('1h', firstShort) > firstShort)
    problems.push("cache_control: a ttl='1h' block must not come after a ttl='5m' block");
  return problems;
}

function marked(blocks: Json | undefined): Json[] {
  if (!isJsonArray(blocks)) return [];
  return blocks
    .flatMap((block) => (isJsonObject(block) ? [block.cache_control ?? null] : []))
    .filter(Boolean);
}

/** JSON that the API's parser refuses although ours takes it: lone surrogates, and nesting without end. */
function shapeProblem(value: Json, depth: number): string | null {
  if (typeof value === 'string')
    return /\p{Surrogate}/u.test(value)
      ? 'The request body is not valid JSON: a string holds a lone surrogate'
      : null;
  if (typeof value !== 'object' || value === null) return null;
  if (depth >= MAX_DEPTH) return `The request body is nested deeper than ${MAX_DEPTH} levels`;
  for (const [key, member] of Object.entries(value)) {
    const problem = shapeProblem(key, depth) ?? shapeProblem(member, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}
