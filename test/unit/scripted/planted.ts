import type { Json, JsonObject } from '../../../src/core/json.ts';

/** One sound request, and one row for every rule that it can be made to break. */
export const SOUND = {
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  system: [{ type: 'text', text: 'You help.' }],
  tools: [
    { name: 'look', description: 'Looks.', input_schema: { type: 'object', properties: {} } },
    { name: 'act', input_schema: { type: 'object' } },
  ],
  messages: [
    { role: 'user', content: 'hello' },
    {
      role: 'assistant',
      content: [
        { type: 'text', text: 'Let me look.', citations: null },
        { type: 'tool_use', id: 'toolu_1', name: 'look', input: { q: 1 }, caller: { type: 'direct' } },
        { type: 'tool_use', id: 'toolu_2', name: 'act', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'toolu_1', content: 'seen' },
        { type: 'tool_result', tool_use_id: 'toolu_2', content: 'no', is_error: true },
        { type: 'text', text: '<notice>two steps left</notice>' },
      ],
    },
  ],
} as const satisfies JsonObject;

export interface Planted {
  readonly rule: string;
  readonly body: Json;
  readonly says: RegExp;
}

const [hello, called, results] = SOUND.messages;
const look = called.content[1];
const marker = { type: 'ephemeral' };

function top(rule: string, members: JsonObject, says: RegExp): Planted {
  return { rule, body: { ...SOUND, ...members }, says };
}
function messages(rule: string, list: readonly Json[], says: RegExp): Planted {
  return top(rule, { messages: list }, says);
}
function userBlocks(rule: string, content: readonly Json[], says: RegExp): Planted {
  return messages(rule, [{ role: 'user', content }], says);
}
function without(member: string): JsonObject {
  return Object.fromEntries(Object.entries(SOUND).filter(([key]) => key !== member));
}

export const PLANTED: readonly Planted[] = [
  top('unknown top-level field', { betas: ['x'] }, /betas: Extra inputs are not permitted/),
  top('temperature', { temperature: 0 }, /temperature: sampling parameters/),
  top('top_p', { top_p: 0.9 }, /top_p: sampling parameters/),
  top('top_k', { top_k: 5 }, /top_k: sampling parameters/),
  { rule: 'no max_tokens', body: without('max_tokens'), says: /max_tokens: Field required/ },
  top('max_tokens not a whole number', { max_tokens: 1.5 }, /max_tokens: Input should be an integer/),
  top('max_tokens too large', { max_tokens: 128_001 }, /max_tokens: 128001 > 128000/),
  { rule: 'no model', body: without('model'), says: /model: Field required/ },
  { rule: 'no messages', body: without('messages'), says: /messages: Field required/ },
  messages('messages empty', [], /at least one message is required/),
  top('messages not a list', { messages: 'hello' }, /messages: Input should be a valid list/),
  messages('role tool', [hello, { role: 'tool', content: 'x' }], /messages.1.role: Input should be/),
  messages('first message from the assistant', [called, results], /first message must use the "user" role/),
  messages(
    'first message from the system',
    [{ role: 'system', content: 'x' }, hello],
    /first message must use/,
  ),
  messages('extra member of a message', [{ ...hello, id: 'm1' }], /messages.0.id: Extra inputs/),
  messages('content missing', [{ role: 'user' }], /messages.0.content: Input should be a string or/),
  messages('empty content list', [{ role: 'user', content: [] }, hello], /must have non-empty content/),
  messages('empty content string', [hello, { role: 'user', content: '' }], /must have non-empty content/),
  messages('content of white space', [{ role: 'user', content: ' \n' }], /non-whitespace text/),
  userBlocks('empty text block', [{ type: 'text', text: '' }], /text content blocks must be non-empty/),
  userBlocks('white space text block', [{ type: 'text', text: ' ' }], /non-whitespace text/),
  userBlocks('text block without text', [{ type: 'text' }], /content.0.text: Field required/),
  userBlocks('unknown block', [{ type: 'video' }], /type 'video' is not permitted in user messages/),
  userBlocks('block that is no object', ['x'], /content.0: Input should be an object/),
  userBlocks(
    'member the SDK adds, echoed in a block',
    [{ type: 'text', text: 'x', parsed: null }],
    /parsed: Extra inputs are not permitted/,
  ),
  userBlocks('tool_use by the user', [look], /'tool_use' is not permitted in user messages/),
  userBlocks(
    'citations in a user message',
    [{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }],
    /citations are not permitted in user messages/,
  ),
  messages(
    'tool_use without a result',
    [hello, called, hello],
    /without `tool_result` blocks immediately after: toolu_1, toolu_2/,
  ),
  messages(
    'tool_use without a result, in part',
    [hello, called, { role: 'user', content: results.content.slice(0, 1) }],
    /immediately after: toolu_2/,
  ),
  messages(
    'results in two messages',
    [
      hello,
      called,
      { role: 'user', content: results.content.slice(0, 1) },
      { role: 'user', content: results.content.slice(1) },
    ],
    /immediately after: toolu_2/,
  ),
  messages(
    'system message between call and result',
    [hello, called, { role: 'system', content: 'x' }, results],
    /immediately after: toolu_1/,
  ),
  messages(
    'tool_result without tool_use',
    [hello, results],
    /unexpected `tool_use_id` found in `tool_result` blocks: toolu_1/,
  ),
  messages(
    'tool_result after text',
    [hello, called, { role: 'user', content: [...results.content].reverse() }],
    /`tool_result` blocks must come before any other content/,
  ),
  messages(
    'two results for one call',
    [hello, called, { role: 'user', content: [results.content[0], ...results.content] }],
    /multiple `tool_result` blocks with id: toolu_1/,
  ),
  messages(
    'duplicate tool_use ids',
    [hello, called, results, called, results],
    /`tool_use` ids must be unique/,
  ),
  { rule: 'calls but no tools', body: without('tools'), says: /must define tools/ },
  messages(
    'call input that is not an object',
    [
      hello,
      { role: 'assistant', content: [{ ...look, input: 'x' }] },
      { role: 'user', content: [results.content[0]] },
    ],
    /tool_use.input: Input should be a valid dictionary/,
  ),
  messages(
    'call id with a space',
    [
      hello,
      { role: 'assistant', content: [{ ...look, id: 'a b' }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a b' }] },
    ],
    /tool_use.id: String should match pattern/,
  ),
  messages(
    'is_error not a boolean',
    [
      hello,
      { role: 'assistant', content: [look] },
      { role: 'user', content: [{ ...results.content[0], is_error: 'yes' }] },
    ],
    /is_error: Input should be a valid boolean/,
  ),
  messages(
    'empty text within a result',
    [
      hello,
      { role: 'assistant', content: [look] },
      { role: 'user', content: [{ ...results.content[0], content: [{ type: 'text', text: '' }] }] },
    ],
    /tool_result.content.0: text content blocks must be non-empty/,
  ),
  messages(
    'result content that is a number',
    [
      hello,
      { role: 'assistant', content: [look] },
      { role: 'user', content: [{ ...results.content[0], content: 5 }] },
    ],
    /tool_result.content: Input should be a string or blocks/,
  ),
  messages(
    'document in an assistant message',
    [hello, { role: 'assistant', content: [{ type: 'document', source: {} }] }, hello],
    /`document` blocks are not permitted in assistant messages/,
  ),
  messages(
    'system message with a call',
    [hello, { role: 'system', content: [look] }],
    /Input should be a text block/,
  ),
  messages(
    'thinking without a signature',
    [hello, { role: 'assistant', content: [{ type: 'thinking', thinking: 'x' }] }, hello],
    /signature: Field required/,
  ),
  messages(
    'prefill',
    [hello, { role: 'assistant', content: 'Once upon' }],
    /does not support assistant message prefill/,
  ),
  messages('ends with a call', [hello, called], /immediately after: toolu_1, toolu_2/),
  top('system of the wrong kind', { system: 5 }, /system: Input should be a string or/),
  top('system with an image', { system: [{ type: 'image' }] }, /system.0: Input should be a text block/),
  top(
    'empty system block',
    { system: [{ type: 'text', text: '' }] },
    /system.0: text content blocks must be non-empty/,
  ),
  top(
    'tool without a schema',
    { tools: [{ name: 'look' }, { name: 'act' }] },
    /tools.0.input_schema: Field required/,
  ),
  top(
    'tool schema not of an object',
    { tools: [...SOUND.tools, { name: 'x', input_schema: { type: 'string' } }] },
    /tools.2.input_schema.type: Input should be 'object'/,
  ),
  top(
    'tool name with a dot',
    { tools: [...SOUND.tools, { name: 'a.b', input_schema: {} }] },
    /tools.2.name: String should match/,
  ),
  top(
    'tool name of 65 letters',
    { tools: [...SOUND.tools, { name: 'a'.repeat(65) }] },
    /tools.2.name: String should match/,
  ),
  top('two tools with one name', { tools: [...SOUND.tools, SOUND.tools[0]] }, /Tool names must be unique/),
  top('tools not a list', { tools: {} }, /tools: Input should be a valid list/),
  top('forced tool, any', { tool_choice: { type: 'any' } }, /"any" is not supported by claude-sonnet-5-5/),
  top('forced tool by name', { tool_choice: { type: 'tool', name: 'look' } }, /"tool" is not supported by/),
  top(
    'forced tool that is not there, on an older model',
    { model: 'claude-opus-4-6', tool_choice: { type: 'tool', name: 'fly' } },
    /Tool 'fly' not found/,
  ),
  top('tool_choice unknown', { tool_choice: { type: 'maybe' } }, /tool_choice: Input tag/),
  {
    rule: 'tool_choice without tools',
    body: { ...without('tools'), tool_choice: { type: 'none' }, messages: [hello] },
    says: /may only be specified while providing tools/,
  },
  top(
    'none with parallel switch',
    { tool_choice: { type: 'none', disable_parallel_tool_use: true } },
    /disable_parallel_tool_use: Extra inputs/,
  ),
  top(
    'thinking budget on a new model',
    { thinking: { type: 'enabled', budget_tokens: 2_000 } },
    /"enabled" is not supported/,
  ),
  top(
    'thinking switched off where it cannot be',
    { model: 'claude-opus-5-5', thinking: { type: 'disabled' } },
    /"disabled" is not supported/,
  ),
  top('thinking of no kind', { thinking: true }, /thinking: Input should be an object/),
  top(
    'five cache markers',
    {
      cache_control: marker,
      system: [1, 2].map(() => ({ type: 'text', text: 'x', cache_control: marker })),
      tools: SOUND.tools.map((tool) => ({ ...tool, cache_control: marker })),
    },
    /A maximum of 4 blocks with cache_control may be provided. Found 5/,
  ),
  top(
    'cache marker of an unknown kind',
    { cache_control: { type: 'forever' } },
    /cache_control: Input should be/,
  ),
  top(
    'cache marker with an unknown ttl',
    { cache_control: { ...marker, ttl: '2h' } },
    /cache_control: Input should be/,
  ),
  top(
    'a long cache entry after a short one',
    {
      system: [{ type: 'text', text: 'x', cache_control: marker }],
      cache_control: { ...marker, ttl: '1h' },
    },
    /ttl='1h' block must not come after/,
  ),
  userBlocks(
    'lone surrogate',
    [{ type: 'text', text: 'half \ud83d of a smile' }],
    /not valid JSON.*lone surrogate/,
  ),
  userBlocks(
    'lone surrogate as a key',
    [{ type: 'image', source: { '\udc00': 1 } }],
    /not valid JSON.*lone surrogate/,
  ),
  userBlocks('nesting without end', [{ type: 'image', source: nested(300) }], /nested deeper than 200/),
];

function nested(depth: number): Json {
  let value: Json = 'x';
  for (let index = 0; index < depth; index += 1) value = [value];
  return value;
}
