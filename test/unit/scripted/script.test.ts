import type { MessageParam } from '@anthropic-ai/sdk/resources/messages';
import { describe, expect, test } from 'vitest';
import type { Conversation } from '../../../src/models/scripted/conversation.ts';
import { apiError, ask, clientOf, echo, open, resultsFor } from './helpers.ts';

const HELLO: MessageParam = { role: 'user', content: 'hello' };
const say = (text: string): MessageParam => ({ role: 'user', content: text });
const none = { tool_choice: { type: 'none' as const } };

const THREE: Conversation = {
  id: 'three',
  opening: ' hello\n',
  steps: [
    {
      says: {
        text: 'Looking.',
        calls: [
          { name: 'look', input: { deep: [1, { b: 2, a: 'é😀' }] } },
          { name: 'act', input: {} },
        ],
      },
    },
    {
      sees: { results: [{ tool: 'look', isError: false, contains: 'seen' }, { tool: 'act' }] },
      says: { text: 'What else?' },
    },
    { sees: { text: 'thanks' }, says: { text: 'Bye.' } },
  ],
};

describe('the place in the script', () => {
  test('comes from the request alone: another server gives the same answers, ids included', async () => {
    const transcripts = [];
    for (let server = 0; server < 2; server += 1) {
      const { client } = await open([THREE]);
      const first = await ask(client, [HELLO]);
      const again = await ask(client, [HELLO]);
      expect(again).toEqual(first);
      const history = [HELLO, echo(first), resultsFor(first, 'seen it')];
      const second = await ask(client, history);
      const third = await ask(client, [...history, echo(second), say('many thanks!')]);
      transcripts.push([first, second, third]);
    }
    expect(transcripts[0]).toEqual(transcripts[1]);
    expect(transcripts[0]?.map((message) => message.stop_reason)).toEqual([
      'tool_use',
      'end_turn',
      'end_turn',
    ]);
    expect(transcripts[0]?.[0]?.content[1]).toMatchObject({ input: { deep: [1, { b: 2, a: 'é😀' }] } });
  });

  test('is the same for one JSON answer as for a stream', async () => {
    const { client } = await open([THREE]);
    const streamed = await ask(client, [HELLO]);
    const { TOOLS } = await import('./helpers.ts');
    const whole = await client.messages.create({
      model: 'claude-sonnet-5-5',
      max_tokens: 1_000,
      tools: TOOLS,
      messages: [HELLO],
    });
    const { parsed_output: _, ...rest } = streamed as typeof streamed & { parsed_output?: null };
    expect(whole).toEqual(rest);
    expect(whole._request_id).toMatch(/^req_/);
  });

  test('is not moved by notices, wherever the client puts them', async () => {
    const { client } = await open([THREE]);
    const notice = { type: 'text' as const, text: '<notice>thanks, but no</notice>' };
    const opening: MessageParam = {
      role: 'user',
      content: [notice, { type: 'text', text: 'hello' }, notice],
    };
    const first = await ask(client, [opening]);
    const results = resultsFor(first, 'seen');
    const noticed = { ...results, content: [...(results.content as []), notice] } as MessageParam;
    const second = await ask(client, [opening, echo(first), noticed]);
    expect(second.content).toMatchObject([{ text: 'What else?' }]);
    const refused = await apiError(
      ask(client, [opening, echo(first), noticed, echo(second), { role: 'user', content: [notice] }]),
    );
    expect(refused.apiMessage).toContain('expected a user text with "thanks", came none');
  });

  test('is found through separate user messages and system messages', async () => {
    const { client } = await open([THREE]);
    const first = await ask(client, [HELLO, say('and more')]);
    const second = await ask(client, [HELLO, say('and more'), echo(first), resultsFor(first, 'seen')]);
    const third = await ask(client, [
      HELLO,
      say('and more'),
      echo(first),
      resultsFor(first, 'seen'),
      echo(second),
      say('thanks'),
      { role: 'system', content: 'Be brief.' },
      say('please'),
    ]);
    expect(third.content).toMatchObject([{ text: 'Bye.' }]);
  });
});

describe('a request that does not fit is refused and recorded', () => {
  test('an unknown opening', async () => {
    const { client, model } = await open([THREE]);
    const error = await apiError(ask(client, [say('good evening')]));
    expect(error.apiMessage).toBe(
      'no scripted conversation opens with "good evening"; it knows 1, among them "hello"',
    );
    expect(model.problems).toEqual([`400 ${error.apiMessage}`]);
  });

  test('a history that is not what was answered', async () => {
    const { client } = await open([THREE]);
    const first = await ask(client, [HELLO]);
    const altered = {
      ...first,
      content: first.content.map((b) => (b.type === 'text' ? { ...b, text: 'Looking' } : b)),
    };
    const error = await apiError(ask(client, [HELLO, echo(altered), resultsFor(first, 'seen')]));
    expect(error.apiMessage).toMatch(
      /^three: messages.1 is not what was answered at step 0: expected .*Looking\..*came .*Looking"/,
    );
  });

  test.each([
    [
      'too few good results',
      'blind',
      false,
      'expected a success of look with "seen", came "look: blind", "act: blind"',
    ],
    ['errors', 'seen', true, 'came "look (error): seen", "act (error): seen"'],
  ])('%s', async (_name, content, isError, says) => {
    const { client } = await open([THREE]);
    const first = await ask(client, [HELLO]);
    const error = await apiError(ask(client, [HELLO, echo(first), resultsFor(first, content, isError)]));
    expect(error.apiMessage).toContain('three: step 1: expected');
    expect(error.apiMessage).toContain(says);
  });

  test('one answer more than the script has', async () => {
    const { client } = await open([{ id: 'one', opening: 'hello', steps: [{ says: { text: 'Hi.' } }] }]);
    const first = await ask(client, [HELLO]);
    const error = await apiError(ask(client, [HELLO, echo(first), say('more')]));
    expect(error.apiMessage).toBe('one: the script ends after 1 answers, but one more was asked for');
  });

  test('with a message of bounded length', async () => {
    const { client } = await open([THREE]);
    const error = await apiError(ask(client, [say('😀'.repeat(100_000))]));
    expect(error.apiMessage?.length).toBeLessThan(1_000);
  });

  test('a prefill, also one that repeats an answer', async () => {
    const { client } = await open([
      { id: 'one', opening: 'hello', steps: [{ says: { text: 'Hi.' } }, { says: { text: 'Ho.' } }] },
    ]);
    const first = await ask(client, [HELLO]);
    for (const last of [echo(first), { role: 'assistant' as const, content: 'Once' }])
      expect((await apiError(ask(client, [HELLO, last]))).apiMessage).toContain('assistant message prefill');
  });
});

describe('a landing', () => {
  test.each([
    ['its own words', 'Landed.', 'Landed.'],
    ['a sentence built from the steps', undefined, 'So far I used look, act.'],
  ])('answers with %s and takes no step', async (_name, landing, says) => {
    const { client } = await open([landing === undefined ? THREE : { ...THREE, landing }]);
    const first = await ask(client, [HELLO]);
    const history = [HELLO, echo(first), resultsFor(first, 'seen')];
    const landed = await ask(client, history, none);
    expect(landed.stop_reason).toBe('end_turn');
    expect(landed.content).toMatchObject([{ type: 'text', text: expect.stringContaining(says) }]);

    const goOn = [...history, echo(landed), say('continue')];
    expect((await ask(client, goOn)).content).toMatchObject([{ text: 'What else?' }]);
    const landedTwice = await ask(client, goOn, none);
    const second = await ask(client, [...goOn, echo(landedTwice), say('continue')]);
    const third = [...goOn, echo(landedTwice), say('continue'), echo(second), say('thanks')];
    expect((await ask(client, third)).content).toMatchObject([{ text: 'Bye.' }]);
  });

  test('before the first step and after the last is possible', async () => {
    const { client } = await open([{ id: 'one', opening: 'hello', steps: [{ says: { text: 'Hi.' } }] }]);
    const early = await ask(client, [HELLO], none);
    expect(early.content).toMatchObject([{ text: expect.stringContaining('no tool yet') }]);
    const first = await ask(client, [HELLO]);
    const late = await ask(client, [HELLO, echo(first), say('x')], none);
    expect(late.stop_reason).toBe('end_turn');
  });
});

describe('every way an answer can end', () => {
  test.each(['max_tokens', 'refusal', 'model_context_window_exceeded', 'something_new'])(
    '%s',
    async (stopReason) => {
      const { client } = await open([
        { id: 'e', opening: 'hello', steps: [{ says: { text: 'Hm.', stopReason } }] },
      ]);
      const message = await ask(client, [HELLO]);
      expect(message.stop_reason).toBe(stopReason);
      expect(message.stop_details?.type ?? null).toBe(stopReason === 'refusal' ? 'refusal' : null);
    },
  );

  test('stop_sequence names the sequence', async () => {
    const says = { text: 'Hm.', stopReason: 'stop_sequence' };
    const { client } = await open([{ id: 'e', opening: 'hello', steps: [{ says }] }]);
    const message = await ask(client, [HELLO], { stop_sequences: ['END'] });
    expect([message.stop_reason, message.stop_sequence]).toEqual(['stop_sequence', 'END']);
  });

  test('pause_turn is continued with the assistant message last', async () => {
    const steps = [
      { says: { text: 'Searching.', stopReason: 'pause_turn' } },
      { says: { text: 'Found.' } },
      { says: { text: 'Bye.' } },
    ];
    const { client } = await open([{ id: 'p', opening: 'hello', steps }]);
    const paused = await ask(client, [HELLO]);
    const found = await ask(client, [HELLO, echo(paused)]);
    expect(found.content).toMatchObject([{ text: 'Found.' }]);
    const bye = await ask(client, [HELLO, echo(paused), echo(found), say('x')]);
    expect(bye.content).toMatchObject([{ text: 'Bye.' }]);
  });

  test('an answer with nothing in it', async () => {
    const { client } = await open([
      { id: 'n', opening: 'hello', steps: [{ says: { stopReason: 'end_turn' } }] },
    ]);
    expect((await ask(client, [HELLO])).content).toEqual([]);
  });

  test('input cut off by max_tokens: the history may hold what the client made of it, or not', async () => {
    const calls = [{ name: 'look', input: '{"path":"a","mode":' }];
    const { client } = await open([
      {
        id: 'c',
        opening: 'hello',
        steps: [{ says: { text: 'Hm.', calls, stopReason: 'max_tokens' } }, { says: { text: 'Ok.' } }],
      },
    ]);
    const cut = await ask(client, [HELLO]);
    expect(cut.content[1]).toMatchObject({ input: { path: 'a' } });
    const kept = await ask(client, [HELLO, echo(cut), resultsFor(cut, 'not run', true)]);
    const dropped = await ask(client, [
      HELLO,
      echo({ ...cut, content: cut.content.slice(0, 1) }),
      say('go on'),
    ]);
    expect([kept.content, dropped.content]).toMatchObject([[{ text: 'Ok.' }], [{ text: 'Ok.' }]]);
  });
});

test('conversations are found by their opening; two may not share one', async () => {
  const { model } = await open([THREE]);
  expect(() => model.add({ ...THREE, id: 'other', opening: 'hello' })).toThrow(
    /other: three has the same opening "hello"/,
  );
  model.add({ ...THREE, opening: 'good day' });
  const client = clientOf(model);
  expect((await ask(client, [say('good day')])).stop_reason).toBe('tool_use');
  expect((await apiError(ask(client, [HELLO]))).apiMessage).toContain('no scripted conversation');
});
