import { describe, expect, test } from 'vitest';
import { callIdsOf, createAnswerBuilder, GarbledAnswerError } from '../../../src/models/answer.ts';
import type { ModelAnswer } from '../../../src/models/provider.ts';
import type { SseEvent } from './server.ts';
import { block, finish, START, textBlock, toolBlock } from './server.ts';

function build(events: readonly SseEvent[], used: readonly string[] = []): ModelAnswer {
  const builder = createAnswerBuilder(new Set(used));
  for (const event of [START, ...events]) builder.apply(event);
  return builder.finish(null);
}

function calls(answer: ModelAnswer): readonly (readonly [unknown, unknown])[] {
  return answer.content.map((item) =>
    'id' in item && 'input' in item ? [item.id, item.input] : [item.type, null],
  );
}

describe('tool arguments that are not a JSON object keep the conversation alive', () => {
  test.each([
    ['truncated, which the SDK helper turns into a smaller object', '{"path":"a","force":tr'],
    ['malformed, which ends the SDK helper', '{"a":1,,}'],
    ['not JSON', 'order W1 please'],
    ['an array', '[1]'],
    ['a string', '"W1"'],
    ['null', 'null'],
    ['a number too large to send again', '{"amount":1e999}'],
    ['too deep to walk', `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`],
  ])('%s', (_name, json) => {
    const answer = build([
      ...toolBlock(0, 'a', '{"ok":1}'),
      ...toolBlock(1, 'b', json),
      ...finish('tool_use'),
    ]);
    expect(calls(answer)).toEqual([
      ['a', { ok: 1 }],
      ['b', {}],
    ]);
    expect(answer.unparsable).toEqual(['b']);
  });

  test('no arguments at all are an empty object, and parsable', () => {
    const answer = build([...toolBlock(0, 'a'), ...toolBlock(1, 'b', ''), ...finish('tool_use')]);
    expect(calls(answer)).toEqual([
      ['a', {}],
      ['b', {}],
    ]);
    expect(answer.unparsable).toEqual([]);
  });

  test('arguments that came whole with the start of the block are kept', () => {
    const start = { type: 'tool_use', id: 'a', name: 'look_up', input: { n: 1 }, caller: { type: 'direct' } };
    expect(build([...block(0, start, []), ...finish()]).content).toEqual([start]);
  });

  test('a key named __proto__ stays data', () => {
    const [first] = build([...toolBlock(0, 'a', '{"__proto__":{"x":1}}'), ...finish()]).content;
    expect(JSON.stringify(first)).toContain('"input":{"__proto__":{"x":1}}');
  });
});

describe('call ids are unique in the whole conversation', () => {
  test('a repeated id is renamed in order, past names that are taken', () => {
    const events = ['x', 'x', 'x_2', 'x', 'y'].flatMap((id, i) => toolBlock(i, id, '{}'));
    expect(calls(build([...events, ...finish()])).map(([id]) => id)).toEqual([
      'x',
      'x_2',
      'x_2_2',
      'x_3',
      'y',
    ]);
  });

  test('an id of an earlier message is not used again, and the list of the unparsable has the new name', () => {
    const used = callIdsOf([
      { role: 'assistant', content: [{ type: 'tool_use', id: 'x', name: 'look_up', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x', content: 'ok' }] },
    ]);
    const answer = build([...toolBlock(0, 'x', '{'), ...finish()], [...used]);
    expect(answer.unparsable).toEqual(['x_2']);
  });
});

describe('text', () => {
  test('a character split over two deltas is whole', () => {
    const [first] = build([...textBlock(0, 'a\ud83d', '\ude00b'), ...finish()]).content;
    expect(first).toEqual({ type: 'text', text: 'a\u{1f600}b' });
  });

  test('lone surrogates, which the API refuses, become U+FFFD in text and arguments', () => {
    const { content } = build([
      ...textBlock(0, 'a\ud83d'),
      ...toolBlock(1, 'c', '{"k\\ud83d":["\\ude00"]}'),
      ...finish(),
    ]);
    expect(content).toMatchObject([{ text: 'a\ufffd' }, { input: { 'k\ufffd': ['\ufffd'] } }]);
  });

  test('citations are kept in order', () => {
    const deltas = [
      { type: 'text_delta', text: 't' },
      { type: 'citations_delta', citation: { url: 'a' } },
      { type: 'citations_delta', citation: { url: 'b' } },
    ];
    const [first] = build([
      ...block(0, { type: 'text', text: '', citations: [] }, deltas),
      ...finish(),
    ]).content;
    expect(first).toEqual({ type: 'text', text: 't', citations: [{ url: 'a' }, { url: 'b' }] });
  });
});

describe('usage', () => {
  test('later totals replace, nulls and omissions keep, and the cache split is honoured', () => {
    const builder = createAnswerBuilder(new Set());
    expect(builder.usage()).toBeNull();
    builder.apply({
      type: 'message_start',
      message: {
        model: 'm',
        usage: {
          input_tokens: 3,
          output_tokens: 1,
          cache_creation_input_tokens: 100,
          cache_read_input_tokens: null,
          cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
        },
      },
    });
    builder.apply({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: {
        input_tokens: null,
        output_tokens: 9,
        cache_creation_input_tokens: 110,
        cache_read_input_tokens: 5,
      },
    });
    expect(builder.usage()).toEqual({
      inputTokens: 3,
      outputTokens: 9,
      cacheWrite5mTokens: 70,
      cacheWrite1hTokens: 40,
      cacheReadTokens: 5,
    });
  });
});

describe('an answer that breaks the protocol is garbled, in our words', () => {
  const unstarted = { ...START, message: { ...(START.message as object), usage: undefined } };
  test.each([
    ['no stop', [START, ...textBlock(0, 'x')]],
    ['no start', [...textBlock(0, 'x'), ...finish()]],
    ['a stop alone', [{ type: 'message_stop' }]],
    ['two starts', [START, START]],
    ['a block out of order', [START, ...textBlock(1, 'x')]],
    [
      'a delta without a block',
      [START, { type: 'content_block_delta', index: 0, delta: { type: 'text_delta' } }],
    ],
    ['a call without an id', [START, ...toolBlock(0, '', '{}'), ...finish()]],
    ['no stop reason', [START, { type: 'message_stop' }]],
    ['no usage', [unstarted, ...textBlock(0, 'x'), ...finish()]],
  ])('%s', (_name, events) => {
    const run = () => {
      const builder = createAnswerBuilder(new Set());
      for (const event of events) builder.apply(event);
      return builder.finish(null);
    };
    expect(run).toThrow(GarbledAnswerError);
  });

  test('unknown events, pings and rubbish are ignored', () => {
    const builder = createAnswerBuilder(new Set());
    const noise = [{ type: 'brand_new', index: 3 }, null, 'x', 7, { type: 'ping' }];
    for (const event of [...noise, START, ...noise, ...textBlock(0, 'x'), ...finish(), ...noise, START])
      builder.apply(event);
    expect(builder.finish(null).content).toEqual([{ type: 'text', text: 'x' }]);
  });
});
