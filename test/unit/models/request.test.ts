import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ContentBlock, Message } from '../../../src/core/messages.ts';
import type { ModelRequest, ModelTool } from '../../../src/models/provider.ts';
import type { WireRequest } from '../../../src/models/request.ts';
import { fitsStrict, toWireRequest } from '../../../src/models/request.ts';

function tool(
  name: string,
  properties: ModelTool['inputSchema'] = {},
  required: readonly string[] = [],
): ModelTool {
  const inputSchema = { type: 'object', properties, required, additionalProperties: false };
  return { name, description: `does ${name}`, inputSchema };
}

const user = (text: string): Message => ({ role: 'user', content: [{ type: 'text', text }] });

function request(messages: readonly Message[], more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    model: 'm',
    maxOutputTokens: 10,
    system: 'sys',
    tools: [tool('a'), tool('b')],
    messages,
    toolChoice: 'auto',
    ...more,
  };
}

function withoutMarkers(wire: WireRequest): string {
  return JSON.stringify(wire, (key, value: unknown) => (key === 'cache_control' ? undefined : value));
}

function markersOf(wire: WireRequest): number {
  return JSON.stringify(wire).split('"cache_control"').length - 1;
}

/** True when `later` goes on where `earlier` stopped: its messages array is longer and nothing before changed. */
function continues(earlier: string, later: string): boolean {
  return earlier.endsWith(']}') && later.startsWith(earlier.slice(0, -2));
}

const anyText = fc.oneof(fc.string(), fc.constantFrom('', ' ', '\n', '{"cache_control":1}'));
const anyBlock: fc.Arbitrary<ContentBlock> = fc.oneof(
  anyText.map((text): ContentBlock => ({ type: 'text', text })),
  fc.record({ type: fc.constant('thinking' as const), thinking: fc.string(), signature: fc.string() }),
  fc.record({ type: fc.constant('redacted_thinking' as const), data: fc.string() }),
  fc.record({ type: fc.constant('unheard_of'), data: fc.array(fc.nat()) }),
  fc.record({
    type: fc.constant('tool_use' as const),
    id: fc.string(),
    name: fc.string(),
    input: fc.constant({ x: 1 }),
  }),
  fc.record({ type: fc.constant('tool_result' as const), tool_use_id: fc.string(), content: fc.string() }),
);
const anyMessage: fc.Arbitrary<Message> = fc.record({
  role: fc.constantFrom('user' as const, 'assistant' as const),
  content: fc.array(anyBlock, { maxLength: 5 }),
});
const anyTools = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'))
  .map((names) => names.map((name) => tool(name)));

describe('the prefix of a growing conversation is byte-stable', () => {
  test('each request continues the one before, whatever the blocks are', () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
        anyTools,
        fc.string(),
        (all, tools, system) => {
          const wires = all.map((_, i) =>
            withoutMarkers(toWireRequest(request(all.slice(0, i + 1), { tools, system }))),
          );
          for (const [i, earlier] of wires.entries()) {
            const later = wires[i + 1];
            if (later !== undefined) expect(continues(earlier, later)).toBe(true);
          }
        },
      ),
    );
  });

  test('the check notices a changed byte', () => {
    const earlier = withoutMarkers(toWireRequest(request([user('one')])));
    const changed = withoutMarkers(toWireRequest(request([user('One'), user('two')])));
    const newPrompt = withoutMarkers(toWireRequest(request([user('one'), user('two')], { system: 'sys2' })));
    expect(continues(earlier, withoutMarkers(toWireRequest(request([user('one'), user('two')]))))).toBe(true);
    expect(continues(earlier, changed)).toBe(false);
    expect(continues(earlier, newPrompt)).toBe(false);
  });

  test('forbidding tools keeps the bytes of tools, system and messages', () => {
    const auto = toWireRequest(request([user('x')]));
    const none = toWireRequest(request([user('x')], { toolChoice: 'none' }));
    expect(none.tool_choice).toEqual({ type: 'none' });
    expect(JSON.stringify({ ...none, tool_choice: auto.tool_choice })).toBe(JSON.stringify(auto));
  });
});

describe('cache markers', () => {
  test('are at most three, on the last tool, the system and the tail of the last message', () => {
    fc.assert(
      fc.property(fc.array(anyMessage, { maxLength: 6 }), anyTools, anyText, (messages, tools, system) => {
        const wire = toWireRequest(request(messages, { tools, system }));
        const bare = withoutMarkers(wire);
        // Text that merely looks like a marker does not count.
        const fakes = bare.split('"cache_control"').length - 1;
        expect(markersOf(wire) - fakes).toBeLessThanOrEqual(3);
        for (const message of wire.messages.slice(0, -1)) expect(message.content.some(isMarked)).toBe(false);
      }),
    );
    const wire = toWireRequest(request([user('x'), user('y')]));
    expect(markersOf(wire)).toBe(3);
    expect(wire.tools?.map((item) => item.cache_control !== undefined)).toEqual([false, true]);
    expect(wire.messages.at(-1)?.content.at(-1)).toMatchObject({ cache_control: { type: 'ephemeral' } });
  });

  test('never sit on thinking, which the API refuses', () => {
    const paused: Message = {
      role: 'assistant',
      content: [
        { type: 'text', text: 'so far' },
        { type: 'thinking', thinking: '…', signature: 's' } as ContentBlock,
      ],
    };
    const tail = toWireRequest(request([user('x'), paused])).messages.at(-1);
    expect(tail?.content.map(isMarked)).toEqual([true, false]);
  });

  test('never touch what was passed', () => {
    const given = request([user('x'), user('y')]);
    const before = JSON.stringify(given);
    toWireRequest(deepFreeze(given));
    expect(JSON.stringify(given)).toBe(before);
  });
});

describe('what the API would refuse is not sent', () => {
  test('no tools: neither tools nor a choice; no system: no block', () => {
    const wire = toWireRequest(request([user('x')], { tools: [], system: ' ', toolChoice: 'none' }));
    expect(Object.keys(wire)).toEqual(['model', 'max_tokens', 'messages']);
  });

  test('blank text blocks and empty answers, which the API itself sends, are left out', () => {
    const wire = toWireRequest(
      request([
        user('x'),
        { role: 'assistant', content: [{ type: 'text', text: '\n' }] },
        { role: 'assistant', content: [] },
        user('  '),
      ]),
    );
    expect(withoutMarkers(wire)).toContain(
      '"messages":[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"user","content":[{"type":"text","text":"(empty message)"}]}]',
    );
  });
});

describe('strict schemas', () => {
  const strictOf = (tools: readonly ModelTool[]) =>
    toWireRequest(request([user('x')], { tools })).tools?.map((t) => t.strict);
  const many = (count: number) => Array.from({ length: count }, (_, i) => tool(`t${i}`));
  const optional = (count: number) =>
    tool('o', Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string' }])));
  const unions = (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `p${i}`);
    return tool('u', Object.fromEntries(names.map((name) => [name, { type: ['string', 'null'] }])), names);
  };

  test('up to 20 tools are strict, more are all plain', () => {
    expect(strictOf(many(20))).toEqual(Array(20).fill(true));
    expect(strictOf(many(21))).toEqual(Array(21).fill(undefined));
  });

  test('up to 24 optional and 16 union parameters over all tools', () => {
    expect(fitsStrict([optional(12), optional(12)])).toBe(true);
    expect(fitsStrict([optional(12), optional(13)])).toBe(false);
    expect(fitsStrict([unions(16)])).toBe(true);
    expect(fitsStrict([unions(16), tool('v', { p: { anyOf: [] } }, ['p'])])).toBe(false);
    expect(
      fitsStrict([tool('n', { list: { type: 'array', items: optional(25).inputSchema } }, ['list'])]),
    ).toBe(false);
  });
});

function isMarked(block: object): boolean {
  return 'cache_control' in block;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
