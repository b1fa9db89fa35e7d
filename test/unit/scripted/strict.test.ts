import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { checkRequest } from '../../../src/models/scripted/strict.ts';
import { PLANTED, SOUND } from './planted.ts';

describe('a sound request has no problem', () => {
  const hello = SOUND.messages[0];
  const sound: readonly (readonly [string, Json])[] = [
    ['with calls, results and a notice', SOUND],
    ['with one text and nothing else', { model: 'm', max_tokens: 1, messages: [hello] }],
    ['that only warms the cache', { ...SOUND, max_tokens: 0 }],
    [
      'with an instruction in between',
      { ...SOUND, messages: [hello, { role: 'system', content: 'Be brief.' }] },
    ],
    ['with two user messages in a row', { ...SOUND, messages: [hello, hello] }],
    ['that may use no tool', { ...SOUND, tool_choice: { type: 'none' } }],
    ['with four cache markers', { ...SOUND, cache_control: { type: 'ephemeral', ttl: '1h' } }],
    [
      'that forces a tool on an older model',
      { ...SOUND, model: 'claude-opus-4-6', tool_choice: { type: 'any' } },
    ],
    [
      'with a server tool',
      { ...SOUND, tools: [...SOUND.tools, { type: 'web_search_20250305', name: 'web_search' }] },
    ],
    [
      'whose tool input has a member named cache_control',
      {
        ...SOUND,
        messages: [
          hello,
          {
            role: 'assistant',
            content: [1, 2, 3, 4, 5].map((n) => ({
              type: 'tool_use',
              id: `t${n}`,
              name: 'look',
              input: { cache_control: { type: 'odd' } },
            })),
          },
          {
            role: 'user',
            content: [1, 2, 3, 4, 5].map((n) => ({ type: 'tool_result', tool_use_id: `t${n}` })),
          },
        ],
      },
    ],
  ];
  test.each(sound)('%s', (_name, body) => {
    expect(checkRequest(body)).toEqual([]);
  });

  test('that continues a paused answer, and only then', () => {
    const body = { ...SOUND, messages: [hello, { role: 'assistant', content: 'Searching…' }] };
    expect(checkRequest(body, { continuesPause: true })).toEqual([]);
    expect(checkRequest(body)).toHaveLength(1);
  });

  test('for counting, which takes neither max_tokens nor stream', () => {
    const { max_tokens: _, ...countable } = SOUND;
    expect(checkRequest(countable, { endpoint: 'count' })).toEqual([]);
    expect(checkRequest({ ...SOUND, stream: true }, { endpoint: 'count' })).toEqual([
      'max_tokens: Extra inputs are not permitted',
      'stream: Extra inputs are not permitted',
    ]);
  });
});

describe('a planted fault is named', () => {
  test.each(PLANTED)('$rule', ({ body, says }) => {
    const problems = checkRequest(body);
    expect(
      problems.some((problem) => says.test(problem)),
      problems.join('\n'),
    ).toBe(true);
  });
});

test.each([[null], [5], ['x'], [[]]])('a body that is no object is refused: %j', (body) => {
  expect(checkRequest(body)).toEqual(['The request body must be a JSON object']);
});

test('no JSON makes the checker throw', () => {
  const junk = fc.jsonValue().map((value) => value as Json);
  const shaped = fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'x'), content: junk });
  fc.assert(
    fc.property(junk, fc.array(shaped), junk, (any, messages, tools) => {
      expect(Array.isArray(checkRequest(any))).toBe(true);
      const body: JsonObject = {
        ...SOUND,
        messages: messages as Json[],
        tools,
        system: any,
        tool_choice: any,
      };
      expect(Array.isArray(checkRequest(body))).toBe(true);
    }),
  );
});

test('a conversation of calls and results is sound, and losing any one block of a pair is not', () => {
  const turns = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(turns, fc.nat(), fc.boolean(), (callCounts, pick, loseCall) => {
      const pairs = callCounts.flatMap((count, turn) => {
        const ids = Array.from({ length: count }, (_, call) => `t${turn}_${call}`);
        return [
          {
            role: 'assistant',
            content: ids.map((id): JsonObject => ({ type: 'tool_use', id, name: 'look', input: {} })),
          },
          { role: 'user', content: ids.map((id): JsonObject => ({ type: 'tool_result', tool_use_id: id })) },
        ];
      });
      const whole = { ...SOUND, messages: [SOUND.messages[0], ...pairs] };
      expect(checkRequest(whole)).toEqual([]);

      const turn = 2 * (pick % callCounts.length) + (loseCall ? 0 : 1);
      const lacking = pairs.map((message, index) =>
        index === turn ? { ...message, content: message.content.slice(1) } : message,
      );
      expect(checkRequest({ ...whole, messages: [SOUND.messages[0], ...lacking] })).not.toEqual([]);
    }),
  );
});
